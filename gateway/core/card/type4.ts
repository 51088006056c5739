/** The capability container of a Type 4 card: which file holds NDEF, and how it may be read. */
import * as E from "fp-ts/lib/Either.js";
import { uintBe } from "#core/card/uint.ts";

export const TYPE4_APPLICATION: Uint8Array = Uint8Array.of(0xd2, 0x76, 0, 0, 0x85, 0x01, 0x01);
export const TYPE4_CAPABILITY_FILE = 0xe103;
/** All that is needed of the file: the header and the first TLV. Every card lets so much be read at once. */
export const TYPE4_CAPABILITY_BYTES = 15;
/** NLEN, before the message in the NDEF file. */
export const TYPE4_NLEN_BYTES = 2;

export interface Type4Capability {
  readonly ndefFileId: number;
  /** Size of the NDEF file, bytes, NLEN included. */
  readonly ndefFileByteCount: number;
  /** MLe: the most bytes that one READ BINARY may ask for. */
  readonly mle: number;
  /** MLc: the most bytes that one UPDATE BINARY may bring. */
  readonly mlc: number;
  /** Anyone may write the file. */
  readonly isWritable: boolean;
}

export type Type4Error =
  | { readonly _tag: "CapabilityTooShort"; readonly byteCount: number }
  | { readonly _tag: "Type4VersionUnsupported"; readonly version: number }
  | { readonly _tag: "MleTooSmall"; readonly mle: number }
  | {
      readonly _tag: "NdefFileControlMissing";
      readonly type: number;
      readonly byteCount: number;
    }
  | { readonly _tag: "NdefFileIdReserved"; readonly fileId: number }
  | { readonly _tag: "Type4ReadProtected"; readonly access: number }
  | {
      readonly _tag: "NlenOverrunsFile";
      readonly nlen: number;
      readonly fileByteCount: number;
    };

const NDEF_FILE_CONTROL = 0x04;
const NDEF_FILE_CONTROL_BYTES = 0x06;
const MLE_MIN = 0x0f;
const READ_FREE = 0x00;
const WRITE_FREE = 0x00;
/** Ids that ISO/IEC 7816-4 and the standard itself keep for other files. */
const FILE_IDS_RESERVED: ReadonlySet<number> = new Set([
  0x0000, 0x3f00, 0x3fff, 0xe102, 0xe103, 0xffff,
]);

const isVersionKnown = (version: number): boolean => version >> 4 === 2 || version >> 4 === 3;

/**
 * Decodes the first 15 bytes of file E103: CCLEN (2), version, MLe (2), MLc (2), then the NDEF file
 * control TLV: `04 06`, file id (2), file size (2), read access, write access (0 is free).
 * Left: `CapabilityTooShort` below 15 bytes, given or stated; `Type4VersionUnsupported` unless the
 * major version is 2 or 3; `MleTooSmall` below 15; `NdefFileControlMissing` if another TLV stands
 * first (06 is for files over 32 KiB); `NdefFileIdReserved`; `Type4ReadProtected` unless reading is
 * free. Use a card formatted for NDEF that anyone may read.
 * Source: NFC Forum Type 4 Tag 2.0, "Capability Container".
 */
export const decodeType4Capability = (file: Uint8Array): E.Either<Type4Error, Type4Capability> => {
  const cclen = uintBe(file, 0, 2);
  const byteCount = Math.min(cclen, file.length);
  if (byteCount < TYPE4_CAPABILITY_BYTES) return E.left({ _tag: "CapabilityTooShort", byteCount });
  const version = uintBe(file, 2, 1);
  if (!isVersionKnown(version)) return E.left({ _tag: "Type4VersionUnsupported", version });
  const mle = uintBe(file, 3, 2);
  if (mle < MLE_MIN) return E.left({ _tag: "MleTooSmall", mle });
  const type = uintBe(file, 7, 1);
  const length = uintBe(file, 8, 1);
  if (type !== NDEF_FILE_CONTROL || length !== NDEF_FILE_CONTROL_BYTES) {
    return E.left({ _tag: "NdefFileControlMissing", type, byteCount: length });
  }
  const ndefFileId = uintBe(file, 9, 2);
  if (FILE_IDS_RESERVED.has(ndefFileId)) {
    return E.left({ _tag: "NdefFileIdReserved", fileId: ndefFileId });
  }
  const access = uintBe(file, 13, 1);
  if (access !== READ_FREE) return E.left({ _tag: "Type4ReadProtected", access });
  const mlc = uintBe(file, 5, 2);
  const isWritable = uintBe(file, 14, 1) === WRITE_FREE && mlc > 0;
  return E.right({ ndefFileId, ndefFileByteCount: uintBe(file, 11, 2), mle, mlc, isWritable });
};

/**
 * Decodes NLEN, the length of the message, 0 if there is none.
 * Left: `NlenOverrunsFile` if the file has no room for it. Write the card anew.
 */
export const decodeNlen = (
  bytes: Uint8Array,
  fileByteCount: number,
): E.Either<Type4Error, number> => {
  const nlen = uintBe(bytes, 0, TYPE4_NLEN_BYTES);
  return TYPE4_NLEN_BYTES + nlen > fileByteCount
    ? E.left({ _tag: "NlenOverrunsFile", nlen, fileByteCount })
    : E.right(nlen);
};
