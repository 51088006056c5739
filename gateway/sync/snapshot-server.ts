/** Snapshots for newcomers: made when one asks, and kept for the next ones for a while. */
import type { Crypto } from "#core/log/crypto.ts";
import type { Answer } from "#core/message/exchange.ts";
import { snapshotRoot } from "#core/state/snapshot.ts";
import { snapshotText } from "#core/sync/snapshots.ts";
import { siteOf, type Roster } from "#core/trust/roster.ts";
import { SNAPSHOT_MANIFEST_BYTES_MAX, SNAPSHOT_RECORDS_MIN } from "#gateway/limits.ts";
import type { Clock, Store } from "#gateway/ports.ts";
import type { LogWriter } from "#gateway/writer/log-writer.ts";

export interface SnapshotServerDeps {
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly store: Pick<Store, "digest" | "snapshot" | "snapshotChunk">;
  readonly writer: Pick<LogWriter, "head" | "sign">;
}

/** Newcomers of one power cut come together; what they miss by an older snapshot they get as records. */
const KEPT_MS = 60_000;

const NONE = new Uint8Array(0);

interface Made {
  readonly manifest: Uint8Array | null;
  readonly madeMs: number;
}

export class SnapshotServer {
  readonly #deps: SnapshotServerDeps;
  #made: Promise<Made> | null = null;

  constructor(deps: SnapshotServerDeps) {
    this.#deps = deps;
  }

  /** The signed manifest; an empty one where there is none worth it. Null: nothing can be signed yet. */
  async answer(roster: Roster): Promise<Answer | null> {
    const { crypto, writer } = this.#deps;
    const manifest = await this.#manifest(roster);
    const own = writer.head;
    if (own === null) return null;
    const signature = writer.sign(snapshotText(snapshotRoot(crypto.sha256, manifest)));
    return signature === undefined
      ? null
      : { _tag: "AnswerSnapshot", epoch: own.epoch, manifest, signature };
  }

  async chunk(root: Uint8Array, index: number): Promise<Answer | null> {
    const bytes = await this.#deps.store.snapshotChunk(root, index);
    return bytes === null ? null : { _tag: "AnswerChunk", root, index, bytes };
  }

  async #manifest(roster: Roster): Promise<Uint8Array> {
    const { clock, store } = this.#deps;
    const { heads } = await store.digest();
    let records = 0;
    for (const size of heads.values()) records += size;
    // Never kept as an answer: a state can grow past this within a minute of its first peer's asking.
    if (records < SNAPSHOT_RECORDS_MIN) return NONE;
    const known = await this.#made;
    if (known === null || clock.monoMs() - known.madeMs > KEPT_MS) {
      this.#made = this.#make(roster);
    }
    const made = await this.#made;
    const manifest = made?.manifest ?? null;
    // A peer that gets none reads the logs at once.
    return manifest !== null && manifest.length <= SNAPSHOT_MANIFEST_BYTES_MAX ? manifest : NONE;
  }

  async #make(roster: Roster): Promise<Made> {
    const { store, clock } = this.#deps;
    const madeMs = clock.monoMs();
    const names = new Set(roster.gateways.map(({ name }) => name));
    const made = await store.snapshot({
      fleet: roster.fleet,
      rosterVersion: roster.version,
      siteOf: new Map([...names].map((name) => [name, siteOf(roster, name) ?? ""])),
    });
    return { manifest: made?.manifest ?? null, madeMs };
  }
}
