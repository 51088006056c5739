/** NDEF messages: records with a type, an id and a payload. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { uintBe } from "#core/card/uint.ts";

/** The largest message that is read from a card, bytes: more would break the 100 ms of feedback. */
export const NDEF_BYTES_MAX = 4_096;

/** In the order of their numbers, 0 to 5. */
const TNF_NAMES = ["empty", "well-known", "media", "uri", "external", "unknown"] as const;

/** Type name format: what kind of name the type is. */
export type Tnf = (typeof TNF_NAMES)[number];

export interface NdefRecord {
  readonly tnf: Tnf;
  readonly type: Uint8Array;
  readonly id: Uint8Array;
  readonly payload: Uint8Array;
}

/** `at`: bytes from the start of the message to the record concerned. */
export type NdefError =
  | { readonly _tag: "MessageBeginMisplaced"; readonly at: number }
  | { readonly _tag: "MessageEndMissing" }
  | { readonly _tag: "BytesAfterMessageEnd"; readonly byteCount: number }
  | { readonly _tag: "RecordChunked"; readonly at: number }
  | { readonly _tag: "RecordTruncated"; readonly at: number }
  | { readonly _tag: "TnfUndefined"; readonly at: number; readonly tnf: number }
  | { readonly _tag: "FieldsContradictTnf"; readonly at: number };

export type NdefEncodeError =
  | { readonly _tag: "RecordsMissing" }
  | { readonly _tag: "FieldTooLong"; readonly recordIndex: number }
  | { readonly _tag: "RecordContradictsTnf"; readonly recordIndex: number };

const MESSAGE_BEGIN = 0x80;
const MESSAGE_END = 0x40;
const CHUNK = 0x20;
const SHORT_RECORD = 0x10;
const ID_LENGTH = 0x08;
const TNF_MASK = 0x07;

/** An empty record has no fields at all, one of unknown type no type. */
const contradictsTnf = ({ tnf, type, id, payload }: NdefRecord): boolean => {
  if (tnf === "unknown") return type.length > 0;
  return tnf === "empty" && type.length + id.length + payload.length > 0;
};

/** Takes the fields out of a record whose header byte has been found sound. */
const decodeFields = (
  bytes: Uint8Array,
  at: number,
  tnf: Tnf,
): E.Either<NdefError, { readonly record: NdefRecord; readonly end: number }> => {
  const header = bytes[at] ?? 0;
  const payloadLengthBytes = (header & SHORT_RECORD) === 0 ? 4 : 1;
  const idLengthBytes = (header & ID_LENGTH) === 0 ? 0 : 1;
  const typeAt = at + 2 + payloadLengthBytes + idLengthBytes;
  if (typeAt > bytes.length) return E.left({ _tag: "RecordTruncated", at });
  const idAt = typeAt + uintBe(bytes, at + 1, 1);
  const payloadAt = idAt + (idLengthBytes === 0 ? 0 : uintBe(bytes, typeAt - 1, 1));
  const end = payloadAt + uintBe(bytes, at + 2, payloadLengthBytes);
  if (end > bytes.length) return E.left({ _tag: "RecordTruncated", at });
  const record: NdefRecord = {
    tnf,
    type: bytes.slice(typeAt, idAt),
    id: bytes.slice(idAt, payloadAt),
    payload: bytes.slice(payloadAt, end),
  };
  if (contradictsTnf(record)) return E.left({ _tag: "FieldsContradictTnf", at });
  return E.right({ record, end });
};

const decodeTnf = (bytes: Uint8Array, at: number): E.Either<NdefError, Tnf> => {
  const header = bytes[at];
  if (header === undefined) return E.left({ _tag: "MessageEndMissing" });
  if (((header & MESSAGE_BEGIN) !== 0) !== (at === 0)) {
    return E.left({ _tag: "MessageBeginMisplaced", at });
  }
  if ((header & CHUNK) !== 0) return E.left({ _tag: "RecordChunked", at });
  const tnf = TNF_NAMES[header & TNF_MASK];
  return tnf === undefined
    ? E.left({ _tag: "TnfUndefined", at, tnf: header & TNF_MASK })
    : E.right(tnf);
};

/**
 * Decodes a whole message into its records, at least one.
 * Layout of a record: flags MB ME CF SR IL and TNF in one byte; type length (1); payload length (1 with
 * SR, else 4, most significant first); id length (1, with IL); type; id; payload.
 * Left: `MessageBeginMisplaced`: MB is not on the first record, and on it alone; `MessageEndMissing`: the
 * bytes end before a record with ME; `BytesAfterMessageEnd`; `RecordTruncated`: a length points beyond
 * the bytes; `RecordChunked`: a payload in several chunks, which no tag in use needs; `TnfUndefined`:
 * 6 outside of chunks, or 7; `FieldsContradictTnf`: an empty record with fields, or an unknown type
 * with a type. For each of them the card has to be written anew.
 * Source: NFC Forum NDEF 1.0, "The NDEF Specification".
 */
export const decodeNdef = (message: Uint8Array): E.Either<NdefError, ReadonlyArray<NdefRecord>> => {
  const records: NdefRecord[] = [];
  let at = 0;
  for (;;) {
    const tnf = decodeTnf(message, at);
    if (E.isLeft(tnf)) return tnf;
    const decoded = decodeFields(message, at, tnf.right);
    if (E.isLeft(decoded)) return decoded;
    const isLast = (uintBe(message, at, 1) & MESSAGE_END) !== 0;
    records.push(decoded.right.record);
    at = decoded.right.end;
    if (!isLast) continue;
    const byteCount = message.length - at;
    return byteCount === 0 ? E.right(records) : E.left({ _tag: "BytesAfterMessageEnd", byteCount });
  }
};

const encodeRecord = ({ tnf, type, id, payload }: NdefRecord, position: number): Uint8Array => {
  const isShort = payload.length < 0x100;
  const hasId = id.length > 0;
  const flags = position | (isShort ? SHORT_RECORD : 0) | (hasId ? ID_LENGTH : 0);
  const payloadLength = new Uint8Array(isShort ? 1 : 4);
  if (isShort) payloadLength[0] = payload.length;
  else new DataView(payloadLength.buffer).setUint32(0, payload.length);
  return concatBytes(
    Uint8Array.of(flags | TNF_NAMES.indexOf(tnf), type.length),
    payloadLength,
    hasId ? Uint8Array.of(id.length) : new Uint8Array(0),
    type,
    id,
    payload,
  );
};

/**
 * Encodes records as one message, in the shortest form.
 * Left: `RecordsMissing` for none; `FieldTooLong` for a type or id over 255 bytes;
 * `RecordContradictsTnf` for an empty record with fields, or an unknown type with a type.
 */
export const encodeNdef = (
  records: ReadonlyArray<NdefRecord>,
): E.Either<NdefEncodeError, Uint8Array> => {
  if (records.length === 0) return E.left({ _tag: "RecordsMissing" });
  const parts: Uint8Array[] = [];
  for (const [recordIndex, record] of records.entries()) {
    if (record.type.length > 0xff || record.id.length > 0xff) {
      return E.left({ _tag: "FieldTooLong", recordIndex });
    }
    if (contradictsTnf(record)) return E.left({ _tag: "RecordContradictsTnf", recordIndex });
    const begin = recordIndex === 0 ? MESSAGE_BEGIN : 0;
    const end = recordIndex === records.length - 1 ? MESSAGE_END : 0;
    parts.push(encodeRecord(record, begin | end));
  }
  return E.right(concatBytes(...parts));
};
