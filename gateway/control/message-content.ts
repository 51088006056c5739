/** What a person can read of an NDEF message; it is shown, and never stored. */
import * as E from "fp-ts/lib/Either.js";
import { fromUtf8 } from "#core/bytes.ts";
import { decodeNdef, type NdefRecord } from "#core/card/ndef.ts";
import { decodeText, decodeUri } from "#core/card/well-known.ts";

const recordsOf = (ndef: Uint8Array | null): ReadonlyArray<NdefRecord> => {
  const records = ndef === null ? E.right([]) : decodeNdef(ndef);
  return E.isLeft(records) ? [] : records.right;
};

/** URIs and texts, as they are. */
export const contentOf = (ndef: Uint8Array | null): ReadonlyArray<string> =>
  recordsOf(ndef).flatMap((record) => {
    const uri = decodeUri(record);
    if (E.isRight(uri)) return [uri.right];
    const text = decodeText(record);
    return E.isRight(text) ? [text.right.text] : [];
  });

const describeRecord = (record: NdefRecord): string => {
  const uri = decodeUri(record);
  if (E.isRight(uri)) return `URI ${uri.right}`;
  const text = decodeText(record);
  if (E.isRight(text)) return `text (${text.right.language}) ${text.right.text}`;
  const type = fromUtf8(record.type) ?? "";
  return `${record.tnf} ${type}, ${record.payload.length} bytes`;
};

/** A line for each record, of whatever kind. */
export const describeMessage = (ndef: Uint8Array | null): ReadonlyArray<string> =>
  recordsOf(ndef).map(describeRecord);
