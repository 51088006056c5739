/** Ranges out of a `MemoryStore`. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { readCheckpoint } from "#core/log/checkpoint.ts";
import { encodeRange, RANGE_BYTES_MAX } from "#core/log/range.ts";
import { leafOf, type RecordBytes } from "#core/log/record.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import {
  consistencyNodes,
  consistencyProof,
  rootOfLeaves,
  subtreeRootBeyond,
} from "#core/log/tree.ts";
import { sha256 } from "#gateway/node-crypto.ts";

export interface Held {
  readonly isOwn: boolean;
  /** Of an epoch that isn't, only the `open` can be read, though its records are here to be folded. */
  readonly kept: boolean;
  readonly stored: StoredEpoch;
  readonly records: ReadonlyArray<RecordBytes>;
}

/** Room for checkpoint, proof and array heads. */
const FRAME_BYTES_MAX = 2_048;

/** The Range from that record on, as a store serves it. */
export const memoryRange = (held: Held | undefined, from: number): Uint8Array | null => {
  if (held === undefined || !held.kept || from >= held.records.length) return null;
  const { records, stored } = held;
  let room = RANGE_BYTES_MAX - FRAME_BYTES_MAX;
  const fits = records.slice(from).findIndex(({ header, body }) => {
    room -= concatBytes(header, body ?? new Uint8Array(0)).length + 8;
    return room < 0;
  });
  const to = fits === -1 ? records.length : from + fits;
  const { checkpoint, head } = stored;
  const message = { epoch: head.epoch, from, checkpoint, items: records.slice(from, to) };
  if (to === records.length)
    return new Uint8Array(encodeRange({ ...message, proof: stored.proof }));
  const signed = readCheckpoint(checkpoint);
  if (E.isLeft(signed)) return null;
  const leaves = records.map(({ header }) => leafOf(sha256, header));
  const nodes = consistencyNodes(leaves.length, signed.right.size, stored.proof);
  const own = (start: number, end: number): Uint8Array =>
    rootOfLeaves(sha256, leaves.slice(start, end));
  const part = { size: leaves.length, subtreeRoot: own };
  const beyond = subtreeRootBeyond(sha256, part, nodes);
  const proof = consistencyProof(to, signed.right.size, beyond);
  return new Uint8Array(encodeRange({ ...message, proof }));
};
