import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { decodeUid, parseUid, shortUid, type Uid, uidUnfitFor } from "#core/card/uid.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const uidOf = (text: string): Uid => {
  const uid = parseUid(text);
  if (E.isLeft(uid)) throw new Error(`not a UID: ${text}`);
  return uid.right;
};

describe("decodeUid", () => {
  test("takes 4, 7 and 10 bytes, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 16 }), (bytes) => {
        expect(E.map(hex)(decodeUid(bytes))).toEqual(
          [4, 7, 10].includes(bytes.length)
            ? E.right(bytes)
            : E.left({ _tag: "UidSizeUndefined", byteCount: bytes.length }),
        );
      }),
    );
  });
});

describe("parseUid", () => {
  test.each([
    "04AB87F2CA1190",
    "04:ab:87:f2:ca:11:90",
    "04-AB-87-F2-CA-11-90",
    " 04ab87 f2ca1190 ",
  ])("reads %j", (text) => {
    expect(parseUid(text)).toEqual(E.right("04AB87F2CA1190"));
  });

  test("says what is wrong", () => {
    expect(parseUid("04AB8")).toEqual(E.left({ _tag: "UidNotHex", text: "04AB8" }));
    expect(parseUid("card 7")).toEqual(E.left({ _tag: "UidNotHex", text: "card 7" }));
    expect(parseUid("04AB87")).toEqual(E.left({ _tag: "UidSizeUndefined", byteCount: 3 }));
  });

  test("any text is a UID or is refused, and a UID reads as itself", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{8}$/)), (text) => {
        const uid = parseUid(text);
        expect(E.isLeft(uid) || parseUid(uid.right)).toEqual(E.isLeft(uid) || uid);
      }),
    );
  });
});

test("UIDs that say nothing lasting are named", () => {
  expect(uidUnfitFor(uidOf("08A1B2C3"))).toBe("random");
  expect(uidUnfitFor(uidOf("01020304"))).toBe("shared");
  expect(uidUnfitFor(uidOf("08A1B2C3D46C80"))).toBeUndefined(); // 7 bytes: a real serial number
  expect(uidUnfitFor(uidOf("3BA17C5E"))).toBeUndefined();
});

test("a short UID shows two bytes", () => {
  expect(shortUid(uidOf("04A1B2C3D46C80"))).toBe("…6C80");
});
