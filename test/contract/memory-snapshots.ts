/** Snapshots of a `MemoryStore`: made at once, believed until the logs would say otherwise, which nobody asks here. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import { EMPTY_DIGEST, formatDigest, updateDigest } from "#core/state/digest.ts";
import { encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import { FOLD_VERSION } from "#core/state/fold.ts";
import {
  decodeManifest,
  encodeManifest,
  openChunk,
  snapshotRoot,
  type Manifest,
} from "#core/state/snapshot.ts";
import { ChunkPacker, inManifestOrder } from "#core/state/snapshot-chunks.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { SnapshotError, SnapshotScope } from "#gateway/ports.ts";
import type { MemoryState } from "#test/contract/memory-state.ts";

/** What a snapshot is made of and put into. */
export type SnapshotState = Pick<
  MemoryState,
  "heads" | "cuts" | "digest" | "facts" | "sorted" | "adopt"
>;

type Outcome = E.Either<SnapshotError, void>;

interface Staged {
  readonly manifest: Manifest;
  readonly chunks: Map<number, ReadonlyArray<Entry>>;
}

const unfit = (detail: string): Outcome => E.left({ _tag: "SnapshotUnfit", detail });

const digestOf = (entries: ReadonlyArray<Entry>): string => {
  let digest = EMPTY_DIGEST;
  for (const entry of entries) {
    digest = updateDigest(sha256, digest, { before: undefined, after: encodeForDigest(entry) });
  }
  return formatDigest(digest);
};

export class MemorySnapshots {
  readonly #state: SnapshotState;
  #made: { readonly root: Uint8Array; readonly chunks: ReadonlyArray<Uint8Array> } | undefined;
  #staged: Staged | undefined;

  constructor(state: SnapshotState) {
    this.#state = state;
  }

  /** The manifest; null where an entry fits no chunk. */
  make({ fleet, rosterVersion, siteOf }: SnapshotScope): Uint8Array | null {
    const { heads, cuts, digest, facts } = this.#state;
    const gateways = new Map<string, string>();
    for (const fact of facts) if (fact._tag === "Opened") gateways.set(fact.epoch, fact.gateway);
    const packer = new ChunkPacker(sha256, {
      foldedSize: (epoch) => heads.get(toHex(epoch)) ?? 0,
      siteOf: ({ epoch }) => siteOf.get(gateways.get(toHex(epoch)) ?? ""),
    });
    const entries = this.#state.sorted();
    const devices = [...new Set(entries.map(({ device }) => device))];
    const full = devices.map((device) =>
      packer.addDevice(entries.filter((entry) => entry.device === device)),
    );
    if (full.includes(undefined)) return null;
    const chunks = inManifestOrder([...full.flatMap((some) => some ?? []), ...packer.end()]);
    const about = { fleet, foldVersion: FOLD_VERSION, rosterVersion, heads, cuts, digest };
    const manifest = encodeManifest({ ...about, chunks });
    this.#made = {
      root: snapshotRoot(sha256, manifest),
      chunks: chunks.map(({ bytes }) => bytes),
    };
    return manifest;
  }

  chunk(root: Uint8Array, index: number): Uint8Array | null {
    const made = this.#made;
    return made !== undefined && equalBytes(made.root, root) ? (made.chunks[index] ?? null) : null;
  }

  stage(bytes: Uint8Array): Outcome {
    const manifest = decodeManifest(bytes);
    if (E.isLeft(manifest)) return manifest;
    const { foldVersion, heads } = manifest.right;
    if (foldVersion !== FOLD_VERSION) return unfit("fold version");
    const { cuts } = this.#state;
    if ([...heads].some(([epoch, size]) => size > (cuts.get(epoch) ?? Infinity))) {
      return unfit("records that don't count here");
    }
    this.#staged = { manifest: manifest.right, chunks: new Map() };
    return E.right(undefined);
  }

  /** Left, or the entries. */
  stageChunk(index: number, bytes: Uint8Array): E.Either<SnapshotError, ReadonlyArray<Entry>> {
    const chunk = this.#staged?.manifest.chunks[index];
    if (chunk === undefined) return E.left({ _tag: "NotStaged" });
    const entries = openChunk(sha256, chunk, bytes);
    if (entries === undefined) return E.left({ _tag: "ChunkWrong", index });
    this.#staged?.chunks.set(index, entries);
    return E.right(entries);
  }

  adopt(): Outcome {
    const staged = this.#staged;
    if (staged === undefined || staged.chunks.size < staged.manifest.chunks.length) {
      return E.left({ _tag: "NotStaged" });
    }
    this.#staged = undefined;
    const entries = [...staged.chunks.values()].flat();
    const isTwice = new Set(entries.map(entryKeyText)).size < entries.length;
    if (isTwice || digestOf(entries) !== staged.manifest.digest) {
      return E.left({ _tag: "SnapshotFalse", detail: "entries" });
    }
    this.#state.adopt(staged.manifest.heads, entries);
    return E.right(undefined);
  }
}
