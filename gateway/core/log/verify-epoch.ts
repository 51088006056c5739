/**
 * Verifying an epoch from its records alone, as an outsider does it: chain, bodies, tree, checkpoint, and
 * that the `open` was signed by the gateway that it names. Runs in a browser.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import { decodeBody, openTextOf, type OpenBody } from "#core/log/body.ts";
import {
  epochIdOf,
  openCheckpoint,
  type Checkpoint,
  type CheckpointError,
} from "#core/log/checkpoint.ts";
import type { Crypto } from "#core/log/crypto.ts";
import { blockRootAt, newEpochHead, type BlockRoot, type EpochHead } from "#core/log/epoch.ts";
import {
  checkRecord,
  KIND,
  leafOf,
  type Header,
  type RecordBytes,
  type RecordError,
} from "#core/log/record.ts";
import { appendLeaf, rootOf } from "#core/log/tree.ts";

export type EpochError =
  | { readonly _tag: "RecordBad"; readonly seq: number; readonly cause: RecordError }
  | { readonly _tag: "OpenMissing" }
  | { readonly _tag: "OpenForeign"; readonly detail: string }
  | { readonly _tag: "OpenSignatureWrong" }
  | { readonly _tag: "CheckpointBad"; readonly cause: CheckpointError }
  | { readonly _tag: "SizeDiffers"; readonly signed: number; readonly found: number }
  | { readonly _tag: "RootDiffers"; readonly size: number };

/** A record that was checked, with what was worked out on the way. */
export interface VerifiedRecord extends RecordBytes {
  readonly decoded: Header;
  readonly leaf: Uint8Array;
}

/**
 * Checks the first record of an epoch. Left: `OpenMissing` (other kind, or erased), `OpenForeign` (says another
 * epoch, fleet or gateway than it stands in), `OpenSignatureWrong` (not by the gateway key that it names).
 * Whether that key belongs to the fleet is the roster's to say.
 */
export const verifyOpen = (
  crypto: Crypto,
  record: RecordBytes,
  epoch: Uint8Array,
): E.Either<EpochError, OpenBody> => {
  const header = checkRecord(crypto.sha256, record, { seq: 0, prev: new Uint8Array(32) });
  if (E.isLeft(header)) return E.left({ _tag: "RecordBad", seq: 0, cause: header.left });
  if (header.right.kind !== KIND.open || record.body === null) {
    return E.left({ _tag: "OpenMissing" });
  }
  const body = decodeBody(KIND.open, record.body);
  const text = openTextOf(record.body);
  if (E.isLeft(body) || body.right._tag !== "Open" || text === undefined) {
    return E.left({ _tag: "OpenMissing" });
  }
  if (!equalBytes(epochIdOf(crypto.sha256, body.right.epochKey), epoch)) {
    return E.left({ _tag: "OpenForeign", detail: "names the key of another epoch" });
  }
  return crypto.verifyEd25519(body.right.gatewayKey, text, body.right.signature)
    ? E.right(body.right)
    : E.left({ _tag: "OpenSignatureWrong" });
};

/** Where an epoch stands before its first record, learnt from its `open`. */
export const headFromOpen = (crypto: Crypto, open: OpenBody): EpochHead =>
  newEpochHead(crypto.sha256, open);

export interface Extension {
  readonly head: EpochHead;
  readonly records: ReadonlyArray<VerifiedRecord>;
  readonly blocks: ReadonlyArray<BlockRoot>;
}

/**
 * Chains records behind `head`: each canonical, seq = index, prev = leaf before, body hash as named. Stops at
 * the first that is not. Right says nothing yet of a signature: the caller compares the new root with a
 * checkpoint.
 */
export const extendHead = (
  crypto: Crypto,
  head: EpochHead,
  records: ReadonlyArray<RecordBytes>,
): E.Either<EpochError, Extension> => {
  const { sha256 } = crypto;
  const verified: VerifiedRecord[] = [];
  const blocks: BlockRoot[] = [];
  let { range, lastLeaf } = head;
  for (const record of records) {
    const decoded = checkRecord(sha256, record, { seq: range.size, prev: lastLeaf });
    if (E.isLeft(decoded)) {
      return E.left({ _tag: "RecordBad", seq: range.size, cause: decoded.left });
    }
    lastLeaf = leafOf(sha256, record.header);
    const block = blockRootAt(sha256, range, lastLeaf);
    if (block !== undefined) blocks.push(block);
    range = appendLeaf(sha256, range, lastLeaf);
    verified.push({ ...record, decoded: decoded.right, leaf: lastLeaf });
  }
  return E.right({ head: { ...head, range, lastLeaf }, records: verified, blocks });
};

/**
 * Whether the head stands where the checkpoint says. Left: `CheckpointBad` (not by this epoch's key),
 * `SizeDiffers` (records are missing, or were never signed), `RootDiffers` (records were altered).
 */
export const checkHead = (
  crypto: Crypto,
  head: EpochHead,
  checkpointText: string,
): E.Either<EpochError, Checkpoint> => {
  const checkpoint = openCheckpoint(crypto, checkpointText, head);
  if (E.isLeft(checkpoint)) return E.left({ _tag: "CheckpointBad", cause: checkpoint.left });
  const { size, root } = checkpoint.right;
  if (size !== head.range.size) {
    return E.left({ _tag: "SizeDiffers", signed: size, found: head.range.size });
  }
  return equalBytes(root, rootOf(crypto.sha256, head.range))
    ? checkpoint
    : E.left({ _tag: "RootDiffers", size });
};
