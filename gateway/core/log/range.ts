/**
 * The one message in which records travel, live and old:
 *   Range = [1, epoch, from, checkpoint text, proof, items]    item = [header, body | null]
 * It ends at `to` ≤ the checkpoint's size. `proof` is empty if they are equal, else RFC 6962's
 * PROOF(to, D[size]), so one signature covers any range, from any peer, under any later checkpoint.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import {
  decodeCbor,
  encodeCbor,
  isBytes,
  isCount,
  isList,
  isText,
  type CborValue,
} from "#core/log/cbor.ts";
import { openCheckpoint, type Checkpoint } from "#core/log/checkpoint.ts";
import type { Crypto } from "#core/log/crypto.ts";
import { leafOf, type RecordBytes } from "#core/log/record.ts";
import { rootOf, verifyConsistency } from "#core/log/tree.ts";
import { extendHead, type EpochError, type Extension } from "#core/log/verify-epoch.ts";
import type { EpochHead } from "#core/log/epoch.ts";

/** A whole Range, as sent. A message that is larger is not looked at. */
export const RANGE_BYTES_MAX: number = 64 * 1024;
const ITEMS_COUNT_MAX = 4_096;
const CHECKPOINT_LENGTH_MAX = 1_024;
const PROOF_LENGTH_MAX = 64;
const VERSION = 1;

export interface Range {
  readonly epoch: Uint8Array;
  /** Sequence number of the first item. */
  readonly from: number;
  readonly checkpoint: string;
  readonly proof: ReadonlyArray<Uint8Array>;
  readonly items: ReadonlyArray<RecordBytes>;
}

export type RangeError =
  | { readonly _tag: "RangeTooLarge"; readonly byteCount: number }
  | { readonly _tag: "RangeMalformed"; readonly detail: string }
  | { readonly _tag: "RangeVersionUnknown"; readonly version: number }
  /** Records between what is known and the first item are missing: ask for [known, size). */
  | { readonly _tag: "RangeGap"; readonly known: number; readonly size: number }
  /** A known record arrives with another header under a valid signature: see fork. */
  | { readonly _tag: "RangeForks"; readonly seq: number }
  /** A record without its body: what it would fold to isn't known, so another peer must be asked. */
  | { readonly _tag: "RangeBodyMissing"; readonly seq: number }
  | { readonly _tag: "RangeUnproved"; readonly to: number; readonly size: number }
  | { readonly _tag: "RangeRecords"; readonly cause: EpochError };

export const encodeRange = (range: Range): Uint8Array =>
  encodeCbor([
    VERSION,
    range.epoch,
    range.from,
    range.checkpoint,
    [...range.proof],
    range.items.map((item) => [item.header, item.body]),
  ]);

const malformed = (detail: string): E.Either<RangeError, never> =>
  E.left({ _tag: "RangeMalformed", detail });

const decodeItem = (value: CborValue): RecordBytes | undefined => {
  if (!isList(value, 2) || value.length !== 2) return undefined;
  const [header, body] = value;
  if (!(header instanceof Uint8Array)) return undefined;
  return body === null || body instanceof Uint8Array ? { header, body } : undefined;
};

const decodeFields = (fields: ReadonlyArray<CborValue>): E.Either<RangeError, Range> => {
  const [version, epoch, from, checkpoint, proof, items] = fields;
  if (version !== VERSION) {
    return isCount(version)
      ? E.left({ _tag: "RangeVersionUnknown", version })
      : malformed("version");
  }
  if (!isBytes(epoch, 16) || !isCount(from)) return malformed("epoch or from");
  if (!isText(checkpoint, CHECKPOINT_LENGTH_MAX)) return malformed("checkpoint");
  if (proof === undefined || !isList(proof, PROOF_LENGTH_MAX)) return malformed("proof");
  const hashes = proof.filter((hash) => isBytes(hash, 32));
  if (hashes.length !== proof.length) return malformed("proof");
  if (items === undefined || !isList(items, ITEMS_COUNT_MAX)) return malformed("items");
  const records = items.map(decodeItem).filter((item) => item !== undefined);
  if (records.length !== items.length || records.length === 0) return malformed("items");
  return E.right({ epoch, from, checkpoint, proof: hashes, items: records });
};

/** Left: `RangeTooLarge`, `RangeMalformed`, `RangeVersionUnknown`. Never throws; verifies nothing. */
export const decodeRange = (bytes: Uint8Array): E.Either<RangeError, Range> => {
  if (bytes.length > RANGE_BYTES_MAX) {
    return E.left({ _tag: "RangeTooLarge", byteCount: bytes.length });
  }
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded)) return malformed(decoded.left._tag);
  return Array.isArray(decoded.right) ? decodeFields(decoded.right) : malformed("not an array");
};

/** What a Range adds to what was known, verified whole. */
export interface AcceptedRange extends Extension {
  /** First sequence number that is new; `head.range.size` where nothing is. */
  readonly from: number;
  readonly checkpoint: Checkpoint;
  readonly checkpointText: string;
}

/** Gives the leaf that is stored for a known sequence number, to notice a fork. */
export type KnownLeaf = (seq: number) => Uint8Array | undefined;

/**
 * Verifies a Range against what is known of its epoch: the checkpoint's signature, then each record behind
 * `head`, then the root (or the consistency proof, when the checkpoint is later than the last item). Any failure
 * refuses the whole message, and nothing of it may be kept.
 *
 * Left: `RangeGap` (ask for what lies between), `RangeForks`, `RangeBodyMissing`, `RangeUnproved`, `RangeRecords`.
 */
export const verifyRange = (
  crypto: Crypto,
  known: { readonly head: EpochHead; readonly knownLeaf: KnownLeaf },
  range: Range,
): E.Either<RangeError, AcceptedRange> => {
  const { head } = known;
  const checkpoint = openCheckpoint(crypto, range.checkpoint, head);
  if (E.isLeft(checkpoint)) {
    return E.left({
      _tag: "RangeRecords",
      cause: { _tag: "CheckpointBad", cause: checkpoint.left },
    });
  }
  const { size } = checkpoint.right;
  if (range.from > head.range.size)
    return E.left({ _tag: "RangeGap", known: head.range.size, size });
  const skipped = Math.min(head.range.size - range.from, range.items.length);
  for (let i = 0; i < skipped; i += 1) {
    const fork = findFork(crypto, known.knownLeaf, { seq: range.from + i, item: range.items[i] });
    if (fork !== undefined) return E.left(fork);
  }
  const added = range.items.slice(skipped);
  const bodyless = added.findIndex(({ body }) => body === null);
  if (bodyless >= 0) return E.left({ _tag: "RangeBodyMissing", seq: head.range.size + bodyless });
  const extended = extendHead(crypto, head, added);
  if (E.isLeft(extended)) return E.left({ _tag: "RangeRecords", cause: extended.left });
  if (
    extended.right.records.length > 0 &&
    !isCovered(crypto, extended.right.head, { checkpoint: checkpoint.right, proof: range.proof })
  ) {
    return E.left({ _tag: "RangeUnproved", to: extended.right.head.range.size, size });
  }
  return E.right({
    ...extended.right,
    from: head.range.size,
    checkpoint: checkpoint.right,
    checkpointText: range.checkpoint,
  });
};

const findFork = (
  crypto: Crypto,
  knownLeaf: KnownLeaf,
  place: { readonly seq: number; readonly item: RecordBytes | undefined },
): RangeError | undefined => {
  const leaf = knownLeaf(place.seq);
  if (leaf === undefined || place.item === undefined) return undefined;
  return equalBytes(leaf, leafOf(crypto.sha256, place.item.header))
    ? undefined
    : { _tag: "RangeForks", seq: place.seq };
};

const isCovered = (
  crypto: Crypto,
  head: EpochHead,
  claim: { readonly checkpoint: Checkpoint; readonly proof: ReadonlyArray<Uint8Array> },
): boolean =>
  verifyConsistency(crypto.sha256, {
    oldSize: head.range.size,
    oldRoot: rootOf(crypto.sha256, head.range),
    size: claim.checkpoint.size,
    root: claim.checkpoint.root,
    proof: claim.proof,
  });
