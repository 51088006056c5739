/** Histories of a few gateways' epochs, and what becomes of them when they are folded in some order. */
import * as fc from "fast-check";
import { toHex } from "#core/bytes.ts";
import type { Body } from "#core/log/body.ts";
import { TYPE, type Operation, type WriteName } from "#core/log/operation.ts";
import { EMPTY_DIGEST, updateDigest } from "#core/state/digest.ts";
import { decodeEntry, encodeEntry, encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import { fold, type FoldedRecord } from "#core/state/fold.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";

/** By epoch: its records in order, without gaps. */
export type History = ReadonlyArray<ReadonlyArray<FoldedRecord>>;

export const epochOf = (author: number): Uint8Array => new Uint8Array(16).fill(0xe0 + author);

/** What a gateway has folded. */
export class Folder {
  readonly entries: Map<string, Entry> = new Map();
  digest: bigint = EMPTY_DIGEST;
  readonly #sizes = new Map<string, number>();
  readonly #bytes = new Map<string, Uint8Array>();

  foldedSize(epoch: Uint8Array): number {
    return this.#sizes.get(toHex(epoch)) ?? 0;
  }

  take(record: FoldedRecord): ReadonlyArray<Entry> {
    const changed = fold(record, {
      entry: (key) => this.entries.get(entryKeyText(key)),
      foldedSize: (epoch) => this.foldedSize(epoch),
    });
    for (const entry of changed) {
      const key = entryKeyText(entry);
      const known = this.entries.get(key);
      const before = known && encodeForDigest(known);
      const after = encodeForDigest(entry);
      this.digest = updateDigest(sha256, this.digest, { before, after });
      this.#bytes.set(key, encodeEntry(entry));
      this.entries.set(key, entry);
    }
    this.#sizes.set(toHex(record.epoch), record.seq + 1);
    return changed;
  }

  /** Puts all entries on disk and reads them back, as a restart does. */
  restart(): void {
    for (const [key, encoded] of this.#bytes) {
      const entry = decodeEntry(encoded);
      if (entry === undefined) throw new Error(`entry ${key} does not read back`);
      this.entries.set(key, entry);
    }
  }

  /** Every entry, to the byte. */
  image(): ReadonlyArray<string> {
    return [...this.#bytes].map(([key, encoded]) => `${key}: ${toHex(encoded)}`).toSorted();
  }

  /** The same without the names that say nothing any more, since what they name was folded. */
  settledImage(): ReadonlyArray<string> {
    return [...this.entries]
      .map(([key, entry]) => `${key}: ${toHex(encodeEntry(this.#settled(entry)))}`)
      .toSorted();
  }

  #settled(entry: Entry): Entry {
    if (entry.content._tag !== "Survivors") return entry;
    const awaited = entry.content.awaited.filter(({ epoch, seq }) => seq >= this.foldedSize(epoch));
    return { ...entry, content: { ...entry.content, awaited } };
  }
}

/** Folds a history in an order that keeps each epoch's: each pick takes the next record of an epoch that has one. */
export const folded = (
  history: History,
  picks: ReadonlyArray<number> = [],
  restartAt: ReadonlySet<number> = new Set(),
): Folder => {
  const folder = new Folder();
  const taken = history.map(() => 0);
  const left = (): number[] =>
    history.flatMap((records, author) => (at(taken, author) < records.length ? [author] : []));
  for (let i = 0, open = left(); open.length > 0; i += 1, open = left()) {
    const author = at(open, (picks[i] ?? 0) % open.length);
    const seq = at(taken, author);
    folder.take(at(at(history, author), seq));
    taken[author] = seq + 1;
    if (restartAt.has(i)) folder.restart();
  }
  return folder;
};

/** An order of folding, in which restarts happen. */
export const order: fc.Arbitrary<readonly [number[], ReadonlySet<number>]> = fc.tuple(
  fc.array(fc.nat(11), { minLength: 40, maxLength: 40 }),
  fc.array(fc.nat(40), { maxLength: 5 }).map((places) => new Set(places)),
);

const DEVICES = ["cart-1", "cart-2"];

/** One write as an author might make it, but for what it replaces. */
type Said = Omit<Operation, "replaces">;

const write: fc.Arbitrary<Said> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      key: fc.constantFrom("place", "card"),
      type: fc.constantFrom(TYPE.register, TYPE.exclusive),
      value: fc.constantFrom(null, "dock", "yard", 7),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      key: fc.constant("safety"),
      type: fc.constant(TYPE.safety),
      value: fc.nat(3),
    }),
  },
  fc.record({
    key: fc.constant("visits"),
    type: fc.constant(TYPE.counter),
    value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
  }),
  fc.record({
    key: fc.constant("best"),
    type: fc.constantFrom(TYPE.max, TYPE.min),
    value: fc.oneof(fc.integer(), fc.constantFrom(-1, 0)),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      key: fc.constant("sites"),
      type: fc.constant(TYPE.set),
      value: fc.constantFrom(null, "dock", "yard", new Uint8Array([7])),
    }),
  },
  // A type of a later tapmesh, under a key that has others.
  fc.record({ key: fc.constant("place"), type: fc.constant(99), value: fc.constant(1) }),
);

export interface Draft {
  readonly author: number;
  readonly device: string;
  readonly writes: ReadonlyArray<Said>;
  readonly wallMs: number;
  /** Said as what undoes another record: folded like any change. */
  readonly isVoid: boolean;
}

/** Few different times, so that ties come up; clocks are wrong, so they need not rise. */
export const draft: fc.Arbitrary<Draft> = fc.record({
  author: fc.nat(2),
  device: fc.constantFrom(...DEVICES),
  writes: fc.uniqueArray(write, { maxLength: 3, selector: (w) => `${w.type}/${w.key}` }),
  wallMs: fc.nat(3),
  isVoid: fc.boolean(),
});

export const recordOf = (
  author: number,
  seq: number,
  said: {
    readonly device: string;
    readonly operations: ReadonlyArray<Operation>;
    readonly wallMs: number;
    readonly isVoid?: boolean;
  },
): FoldedRecord => {
  const { device, operations, wallMs } = said;
  const actor = { kind: 0, name: "gateway" };
  const target = { epoch: epochOf(0), seq: 0 };
  const body: Body =
    said.isVoid === true
      ? { _tag: "Void", actor, target, device, operations }
      : { _tag: "Change", actor, device, operations };
  return { epoch: epochOf(author), seq, wallMs, monoMs: seq, body };
};

/** Names of records that are there, that are to come, and that will never be. */
const name: fc.Arbitrary<WriteName> = fc
  .tuple(fc.nat(3), fc.nat(8))
  .map(([author, seq]) => ({ epoch: epochOf(author), seq }));

const historyOf = (
  drafts: ReadonlyArray<Draft & { readonly names: ReadonlyArray<ReadonlyArray<WriteName>> }>,
): History => {
  const history: FoldedRecord[][] = [[], [], []];
  for (const { author, device, writes, wallMs, isVoid, names } of drafts) {
    const operations = writes.map((w, i) => ({ ...w, replaces: names[i] ?? [] }));
    const own = at(history, author);
    own.push(recordOf(author, own.length, { device, operations, wallMs, isVoid }));
  }
  return history;
};

/** For each write of a record, the names that it replaces. */
const names = fc.array(
  fc.uniqueArray(name, { maxLength: 4, selector: (n) => `${n.epoch.join()}/${n.seq}` }),
  { minLength: 3, maxLength: 3 },
);

/** Histories whose writes name any records, of their key or not: no honest gateway makes them, but one may be broken or bought. */
export const arbitraryHistory: fc.Arbitrary<History> = fc
  .array(fc.record({ draft, names }), { minLength: 1, maxLength: 24 })
  .map((drafts) => historyOf(drafts.map((d) => ({ ...d.draft, names: d.names }))));

/** The same, where every record writes to one key, so that a name in it always names a write of that key. */
export const oneKeyHistory = (type: number): fc.Arbitrary<History> =>
  fc
    .array(fc.record({ draft, names, value: fc.nat(3) }), { minLength: 1, maxLength: 24 })
    .map((drafts) =>
      historyOf(
        drafts.map((d) => ({
          ...d.draft,
          device: "cart-1",
          // In a set null removes: what it names, and nothing of its own.
          writes: [
            { key: "one", type, value: type === TYPE.set && d.value === 0 ? null : d.value },
          ],
          names: d.names,
        })),
      ),
    );
