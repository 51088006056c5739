/**
 * A number for the whole state, kept up to date entry by entry: the sum mod 2^256 of SHA-256 of each entry.
 * For honest comparison between gateways with equal heads; it proves nothing to an outsider.
 */
import type { Sha256 } from "#core/log/crypto.ts";

const MODULUS = 2n ** 256n;

export const EMPTY_DIGEST = 0n;

const hashNumber = (hash: Uint8Array): bigint => {
  const view = new DataView(hash.buffer, hash.byteOffset, 32);
  const upper = (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
  return (upper << 128n) | (view.getBigUint64(16) << 64n) | view.getBigUint64(24);
};

/** The digest after an entry changed, by SHA-256 of what it covers; `before` is undefined for a new one. */
export const exchangeHashes = (
  digest: bigint,
  before: Uint8Array | undefined,
  after: Uint8Array,
): bigint => {
  const removed = before === undefined ? 0n : hashNumber(before);
  return (digest - removed + hashNumber(after) + MODULUS) % MODULUS;
};

/** The digest after an entry changed; `before` is undefined for a new one. */
export const updateDigest = (
  sha256: Sha256,
  digest: bigint,
  { before, after }: { readonly before: Uint8Array | undefined; readonly after: Uint8Array },
): bigint => exchangeHashes(digest, before && sha256(before), sha256(after));

/** 64 hex digits. */
export const formatDigest = (digest: bigint): string => digest.toString(16).padStart(64, "0");

export const parseDigest = (text: string): bigint | undefined =>
  /^[0-9a-f]{64}$/.test(text) ? BigInt(`0x${text}`) : undefined;
