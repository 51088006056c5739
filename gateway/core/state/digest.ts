/**
 * A number for the whole state, kept up to date entry by entry: the sum mod 2^256 of SHA-256 of each entry.
 * For honest comparison between gateways with equal heads; it proves nothing to an outsider.
 */
import { toHex } from "#core/bytes.ts";
import type { Sha256 } from "#core/log/crypto.ts";

const MODULUS = 2n ** 256n;

export const EMPTY_DIGEST = 0n;

const hashNumber = (sha256: Sha256, entryBytes: Uint8Array): bigint =>
  BigInt(`0x${toHex(sha256(entryBytes))}`);

/** The digest after an entry changed; `before` is undefined for a new one. */
export const updateDigest = (
  sha256: Sha256,
  digest: bigint,
  change: { readonly before: Uint8Array | undefined; readonly after: Uint8Array },
): bigint => {
  const removed = change.before === undefined ? 0n : hashNumber(sha256, change.before);
  return (digest - removed + hashNumber(sha256, change.after) + MODULUS) % MODULUS;
};

/** 64 hex digits. */
export const formatDigest = (digest: bigint): string => digest.toString(16).padStart(64, "0");

export const parseDigest = (text: string): bigint | undefined =>
  /^[0-9a-f]{64}$/.test(text) ? BigInt(`0x${text}`) : undefined;
