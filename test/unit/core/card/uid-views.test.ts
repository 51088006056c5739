import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { decodeUid, type Uid } from "#core/card/uid.ts";
import { uidOfDecimal, uidViews } from "#core/card/uid-views.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const uidOf = (bytes: Uint8Array): Uid => {
  const uid = decodeUid(bytes);
  if (E.isLeft(uid)) throw new Error(uid.left._tag);
  return uid.right;
};

test("a UID of 4 bytes, as readers of other systems write it", () => {
  // 3BA17C5E; reversed 5E7CA13B: facility 7C = 124 or 5E7C = 24188, card A13B = 41275
  expect(uidViews(uidOf(hex("3BA17C5E")))).toEqual({
    decimal: "1000438878",
    decimalReversed: "1585226043",
    wiegand26: { facility: 124, card: 41_275 },
    wiegand34: { facility: 24_188, card: 41_275 },
  });
});

test("a UID of 7 bytes keeps all its digits", () => {
  const views = uidViews(uidOf(hex("04A1B2C3D46C80")));
  expect(BigInt(views.decimal)).toBe(0x04a1b2c3d46c80n);
  expect(BigInt(views.decimalReversed)).toBe(0x806cd4c3b2a104n);
});

test.each(["", "12a", "-1", "1.0", "0x10", " 1", `${2n ** 80n}`])("%j is no UID", (text) => {
  expect(uidOfDecimal(text, "first-byte-first")).toEqual(E.left({ _tag: "UidNotDecimal", text }));
});

test("the number of a UID is that UID again, in either order", () => {
  const byteCount = fc.constantFrom(4, 7, 10);
  const bytes = byteCount.chain((length) =>
    // A first or last byte of 0 would make a number of a shorter UID.
    fc.array(fc.integer({ min: 1, max: 255 }), { minLength: length, maxLength: length }),
  );
  fc.assert(
    fc.property(bytes, (values) => {
      const uid = uidOf(Uint8Array.from(values));
      const { decimal, decimalReversed } = uidViews(uid);
      expect(uidOfDecimal(decimal, "first-byte-first")).toEqual(E.right(uid));
      expect(uidOfDecimal(decimalReversed, "last-byte-first")).toEqual(E.right(uid));
    }),
  );
});
