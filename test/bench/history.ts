/** A fleet's past, written straight into a log file as its authors' gateways would have: enrolments, then taps. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fromHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import {
  CLOCK_CLASS,
  OPEN_REASON,
  TECHNOLOGY,
  VERDICT,
  type Body,
  type EarlierEpoch,
} from "#core/log/body.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import {
  appendGroup,
  EPOCH_RECORDS_MAX,
  newEpochHead,
  signOpen,
  type Draft,
  type EpochHead,
} from "#core/log/epoch.ts";
import { TYPE, type WriteName } from "#core/log/operation.ts";
import type { Addition } from "#core/log/stored.ts";
import { rootOf } from "#core/log/tree.ts";
import { CARD_KEY } from "#core/verdict/card-index.ts";
import { loadFleetMaterial } from "#gateway/fleet/fleet-files.ts";
import { GROUP_RECORDS_MAX } from "#gateway/limits.ts";
import { generateSigningKey, sha256, type CardHmac } from "#gateway/node-crypto.ts";
import type { Store } from "#gateway/ports.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { openLogFile } from "#gateway/store/schema.ts";
import { FLEET, rightOrThrow, uidOf, type BenchConfig } from "#test/bench/fleet.ts";

export interface HistorySpec {
  /** Cards enrolled by the first records. */
  readonly tags: number;
  /** All records, `open` records included. */
  readonly records: number;
}

const SALT_BYTES = 16;
/** Between two records of one author. */
const RECORD_PERIOD_MS = 1_000;
const HISTORY_START_MS = 1_750_000_000_000;

/** Gateways that take turns, a group each; every tap replaces the device's last write, whoever made it. */
class Authors {
  readonly #authors: ReadonlyArray<AuthorLog>;
  readonly #tags: number;
  readonly #cardHmac: CardHmac;
  readonly #cards: Uint8Array[] = [];
  readonly #lastWrites = new Map<number, WriteName>();
  #made = 0;

  constructor(configs: ReadonlyArray<BenchConfig>, tags: number) {
    const loaded = configs.map(({ config }) => ({
      gateway: config.gateway,
      material: rightOrThrow(loadFleetMaterial(config)),
    }));
    const [first] = loaded;
    if (first === undefined) throw new Error("no author");
    this.#cardHmac = first.material.cardHmac;
    this.#tags = tags;
    this.#authors = loaded.map(
      ({ gateway, material }) => new AuthorLog(gateway, material.gatewayKey),
    );
  }

  /** The next group, of at most so many records, and where its epoch then stands. */
  nextGroup(group: number, countMax: number): Addition {
    const author = this.#authors[group % this.#authors.length];
    if (author === undefined) throw new Error("no author");
    return author.append(Math.min(GROUP_RECORDS_MAX, countMax), (name) =>
      this.#nextBody(author.gateway, name),
    );
  }

  #nextBody(gateway: string, name: WriteName): Body {
    const tag = this.#made % this.#tags;
    const isEnrolment = this.#made < this.#tags;
    this.#made += 1;
    const device = `device-${tag}`;
    if (isEnrolment) {
      const card = this.#cardHmac(fromHex(uidOf(tag)) ?? new Uint8Array(0));
      this.#cards.push(card);
      const operations = [{ key: CARD_KEY, type: TYPE.register, value: card, replaces: [] }];
      return { _tag: "Enrol", actor: { kind: ACTOR.operator, name: "bench" }, device, operations };
    }
    const last = this.#lastWrites.get(tag);
    this.#lastWrites.set(tag, name);
    return {
      _tag: "Tap",
      actor: { kind: ACTOR.reader, name: "sim-1" },
      technology: TECHNOLOGY.type2,
      card: this.#cards[tag] ?? new Uint8Array(16),
      atStart: false,
      simulated: true,
      verdict: VERDICT.accepted,
      reason: "",
      ndef: null,
      device,
      operations: [
        {
          key: "location",
          type: TYPE.register,
          value: gateway,
          replaces: last === undefined || last.epoch === name.epoch ? [] : [last],
        },
        { key: "visits", type: TYPE.counter, value: 1, replaces: [] },
      ],
    };
  }
}

/** One gateway's epochs, each naming the one before. */
class AuthorLog {
  readonly gateway: string;
  readonly #gatewayKey: SigningKey;
  #epoch: { readonly key: SigningKey; readonly head: EpochHead } | undefined;
  #earlier: ReadonlyArray<EarlierEpoch> = [];
  #wallMs = HISTORY_START_MS;

  constructor(gateway: string, gatewayKey: SigningKey) {
    this.gateway = gateway;
    this.#gatewayKey = gatewayKey;
  }

  append(count: number, nextBody: (name: WriteName) => Body): Addition {
    const salts = new Uint8Array(randomBytes(count * SALT_BYTES));
    const drafts: Draft[] = [];
    const draft = (toBody: (salt: Uint8Array) => Body): void => {
      const saltAt = drafts.length * SALT_BYTES;
      const salt = salts.slice(saltAt, saltAt + SALT_BYTES);
      this.#wallMs += RECORD_PERIOD_MS;
      const monoMs = this.#wallMs - HISTORY_START_MS;
      drafts.push({ salt, wallMs: this.#wallMs, monoMs, body: toBody(salt) });
    };
    const { key, head } = this.#epochFor(count);
    if (head.range.size === 0) draft((salt) => this.#openBody(key, salt));
    while (drafts.length < count) {
      const seq = head.range.size + drafts.length;
      draft(() => nextBody({ epoch: head.epoch, seq }));
    }
    const group = appendGroup({ sha256, signWithEpochKey: key.sign }, head, drafts);
    this.#epoch = { key, head: group.head };
    return { ...group, gateway: this.gateway, proof: [] };
  }

  /** The epoch that so many records go to: a new one where the last has no room for them. */
  #epochFor(count: number): { readonly key: SigningKey; readonly head: EpochHead } {
    const last = this.#epoch;
    if (last !== undefined && last.head.range.size + count <= EPOCH_RECORDS_MAX) return last;
    if (last !== undefined) {
      const { epoch, range } = last.head;
      this.#earlier = [...this.#earlier, { epoch, size: range.size, root: rootOf(sha256, range) }];
    }
    const key = generateSigningKey();
    const names = { fleet: FLEET, gateway: this.gateway, epochKey: key.publicKey };
    return { key, head: newEpochHead(sha256, names) };
  }

  #openBody(key: SigningKey, salt: Uint8Array): Body {
    const body = {
      _tag: "Open",
      actor: { kind: ACTOR.gateway, name: this.gateway },
      fleet: FLEET,
      gateway: this.gateway,
      gatewayKey: this.#gatewayKey.publicKey,
      epochKey: key.publicKey,
      bootId: new Uint8Array(16),
      reason: this.#earlier.length === 0 ? OPEN_REASON.boot : OPEN_REASON.rotate,
      clockClass: CLOCK_CLASS.ntp,
      earlier: this.#earlier.slice(-1),
    } as const;
    return signOpen(salt, body, this.#gatewayKey.sign);
  }
}

/** Writes the authors' records into the log file at `path`, not synced: for a gateway that was not there. */
export const writeHistory = (
  path: string,
  authors: ReadonlyArray<BenchConfig>,
  { tags, records }: HistorySpec,
): void => {
  mkdirSync(dirname(path), { recursive: true });
  const database = rightOrThrow(openLogFile(path));
  database.pragma("synchronous = OFF");
  const file = new LogFile(database);
  const fleet = new Authors(authors, tags);
  let left = records;
  for (let group = 0; left > 0; group += 1) {
    const addition = fleet.nextGroup(group, left);
    file.add(addition);
    left -= addition.records.length;
    if (group % GROUPS_PER_EMPTYING === 0) file.emptyWal("RESTART");
  }
  database.close();
};

const GROUPS_PER_EMPTYING = 1_000;

/** Records that the state counts. */
export const foldedCount = async (store: Pick<Store, "digest">): Promise<number> => {
  const { heads } = await store.digest();
  return [...heads.values()].reduce((sum, size) => sum + size, 0);
};
