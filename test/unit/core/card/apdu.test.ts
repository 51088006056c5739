import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import {
  decodeResponse,
  getDataUid,
  readBinary,
  readPages,
  selectApplication,
  selectFile,
} from "#core/card/apdu.ts";
import { TYPE4_APPLICATION, TYPE4_CAPABILITY_FILE } from "#core/card/type4.ts";
import { hex } from "#test/unit/core/card/hex.ts";

describe("decodeResponse", () => {
  test("splits a reader's answer to GET DATA", () => {
    expect(decodeResponse(hex("04A1B2C3D46C80 9000"))).toEqual(
      E.right({ data: hex("04A1B2C3D46C80"), sw: 0x9000 }),
    );
  });

  test.each([0, 1])("%d bytes hold no status word", (byteCount) => {
    expect(decodeResponse(new Uint8Array(byteCount))).toEqual(
      E.left({ _tag: "ResponseTruncated", byteCount }),
    );
  });

  test("data and status word come out as they went in", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 0, max: 0xffff }), (data, sw) => {
        const response = concatBytes(data, Uint8Array.of(sw >> 8, sw & 0xff));
        expect(decodeResponse(response)).toEqual(E.right({ data, sw }));
      }),
    );
  });
});

test("commands are those of the standards", () => {
  expect(toHex(getDataUid())).toBe("ffca000000");
  expect(toHex(readPages(4))).toBe("ffb0000410");
  expect(toHex(selectApplication(TYPE4_APPLICATION))).toBe("00a4040007d276000085010100");
  expect(toHex(selectFile(TYPE4_CAPABILITY_FILE))).toBe("00a4000c02e103");
  expect(toHex(readBinary(0x0102, 0x3b))).toBe("00b001023b");
});
