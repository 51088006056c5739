/**
 * The Merkle tree over an epoch's leaves, kept as a compact range: the roots of its full subtrees,
 * largest first. Source: RFC 6962 section 2.1; verification as in RFC 9162 sections 2.1.3.2 and 2.1.4.2.
 */
import { concatBytes, equalBytes } from "#core/bytes.ts";
import type { Sha256 } from "#core/log/crypto.ts";

export interface CompactRange {
  /** Leaves covered. */
  readonly size: number;
  /** One root for each bit set in `size`, from the largest subtree to the smallest. */
  readonly roots: ReadonlyArray<Uint8Array>;
}

export const EMPTY_RANGE: CompactRange = { size: 0, roots: [] };

const NODE_PREFIX = Uint8Array.of(1);
const LEAF_PREFIX = Uint8Array.of(0);

export const leafHash = (sha256: Sha256, leafBytes: Uint8Array): Uint8Array =>
  sha256(concatBytes(LEAF_PREFIX, leafBytes));

export const nodeHash = (sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array =>
  sha256(concatBytes(NODE_PREFIX, left, right));

/** Adds one leaf hash; a full pair of equal subtrees becomes one. */
export const appendLeaf = (sha256: Sha256, range: CompactRange, leaf: Uint8Array): CompactRange => {
  const roots = [...range.roots];
  let root = leaf;
  for (let size = range.size; size % 2 === 1; size = (size - 1) / 2) {
    root = nodeHash(sha256, roots.pop() ?? root, root);
  }
  roots.push(root);
  return { size: range.size + 1, roots };
};

/** The tree's root. An empty tree has SHA-256 of nothing (RFC 6962 section 2.1). */
export const rootOf = (sha256: Sha256, range: CompactRange): Uint8Array => {
  const last = range.roots.at(-1);
  if (last === undefined) return sha256(new Uint8Array(0));
  return range.roots.slice(0, -1).reduceRight((right, left) => nodeHash(sha256, left, right), last);
};

/** Whether the range has as many roots as its size has bits, each of 32 bytes: for what comes from a disk. */
export const isCompactRange = (range: CompactRange): boolean => {
  let bits = 0;
  for (let size = range.size; size > 0; size = Math.floor(size / 2)) bits += size % 2;
  return range.roots.length === bits && range.roots.every((root) => root.length === 32);
};

/** The largest power of two below n, for n > 1: where RFC 6962 splits a tree. */
export const splitOf = (n: number): number => {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
};

/** Gives the root of the leaves [from, to); called only with parts that RFC 6962's recursion asks for. */
export type SubtreeRoot = (from: number, to: number) => Uint8Array;

/** The root of leaves given as hashes: what a `SubtreeRoot` over leaves in memory is made of. */
export const rootOfLeaves = (sha256: Sha256, leaves: ReadonlyArray<Uint8Array>): Uint8Array => {
  let range = EMPTY_RANGE;
  for (const leaf of leaves) range = appendLeaf(sha256, range, leaf);
  return rootOf(sha256, range);
};

/** The compact range over whole blocks of so many leaves, a power of two, from their roots. */
export const rangeOfBlocks = (
  sha256: Sha256,
  blocks: ReadonlyArray<Uint8Array>,
  blockLeaves: number,
): CompactRange => {
  let range = EMPTY_RANGE;
  for (const block of blocks) range = appendLeaf(sha256, range, block);
  return { size: range.size * blockLeaves, roots: range.roots };
};

/** PATH(index, D[size]) of RFC 6962 section 2.1.1: the hashes from the leaf upwards. */
export const inclusionProof = (
  index: number,
  size: number,
  subtreeRoot: SubtreeRoot,
): ReadonlyArray<Uint8Array> => {
  const path: Uint8Array[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.push(subtreeRoot(middle, to));
      to = middle;
    } else {
      path.push(subtreeRoot(from, middle));
      from = middle;
    }
  }
  return path.toReversed();
};

/** PROOF(oldSize, D[size]) of RFC 6962 section 2.1.2; empty when the sizes are equal or the old is 0. */
export const consistencyProof = (
  oldSize: number,
  size: number,
  subtreeRoot: SubtreeRoot,
): ReadonlyArray<Uint8Array> => {
  if (oldSize === 0 || oldSize === size) return [];
  const proof: Uint8Array[] = [];
  let from = 0;
  let to = size;
  let oldIsWhole = true; // RFC 6962's flag: [0, oldSize) is a whole subtree, so its root is known
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    if (oldSize <= middle) {
      proof.push(subtreeRoot(middle, to));
      to = middle;
    } else {
      proof.push(subtreeRoot(from, middle));
      from = middle;
      oldIsWhole = false;
    }
  }
  if (!oldIsWhole) proof.push(subtreeRoot(from, to));
  return proof.toReversed();
};

/** The parts of a tree, as `from,to`, whose roots a consistency proof from oldSize to size consists of. */
export const consistencyNodes = (
  oldSize: number,
  size: number,
  proof: ReadonlyArray<Uint8Array>,
): ReadonlyMap<string, Uint8Array> => {
  const parts: string[] = [];
  consistencyProof(oldSize, size, (from, to) => {
    parts.unshift(`${from},${to}`);
    return new Uint8Array(0);
  });
  return new Map(proof.map((hash, index) => [parts[index] ?? "", hash]));
};

/**
 * Roots of parts of a tree of which only the leaves [0, held) are at hand, and the nodes of a consistency proof from
 * there on: a part that reaches beyond them is put together from its halves.
 */
export const subtreeRootBeyond =
  (
    sha256: Sha256,
    held: { readonly size: number; readonly subtreeRoot: SubtreeRoot },
    nodes: ReadonlyMap<string, Uint8Array>,
  ): SubtreeRoot =>
  (from, to) => {
    if (to <= held.size) return held.subtreeRoot(from, to);
    const known = nodes.get(`${from},${to}`);
    if (known !== undefined || to - from < 2) return known ?? new Uint8Array(32);
    const middle = from + splitOf(to - from);
    const root = subtreeRootBeyond(sha256, held, nodes);
    return nodeHash(sha256, root(from, middle), root(middle, to));
  };

export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: ReadonlyArray<Uint8Array>;
}

/** RFC 9162 section 2.1.3.2. */
export const verifyInclusion = (sha256: Sha256, claim: InclusionClaim): boolean => {
  if (claim.index >= claim.size) return false;
  let fn = claim.index;
  let sn = claim.size - 1;
  let root = claim.leaf;
  for (const hash of claim.proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      root = nodeHash(sha256, hash, root);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else root = nodeHash(sha256, root, hash);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalBytes(root, claim.root);
};

export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: ReadonlyArray<Uint8Array>;
}

/** RFC 9162 section 2.1.4.2, with the two cases that it leaves to the caller: equal sizes, and an old size of 0. */
export const verifyConsistency = (sha256: Sha256, claim: ConsistencyClaim): boolean => {
  if (claim.oldSize > claim.size) return false;
  if (claim.oldSize === claim.size) {
    return claim.proof.length === 0 && equalBytes(claim.oldRoot, claim.root);
  }
  if (claim.oldSize === 0) return claim.proof.length === 0;
  return verifyGrowth(sha256, claim);
};

const isPowerOfTwo = (n: number): boolean => {
  let rest = n;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
};

const verifyGrowth = (sha256: Sha256, claim: ConsistencyClaim): boolean => {
  const path = isPowerOfTwo(claim.oldSize) ? [claim.oldRoot, ...claim.proof] : claim.proof;
  const first = path[0];
  if (first === undefined || claim.proof.length === 0) return false;
  let fn = claim.oldSize - 1;
  let sn = claim.size - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let oldRoot = first;
  let root = first;
  for (const hash of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      oldRoot = nodeHash(sha256, hash, oldRoot);
      root = nodeHash(sha256, hash, root);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else root = nodeHash(sha256, root, hash);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalBytes(oldRoot, claim.oldRoot) && equalBytes(root, claim.root);
};
