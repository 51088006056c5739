import { describe, expect, test } from "vitest";
import { REPLACES_COUNT_MAX, TYPE } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { KnownRegisters } from "#core/verdict/known-registers.ts";

const epoch = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

const writeOf = (byte: number, seq: number): Write => ({
  epoch: epoch(byte),
  seq,
  value: "lobby",
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

describe("what a tap replaces", () => {
  test("is what others have written to that register, as it stands now", () => {
    const known = new KnownRegisters(["location"]);
    known.apply(entryOf("location", [writeOf(1, 5), writeOf(2, 7)]));
    expect(known.foreign("cart-1", "location", epoch(1))).toEqual([{ epoch: epoch(2), seq: 7 }]);
    expect(known.foreign("cart-1", "location", undefined)).toHaveLength(2);
    known.apply(entryOf("location", [writeOf(1, 6)]));
    expect(known.foreign("cart-1", "location", epoch(1))).toEqual([]);
    expect(known.foreign("cart-2", "location", undefined)).toEqual([]);
  });

  test("is not kept for keys that no tap sets, nor for other types of a key", () => {
    const known = new KnownRegisters(["location"]);
    known.apply(entryOf("colour", [writeOf(1, 1)]));
    known.apply(entryOf("location", [writeOf(1, 1)], TYPE.safety));
    expect(known.foreign("cart-1", "colour", undefined)).toEqual([]);
    expect(known.foreign("cart-1", "location", undefined)).toEqual([]);
  });

  test("is never more than a write may name", () => {
    const known = new KnownRegisters(["location"]);
    known.apply(
      entryOf(
        "location",
        Array.from({ length: 100 }, (_, i) => writeOf(i, i)),
      ),
    );
    expect(known.foreign("cart-1", "location", undefined)).toHaveLength(REPLACES_COUNT_MAX);
  });
});
