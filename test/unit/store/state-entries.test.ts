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
  key: fc.constantFrom("a", "b", "c"),
  type: fc.constantFrom(0, 4),
  content,
});

type Step =
  | { readonly step: "put" | "read"; readonly entry: Entry }
  | { readonly step: "digest" | "device" | "page" | "save" | "refuse" | "empty" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ step: fc.constantFrom("put", "read"), entry }) },
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

  do(one: Step): void {
    switch (one.step) {
      case "put":
        this.#entries.put(one.entry);
        this.#model.set(entryKeyText(one.entry), one.entry);
        return;
      case "read":
        expect(this.#entries.entry(one.entry)).toEqual(this.#model.get(entryKeyText(one.entry)));
        return;
      case "digest":
        expect(this.#entries.digest).toBe(digestOf(this.#model.values()));
        return;
      case "device":
        expect([...this.#entries.ofDevice("cart-2")]).toEqual(sorted(this.#model, "cart-2"));
        return;
      case "page":
        expect(Array.from(this.#entries.after(""), ({ bytes }) => decodeEntry(bytes))).toEqual(
          sorted(this.#model, ""),
        );
        return;
      case "save":
        this.#entries.settle();
        this.#database.exec("COMMIT; BEGIN");
        this.#saved = new Map(this.#model);
        return;
      case "refuse":
        this.#database.exec("ROLLBACK; BEGIN");
        this.#entries.reset(digestOf(this.#saved.values()));
        this.#model = new Map(this.#saved);
        return;
      case "empty":
        this.#database.exec("DELETE FROM entry");
        this.#entries.reset(EMPTY_DIGEST);
        this.#model.clear();
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
        rig.do(one);
        expect(rig.heldCount).toBeLessThanOrEqual(HELD_MAX);
      }
      rig.do({ step: "save" });
      expect(rig.heldCount).toBe(0);
    }),
    { numRuns: 300 },
  );
});
