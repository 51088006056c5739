import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  toBase64,
  toHex,
  utf8,
} from "#core/bytes.ts";

const bytes = fc.uint8Array({ maxLength: 60 });

test("hex and base64 are Node's, and read back", () => {
  fc.assert(
    fc.property(bytes, (value) => {
      expect(toHex(value)).toBe(Buffer.from(value).toString("hex"));
      expect(toBase64(value)).toBe(Buffer.from(value).toString("base64"));
      expect(fromHex(toHex(value))).toEqual(value);
      expect(fromHex(toHex(value).toUpperCase())).toEqual(value);
      expect(fromBase64(toBase64(value))).toEqual(value);
    }),
  );
});

test("base64 is read only as it would be written", () => {
  const almost = fc.stringMatching(/^[A-Za-z0-9+/]{0,12}={0,3}$/);
  fc.assert(
    fc.property(fc.oneof(almost, fc.string({ maxLength: 12 })), (text) => {
      const value = fromBase64(text);
      expect(value === undefined || toBase64(value) === text).toBe(true);
      const isCanonical = Buffer.from(text, "base64").toString("base64") === text;
      expect(value !== undefined).toBe(isCanonical);
    }),
    { numRuns: 1_000 },
  );
});

describe("base64 is refused", () => {
  test.each([
    "A",
    "AA",
    "AAA",
    "AA=A",
    "=AAA",
    "A===",
    "AAAA=",
    "AB==",
    "AAB=",
    "AA-_",
    "AA A",
    "AAA\n",
  ])("%j", (text) => {
    expect(fromBase64(text)).toBeUndefined();
  });
});

test.each(["0", "0g", " 00", "0x00", "00 ", "é0"])("hex is refused: %j", (text) => {
  expect(fromHex(text)).toBeUndefined();
});

test("bytes are concatenated, compared and ordered as Node does", () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, (a, b, c) => {
      expect(concatBytes(a, b, c)).toEqual(new Uint8Array(Buffer.concat([a, b, c])));
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      expect(equalBytes(a, a.slice())).toBe(true);
      expect(compareBytes(a, concatBytes(a, b)) < 0).toBe(b.length > 0);
    }),
  );
  expect(concatBytes()).toEqual(new Uint8Array(0));
});

test("UTF-8 reads back, byte order mark and all", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(fromUtf8(utf8(text))).toBe(text.toWellFormed());
    }),
  );
  expect(fromUtf8(utf8("\u{FEFF}a"))).toBe("\u{FEFF}a");
});

test.each(["ff", "c3", "c080", "eda080", "f4908080", "e28", "80"])("no UTF-8: %s", (text) => {
  expect(fromUtf8(Buffer.from(text.padEnd(text.length + (text.length % 2), "2"), "hex"))).toBe(
    undefined,
  );
});
