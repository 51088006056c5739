import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "#core/bytes.ts";
import { decodeNdef, encodeNdef, type NdefRecord } from "#core/card/ndef.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const EMPTY = new Uint8Array(0);
const field = fc.uint8Array({ maxLength: 300 });
const shortField = fc.uint8Array({ maxLength: 255 });

const record: fc.Arbitrary<NdefRecord> = fc.oneof(
  fc.constant<NdefRecord>({ tnf: "empty", type: EMPTY, id: EMPTY, payload: EMPTY }),
  fc.record<NdefRecord>({
    tnf: fc.constantFrom("well-known", "media", "uri", "external"),
    type: shortField,
    id: shortField,
    payload: field,
  }),
  fc.record<NdefRecord>({
    tnf: fc.constant("unknown"),
    type: fc.constant(EMPTY),
    id: shortField,
    payload: field,
  }),
);

describe("published examples", () => {
  test("a URI record (URI RTD 1.0, appendix A)", () => {
    expect(decodeNdef(hex("D1 01 08 55 01 6E66632E636F6D"))).toEqual(
      E.right([
        { tnf: "well-known", type: utf8("U"), id: EMPTY, payload: hex("01 6E66632E636F6D") },
      ]),
    );
  });

  test("two records, the second with an id and a long payload length", () => {
    const message = concatBytes(
      hex("91 01 05 54 02 656E 4869"),
      hex("4A 0A 00000003 02"),
      utf8("text/plain"),
      utf8("id"),
      utf8("abc"),
    );
    expect(decodeNdef(message)).toEqual(
      E.right([
        { tnf: "well-known", type: utf8("T"), id: EMPTY, payload: hex("02 656E 4869") },
        { tnf: "media", type: utf8("text/plain"), id: utf8("id"), payload: utf8("abc") },
      ]),
    );
  });

  test("an empty record", () => {
    expect(decodeNdef(hex("D0 00 00"))).toEqual(
      E.right([{ tnf: "empty", type: EMPTY, id: EMPTY, payload: EMPTY }]),
    );
  });
});

test.each([
  ["no bytes", "", { _tag: "MessageEndMissing" }],
  ["no record with ME", "91 01 00 55", { _tag: "MessageEndMissing" }],
  ["the first without MB", "51 01 00 55", { _tag: "MessageBeginMisplaced", at: 0 }],
  ["the second with MB", "91 01 00 55 D1 01 00 55", { _tag: "MessageBeginMisplaced", at: 4 }],
  ["bytes behind ME", "D1 01 00 55 00 00", { _tag: "BytesAfterMessageEnd", byteCount: 2 }],
  ["a first chunk", "F1 01 00 55", { _tag: "RecordChunked", at: 0 }],
  ["a header and no more", "D1", { _tag: "RecordTruncated", at: 0 }],
  ["half a payload length", "C1 01 00 00", { _tag: "RecordTruncated", at: 0 }],
  ["no id length", "D9 01 00", { _tag: "RecordTruncated", at: 0 }],
  ["a type cut short", "D1 02 00 55", { _tag: "RecordTruncated", at: 0 }],
  ["an id cut short", "D9 01 00 02 55 41", { _tag: "RecordTruncated", at: 0 }],
  ["a payload cut short", "91 01 00 55 51 01 03 55 04 61", { _tag: "RecordTruncated", at: 4 }],
  ["a payload of 4 GiB", "C1 01 FFFFFFFF 55", { _tag: "RecordTruncated", at: 0 }],
  ["a payload of 2 GiB", "C1 01 80000000 55", { _tag: "RecordTruncated", at: 0 }],
  ["TNF 6 outside of chunks", "D6 00 00", { _tag: "TnfUndefined", at: 0, tnf: 6 }],
  ["TNF 7", "D7 00 00", { _tag: "TnfUndefined", at: 0, tnf: 7 }],
  ["an empty record with a payload", "D0 00 01 AA", { _tag: "FieldsContradictTnf", at: 0 }],
  ["an unknown type with a type", "D5 01 00 55", { _tag: "FieldsContradictTnf", at: 0 }],
])("refuses %s", (_, message, error) => {
  expect(decodeNdef(hex(message))).toEqual(E.left(error));
});

describe("encodeNdef", () => {
  test("records come back as they were", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
        const message = encodeNdef(records);
        expect(E.isRight(message) && decodeNdef(message.right)).toEqual(E.right(records));
      }),
    );
  });

  test("no beginning of a message is a message", () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), fc.nat(), (records, seed) => {
        const message = encodeNdef(records);
        if (E.isLeft(message)) throw new Error(message.left._tag);
        const part = message.right.subarray(0, seed % message.right.length);
        expect(E.isLeft(decodeNdef(part))).toBe(true);
      }),
    );
  });

  test("refuses what can't be written", () => {
    const uri: NdefRecord = { tnf: "well-known", type: utf8("U"), id: EMPTY, payload: EMPTY };
    expect(encodeNdef([])).toEqual(E.left({ _tag: "RecordsMissing" }));
    expect(encodeNdef([uri, { ...uri, type: new Uint8Array(256) }])).toEqual(
      E.left({ _tag: "FieldTooLong", recordIndex: 1 }),
    );
    expect(encodeNdef([{ ...uri, id: new Uint8Array(256) }])).toEqual(
      E.left({ _tag: "FieldTooLong", recordIndex: 0 }),
    );
    expect(encodeNdef([{ ...uri, tnf: "unknown" }])).toEqual(
      E.left({ _tag: "RecordContradictsTnf", recordIndex: 0 }),
    );
  });
});

test("any bytes decode or are refused, and what decodes in the shortest form encodes to itself", () => {
  const header = fc.constantFrom(0xd1, 0xd0, 0xd2, 0xd9, 0x91, 0xc1, 0xf1);
  const bytes = fc.tuple(header, fc.uint8Array({ maxLength: 40 })).map(([first, rest]) => {
    return Uint8Array.of(first, ...rest.map((byte) => byte % 8));
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), bytes), (message) => {
      const records = decodeNdef(message);
      if (E.isLeft(records)) return;
      const again = encodeNdef(records.right);
      expect(E.isRight(again) && decodeNdef(again.right)).toEqual(records);
      expect(E.isRight(again) && again.right.length <= message.length).toBe(true);
    }),
  );
});
