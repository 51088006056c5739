/** Verifies a log file offline, epoch by epoch: what `tapmesh log verify` and the start-up check run. */
import * as E from "fp-ts/lib/Either.js";
import { openCheckpoint } from "#core/log/checkpoint.ts";
import { BLOCK_RECORDS, type EpochHead } from "#core/log/epoch.ts";
import { decodeHeader } from "#core/log/record.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { rangeOfBlocks, rootOf, verifyConsistency } from "#core/log/tree.ts";
import { extendHead, headFromOpen, verifyOpen, type EpochError } from "#core/log/verify-epoch.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import type { LogFile } from "#gateway/store/log-file.ts";

export interface EpochReport {
  readonly epoch: Uint8Array;
  readonly gateway: string;
  /** Records that the file says it has. */
  readonly size: number;
  /** Records from 0 on that chain up and are as their headers say. */
  readonly sound: number;
  /** Bodies that were erased, or lost to damage. */
  readonly bodiesMissing: number;
  /** The first thing that is wrong, or null. */
  readonly error: EpochError | null;
}

/** Whether the head stands where the epoch's checkpoint says, or is proved to be on the way there. */
export const checkStoredHead = (stored: StoredEpoch, head: EpochHead): EpochError | null => {
  const opened = openCheckpoint(nodeCrypto, stored.checkpoint, head);
  if (E.isLeft(opened)) return { _tag: "CheckpointBad", cause: opened.left };
  const { size, root } = opened.right;
  if (size < head.range.size) return { _tag: "SizeDiffers", signed: size, found: head.range.size };
  const oldRoot = rootOf(nodeCrypto.sha256, head.range);
  const claim = { oldSize: head.range.size, oldRoot, size, root, proof: stored.proof };
  if (verifyConsistency(nodeCrypto.sha256, claim)) return null;
  return stored.proof.length === 0 && size !== head.range.size
    ? { _tag: "SizeDiffers", signed: size, found: head.range.size }
    : { _tag: "RootDiffers", size };
};

/**
 * Checks the newest block of an epoch, and that the tree it ends is the one that was signed: what a start has time
 * for. The blocks before it count by their stored roots. Null if all is well.
 */
export const checkLastBlock = (file: LogFile, stored: StoredEpoch): EpochError | null => {
  const { head } = stored;
  const block = Math.floor(Math.max(0, head.range.size - 1) / BLOCK_RECORDS);
  const from = block * BLOCK_RECORDS;
  const roots = rangeOfBlocks(
    nodeCrypto.sha256,
    file.blockRoots(head.epoch, 0, block),
    BLOCK_RECORDS,
  );
  const records = [...file.records(head.epoch, from, head.range.size)];
  const first = records[0] && decodeHeader(records[0].header);
  const lastLeaf = first !== undefined && E.isRight(first) ? first.right.prev : new Uint8Array(32);
  const extended = extendHead(nodeCrypto, { ...head, range: roots, lastLeaf }, records);
  if (E.isLeft(extended)) return extended.left;
  const { size } = extended.right.head.range;
  return size === head.range.size
    ? checkStoredHead(stored, extended.right.head)
    : { _tag: "SizeDiffers", signed: head.range.size, found: size };
};

/** Checks one epoch from its first record to its checkpoint. */
export const verifyStoredEpoch = (file: LogFile, stored: StoredEpoch): EpochReport => {
  const { epoch } = stored.head;
  const { size } = stored.head.range;
  const report = { epoch, gateway: stored.gateway, size };
  let head: EpochHead | undefined;
  let bodiesMissing = 0;
  for (const record of file.records(epoch, 0, size)) {
    if (head === undefined) {
      const open = verifyOpen(nodeCrypto, record, epoch);
      if (E.isLeft(open)) return { ...report, sound: 0, bodiesMissing, error: open.left };
      head = headFromOpen(nodeCrypto, open.right);
    }
    const extended = extendHead(nodeCrypto, head, [record]);
    if (E.isLeft(extended)) {
      return { ...report, sound: head.range.size, bodiesMissing, error: extended.left };
    }
    ({ head } = extended.right);
    if (record.body === null) bodiesMissing += 1;
  }
  if (head === undefined)
    return { ...report, sound: 0, bodiesMissing, error: { _tag: "OpenMissing" } };
  const sound = head.range.size;
  const error: EpochError | null =
    sound === size
      ? checkStoredHead(stored, head)
      : { _tag: "SizeDiffers", signed: size, found: sound };
  return { ...report, sound, bodiesMissing, error };
};
