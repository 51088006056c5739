import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "#core/bytes.ts";
import { BLOCK_RECORDS, blockRootAt } from "#core/log/epoch.ts";
import {
  appendLeaf,
  consistencyProof,
  EMPTY_RANGE,
  inclusionProof,
  isCompactRange,
  leafHash,
  nodeHash,
  rootOf,
  rootOfLeaves,
  verifyConsistency,
  verifyInclusion,
  type CompactRange,
  type SubtreeRoot,
} from "#core/log/tree.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import {
  naiveLeaf,
  naivePath,
  naiveProof,
  naiveRoot,
  pathSides,
  proofSides,
} from "#test/unit/core/log/naive-tree.ts";

const SIZE_MAX = 600;
const LEAVES = Array.from({ length: SIZE_MAX }, (_, i) => leafHash(sha256, utf8(`entry ${i}`)));

const over =
  (leaves: ReadonlyArray<Uint8Array>): SubtreeRoot =>
  (from, to) =>
    rootOfLeaves(sha256, leaves.slice(from, to));

const rangeOver = (leaves: ReadonlyArray<Uint8Array>): CompactRange =>
  leaves.reduce<CompactRange>((range, leaf) => appendLeaf(sha256, range, leaf), EMPTY_RANGE);

/** Sizes near powers of two are where an index goes wrong. */
const size = (min: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min, max: SIZE_MAX }),
    fc
      .tuple(
        fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        fc.integer({ min: -1, max: 1 }),
      )
      .map(([power, off]) => Math.max(min, power + off)),
  );

/** A leaf or an older size within a tree: [index, size]. */
const place = size(1).chain((n) => fc.tuple(fc.integer({ min: 0, max: n - 1 }), fc.constant(n)));
const growth = size(2).chain((n) => fc.tuple(fc.integer({ min: 1, max: n - 1 }), fc.constant(n)));

const flipBit = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === (bit >> 3) % bytes.length ? byte ^ (1 << (bit & 7)) : byte));

/** Everything that one can do to a list of hashes with a single change, except leaving it as it is. */
const mangled = (proof: ReadonlyArray<Uint8Array>, bit: number): ReadonlyArray<Uint8Array>[] => [
  [...proof, at(LEAVES, bit)],
  [at(LEAVES, bit), ...proof],
  ...proof.map((_, i) => proof.toSpliced(i, 1)),
  ...proof.map((hash, i) => proof.with(i, flipBit(hash, bit))),
  ...(proof.length > 1 ? [proof.toReversed()] : []),
];

const bit = fc.integer({ min: 0, max: 255 });

test("the compact range gives RFC 6962's root at every size", () => {
  const ranges = [EMPTY_RANGE];
  for (const leaf of LEAVES) ranges.push(appendLeaf(sha256, at(ranges, -1), leaf));
  expect(ranges.every((range, i) => range.size === i && isCompactRange(range))).toBe(true);
  expect(at(LEAVES, 7)).toEqual(naiveLeaf(utf8("entry 7")));
  // The naive root is quadratic, so beyond 40 not every size.
  for (const n of [...Array.from({ length: 41 }, (_, i) => i), 255, 256, 257, 511, 512, 600]) {
    expect(rootOf(sha256, at(ranges, n))).toEqual(naiveRoot(LEAVES.slice(0, n)));
  }
});

test("a compact range with a root too many, too few or too short is none", () => {
  fc.assert(
    fc.property(size(1), (n) => {
      const range = rangeOver(LEAVES.slice(0, n));
      const { roots } = range;
      expect(isCompactRange({ size: n, roots: roots.slice(1) })).toBe(false);
      expect(isCompactRange({ size: n, roots: [...roots, at(LEAVES, 0)] })).toBe(false);
      expect(isCompactRange({ size: n, roots: roots.with(0, at(roots, 0).slice(1)) })).toBe(false);
    }),
  );
});

describe("inclusion", () => {
  test("proofs are RFC 6962's and verify", () => {
    fc.assert(
      fc.property(place, ([index, n]) => {
        const leaves = LEAVES.slice(0, n);
        const proof = inclusionProof(index, n, over(leaves));
        expect(proof).toEqual(naivePath(index, leaves));
        const claim = { leaf: at(leaves, index), index, size: n, root: naiveRoot(leaves), proof };
        expect(verifyInclusion(sha256, claim)).toBe(true);
      }),
    );
  });

  test("one bit of leaf, root or proof, or a hash more or less, and it fails", () => {
    fc.assert(
      fc.property(place, bit, ([index, n], b) => {
        const leaves = LEAVES.slice(0, n);
        const proof = naivePath(index, leaves);
        const claim = { leaf: at(leaves, index), index, size: n, root: naiveRoot(leaves), proof };
        const lies = [
          { ...claim, leaf: flipBit(claim.leaf, b) },
          { ...claim, root: flipBit(claim.root, b) },
          ...mangled(proof, b).map((other) => ({ ...claim, proof: other })),
        ];
        for (const lie of lies) expect(verifyInclusion(sha256, lie)).toBe(false);
      }),
    );
  });

  test("under another index or size it holds only where that is the same computation", () => {
    fc.assert(
      fc.property(place, fc.integer({ min: 0, max: 10 }), ([index, n], shift) => {
        const leaves = LEAVES.slice(0, n);
        const proof = naivePath(index, leaves);
        const claim = { leaf: at(leaves, index), index, size: n, root: naiveRoot(leaves), proof };
        for (const other of [index ^ (1 << shift), index + n]) {
          const holds = other < n && pathSides(other, n) === pathSides(index, n);
          expect(verifyInclusion(sha256, { ...claim, index: other })).toBe(holds);
        }
        const wrongSize = n ^ (1 << shift);
        const holds = index < wrongSize && pathSides(index, wrongSize) === pathSides(index, n);
        expect(verifyInclusion(sha256, { ...claim, size: wrongSize })).toBe(holds);
      }),
    );
  });
});

test("inclusion holds beyond 32 bits: an epoch is small, but a size on a wire may be anything", () => {
  const huge = fc.tuple(fc.integer({ min: 0, max: 2 ** 45 }), fc.integer({ min: 1, max: 2 ** 45 }));
  fc.assert(
    fc.property(huge, ([index, more]) => {
      const [n, leaf] = [index + more, at(LEAVES, 0)];
      const sides = pathSides(index, n).split("");
      const proof = sides.map((_, i) => at(LEAVES, i + 1));
      const root = sides.reduce((below, side, i) => {
        const other = at(LEAVES, i + 1);
        return side === "L" ? nodeHash(sha256, other, below) : nodeHash(sha256, below, other);
      }, leaf);
      const claim = { leaf, index, size: n, root, proof };
      expect(verifyInclusion(sha256, claim)).toBe(true);
      expect(verifyInclusion(sha256, { ...claim, proof: proof.slice(1) })).toBe(false);
    }),
  );
});

const growthClaim = (oldSize: number, n: number): Parameters<typeof verifyConsistency>[1] => ({
  oldSize,
  oldRoot: naiveRoot(LEAVES.slice(0, oldSize)),
  size: n,
  root: naiveRoot(LEAVES.slice(0, n)),
  proof: naiveProof(oldSize, LEAVES.slice(0, n)),
});

describe("consistency", () => {
  test("proofs are RFC 6962's and verify", () => {
    fc.assert(
      fc.property(growth, ([oldSize, n]) => {
        const claim = growthClaim(oldSize, n);
        expect(consistencyProof(oldSize, n, over(LEAVES))).toEqual(claim.proof);
        expect(verifyConsistency(sha256, claim)).toBe(true);
      }),
    );
  });

  test("one bit of either root or of the proof, or a hash more or less, and it fails", () => {
    fc.assert(
      fc.property(growth, bit, ([oldSize, n], b) => {
        const claim = growthClaim(oldSize, n);
        const lies = [
          { ...claim, oldRoot: flipBit(claim.oldRoot, b) },
          { ...claim, root: flipBit(claim.root, b) },
          { ...claim, proof: [] },
          ...mangled(claim.proof, b).map((proof) => ({ ...claim, proof })),
        ];
        for (const lie of lies) expect(verifyConsistency(sha256, lie)).toBe(false);
      }),
    );
  });

  test("under other sizes it holds only where that is the same computation", () => {
    fc.assert(
      fc.property(growth, fc.integer({ min: 0, max: 10 }), ([oldSize, n], shift) => {
        const claim = growthClaim(oldSize, n);
        const sides = proofSides(oldSize, n);
        const [otherOld, other] = [oldSize ^ (1 << shift), n ^ (1 << shift)];
        const holdsOld = otherOld > 0 && otherOld < n && proofSides(otherOld, n) === sides;
        const holdsNew = other > oldSize && proofSides(oldSize, other) === sides;
        // An old size of 0 is consistent with everything, but only without a proof.
        expect(verifyConsistency(sha256, { ...claim, oldSize: otherOld })).toBe(holdsOld);
        expect(verifyConsistency(sha256, { ...claim, size: other })).toBe(holdsNew);
      }),
    );
  });

  test("equal sizes need equal roots and no proof; 0 needs no proof", () => {
    const claim = { ...growthClaim(5, 9), oldSize: 9, size: 9 };
    const root = claim.root;
    expect(verifyConsistency(sha256, { ...claim, oldRoot: root, proof: [] })).toBe(true);
    expect(verifyConsistency(sha256, { ...claim, proof: [] })).toBe(false);
    expect(verifyConsistency(sha256, { ...claim, oldRoot: root })).toBe(false);
    expect(verifyConsistency(sha256, { ...claim, oldSize: 0, proof: [] })).toBe(true);
    expect(verifyConsistency(sha256, { ...claim, oldSize: 0 })).toBe(false);
    expect(consistencyProof(0, 9, over(LEAVES))).toEqual([]);
    expect(consistencyProof(9, 9, over(LEAVES))).toEqual([]);
  });
});

test("block roots are the roots of their subtrees", () => {
  const blocks: Uint8Array[] = [];
  let range = EMPTY_RANGE;
  for (const leaf of LEAVES) {
    const completed = blockRootAt(sha256, range, leaf);
    range = appendLeaf(sha256, range, leaf);
    expect(completed === undefined).toBe(range.size % BLOCK_RECORDS !== 0);
    if (completed === undefined) continue;
    expect(completed.block).toBe(blocks.length);
    blocks.push(completed.root);
    expect(completed.root).toEqual(naiveRoot(LEAVES.slice(range.size - BLOCK_RECORDS, range.size)));
  }
  expect(blocks.length).toBe(Math.floor(SIZE_MAX / BLOCK_RECORDS));
});
