/** The columns that say where an epoch stands: the same in log files and, for epochs that pass, in the state file. */
import { concatBytes } from "#core/bytes.ts";
import type { StoredEpoch } from "#core/log/stored.ts";

export interface EpochRow {
  readonly epoch: Buffer;
  readonly gateway: string;
  readonly origin: string;
  readonly epoch_key: Buffer;
  readonly size: number;
  readonly roots: Buffer;
  readonly last_leaf: Buffer;
  readonly checkpoint: string;
  readonly proof: Buffer;
}

/** By name: where damage has renamed a column, SQLite says so, and no value is silently missing. */
export const EPOCH_COLUMNS =
  "epoch, gateway, origin, epoch_key, size, roots, last_leaf, checkpoint, proof";

const HASH_BYTES = 32;

/**
 * Plain Uint8Arrays leave the store: a Buffer doesn't survive the way between threads as one. A damaged file may give
 * another type for a blob; that becomes no bytes, which verify as nothing.
 */
export const plain = (bytes: unknown): Uint8Array =>
  bytes instanceof Uint8Array ? new Uint8Array(bytes) : new Uint8Array(0);

const splitHashes = (value: unknown): Uint8Array[] => {
  const joined = plain(value);
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < joined.length; at += HASH_BYTES) {
    hashes.push(joined.slice(at, at + HASH_BYTES));
  }
  return hashes;
};

export const toStoredEpoch = (row: EpochRow): StoredEpoch => ({
  gateway: row.gateway,
  head: {
    epoch: plain(row.epoch),
    origin: row.origin,
    epochKey: plain(row.epoch_key),
    range: { size: row.size, roots: splitHashes(row.roots) },
    lastLeaf: plain(row.last_leaf),
  },
  checkpoint: row.checkpoint,
  proof: splitHashes(row.proof),
});

/** What changes of an epoch when it grows: size, roots, last_leaf, checkpoint, proof. */
export const growthOf = ({
  head,
  checkpoint,
  proof,
}: StoredEpoch): [number, Uint8Array, Uint8Array, string, Uint8Array] => [
  head.range.size,
  concatBytes(...head.range.roots),
  head.lastLeaf,
  checkpoint,
  concatBytes(...proof),
];
