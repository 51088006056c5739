/** The one-pass reader against cborg, which reads the same values and many more. */
import { decode } from "cborg";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { equalBytes } from "#core/bytes.ts";
import { readCanonical } from "#core/log/canonical-cbor.ts";
import { encodeCbor, type CborValue } from "#core/log/cbor.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import { cborValue } from "#test/unit/core/log/arbitraries.ts";

const VALUES = 1_500;
const MUTATIONS_PER_VALUE = 80;
const DEPTH_MAX = 12;

const isOurs = (value: unknown, depth: number): value is CborValue => {
  if (value === null || ["boolean", "string"].includes(typeof value)) return true;
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (value instanceof Uint8Array) return true;
  return (
    Array.isArray(value) && depth < DEPTH_MAX && value.every((item) => isOurs(item, depth + 1))
  );
};

/** The canonical check in its plainest form: what encodes to the same bytes again. */
const readByEncodingAgain = (bytes: Uint8Array): CborValue | undefined => {
  try {
    const value: unknown = decode(bytes, { strict: true, allowIndefinite: false });
    return isOurs(value, 0) && equalBytes(encodeCbor(value), bytes) ? value : undefined;
  } catch {
    return undefined; // cborg's way to say "malformed"
  }
};

interface Mutation {
  readonly what: "set" | "flip" | "insert" | "remove" | "cut" | "lengthen";
  readonly at: number;
  readonly byte: number;
}

/** Heads, and bytes that text is made of, more often than others. */
const byte = fc.oneof(
  fc.nat(255),
  fc.constantFrom(0x17, 0x18, 0x19, 0x1a, 0x1b, 0x37, 0x3b, 0x58, 0x59, 0x78, 0x80, 0x81, 0x98),
  fc.constantFrom(
    0x9f,
    0xa0,
    0xc1,
    0xed,
    0xef,
    0xbb,
    0xbf,
    0xf4,
    0xf6,
    0xf7,
    0xf8,
    0xf9,
    0xfb,
    0xff,
  ),
);

const mutation: fc.Arbitrary<Mutation> = fc.record({
  what: fc.constantFrom("set", "flip", "insert", "remove", "cut", "lengthen"),
  at: fc.nat(100_000),
  byte,
});

const mutated = (bytes: Uint8Array, { what, at: place, byte: given }: Mutation): Uint8Array => {
  const at = place % (bytes.length + 1);
  const [before, old, after] = [bytes.subarray(0, at), bytes[at] ?? 0, bytes.subarray(at + 1)];
  switch (what) {
    case "set":
      return Uint8Array.of(...before, given, ...after);
    case "flip":
      return Uint8Array.of(...before, old ^ (1 << (given % 8)), ...after);
    case "insert":
      return Uint8Array.of(...before, given, old, ...after);
    case "remove":
      return Uint8Array.of(...before, ...after);
    case "cut":
      return Uint8Array.from(before);
    case "lengthen": // the same head with its argument in a byte of its own
      return Uint8Array.of(...before, (old & 0xe0) | 24, old & 31, ...after);
  }
};

test("reads what cborg reads and encodes to the same bytes again, and nothing else", () => {
  let count = 0;
  let accepted = 0;
  fc.assert(
    fc.property(
      cborValue,
      fc.array(mutation, { minLength: MUTATIONS_PER_VALUE, maxLength: MUTATIONS_PER_VALUE }),
      (value, mutations) => {
        const encoded = encodeCbor(value);
        for (const bytes of [encoded, ...mutations.map((one) => mutated(encoded, one))]) {
          const wanted = readByEncodingAgain(bytes);
          expect(readCanonical(bytes)).toStrictEqual(wanted);
          count += 1;
          if (wanted !== undefined) accepted += 1;
        }
      },
    ),
    { numRuns: VALUES },
  );
  expect(count).toBeGreaterThan(100_000);
  expect(accepted).toBeGreaterThan(10_000);
}, 60_000);

const number = (value: number | bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
};

test("numbers at each place where their heads grow, in heads of each size", () => {
  const sizes = [24, 2 ** 8, 2 ** 16, 2 ** 32, Number.MAX_SAFE_INTEGER];
  for (const n of sizes.flatMap((size) => [size - 1, size, size + 1, size + 2])) {
    for (const major of [0x00, 0x20]) {
      for (const [info, byteCount] of [
        [24, 1],
        [25, 2],
        [26, 4],
        [27, 8],
      ] as const) {
        const bytes = Uint8Array.of(major | info, ...number(n).subarray(8 - byteCount));
        expect(readCanonical(bytes)).toBe(readByEncodingAgain(bytes));
      }
    }
  }
});

test("what it gives shares no memory with what it was given", () => {
  const bytes = hex("82430102038143040506");
  const value = readCanonical(bytes);
  bytes.fill(0);
  expect(value).toEqual([Uint8Array.of(1, 2, 3), [Uint8Array.of(4, 5, 6)]]);
});
