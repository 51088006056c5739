/** The TLV blocks in the data area of a Type 2 card, of which one holds the NDEF message. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { uintBe } from "#core/card/uint.ts";

const TLV_NULL = 0x00;
const TLV_LOCK_CONTROL = 0x01;
const TLV_MEMORY_CONTROL = 0x02;
const TLV_NDEF = 0x03;
const TLV_PROPRIETARY = 0xfd;
const TLV_TERMINATOR = 0xfe;

/** A first length byte of FF says that two more hold the length. */
const LENGTH_IN_THREE_BYTES = 0xff;
const CONTROL_VALUE_BYTES = 3;
/** The data area begins at page 4. Control TLVs count from page 0. */
const DATA_AREA_AT = 16;

/** `at` counts bytes from the start of the data area. */
export type TlvError =
  | { readonly _tag: "TlvTruncated"; readonly at: number }
  | { readonly _tag: "TlvOverrunsArea"; readonly at: number; readonly byteCount: number }
  | { readonly _tag: "ControlTlvLengthWrong"; readonly at: number; readonly byteCount: number }
  | { readonly _tag: "ReservedAreaInside"; readonly at: number };

/** Not the card's fault: the search goes on once the first `byteCount` bytes of the area are there. */
export interface BytesNeeded {
  readonly _tag: "BytesNeeded";
  readonly byteCount: number;
}

interface Tlv {
  readonly type: number;
  readonly valueAt: number;
  readonly end: number;
}

interface DataArea {
  /** The bytes read so far. */
  readonly bytes: Uint8Array;
  /** The size that the capability container states. */
  readonly byteCount: number;
}

const isOneByte = (type: number): boolean => type === TLV_NULL || type === TLV_TERMINATOR;

const decodeTlv = (area: DataArea, at: number): E.Either<TlvError | BytesNeeded, Tlv> => {
  const { bytes } = area;
  const type = bytes[at];
  if (type === undefined) return E.left({ _tag: "BytesNeeded", byteCount: at + 1 });
  if (isOneByte(type)) return E.right({ type, valueAt: at + 1, end: at + 1 });
  if (at + 2 > area.byteCount) return E.left({ _tag: "TlvTruncated", at });
  const length = bytes[at + 1];
  if (length === undefined) return E.left({ _tag: "BytesNeeded", byteCount: at + 2 });
  const isLong = length === LENGTH_IN_THREE_BYTES;
  const valueAt = at + (isLong ? 4 : 2);
  if (valueAt > area.byteCount) return E.left({ _tag: "TlvTruncated", at });
  if (valueAt > bytes.length) return E.left({ _tag: "BytesNeeded", byteCount: valueAt });
  const byteCount = isLong ? uintBe(bytes, at + 2, 2) : length;
  const end = valueAt + byteCount;
  if (end > area.byteCount) return E.left({ _tag: "TlvOverrunsArea", at, byteCount });
  return E.right({ type, valueAt, end });
};

/**
 * Lock and memory control TLVs name bytes that are not data. Where they lie behind the data area, as
 * on all of NTAG21x and Ultralight, nothing has to be done; inside it they would have to be cut out
 * of the message, and reading over them would alter it without notice.
 */
const checkControl = (area: DataArea, tlv: Tlv, at: number): E.Either<TlvError, void> => {
  const byteCount = tlv.end - tlv.valueAt;
  if (byteCount !== CONTROL_VALUE_BYTES) {
    return E.left({ _tag: "ControlTlvLengthWrong", at, byteCount });
  }
  const [position = 0, size = 0, pageControl = 0] = area.bytes.subarray(tlv.valueAt, tlv.end);
  const pageByteCount = 2 ** (pageControl & 0x0f);
  const reservedAt = (position >> 4) * pageByteCount + (position & 0x0f);
  const count = size === 0 ? 256 : size; // lock bits, or reserved bytes
  const reservedEnd = reservedAt + (tlv.type === TLV_LOCK_CONTROL ? Math.ceil(count / 8) : count);
  const isInside = reservedAt < DATA_AREA_AT + area.byteCount && reservedEnd > DATA_AREA_AT;
  return isInside ? E.left({ _tag: "ReservedAreaInside", at }) : E.right(undefined);
};

/**
 * Finds the first NDEF TLV in a data area, of which only the beginning may have been read yet.
 * Layout of a block: type, length (1 byte, or FF and 2 bytes, most significant first), value; NULL 00
 * and terminator FE are their type alone. Blocks of other types are skipped. A long length below 255
 * is accepted: it is needless, but says the same.
 * Right: the message, or null if a terminator or the end of the area comes before any.
 * Left: `BytesNeeded`: read on, never beyond the area, and ask again. `TlvTruncated`: the area ends
 * inside a length; `TlvOverrunsArea`: a value is longer than what is left; `ControlTlvLengthWrong`: a
 * lock or memory control block is not of 3 bytes; `ReservedAreaInside`: see above. For these the
 * card has to be written anew.
 * Source: NFC Forum Type 2 Tag 1.1, "TLV blocks".
 */
export const findNdefTlv = (
  bytes: Uint8Array,
  areaByteCount: number,
): E.Either<TlvError | BytesNeeded, Uint8Array | null> => {
  const area: DataArea = { bytes, byteCount: areaByteCount };
  let at = 0;
  while (at < areaByteCount) {
    const decoded = decodeTlv(area, at);
    if (E.isLeft(decoded)) return decoded;
    const { type, valueAt, end } = decoded.right;
    if (type === TLV_TERMINATOR) return E.right(null);
    const isControl = type === TLV_LOCK_CONTROL || type === TLV_MEMORY_CONTROL;
    if ((isControl || type === TLV_NDEF) && end > bytes.length) {
      return E.left({ _tag: "BytesNeeded", byteCount: end });
    }
    if (type === TLV_NDEF) return E.right(bytes.slice(valueAt, end));
    if (isControl) {
      const checked = checkControl(area, decoded.right, at);
      if (E.isLeft(checked)) return checked;
    }
    at = end;
  }
  return E.right(null);
};

const controlEnd = (area: DataArea): number => {
  let [at, end] = [0, 0];
  for (;;) {
    const decoded = decodeTlv(area, at);
    if (E.isLeft(decoded) || at >= area.byteCount) return end;
    const { type } = decoded.right;
    const isControl = type === TLV_LOCK_CONTROL || type === TLV_MEMORY_CONTROL;
    if (!isControl && type !== TLV_NULL) return end;
    at = decoded.right.end;
    if (isControl) end = at;
  }
};

/** Where a message would begin if it came straight after the lock and memory control blocks. */
export const dataStart = (bytes: Uint8Array): number =>
  controlEnd({ bytes, byteCount: bytes.length });

/** Where the first NDEF block begins and ends; undefined: there is none that is whole. */
export const ndefTlvPlace = (
  bytes: Uint8Array,
): { readonly at: number; readonly end: number } | undefined => {
  const area: DataArea = { bytes, byteCount: bytes.length };
  for (let at = 0; at < bytes.length;) {
    const decoded = decodeTlv(area, at);
    if (E.isLeft(decoded) || decoded.right.type === TLV_TERMINATOR) return undefined;
    const { type, end } = decoded.right;
    if (type === TLV_NDEF) return { at, end };
    at = end;
  }
  return undefined;
};

/** The beginning of a block that readers pass over, whose end is `byteCount` bytes behind its own. */
export const encodeSkippedTlvHeader = (byteCount: number): Uint8Array =>
  byteCount - 2 < LENGTH_IN_THREE_BYTES
    ? Uint8Array.of(TLV_PROPRIETARY, byteCount - 2)
    : Uint8Array.of(
        TLV_PROPRIETARY,
        LENGTH_IN_THREE_BYTES,
        (byteCount - 4) >> 8,
        (byteCount - 4) & 0xff,
      );

/** An NDEF TLV and the terminator, for a message of at most 65,534 bytes. */
export const encodeNdefTlv = (message: Uint8Array): Uint8Array => {
  const length =
    message.length < LENGTH_IN_THREE_BYTES
      ? Uint8Array.of(message.length)
      : Uint8Array.of(LENGTH_IN_THREE_BYTES, message.length >> 8, message.length & 0xff);
  return concatBytes(Uint8Array.of(TLV_NDEF), length, message, Uint8Array.of(TLV_TERMINATOR));
};
