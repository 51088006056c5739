/**
 * The one encoding of records and messages: deterministic CBOR (RFC 8949 section 4.2.1), narrowed to
 * arrays, safe integers, bytes, text, booleans and null. What is not encoded just so is not ours.
 */
import { decode, encode, rfc8949EncodeOptions } from "cborg";
import * as E from "fp-ts/lib/Either.js";
import { DEPTH_MAX, readCanonical } from "#core/log/canonical-cbor.ts";

export type CborValue = null | boolean | number | string | Uint8Array | ReadonlyArray<CborValue>;

export type CborError =
  /** Not CBOR, or CBOR of a kind that tapmesh doesn't use. */
  | { readonly _tag: "CborMalformed"; readonly detail: string }
  /** The same value has a shorter or differently ordered encoding. */
  | { readonly _tag: "CborNotCanonical" };

const DECODE_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
} as const;

const isCborValue = (value: unknown, depth: number): value is CborValue => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (value instanceof Uint8Array) return true;
  if (!Array.isArray(value) || depth >= DEPTH_MAX) return false;
  for (const item of value) if (!isCborValue(item, depth + 1)) return false;
  return true;
};

/** In an array of its own: cborg hands out views of its 64 KiB scratch, which would travel whole between threads. */
export const encodeCbor = (value: CborValue): Uint8Array => {
  const bytes = encode(value, rfc8949EncodeOptions);
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
};

/**
 * Decodes one value that fills `bytes` whole. Never throws. Left: `CborMalformed` (floats, maps, tags,
 * nesting beyond 12, trailing bytes included), `CborNotCanonical`. Both are the sender's fault.
 */
export const decodeCbor = (bytes: Uint8Array): E.Either<CborError, CborValue> => {
  const value = readCanonical(bytes);
  return value === undefined ? E.left(errorIn(bytes)) : E.right(value);
};

/** What is wrong with bytes that are refused: cborg, which is more lenient, can say. */
const errorIn = (bytes: Uint8Array): CborError => {
  try {
    const value: unknown = decode(bytes, DECODE_OPTIONS);
    return isCborValue(value, 0)
      ? { _tag: "CborNotCanonical" }
      : { _tag: "CborMalformed", detail: "type not used" };
  } catch (error) {
    // cborg says "malformed" by throwing, and deep nesting by exhausting the stack.
    const detail = error instanceof Error ? error.message : "undecodable";
    return { _tag: "CborMalformed", detail };
  }
};

export const isBytes = (value: unknown, byteCount: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === byteCount;

/** A whole number from 0 on: sizes, sequence numbers, times. */
export const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

export const isText = (value: unknown, lengthMax: number): value is string =>
  typeof value === "string" && value.length <= lengthMax;

export const isList = (value: unknown, lengthMax: number): value is ReadonlyArray<CborValue> =>
  Array.isArray(value) && value.length <= lengthMax;
