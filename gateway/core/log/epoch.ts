/**
 * Writing one's own epoch: records are chained, put into the tree and covered by one checkpoint a group.
 * Pure: the new state stands only if the store says that the group is on disk.
 */
import { encodeBody, kindOf, openText, type Body, type OpenBody } from "#core/log/body.ts";
import { epochIdOf, formatOrigin, signCheckpoint } from "#core/log/checkpoint.ts";
import type { Sha256, SignEd25519 } from "#core/log/crypto.ts";
import { encodeHeader, leafOf, NO_RECORD_BEFORE, type RecordBytes } from "#core/log/record.ts";
import { appendLeaf, EMPTY_RANGE, nodeHash, rootOf, type CompactRange } from "#core/log/tree.ts";

/** Records that one `block` of an epoch holds; the root and the checkpoint of each full block are kept. */
export const BLOCK_RECORDS = 256;
/** An epoch ends after so many records: a new signing key, and files that can be dropped by the piece. */
export const EPOCH_RECORDS_MAX = 65_536;

/** Where an epoch stands: enough to extend it, or to check whoever does. */
export interface EpochHead {
  readonly epoch: Uint8Array;
  /** `<fleet>/<gateway>/<epoch>`. */
  readonly origin: string;
  readonly epochKey: Uint8Array;
  readonly range: CompactRange;
  /** Leaf of the newest record; zeros where there is none. */
  readonly lastLeaf: Uint8Array;
}

/** What goes into a record beside its place in the chain. */
export interface Draft {
  readonly body: Body;
  readonly salt: Uint8Array;
  readonly wallMs: number;
  readonly monoMs: number;
}

/** Whole blocks that a group completes: their number within the epoch, and their tree's root. */
export interface BlockRoot {
  readonly block: number;
  readonly root: Uint8Array;
}

/**
 * The root of the block that `leaf` completes behind `range`, or undefined if it completes none. The partial
 * block's subtrees are the last roots of a compact range, so no other leaf is needed.
 */
export const blockRootAt = (
  sha256: Sha256,
  range: CompactRange,
  leaf: Uint8Array,
): BlockRoot | undefined => {
  const size = range.size + 1;
  if (size % BLOCK_RECORDS !== 0) return undefined;
  const levels = Math.log2(BLOCK_RECORDS);
  const root = range.roots
    .slice(-levels)
    .reduceRight((right, left) => nodeHash(sha256, left, right), leaf);
  return { block: size / BLOCK_RECORDS - 1, root };
};

/** Records that go to disk in one transaction, under one checkpoint. */
export interface SignedGroup {
  readonly epoch: Uint8Array;
  /** Sequence number of the first record. */
  readonly from: number;
  readonly records: ReadonlyArray<RecordBytes>;
  readonly blocks: ReadonlyArray<BlockRoot>;
  /** Where the epoch stands behind these records. */
  readonly head: EpochHead;
  readonly checkpoint: string;
}

export const newEpochHead = (
  sha256: Sha256,
  names: { readonly fleet: string; readonly gateway: string; readonly epochKey: Uint8Array },
): EpochHead => {
  const epoch = epochIdOf(sha256, names.epochKey);
  return {
    epoch,
    origin: formatOrigin(names.fleet, names.gateway, epoch),
    epochKey: names.epochKey,
    range: EMPTY_RANGE,
    lastLeaf: NO_RECORD_BEFORE,
  };
};

/** Completes an `open` with the gateway key's signature. */
export const signOpen = (
  salt: Uint8Array,
  body: Omit<OpenBody, "signature">,
  signWithGatewayKey: SignEd25519,
): OpenBody => ({ ...body, signature: signWithGatewayKey(openText(salt, body)) });

/** Chains the drafts behind `head` and signs where the epoch then stands. */
export const appendGroup = (
  deps: { readonly sha256: Sha256; readonly signWithEpochKey: SignEd25519 },
  head: EpochHead,
  drafts: ReadonlyArray<Draft>,
): SignedGroup => {
  const { sha256, signWithEpochKey } = deps;
  const records: RecordBytes[] = [];
  const blocks: BlockRoot[] = [];
  let { range, lastLeaf } = head;
  for (const draft of drafts) {
    const body = encodeBody(draft.salt, draft.body);
    const header = encodeHeader({
      seq: range.size,
      prev: lastLeaf,
      wallMs: draft.wallMs,
      monoMs: draft.monoMs,
      kind: kindOf(draft.body),
      bodyHash: sha256(body),
    });
    lastLeaf = leafOf(sha256, header);
    const block = blockRootAt(sha256, range, lastLeaf);
    if (block !== undefined) blocks.push(block);
    range = appendLeaf(sha256, range, lastLeaf);
    records.push({ header, body });
  }
  const { origin, epochKey } = head;
  const checkpoint = signCheckpoint(
    sha256,
    { origin, size: range.size, root: rootOf(sha256, range) },
    { publicKey: epochKey, sign: signWithEpochKey },
  );
  const next = { ...head, range, lastLeaf };
  const { epoch } = head;
  return { epoch, from: head.range.size, records, blocks, head: next, checkpoint };
};
