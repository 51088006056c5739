import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes } from "#core/bytes.ts";
import { encodeNdefTlv, findNdefTlv } from "#core/card/tlv.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const found = (area: string): ReturnType<typeof findNdefTlv> => {
  const bytes = hex(area);
  return findNdefTlv(bytes, bytes.length);
};

describe("a whole data area", () => {
  test.each([
    ["an NDEF block", "03 03 D00000 FE", "D00000"],
    ["as NTAG213 is delivered", "01 03 A0 0C 34 03 00 FE", ""],
    ["NULLs and a proprietary block before it", "00 00 FD 02 0301 03 01 AA FE", "AA"],
    ["a length in three bytes", "03 FF 0003 D00000 FE", "D00000"],
    ["no terminator where the area is full", "03 03 D00000", "D00000"],
    ["only the first of two", "03 01 AA 03 01 BB FE", "AA"],
  ])("%s", (_, area, message) => {
    expect(found(area)).toEqual(E.right(hex(message)));
  });

  test.each([
    ["a terminator first", "FE 03 01 AA"],
    ["nothing but NULLs", "00 00 00 00"],
    ["no room at all", ""],
    ["another block only", "FD 02 AAAA"],
  ])("without NDEF: %s", (_, area) => {
    expect(found(area)).toEqual(E.right(null));
  });

  test.each([
    ["type without length", "00 03", { _tag: "TlvTruncated", at: 1 }],
    ["half a long length", "03 FF 00", { _tag: "TlvTruncated", at: 0 }],
    ["a value too long", "03 04 D00000", { _tag: "TlvOverrunsArea", at: 0, byteCount: 4 }],
    [
      "FFFF, which is reserved",
      "03 FF FFFF 00",
      { _tag: "TlvOverrunsArea", at: 0, byteCount: 65535 },
    ],
    [
      "a lock control of 2",
      "01 02 A00C FE",
      { _tag: "ControlTlvLengthWrong", at: 0, byteCount: 2 },
    ],
    ["a memory control of 0", "02 00 FE", { _tag: "ControlTlvLengthWrong", at: 0, byteCount: 0 }],
    // Page address 1, byte offset 1, 2^4 bytes a page: byte 17 is the second of the data area.
    ["a reserved byte in the data", "02 03 11 01 04 FE", { _tag: "ReservedAreaInside", at: 0 }],
    ["256 lock bits in the data", "01 03 00 00 04 FE", { _tag: "ReservedAreaInside", at: 0 }],
  ])("malformed: %s", (_, area, error) => {
    expect(found(area)).toEqual(E.left(error));
  });

  test("bytes reserved before and behind the data area are no obstacle", () => {
    const message = E.right(hex("AA"));
    expect(found("01 03 00 80 04 03 01 AA")).toEqual(message); // bits 0 to 127: bytes 0 to 15
    expect(found("02 03 18 01 04 03 01 AA")).toEqual(message); // byte 24 = 16 + 8
  });
});

/** Asks for what is needed until there is an answer; ends because each step needs more than the last. */
const findStepByStep = (area: Uint8Array): { message: Uint8Array | null; known: number } => {
  let known = 0;
  for (;;) {
    const step = findNdefTlv(area.subarray(0, known), area.length);
    if (E.isRight(step)) return { message: step.right, known };
    if (step.left._tag !== "BytesNeeded") throw new Error(step.left._tag);
    if (step.left.byteCount <= known) throw new Error(`asked again for ${known} bytes`);
    known = step.left.byteCount;
  }
};

test("reading on step by step finds the message, and asks for no byte behind it", () => {
  const before = fc.array(fc.constantFrom(hex("00"), hex("FD 02 AABB"), hex("01 03 A0 0C 34")), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(before, fc.uint8Array({ maxLength: 100 }), (blocks, message) => {
      const block = encodeNdefTlv(message);
      const area = new Uint8Array(144); // the lock control names the bytes behind it
      area.set(concatBytes(...blocks, block));
      const known = concatBytes(...blocks).length + block.length - 1;
      expect(findStepByStep(area)).toEqual({ message, known });
    }),
  );
});

test("a message survives encoding, in either form of the length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (message) => {
      const bytes = encodeNdefTlv(message);
      expect(bytes[1] === 0xff).toBe(message.length >= 255);
      expect(findNdefTlv(bytes, bytes.length)).toEqual(E.right(message));
    }),
  );
});

test("any bytes end in an answer, which never lies beyond the area", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 80 }), (bytes, areaByteCount) => {
      const known = bytes.subarray(0, areaByteCount);
      const answer = findNdefTlv(known, areaByteCount);
      const isBytesNeeded = E.isLeft(answer) && answer.left._tag === "BytesNeeded";
      const needed = isBytesNeeded ? answer.left.byteCount : areaByteCount;
      expect(needed > known.length || !isBytesNeeded).toBe(true);
      expect(needed).toBeLessThanOrEqual(areaByteCount);
    }),
  );
});
