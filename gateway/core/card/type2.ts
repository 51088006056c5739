/** The capability container of a Type 2 card: whether it holds NDEF, and how much room there is. */
import * as E from "fp-ts/lib/Either.js";

export const TYPE2_CAPABILITY_PAGE = 3;
/** The data area follows the capability container. */
export const TYPE2_DATA_PAGE = 4;
/** READ has one byte for the page. Pages from 256 on would take SECTOR SELECT, which PC/SC has not. */
export const TYPE2_SECTOR_DATA_BYTES: number = (256 - TYPE2_DATA_PAGE) * 4;

export interface Type2Capability {
  /** Size of the data area, bytes. */
  readonly dataByteCount: number;
  /** Anyone may write it, as far as the container knows; lock bits are another matter. */
  readonly isWritable: boolean;
}

export type Type2CapabilityError =
  | { readonly _tag: "Type2VersionUnsupported"; readonly version: number }
  | { readonly _tag: "Type2ReadProtected"; readonly access: number };

const MAGIC = 0xe1;
const VERSION_MAJOR = 1;
const DATA_UNIT_BYTES = 8;

/**
 * Decodes page 3: `E1`, version (major, minor), size of the data area in 8 bytes, access (read,
 * write; 0 is free), for instance `E1 10 3E 00` on an NTAG215. Missing bytes count as 0.
 * Right: null without the `E1`: the card is not meant for NDEF.
 * Left: `Type2VersionUnsupported` unless the major version is 1; `Type2ReadProtected` unless reading
 * is free. Use a card in the standard's version 1 that anyone may read.
 * Source: NFC Forum Type 2 Tag 1.1, "NDEF Management".
 */
export const decodeType2Capability = (
  page: Uint8Array,
): E.Either<Type2CapabilityError, Type2Capability | null> => {
  const [magic, version = 0, size = 0, access = 0] = page;
  if (magic !== MAGIC) return E.right(null);
  if (version >> 4 !== VERSION_MAJOR) return E.left({ _tag: "Type2VersionUnsupported", version });
  if (access >> 4 !== 0) return E.left({ _tag: "Type2ReadProtected", access });
  return E.right({ dataByteCount: size * DATA_UNIT_BYTES, isWritable: (access & 0x0f) === 0 });
};
