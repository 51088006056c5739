import { SCOPE_NDEF } from "#core/card/read-card.ts";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes } from "#core/bytes.ts";
import type { Type2Error } from "#core/card/card-read-error.ts";
import type { NdefError } from "#core/card/ndef.ts";
import { type CardReadError, describeCardReadError } from "#core/card/read-card.ts";
import { encodeNdefTlv } from "#core/card/tlv.ts";
import type { Type4Error } from "#core/card/type4.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import {
  ATR_TYPE2,
  ATR_TYPE4,
  capabilityOf,
  GONE,
  ok,
  runRead,
  script,
  type2,
  type4,
  UID,
} from "#test/unit/core/card/run-read.ts";

/** A way to reach an error, and the sentence that an operator then reads. */
interface Case {
  readonly error: CardReadError | undefined;
  readonly sentence: string;
}

const errorOf = (run: ReturnType<typeof runRead>): CardReadError | undefined =>
  E.isLeft(run.result) ? run.result.left : undefined;
const fromScript = (...responses: ReadonlyArray<Uint8Array>): CardReadError | undefined =>
  errorOf(runRead(ATR_TYPE4, SCOPE_NDEF, script(responses)));
const fromType2 = (fromPage3: string): CardReadError | undefined =>
  errorOf(runRead(ATR_TYPE2, SCOPE_NDEF, type2(hex(fromPage3))));
const fromType4 = (capability: Uint8Array, file: string): CardReadError | undefined =>
  errorOf(runRead(ATR_TYPE4, SCOPE_NDEF, type4(capability, hex(file))));
const fromMessage = (message: string): CardReadError | undefined =>
  errorOf(
    runRead(
      ATR_TYPE2,
      SCOPE_NDEF,
      type2(concatBytes(hex("E1103E00"), encodeNdefTlv(hex(message)))),
    ),
  );

// Each table is typed by the union, so that a new tag must come with a case.
const CASES: Readonly<Record<CardReadError["_tag"], Case>> = {
  CardGone: {
    error: fromScript(GONE),
    sentence:
      "The card stopped answering at GET DATA: hold it to the reader until the signal; if that never helps, it may refuse to be read.",
  },
  ResponseTruncated: {
    error: fromScript(ok(UID), hex("90")),
    sentence:
      "The reader answered SELECT application with 1 byte where at least 2 belong: tap again; if it stays so, replace the reader.",
  },
  ResponseSizeWrong: {
    error: fromScript(ok(UID), ok(), ok(), ok("000F20")),
    sentence:
      "The card answered READ BINARY with 3 bytes instead of 15: tap again; if it stays so, use another card.",
  },
  StatusWordNotOk: {
    error: fromScript(ok(UID), ok(), hex("6A82")),
    sentence:
      "The card refused SELECT file with status word 6A82: tap again; if it stays so, use another card.",
  },
  UidSizeUndefined: {
    error: fromScript(ok("0102030405")),
    sentence: "The card gave a UID of 5 bytes, and only 4, 7 and 10 are defined: use another card.",
  },
  NdefTooLarge: {
    error: fromType4(capabilityOf("003B", "7FFF"), "1001"),
    sentence:
      "The card's NDEF message has 4097 bytes, and at most 4096 are read: write a shorter one.",
  },
  Type2Unreadable: {
    error: fromType2("E1203E00"),
    sentence:
      "The card's NDEF can't be read: its NDEF version byte is 20, and only version 1 is known. Format it anew, or use another card.",
  },
  Type4Unreadable: {
    error: fromType4(capabilityOf("003B", "0032"), "0031"),
    sentence:
      "The card's NDEF can't be read: its NDEF message claims 49 bytes in a file of 50. Format it anew, or use another card.",
  },
  NdefMalformed: {
    error: fromMessage("D1 01 03 55 04"),
    sentence:
      "The card's NDEF message is broken: the record at byte 0 is longer than the message. Write it anew.",
  },
};

const TYPE2_ERRORS: Readonly<Record<Type2Error["_tag"], CardReadError | undefined>> = {
  Type2VersionUnsupported: fromType2("E1203E00"),
  Type2ReadProtected: fromType2("E1103EF0"),
  TlvTruncated: fromType2("E1100100 0000000000000003"),
  TlvOverrunsArea: fromType2("E1100100 0307"),
  ControlTlvLengthWrong: fromType2("E1103E00 0102A00C FE"),
  ReservedAreaInside: fromType2("E1103E00 0203110104 FE"),
  NdefBeyondFirstSector: fromType2("E110FF00 03FF03ED"), // ends at byte 1,009
};

const TYPE4_ERRORS: Readonly<Record<Type4Error["_tag"], CardReadError | undefined>> = {
  CapabilityTooShort: fromType4(hex("000E20003B00340406E10400320000"), ""),
  Type4VersionUnsupported: fromType4(hex("000F10003B00340406E10400320000"), ""),
  MleTooSmall: fromType4(capabilityOf("000E", "0032"), ""),
  NdefFileControlMissing: fromType4(hex("000F30003B00340608E10400000032"), ""),
  NdefFileIdReserved: fromType4(hex("000F20003B003404063F0000320000"), ""),
  Type4ReadProtected: fromType4(hex("000F20003B00340406E10400328000"), ""),
  NlenOverrunsFile: fromType4(capabilityOf("003B", "0032"), "0031"),
};

const NDEF_ERRORS: Readonly<Record<NdefError["_tag"], CardReadError | undefined>> = {
  MessageBeginMisplaced: fromMessage("51 00 00"),
  MessageEndMissing: fromMessage("95 00 00"),
  BytesAfterMessageEnd: fromMessage("D5 00 00 00"),
  RecordChunked: fromMessage("B5 00 00"),
  RecordTruncated: fromMessage("D5 00 01"),
  TnfUndefined: fromMessage("D7 00 00"),
  FieldsContradictTnf: fromMessage("D0 00 01 AA"),
};

describe("every error of the flow is reached, and has its sentence", () => {
  test.each(Object.entries(CASES))("%s", (tag, { error, sentence }) => {
    expect(error?._tag).toBe(tag);
    expect(error && describeCardReadError(error)).toBe(sentence);
  });
});

describe("every error of a card's memory is reached, and has its own words", () => {
  const all = [
    ...Object.entries(TYPE2_ERRORS),
    ...Object.entries(TYPE4_ERRORS),
    ...Object.entries(NDEF_ERRORS),
  ];

  test.each(all)("%s", (tag, error) => {
    expect(error).toMatchObject({ error: { _tag: tag } });
    expect(error && describeCardReadError(error)).toMatch(
      /^The card's NDEF .+: .+\. (?:Format it anew, or use another card|Write it anew)\.$/,
    );
  });

  test("no two have the same words", () => {
    const sentences = all.map(([, error]) => error && describeCardReadError(error));
    expect(new Set(sentences).size).toBe(all.length);
  });
});

describe("an absent or failed card is told from one that refuses", () => {
  test.each([
    ["no response", ""],
    ["6300", "6300"],
  ])("%s: gone", (_, response) => {
    expect(fromScript(ok(UID), ok(), hex(response))).toEqual({
      _tag: "CardGone",
      command: "SELECT file",
    });
  });

  test("a refusal of the application that is no absence is an error", () => {
    expect(fromScript(ok(UID), hex("6982"))).toEqual({
      _tag: "StatusWordNotOk",
      command: "SELECT application",
      sw: 0x6982,
    });
  });

  test("a success without any data is no UID", () => {
    expect(fromScript(ok())).toEqual({ _tag: "UidSizeUndefined", byteCount: 0 });
  });
});
