import { describe, expect, test } from "vitest";
import { REPLACES_COUNT_MAX, TYPE, type Scalar, type WriteName } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { KnownRegisters } from "#core/verdict/known-registers.ts";

const epoch = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

const writeOf = (byte: number, seq: number, value: Scalar = "lobby"): Write => ({
  epoch: epoch(byte),
  seq,
  value,
  wallMs: 0,
  monoMs: 0,
});

const entryOf = (
  key: string,
  writes: ReadonlyArray<Write>,
  type: number = TYPE.register,
): Entry => ({
  device: "cart-1",
  key,
  type,
  content: { _tag: "Survivors", writes, awaited: [] },
});

const replaced = (
  known: KnownRegisters,
  [key, type]: readonly [string, number],
  own?: Uint8Array,
): ReadonlyArray<WriteName> => known.replacedBy("cart-1", { key, type, value: "lobby" }, own);

const LOCATION = ["location", TYPE.register] as const;

describe("what a tap replaces", () => {
  test.each([TYPE.register, TYPE.exclusive])(
    "is what others have written to that key of type %i, as it stands now",
    (type) => {
      const known = new KnownRegisters([{ key: "location", type }]);
      known.apply(entryOf("location", [writeOf(1, 5), writeOf(2, 7)], type));
      expect(replaced(known, ["location", type], epoch(1))).toEqual([{ epoch: epoch(2), seq: 7 }]);
      expect(replaced(known, ["location", type])).toHaveLength(2);
      known.apply(entryOf("location", [writeOf(1, 6)], type));
      expect(replaced(known, ["location", type], epoch(1))).toEqual([]);
      const write = { key: "location", type, value: "lobby" };
      expect(known.replacedBy("cart-2", write, undefined)).toEqual([]);
    },
  );

  test("is, in a set, every write of that member, the own epoch's too, and no other member", () => {
    const known = new KnownRegisters([{ key: "sites", type: TYPE.set }]);
    const writes = [writeOf(1, 5), writeOf(1, 6, "yard"), writeOf(2, 7), writeOf(3, 8, 7)];
    known.apply(entryOf("sites", writes, TYPE.set));
    expect(replaced(known, ["sites", TYPE.set], epoch(1))).toEqual([
      { epoch: epoch(1), seq: 5 },
      { epoch: epoch(2), seq: 7 },
    ]);
  });

  test("is not kept for keys that no tap writes, nor for other types of a key", () => {
    const known = new KnownRegisters([{ key: "location", type: TYPE.register }]);
    known.apply(entryOf("colour", [writeOf(1, 1)]));
    known.apply(entryOf("location", [writeOf(1, 1)], TYPE.safety));
    known.apply(entryOf("location", [writeOf(1, 1)], TYPE.exclusive));
    expect(replaced(known, ["colour", TYPE.register])).toEqual([]);
    expect(replaced(known, LOCATION)).toEqual([]);
    expect(replaced(known, ["location", TYPE.safety])).toEqual([]);
    expect(replaced(known, ["location", TYPE.exclusive])).toEqual([]);
  });

  test("is never more than a write may name", () => {
    const known = new KnownRegisters([{ key: "location", type: TYPE.register }]);
    known.apply(
      entryOf(
        "location",
        Array.from({ length: 100 }, (_, i) => writeOf(i, i)),
      ),
    );
    expect(replaced(known, LOCATION)).toHaveLength(REPLACES_COUNT_MAX);
  });
});

const fold = (known: KnownRegisters, ...writes: ReadonlyArray<Write>): void =>
  known.apply(entryOf("holder", writes, TYPE.exclusive));

describe("what stands under an exclusive key", () => {
  const HOLDER = { key: "holder", type: TYPE.exclusive };

  test("is every write that was not replaced, and nothing of a device that has none", () => {
    const known = new KnownRegisters([HOLDER]);
    fold(known, writeOf(1, 5, "ada"), writeOf(2, 7, "bob"));
    expect(known.valuesOf("cart-1", HOLDER)).toEqual(["ada", "bob"]);
    expect(known.valuesOf("cart-2", HOLDER)).toEqual([]);
  });
});
