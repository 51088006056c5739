/** The NDEF records that people write on tags: URI, text, a file of a MIME type, and external types. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, fromUtf8, utf8 } from "#core/bytes.ts";
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

const NO_BYTES = new Uint8Array();

/** The longest prefix that has a code, and the rest in UTF-8. */
export const uriRecord = (uri: string): NdefRecord => {
  let code = 0;
  for (const [candidate, prefix] of URI_PREFIXES.entries()) {
    const isLonger = prefix.length > (URI_PREFIXES[code]?.length ?? 0);
    if (isLonger && uri.startsWith(prefix)) code = candidate;
  }
  const rest = uri.slice(URI_PREFIXES[code]?.length);
  const payload = concatBytes(Uint8Array.of(code), utf8(rest));
  return { tnf: "well-known", type: Uint8Array.of(TYPE_URI), id: NO_BYTES, payload };
};

/** In UTF-8. Undefined for a language tag that is none, or too long: at most 63 letters, digits and `-`. */
export const textRecord = ({ language, text }: NdefText): NdefRecord | undefined => {
  if (!/^[a-zA-Z0-9-]{1,63}$/.test(language)) return undefined;
  const tag = utf8(language);
  const payload = concatBytes(Uint8Array.of(tag.length), tag, utf8(text));
  return { tnf: "well-known", type: Uint8Array.of(TYPE_TEXT), id: NO_BYTES, payload };
};

/** Undefined for a type that is none: `image/png`. Source: RFC 2046; RFC 6838, section 4.2. */
export const mimeRecord = (type: string, payload: Uint8Array): NdefRecord | undefined =>
  /^[a-zA-Z0-9][\w!#$&^.+-]{0,126}\/[a-zA-Z0-9][\w!#$&^.+-]{0,126}$/.test(type)
    ? { tnf: "media", type: utf8(type), id: NO_BYTES, payload }
    : undefined;

/** Undefined for a type that is none: `example.com:tool`. Source: NFC Forum RTD 1.0, "External Type". */
export const externalRecord = (type: string, payload: Uint8Array): NdefRecord | undefined =>
  /^[a-z0-9.-]+\.[a-z0-9-]+:[\w$()*+,.;=@!'-]+$/i.test(type) && type.length <= 255
    ? { tnf: "external", type: utf8(type), id: NO_BYTES, payload }
    : undefined;
