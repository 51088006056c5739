/**
 * What a Range that doesn't fit what is held turns out to be: the same, another branch of the epoch with the place
 * where the branches part, or one that parts earlier. What is found is proved by both headers in both signed trees.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import { readCheckpoint, type Checkpoint } from "#core/log/checkpoint.ts";
import type { Crypto } from "#core/log/crypto.ts";
import { encodeEvidence, verifyEvidence, type Branch } from "#core/log/fork.ts";
import type { Range } from "#core/log/range.ts";
import { leafOf } from "#core/log/record.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import {
  consistencyNodes,
  inclusionProof,
  subtreeRootBeyond,
  verifyConsistency,
  type SubtreeRoot,
} from "#core/log/tree.ts";

export type Examined =
  /** Nothing in it differs from what is held. */
  | { readonly _tag: "Same" }
  /**
   * The branches part before this record, or it can't be compared: an earlier Range has the place. With `seq` 0 there
   * is none: the Range is no part of the tree that its checkpoint signs, and it is the sender's fault.
   */
  | { readonly _tag: "DiffersBefore"; readonly seq: number }
  /** Both branches are proved; everything from `size` on is cut. */
  | { readonly _tag: "Forked"; readonly size: number; readonly evidence: Uint8Array };

/** An epoch as it is held, and what of it is at hand. */
export interface HeldTree {
  readonly stored: StoredEpoch;
  /** Headers of the records [from, to), all of them below the stored size. */
  readonly headers: (from: number, to: number) => ReadonlyArray<Uint8Array>;
  /** Roots of parts of the records held. */
  readonly subtreeRoot: SubtreeRoot;
}

/** Where the branches may part: the first place where header and header differ. */
interface Place {
  readonly seq: number;
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

const firstDifference = (headers: ReadonlyArray<Uint8Array>, range: Range): Place | undefined => {
  for (const [index, ours] of headers.entries()) {
    const theirs = range.items[index]?.header;
    if (theirs !== undefined && !equalBytes(ours, theirs)) {
      return { seq: range.from + index, ours, theirs };
    }
  }
  return undefined;
};

/** The path of a header in the tree that the checkpoint signs, of which the first leaves are at hand. */
const branchIn = (
  crypto: Crypto,
  place: { readonly seq: number; readonly header: Uint8Array },
  tree: {
    readonly size: number;
    readonly subtreeRoot: SubtreeRoot;
    readonly checkpoint: string;
    readonly signed: Checkpoint;
    readonly proof: ReadonlyArray<Uint8Array>;
  },
): Branch => {
  const { size, signed, checkpoint } = tree;
  const nodes = consistencyNodes(size, signed.size, tree.proof);
  const root = subtreeRootBeyond(crypto.sha256, tree, nodes);
  return { header: place.header, path: inclusionProof(place.seq, signed.size, root), checkpoint };
};

const ourBranch = (crypto: Crypto, held: HeldTree, place: Place): Branch | undefined => {
  const { checkpoint, head, proof } = held.stored;
  const signed = readCheckpoint(checkpoint);
  if (E.isLeft(signed)) return undefined;
  const { size } = head.range;
  const { subtreeRoot } = held;
  return branchIn(
    crypto,
    { seq: place.seq, header: place.ours },
    { size, subtreeRoot, checkpoint, signed: signed.right, proof },
  );
};

/**
 * Below the place where the branches part their tree is ours; from there on the Range has the leaves, and its
 * consistency proof what lies behind them. Undefined where that is not the tree that the checkpoint signs: the
 * branches part earlier, or the sender made it up.
 */
const theirBranch = (
  crypto: Crypto,
  held: HeldTree,
  { seq, theirs, range }: Place & { readonly range: Range },
): Branch | undefined => {
  const { sha256 } = crypto;
  const { checkpoint, proof } = range;
  const signed = readCheckpoint(checkpoint);
  if (E.isLeft(signed)) return undefined;
  const leaves = range.items
    .slice(seq - range.from)
    .map(({ header }, i) => [`${seq + i},${seq + i + 1}`, leafOf(sha256, header)] as const);
  const shared = { size: seq, subtreeRoot: held.subtreeRoot };
  const subtreeRoot = subtreeRootBeyond(sha256, shared, new Map(leaves));
  const size = range.from + range.items.length;
  const grown = { oldSize: size, oldRoot: subtreeRoot(0, size), ...signed.right, proof };
  if (!verifyConsistency(sha256, grown)) return undefined;
  const tree = { size, subtreeRoot, checkpoint, signed: signed.right, proof };
  return branchIn(crypto, { seq, header: theirs }, tree);
};

/** The evidence, if it proves the fork to everybody. */
const provedFork = (
  crypto: Crypto,
  held: HeldTree,
  at: Place & { readonly range: Range },
): Uint8Array | undefined => {
  const ours = ourBranch(crypto, held, at);
  const theirs = theirBranch(crypto, held, at);
  if (ours === undefined || theirs === undefined) return undefined;
  const { epochKey } = held.stored.head;
  const evidence = encodeEvidence(crypto.sha256, {
    epochKey,
    seq: at.seq,
    branches: [ours, theirs],
  });
  return E.isRight(evidence) && E.isRight(verifyEvidence(crypto, evidence.right))
    ? evidence.right
    : undefined;
};

/**
 * Compares a Range, whose checkpoint the caller has verified, with what is held of its epoch. Whatever else the sender
 * put into it, `Forked` comes only with evidence that verifies. Never throws.
 */
export const examineRange = (crypto: Crypto, held: HeldTree, range: Range): Examined => {
  const to = Math.min(range.from + range.items.length, held.stored.head.range.size);
  if (range.from >= to) return { _tag: "DiffersBefore", seq: range.from };
  const place = firstDifference(held.headers(range.from, to), range);
  if (place === undefined) return { _tag: "Same" };
  const evidence = provedFork(crypto, held, { ...place, range });
  return evidence === undefined
    ? { _tag: "DiffersBefore", seq: range.from }
    : { _tag: "Forked", size: place.seq, evidence };
};
