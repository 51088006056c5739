/** Where a carried state stands in a tag's NDEF message: a record of an external type, behind all others. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, utf8 } from "#core/bytes.ts";
import { decodeNdef, encodeNdef, type NdefRecord } from "#core/card/ndef.ts";

/** `.internal` is kept for private use, so that the name is nobody else's; short, because tags are. */
export const CARRIED_TYPE = "tapmesh.internal:s";
const TYPE_BYTES = utf8(CARRIED_TYPE);

const isCarried = ({ tnf, type }: NdefRecord): boolean =>
  tnf === "external" && equalBytes(type, TYPE_BYTES);

const recordsOf = (message: Uint8Array | null): ReadonlyArray<NdefRecord> => {
  const records = message === null ? E.right([]) : decodeNdef(message);
  return E.isRight(records) ? records.right : [];
};

/** What the message carries; null: nothing of ours. */
export const carriedIn = (message: Uint8Array | null): Uint8Array | null =>
  recordsOf(message).find(isCarried)?.payload ?? null;

/** The message with that carried in place of what it carried before; all other records stay as they are. */
export const withCarried = (message: Uint8Array | null, payload: Uint8Array): Uint8Array => {
  const others = recordsOf(message).filter(
    (record) => !isCarried(record) && record.tnf !== "empty",
  );
  const id = new Uint8Array(0);
  const record: NdefRecord = { tnf: "external", type: TYPE_BYTES, id, payload };
  // Records that were decoded fit a message, and ours does.
  return E.getOrElse((): Uint8Array => new Uint8Array(0))(encodeNdef([...others, record]));
};
