/** The two well-known NDEF record types that people write on tags: URI and Text. */
import * as E from "fp-ts/lib/Either.js";
import { fromUtf8 } from "#core/bytes.ts";
import type { NdefRecord } from "#core/card/ndef.ts";

export type WellKnownError =
  | { readonly _tag: "RecordTypeOther" }
  | { readonly _tag: "PayloadTruncated" }
  | { readonly _tag: "PayloadNotUtf8" }
  | { readonly _tag: "UriPrefixReserved"; readonly code: number }
  | { readonly _tag: "TextInUtf16" };

export interface NdefText {
  /** IANA language tag, as written: `en`, `de-CH`. */
  readonly language: string;
  readonly text: string;
}

const TYPE_URI = 0x55;
const TYPE_TEXT = 0x54;
const TEXT_UTF16 = 0x80;
const TEXT_LANGUAGE_LENGTH = 0x3f;

/** NFC Forum URI RTD 1.0, "Abbreviation Table": the first payload byte stands for one of these. */
const URI_PREFIXES: ReadonlyArray<string> = [
  "",
  "http://www.",
  "https://www.",
  "http://",
  "https://",
  "tel:",
  "mailto:",
  "ftp://anonymous:anonymous@",
  "ftp://ftp.",
  "ftps://",
  "sftp://",
  "smb://",
  "nfs://",
  "ftp://",
  "dav://",
  "news:",
  "telnet://",
  "imap:",
  "rtsp://",
  "urn:",
  "pop:",
  "sip:",
  "sips:",
  "tftp:",
  "btspp://",
  "btl2cap://",
  "btgoep://",
  "tcpobex://",
  "irdaobex://",
  "file://",
  "urn:epc:id:",
  "urn:epc:tag:",
  "urn:epc:pat:",
  "urn:epc:raw:",
  "urn:epc:",
  "urn:nfc:",
];

const isWellKnown = (record: NdefRecord, type: number): boolean =>
  record.tnf === "well-known" && record.type.length === 1 && record.type[0] === type;

/**
 * The URI of a record of type `U`: a prefix code, then UTF-8.
 * Left: `RecordTypeOther`; `PayloadTruncated` without a prefix code; `UriPrefixReserved` from code
 * 0x24 on; `PayloadNotUtf8`.
 * Source: NFC Forum URI RTD 1.0, "URI Record Type".
 */
export const decodeUri = (record: NdefRecord): E.Either<WellKnownError, string> => {
  if (!isWellKnown(record, TYPE_URI)) return E.left({ _tag: "RecordTypeOther" });
  const code = record.payload[0];
  if (code === undefined) return E.left({ _tag: "PayloadTruncated" });
  const prefix = URI_PREFIXES[code];
  if (prefix === undefined) return E.left({ _tag: "UriPrefixReserved", code });
  const rest = fromUtf8(record.payload.subarray(1));
  return rest === undefined ? E.left({ _tag: "PayloadNotUtf8" }) : E.right(prefix + rest);
};

/**
 * The text of a record of type `T`: a status byte (bit 7 UTF-16, bits 0 to 5 length of the language
 * tag), the language tag, the text.
 * Left: `RecordTypeOther`; `PayloadTruncated`: shorter than its language tag; `TextInUtf16`, which
 * hardly any writer makes; `PayloadNotUtf8`.
 * Source: NFC Forum Text RTD 1.0, "Syntax".
 */
export const decodeText = (record: NdefRecord): E.Either<WellKnownError, NdefText> => {
  if (!isWellKnown(record, TYPE_TEXT)) return E.left({ _tag: "RecordTypeOther" });
  const status = record.payload[0];
  if (status === undefined) return E.left({ _tag: "PayloadTruncated" });
  const textAt = 1 + (status & TEXT_LANGUAGE_LENGTH);
  if (textAt > record.payload.length) return E.left({ _tag: "PayloadTruncated" });
  if ((status & TEXT_UTF16) !== 0) return E.left({ _tag: "TextInUtf16" });
  const language = fromUtf8(record.payload.subarray(1, textAt));
  const text = fromUtf8(record.payload.subarray(textAt));
  if (language === undefined || text === undefined) return E.left({ _tag: "PayloadNotUtf8" });
  return E.right({ language, text });
};
