import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCbor, type CborValue } from "#core/log/cbor.ts";
import { EMPTY_DIGEST, formatDigest, parseDigest, updateDigest } from "#core/state/digest.ts";
import { decodeEntry, encodeEntry, encodeForDigest } from "#core/state/entry-codec.ts";
import type { Entry, EntryContent, Write } from "#core/state/entry.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { bytes, count, scalar, text, writeName } from "#test/unit/core/log/arbitraries.ts";

const write: fc.Arbitrary<Write> = fc.record({
  epoch: bytes(16),
  seq: count,
  value: scalar,
  wallMs: count,
  monoMs: count,
});
const content: fc.Arbitrary<EntryContent> = fc.oneof(
  fc.record({
    _tag: fc.constant("Survivors" as const),
    writes: fc.array(write, { maxLength: 4 }),
    awaited: fc.array(writeName, { maxLength: 4 }),
  }),
  fc.record({ _tag: fc.constant("Counter" as const), sum: fc.maxSafeInteger(), newest: write }),
  fc.record({ _tag: fc.constant("Extreme" as const), write }),
);
const entry: fc.Arbitrary<Entry> = fc.record({
  device: text(64),
  key: text(64),
  type: count,
  content,
});

test("an entry reads back, and no other entry has its bytes", () => {
  fc.assert(
    fc.property(entry, entry, (one, other) => {
      expect(decodeEntry(encodeEntry(one))).toEqual(one);
      expect(decodeEntry(encodeEntry(other))).toEqual(other);
    }),
  );
});

const whole = (value: CborValue): CborValue => ["cart-1", "place", 0, value];

test("the digest covers all of an entry but the names that it awaits", () => {
  fc.assert(
    fc.property(entry, fc.array(writeName, { maxLength: 3 }), (one, awaited) => {
      const other: Entry =
        one.content._tag === "Survivors" ? { ...one, content: { ...one.content, awaited } } : one;
      expect(encodeForDigest(other)).toEqual(encodeForDigest(one));
      const without: Entry =
        one.content._tag === "Survivors"
          ? { ...one, content: { ...one.content, awaited: [] } }
          : one;
      expect(encodeForDigest(one)).toEqual(encodeEntry(without));
    }),
  );
});

describe("no entry", () => {
  const E16 = new Uint8Array(16);
  const W = [E16, 0, "dock", 1, 1];
  const cases: ReadonlyArray<readonly [string, CborValue]> = [
    ["a number", 7],
    ["no content", ["cart-1", "place", 0]],
    ["five fields", ["cart-1", "place", 0, [2, W], 0]],
    ["a device of bytes", [E16, "place", 0, [2, W]]],
    ["a key of bytes", ["cart-1", E16, 0, [2, W]]],
    ["a negative type", ["cart-1", "place", -1, [2, W]]],
    ["content that is no list", whole(0)],
    ["an unknown content", whole([3, W])],
    ["no writes", whole([0])],
    ["no awaited", whole([0, [W]])],
    ["a write that is none", whole([0, [7], []])],
    ["an awaited name that is none", whole([0, [W], [7]])],
    ["an awaited name with a short epoch", whole([0, [W], [[new Uint8Array(15), 0]]])],
    ["a write with a value that is a list", whole([2, [E16, 0, [], 1, 1]])],
    ["a write with a negative time", whole([2, [E16, 0, 1, -1, 1]])],
    ["a write with too few fields", whole([2, [E16, 0, 1, 1]])],
    ["a counter without a sum", whole([1, null, W])],
    ["a counter without a write", whole([1, 5])],
    ["an extreme without a write", whole([2])],
  ];
  test.each(cases)("%s", (_, value) => {
    expect(decodeEntry(encodeCbor(value))).toBeUndefined();
  });
});

const add = (digest: bigint, after: Uint8Array, before?: Uint8Array): bigint =>
  updateDigest(sha256, digest, { before, after });

const number = (value: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(sha256(value)).toString("hex")}`);

describe("digest", () => {
  test("the order in which entries come, and what they were on the way, leave no trace", () => {
    const values = fc.uniqueArray(fc.uint8Array({ maxLength: 20 }), {
      minLength: 2,
      maxLength: 8,
      selector: (value) => value.join(),
    });
    fc.assert(
      fc.property(values, fc.uint8Array(), ([first = Uint8Array.of(), ...rest], older) => {
        const all = [first, ...rest];
        const digest = all.reduce((sum, value) => add(sum, value), EMPTY_DIGEST);
        expect(all.toReversed().reduce((sum, value) => add(sum, value), EMPTY_DIGEST)).toBe(digest);
        const begun = rest.reduce((sum, value) => add(sum, value), add(EMPTY_DIGEST, older));
        expect(add(begun, first, older)).toBe(digest);
        expect(digest).not.toBe(rest.reduce((sum, value) => add(sum, value), EMPTY_DIGEST));
      }),
    );
  });

  test("it is the sum mod 2^256 of SHA-256", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 9 }), (values) => {
        const sum = values.reduce((total, value) => total + number(value), 0n) % 2n ** 256n;
        expect(values.reduce((digest, value) => add(digest, value), EMPTY_DIGEST)).toBe(sum);
      }),
    );
  });

  test("its text reads back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (digest) => {
        expect(formatDigest(digest)).toHaveLength(64);
        expect(parseDigest(formatDigest(digest))).toBe(digest);
      }),
    );
    for (const bad of ["", "0".repeat(63), "0".repeat(65), "G".repeat(64), "A".repeat(64)]) {
      expect(parseDigest(bad)).toBeUndefined();
    }
  });
});
