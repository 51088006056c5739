/** Entries that wait in memory: nobody can tell them from those in the table. */
import Database from "better-sqlite3";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY_DIGEST, updateDigest } from "#core/state/digest.ts";
import { decodeEntry, encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry, type EntryContent } from "#core/state/entry.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { StateEntries } from "#gateway/store/state-entries.ts";
import { count, writeName } from "#test/unit/core/log/arbitraries.ts";

const HELD_MAX = 4;

const write = fc.record({
  epoch: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  seq: count,
  value: fc.nat(9),
  wallMs: count,
  monoMs: count,
});

const content: fc.Arbitrary<EntryContent> = fc.oneof(
  fc.record({
    _tag: fc.constant("Survivors" as const),
    writes: fc.array(write, { maxLength: 2 }),
    awaited: fc.array(writeName, { maxLength: 2 }),
  }),
  fc.record({ _tag: fc.constant("Counter" as const), sum: fc.nat(), newest: write }),
);

const entry: fc.Arbitrary<Entry> = fc.record({
  device: fc.constantFrom("cart-1", "cart-2", "cart-20"),
  key: fc.constantFrom("a", "b"),
  type: fc.constant(0),
  content,
});

type Step =
  | { readonly step: "put" | "read"; readonly entry: Entry }
  | { readonly step: "digest" | "device" | "page" | "save" | "refuse" | "empty" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ step: fc.constantFrom("put", "read"), entry }) },
  fc.record({ step: fc.constantFrom("digest", "device", "page", "save", "refuse", "empty") }),
);

/** From nothing, in any order. */
const digestOf = (entries: Iterable<Entry>): bigint => {
  let digest = EMPTY_DIGEST;
  for (const one of entries) {
    digest = updateDigest(sha256, digest, { before: undefined, after: encodeForDigest(one) });
  }
  return digest;
};

const sorted = (entries: ReadonlyMap<string, Entry>, device: string): ReadonlyArray<Entry> =>
  [...entries]
    .filter(([, one]) => device === "" || one.device === device)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);

class Rig implements Disposable {
  readonly #database = new Database(":memory:");
  readonly #entries: StateEntries;
  #model = new Map<string, Entry>();
  #saved: ReadonlyMap<string, Entry> = new Map();

  constructor() {
    this.#database.exec("CREATE TABLE entry (key TEXT PRIMARY KEY, bytes BLOB) WITHOUT ROWID");
    this.#entries = new StateEntries(this.#database, HELD_MAX);
    this.#database.exec("BEGIN");
  }

  /** What is seen, and what should be. */
  do(one: Step): readonly [seen: unknown, wanted: unknown] {
    switch (one.step) {
      case "put":
        this.#entries.put(one.entry);
        this.#model.set(entryKeyText(one.entry), one.entry);
        return [null, null];
      case "read":
        return [this.#entries.entry(one.entry), this.#model.get(entryKeyText(one.entry))];
      case "digest":
        return [this.#entries.digest, digestOf(this.#model.values())];
      case "device":
        return [[...this.#entries.ofDevice("cart-2")], sorted(this.#model, "cart-2")];
      case "page":
        return [
          Array.from(this.#entries.after(""), ({ bytes }) => decodeEntry(bytes)),
          sorted(this.#model, ""),
        ];
      case "save":
        this.#entries.settle();
        this.#database.exec("COMMIT; BEGIN");
        this.#saved = new Map(this.#model);
        return [this.#entries.heldCount, 0];
      case "refuse":
        this.#database.exec("ROLLBACK; BEGIN");
        this.#entries.reset(digestOf(this.#saved.values()));
        this.#model = new Map(this.#saved);
        return [this.#entries.heldCount, 0];
      case "empty":
        this.#database.exec("DELETE FROM entry");
        this.#entries.reset(EMPTY_DIGEST);
        this.#model.clear();
        return [this.#entries.heldCount, 0];
    }
  }

  get heldCount(): number {
    return this.#entries.heldCount;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

test("whatever is put, read, saved, refused or emptied, in any order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      using rig = new Rig();
      for (const one of [...steps, { step: "digest" } as const, { step: "page" } as const]) {
        const [seen, wanted] = rig.do(one);
        expect(seen).toEqual(wanted);
        expect(rig.heldCount).toBeLessThanOrEqual(HELD_MAX);
      }
    }),
    { numRuns: 300 },
  );
});
