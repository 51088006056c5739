import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeCbor, encodeCbor, type CborError } from "#core/log/cbor.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import { cborValue } from "#test/unit/core/log/arbitraries.ts";
import { leftTag } from "#test/unit/core/log/either.ts";

test("what is encoded decodes to the same value, and only those bytes do", () => {
  fc.assert(
    fc.property(cborValue, (value) => {
      expect(decodeCbor(encodeCbor(value))).toEqual(E.right(value));
    }),
  );
});

// The decoder drops a leading byte order mark, so the canonical check refuses the text. It can be encoded all the
// same: whoever writes a record must see whether it reads back, or every peer refuses its epoch from there on.
test("text that begins with a byte order mark does not read back", () => {
  expect(leftTag(decodeCbor(encodeCbor("\u{FEFF}cart")))).toBe("CborNotCanonical");
  expect(decodeCbor(encodeCbor("cart\u{FEFF}"))).toEqual(E.right("cart\u{FEFF}"));
});

// RFC 8949 appendix A, as far as tapmesh uses it.
test.each([
  ["00", 0],
  ["17", 23],
  ["1818", 24],
  ["1903e8", 1_000],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["20", -1],
  ["3903e7", -1_000],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["40", new Uint8Array(0)],
  ["4401020304", Uint8Array.of(1, 2, 3, 4)],
  ["60", ""],
  ["6449455446", "IETF"],
  ["62c3bc", "ü"],
  ["64f0908591", "\u{10151}"],
  ["80", []],
  ["8301820203820405", [1, [2, 3], [4, 5]]],
] as const)("%s", (encoded, value) => {
  expect(encodeCbor(value)).toEqual(hex(encoded));
  expect(decodeCbor(hex(encoded))).toEqual(E.right(value));
});

const REFUSED: Readonly<Record<CborError["_tag"], ReadonlyArray<readonly [string, string]>>> = {
  CborMalformed: [
    ["nothing", ""],
    ["trailing bytes", "0000"],
    ["one byte too few", "1903"],
    ["a longer head than needed: 0 in two bytes", "1800"],
    ["a longer head than needed: 255 in three", "1900ff"],
    ["a longer head than needed: in nine", "1b0000000000000001"],
    ["a longer length than needed: bytes", "5801aa"],
    ["a longer length than needed: text", "780161"],
    ["a longer length than needed: array", "980100"],
    ["indefinite bytes", "5f41aaff"],
    ["indefinite text", "7f6161ff"],
    ["indefinite array", "9f00ff"],
    ["a map", "a10000"],
    ["an empty map", "a0"],
    ["a tag", "c11a514b67b0"],
    ["a float", "f93e00"],
    ["minus zero", "f98000"],
    ["infinity", "f97c00"],
    ["not a number", "f97e00"],
    ["undefined", "f7"],
    ["another simple value", "f0"],
    ["a reserved head", "1c"],
    ["2^53, one more than is exact", "1b0020000000000000"],
    ["-(2^53)", "3b001fffffffffffff"],
    ["an array that claims 2^31 items", "9a7fffffff"],
    ["bytes that claim 4 GiB", "5b0000000100000000"],
    ["13 arrays within each other", "8181818181818181818181818100"],
  ],
  CborNotCanonical: [
    ["a whole number as a float", "f93c00"],
    ["text that is no UTF-8", "61ff"],
    ["text that ends within a character", "61c3"],
    ["half of a surrogate pair", "63eda080"],
    ["an overlong character", "62c080"],
  ],
};

describe.each(Object.entries(REFUSED))("%s", (tag, cases) => {
  test.each(cases)("%s", (_, encoded) => {
    expect(leftTag(decodeCbor(hex(encoded)))).toBe(tag);
  });
});

test("12 arrays within each other are not too many", () => {
  const encoded = hex("81".repeat(12) + "00");
  expect(E.isRight(decodeCbor(encoded))).toBe(true);
});

test("nesting that would exhaust the stack is refused like any other", () => {
  for (const head of [0x81, 0x9f, 0xa1, 0xc1]) {
    const deep = new Uint8Array(64 * 1024).fill(head);
    expect(leftTag(decodeCbor(deep))).toBe("CborMalformed");
  }
});

// Each array, byte and text head made one step longer than it needs to be: the value stays the same.
const lengthened = (encoded: Uint8Array): Uint8Array | undefined => {
  const [head = 0] = encoded;
  const major = head & 0xe0;
  if (major > 0x80 || (head & 0x1f) > 23) return undefined;
  return Uint8Array.of(major | 24, head & 0x1f, ...encoded.subarray(1));
};

test("no other encoding of a value is accepted", () => {
  fc.assert(
    fc.property(cborValue, (value) => {
      const other = lengthened(encodeCbor(value));
      fc.pre(other !== undefined);
      expect(leftTag(decodeCbor(other ?? new Uint8Array(0)))).toBe("CborMalformed");
    }),
  );
});
