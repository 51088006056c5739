/** Parts of stored epochs: the Ranges that are served of them, and what is left of one that was damaged. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { readCheckpoint } from "#core/log/checkpoint.ts";
import type { Crypto } from "#core/log/crypto.ts";
import { examineRange, type Examined } from "#core/log/examine.ts";
import { decodeRange, encodeRange, RANGE_BYTES_MAX } from "#core/log/range.ts";
import { leafOf, NO_RECORD_BEFORE, type RecordBytes } from "#core/log/record.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import {
  appendLeaf,
  consistencyNodes,
  consistencyProof,
  EMPTY_RANGE,
  rootOfLeaves,
  subtreeRootBeyond,
  type SubtreeRoot,
} from "#core/log/tree.ts";
import { sha256 } from "#gateway/node-crypto.ts";

export interface EpochRecords extends StoredEpoch {
  readonly records: ReadonlyArray<RecordBytes>;
}

interface HeldRecords extends EpochRecords {
  readonly kept: boolean;
}

/** Room for checkpoint, proof and array heads. */
const FRAME_BYTES_MAX = 2_048;
const ITEM_OVERHEAD_BYTES = 8;

const signedSizeOf = ({ checkpoint, records }: EpochRecords): number => {
  const signed = readCheckpoint(checkpoint);
  return E.isRight(signed) ? signed.right.size : records.length;
};

/** Roots of parts of the tree that was signed, of which only the first records may be here. */
const subtreeRootsOf = (epoch: EpochRecords): SubtreeRoot => {
  const leaves = epoch.records.map(({ header }) => leafOf(sha256, header));
  const nodes = consistencyNodes(leaves.length, signedSizeOf(epoch), epoch.proof);
  const subtreeRoot: SubtreeRoot = (from, to) => rootOfLeaves(sha256, leaves.slice(from, to));
  return subtreeRootBeyond(sha256, { size: leaves.length, subtreeRoot }, nodes);
};

const proofTo = (epoch: EpochRecords, to: number): ReadonlyArray<Uint8Array> =>
  to === epoch.records.length
    ? epoch.proof
    : consistencyProof(to, signedSizeOf(epoch), subtreeRootsOf(epoch));

/** The same epoch as if only its first records had ever come. */
export const shortened = <Epoch extends EpochRecords>(epoch: Epoch, size: number): Epoch => {
  const records = epoch.records.slice(0, size);
  let range = EMPTY_RANGE;
  let lastLeaf = NO_RECORD_BEFORE;
  for (const { header } of records) {
    lastLeaf = leafOf(sha256, header);
    range = appendLeaf(sha256, range, lastLeaf);
  }
  const head = { ...epoch.head, range, lastLeaf };
  return { ...epoch, records, head, proof: proofTo(epoch, size) };
};

/** An encoded Range from that record on; `countMax` is less than what fits where many Ranges are wanted. */
export const rangeFrom = (epoch: EpochRecords, from: number, countMax: number): Uint8Array => {
  let room = RANGE_BYTES_MAX - FRAME_BYTES_MAX;
  const items: RecordBytes[] = [];
  for (const record of epoch.records.slice(from, from + countMax)) {
    room -= record.header.length + (record.body?.length ?? 0) + ITEM_OVERHEAD_BYTES;
    if (room < 0) break;
    items.push(record);
  }
  const { checkpoint } = epoch;
  const proof = proofTo(epoch, from + items.length);
  return encodeRange({ epoch: epoch.head.epoch, from, checkpoint, proof, items });
};

/** Compares an encoded Range with what is on the card of its epoch. */
export const examineBytes = (
  crypto: Crypto,
  disk: { readonly image: { readonly epochs: ReadonlyMap<string, HeldRecords> } },
  bytes: Uint8Array,
): Examined => {
  const range = decodeRange(bytes);
  if (E.isLeft(range)) return { _tag: "Same" };
  const held = disk.image.epochs.get(toHex(range.right.epoch));
  if (held?.kept !== true) return { _tag: "Same" };
  const headers = (from: number, to: number): ReadonlyArray<Uint8Array> =>
    held.records.slice(from, to).map(({ header }) => header);
  const tree = { stored: held, headers, subtreeRoot: subtreeRootsOf(held) };
  return examineRange(crypto, tree, range.right);
};
