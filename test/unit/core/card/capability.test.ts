import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { decodeType2Capability } from "#core/card/type2.ts";
import { decodeNlen, decodeType4Capability } from "#core/card/type4.ts";
import { hex } from "#test/unit/core/card/hex.ts";

describe("Type 2", () => {
  test.each([
    ["E1 10 12 00", 144], // NTAG213, Ultralight C
    ["E1 10 3E 00", 496], // NTAG215
    ["E1 10 6D 00", 872], // NTAG216
    ["E1 11 06 0F", 48], // version 1.1, locked against writing
  ])("%s: %d bytes", (page, dataByteCount) => {
    expect(decodeType2Capability(hex(page))).toMatchObject(E.right({ dataByteCount }));
  });

  test.each(["00 00 00 00", "FF FF FF FF", "03 E1 10 3E", ""])("%s: not for NDEF", (page) => {
    expect(decodeType2Capability(hex(page))).toEqual(E.right(null));
  });

  test("says what is wrong", () => {
    expect(decodeType2Capability(hex("E1 20 3E 00"))).toEqual(
      E.left({ _tag: "Type2VersionUnsupported", version: 0x20 }),
    );
    expect(decodeType2Capability(hex("E1"))).toEqual(
      E.left({ _tag: "Type2VersionUnsupported", version: 0 }),
    );
    expect(decodeType2Capability(hex("E1 10 3E F0"))).toEqual(
      E.left({ _tag: "Type2ReadProtected", access: 0xf0 }),
    );
  });

  test("any page decodes or is refused", () => {
    const page = fc.uint8Array({ maxLength: 6 }).map((rest) => Uint8Array.of(0xe1, ...rest));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 6 }), page), (bytes) => {
        const capability = decodeType2Capability(bytes);
        const dataByteCount = E.isRight(capability) ? (capability.right?.dataByteCount ?? 0) : 0;
        expect(dataByteCount).toBeLessThanOrEqual(2040);
      }),
    );
  });
});

test.each([
  ["E1 10 3E 00", true],
  ["E1 10 3E 0F", false],
  ["E1 10 3E 01", false],
])("a Type 2 container %s: writable %s", (page, isWritable) => {
  expect(decodeType2Capability(hex(page))).toMatchObject(E.right({ isWritable }));
});

test.each([
  ["000F 20 003B 0034 0406 E104 0032 00 FF", false],
  ["000F 20 003B 0034 0406 E104 0032 00 82", false],
  ["000F 20 003B 0000 0406 E104 0032 00 00", false],
])("a Type 4 container %s: writable %s", (file, isWritable) => {
  expect(decodeType4Capability(hex(file))).toMatchObject(E.right({ isWritable }));
});

describe("Type 4", () => {
  test("the standard's own example", () => {
    expect(decodeType4Capability(hex("000F 20 003B 0034 0406 E104 0032 00 00"))).toEqual(
      E.right({
        ndefFileId: 0xe104,
        ndefFileByteCount: 0x32,
        mle: 0x3b,
        mlc: 0x34,
        isWritable: true,
      }),
    );
  });

  test("an NTAG 424 DNA as delivered, of which more follows", () => {
    expect(
      decodeType4Capability(
        hex("0017 20 0100 00FF 0406 E104 0100 00 00 0506 E105 0080 82 83 000000000000000000"),
      ),
    ).toEqual(
      E.right({
        ndefFileId: 0xe104,
        ndefFileByteCount: 0x100,
        mle: 0x100,
        mlc: 0xff,
        isWritable: true,
      }),
    );
  });

  test.each([
    ["000E 20 003B 0034 0406 E104 0032 00 00", { _tag: "CapabilityTooShort", byteCount: 14 }],
    ["000F 20 003B 0034 0406 E104 0032 00", { _tag: "CapabilityTooShort", byteCount: 14 }],
    ["", { _tag: "CapabilityTooShort", byteCount: 0 }],
    ["000F 10 003B 0034 0406 E104 0032 00 00", { _tag: "Type4VersionUnsupported", version: 0x10 }],
    ["000F 20 000E 0034 0406 E104 0032 00 00", { _tag: "MleTooSmall", mle: 14 }],
    [
      "000F 30 003B 0034 0608 E104 0000 0032 00",
      { _tag: "NdefFileControlMissing", type: 6, byteCount: 8 },
    ],
    [
      "000F 20 003B 0034 0407 E104 0032 00 00",
      { _tag: "NdefFileControlMissing", type: 4, byteCount: 7 },
    ],
    ["000F 20 003B 0034 0406 E103 0032 00 00", { _tag: "NdefFileIdReserved", fileId: 0xe103 }],
    ["000F 20 003B 0034 0406 E104 0032 80 00", { _tag: "Type4ReadProtected", access: 0x80 }],
  ])("%s is refused", (file, error) => {
    expect(decodeType4Capability(hex(file))).toEqual(E.left(error));
  });

  test("NLEN counts without itself", () => {
    expect(decodeNlen(hex("0030"), 0x32)).toEqual(E.right(0x30));
    expect(decodeNlen(hex("0031"), 0x32)).toEqual(
      E.left({ _tag: "NlenOverrunsFile", nlen: 0x31, fileByteCount: 0x32 }),
    );
  });

  test("any file decodes or is refused", () => {
    const head = hex("000F 20 003B 0034 0406");
    const file = fc.uint8Array({ maxLength: 8 }).map((rest) => Uint8Array.of(...head, ...rest));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 20 }), file), (bytes) => {
        const capability = decodeType4Capability(bytes);
        expect(E.isLeft(capability) || capability.right.mle >= 15).toBe(true);
      }),
    );
  });
});
