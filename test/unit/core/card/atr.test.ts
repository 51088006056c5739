import * as fc from "fast-check";
import { expect, test } from "vitest";
import { technologyOfAtr } from "#core/card/atr.ts";
import { hex } from "#test/unit/core/card/hex.ts";

test.each([
  ["3B8F8001804F0CA000000306030001000000006A", "mifare-classic"], // MIFARE Classic 1K
  ["3B8F8001804F0CA0000003060300020000000069", "mifare-classic"], // MIFARE Classic 4K
  ["3B8F8001804F0CA000000306030026000000004D", "mifare-classic"], // MIFARE Mini
  ["3B8F8001804F0CA0000003060300030000000068", "type2"], // Ultralight, NTAG21x
  ["3B8F8001804F0CA00000030603003A0000000051", "type2"], // Ultralight C
  ["3B8F8001804F0CA00000030603003D0000000056", "type2"], // Ultralight EV1
  ["3B8F8001804F0CA0000003060300030000000000", "type2"], // TCK is not what decides
  ["3B80800101", "type4"], // ISO/IEC 14443-4 without historical bytes
  ["3B8180018080", "type4"], // DESFire, NTAG 424
  ["3B878001C1052F2F01BCD6A9", "type4"], // MIFARE Plus in security level 3
  ["3B8F8001804F0CA0000003061100030000000078", "other"], // another standard than 14443 A part 3
  ["3B8F8001804F0CA00000030603F0120000000089", "other"], // a card name that is not listed
  ["3B8F8001804F0CA00000030603000300000000", "other"], // TCK is missing
  ["3B8F8001804F0CA000000306030003000000006800", "other"], // one byte too many
  ["3B6800000073C84012009000", "other"], // a contact card
  ["3F80800101", "other"], // inverse convention
  ["", "other"],
])("%s is %s", (atr, technology) => {
  expect(technologyOfAtr(hex(atr))).toBe(technology);
});

test("any bytes at all have a technology", () => {
  const start = fc.constantFrom(hex(""), hex("3B8F8001"), hex("3B8F8001804F0CA00000030603"));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 20 }), (head, tail) => {
      expect(["type2", "type4", "mifare-classic", "other"]).toContain(
        technologyOfAtr(Uint8Array.of(...head, ...tail)),
      );
    }),
  );
});
