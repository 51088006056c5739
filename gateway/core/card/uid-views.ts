/** A UID as other systems write it, for whoever brings their lists along. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex, toHex } from "#core/bytes.ts";
import { decodeUid, type Uid } from "#core/card/uid.ts";

export interface UidViews {
  /** All bytes as one number, the first byte most significant. */
  readonly decimal: string;
  /** The same with the last byte most significant, as most desktop readers type it. */
  readonly decimalReversed: string;
  /** Facility code (8 bits) and card number (16 bits): the lowest 24 bits of the reversed number. */
  readonly wiegand26: { readonly facility: number; readonly card: number };
  /** 16 and 16 bits: the lowest 32 of the reversed number. */
  readonly wiegand34: { readonly facility: number; readonly card: number };
}

/** How a number in a list was made from a UID. */
export type UidDecimalOrder = "first-byte-first" | "last-byte-first";

export type UidDecimalError = {
  readonly _tag: "UidNotDecimal";
  readonly text: string;
};

const UID_BYTE_COUNTS = [4, 7, 10];

const reversed = (bytes: Uint8Array): Uint8Array => bytes.toReversed();
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x0${toHex(bytes)}`);

/** Wiegand holds too little to tell cards apart for sure, so it is shown and never read back. */
export const uidViews = (uid: Uid): UidViews => {
  const bytes = fromHex(uid) ?? new Uint8Array();
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = bytes;
  const card = b1 * 0x100 + b0;
  return {
    decimal: numberOf(bytes).toString(),
    decimalReversed: numberOf(reversed(bytes)).toString(),
    wiegand26: { facility: b2, card },
    wiegand34: { facility: b3 * 0x100 + b2, card },
  };
};

/**
 * The UID of a number as in {@link UidViews}. Its size is the smallest of 4, 7 and 10 bytes that the number fits in.
 * Left: `UidNotDecimal` for anything but decimal digits, and for numbers beyond 10 bytes.
 */
export const uidOfDecimal = (
  text: string,
  order: UidDecimalOrder,
): E.Either<UidDecimalError, Uid> => {
  const error: E.Either<UidDecimalError, Uid> = E.left({ _tag: "UidNotDecimal", text });
  if (!/^\d{1,25}$/.test(text)) return error;
  const digits = BigInt(text).toString(16);
  const byteCount = UID_BYTE_COUNTS.find((count) => digits.length <= 2 * count);
  const bytes = byteCount === undefined ? undefined : fromHex(digits.padStart(2 * byteCount, "0"));
  if (bytes === undefined) return error;
  const uid = decodeUid(order === "last-byte-first" ? reversed(bytes) : bytes);
  return E.isLeft(uid) ? error : uid;
};
