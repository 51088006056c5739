/** Makes Ranges for peers, and proofs for outsiders, out of a log file. */
import { readCheckpoint } from "#core/log/checkpoint.ts";
import * as E from "fp-ts/lib/Either.js";
import { encodeRange, RANGE_BYTES_MAX, type Range } from "#core/log/range.ts";
import type { RecordBytes } from "#core/log/record.ts";
import {
  consistencyNodes,
  consistencyProof,
  inclusionProof,
  subtreeRootBeyond,
} from "#core/log/tree.ts";
import type { ProvedRecord } from "#core/log/proof.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { LogFile } from "#gateway/store/log-file.ts";
import { REMEMBERED_RECORDS, subtreeRootOf } from "#gateway/store/subtree-roots.ts";

/** What a Range costs beside its items: checkpoint, proof (17 hashes at most), array heads. */
const FRAME_BYTES_MAX = 2_048;
const ITEM_OVERHEAD_BYTES = 8;

const itemsFrom = (file: LogFile, stored: StoredEpoch, from: number): RecordBytes[] => {
  const items: RecordBytes[] = [];
  let room = RANGE_BYTES_MAX - FRAME_BYTES_MAX;
  for (const record of file.records(stored.head.epoch, from, stored.head.range.size)) {
    room -= record.header.length + (record.body?.length ?? 0) + ITEM_OVERHEAD_BYTES;
    if (room < 0) break;
    items.push(record);
  }
  return provableCheaply(items, from, stored.head.range.size);
};

/** Without the last ones, where the proof would have to hash them together with what follows them. */
const provableCheaply = (items: RecordBytes[], from: number, size: number): RecordBytes[] => {
  const beyond = (from + items.length) % REMEMBERED_RECORDS;
  const isEnd = from + items.length === size;
  return isEnd || beyond >= items.length ? items : items.slice(0, items.length - beyond);
};

/**
 * The Range from that record on, as long as fits one message; null where the file has nothing from there on. A file
 * that ends before its checkpoint does proves its pieces with the proof that leads from its end to there.
 */
export const rangeFrom = (file: LogFile, epoch: Uint8Array, from: number): Uint8Array | null => {
  const stored = file.epoch(epoch);
  if (stored === undefined || from >= stored.head.range.size) return null;
  const items = itemsFrom(file, stored, from);
  const { checkpoint } = stored;
  return encodeRange({
    epoch,
    from,
    checkpoint,
    proof: proofTo(file, stored, from + items.length),
    items,
  });
};

/** PROOF(to, D[checkpoint size]). */
const proofTo = (file: LogFile, stored: StoredEpoch, to: number): Range["proof"] => {
  const { size } = stored.head.range;
  if (to === size) return stored.proof;
  const checkpoint = readCheckpoint(stored.checkpoint);
  const signedSize = E.isRight(checkpoint) ? checkpoint.right.size : size;
  const nodes = consistencyNodes(size, signedSize, stored.proof);
  const held = { size, subtreeRoot: subtreeRootOf(file, stored.head.epoch) };
  return consistencyProof(to, signedSize, subtreeRootBeyond(sha256, held, nodes));
};

/**
 * One record with its path to the epoch's checkpoint; null where the file has no such record, or ends before its own
 * checkpoint does and so can prove nothing.
 */
export const provedRecord = (
  file: LogFile,
  stored: StoredEpoch,
  seq: number,
): ProvedRecord | null => {
  const { epoch, range } = stored.head;
  const [record] = file.records(epoch, seq, seq + 1);
  if (record === undefined || stored.proof.length > 0) return null;
  return { ...record, seq, path: inclusionProof(seq, range.size, subtreeRootOf(file, epoch)) };
};
