/** The identifier that a card gives of itself. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";

/** 4, 7 or 10 bytes as upper-case hex: what is printed on lists and read aloud. */
export type Uid = string & { readonly __brand: "Uid" };

export type UidError =
  | { readonly _tag: "UidSizeUndefined"; readonly byteCount: number }
  | { readonly _tag: "UidNotHex"; readonly text: string };

/** Why a UID says nothing lasting about the card that showed it. */
export type UidUnfit = "random" | "shared";

const isUid = (hex: string): hex is Uid => /^(?:[0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20})$/.test(hex);

/**
 * Decodes UID bytes. Left: `UidSizeUndefined` unless 4, 7 or 10 bytes (ISO/IEC 14443-3).
 */
export const decodeUid = (bytes: Uint8Array): E.Either<UidError, Uid> => {
  const hex = toHex(bytes).toUpperCase();
  return isUid(hex) ? E.right(hex) : E.left({ _tag: "UidSizeUndefined", byteCount: bytes.length });
};

/** One spelling for each UID, however a person typed it: upper case, without `:`, `-` and blanks. */
export const plainUid = (text: string): string => text.replaceAll(/[\s:-]/g, "").toUpperCase();

/**
 * Parses what a person typed: hex of either case, with or without `:`, `-` or blanks between.
 * Left: `UidNotHex`, or `UidSizeUndefined` for hex of another length.
 */
export const parseUid = (text: string): E.Either<UidError, Uid> => {
  const hex = plainUid(text);
  if (!/^(?:[0-9A-F]{2})+$/.test(hex)) return E.left({ _tag: "UidNotHex", text });
  return isUid(hex)
    ? E.right(hex)
    : E.left({ _tag: "UidSizeUndefined", byteCount: hex.length / 2 });
};

/**
 * Why this UID must not be enrolled, or undefined if nothing speaks against it. A 4-byte UID that
 * begins with 08 is made anew for each tap (ISO/IEC 14443-3, phones do it); 01020304 is what many
 * phones and clones all show.
 */
export const uidUnfitFor = (uid: Uid): UidUnfit | undefined => {
  if (uid === "01020304") return "shared";
  return uid.length === 8 && uid.startsWith("08") ? "random" : undefined;
};

/** How a UID is shown where the whole of it is nobody's business: the last two bytes. */
export const shortUid = (uid: Uid): string => `…${uid.slice(-4)}`;
