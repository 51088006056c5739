/** What is found in a Range that doesn't fit: a fork where there is one and it can be proved, and nowhere else. */
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signCheckpoint } from "#core/log/checkpoint.ts";
import { examineRange, type Examined, type HeldTree } from "#core/log/examine.ts";
import { verifyEvidence } from "#core/log/fork.ts";
import type { Range } from "#core/log/range.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { EMPTY_RANGE, appendLeaf, consistencyProof, rootOfLeaves } from "#core/log/tree.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import { forkedEpoch } from "#test/unit/core/log/forked-epoch.ts";
import { leavesOf, NAMES, newHead } from "#test/unit/core/log/sample-epoch.ts";

type Records = ReadonlyArray<RecordBytes>;

const rootAt = (records: Records, size: number): Uint8Array =>
  rootOfLeaves(sha256, leavesOf(records).slice(0, size));

const proofOf = (records: Records, from: number, to: number): ReadonlyArray<Uint8Array> =>
  consistencyProof(from, to, (a, b) => rootOfLeaves(sha256, leavesOf(records).slice(a, b)));

const checkpointOf = (records: Records, size: number): string =>
  signCheckpoint(
    sha256,
    { origin: newHead(NAMES).origin, size, root: rootAt(records, size) },
    NAMES.epochKey,
  );

/** The first `size` records, under a checkpoint that may be beyond them. */
const heldOf = (records: Records, size: number, signedSize: number): HeldTree => {
  const leaves = leavesOf(records.slice(0, size));
  const range = leaves.reduce((grown, leaf) => appendLeaf(sha256, grown, leaf), EMPTY_RANGE);
  const head = { ...newHead(NAMES), range, lastLeaf: at(leaves, -1) };
  return {
    stored: {
      gateway: NAMES.gateway,
      head,
      checkpoint: checkpointOf(records, signedSize),
      proof: proofOf(records, size, signedSize),
    },
    headers: (from, to) => records.slice(from, to).map(({ header }) => header),
    subtreeRoot: (from, to) => {
      expect(to).toBeLessThanOrEqual(size);
      return rootOfLeaves(sha256, leaves.slice(from, to));
    },
  };
};

/** Where a Range begins and ends, and how far its checkpoint reaches. */
type Cut = readonly [from: number, to: number, signedSize: number];

const rangeOf = (records: Records, [from, to, signedSize]: Cut): Range => ({
  epoch: newHead(NAMES).epoch,
  from,
  checkpoint: checkpointOf(records, signedSize),
  proof: proofOf(records, to, signedSize),
  items: records.slice(from, to),
});

/** Sorted places within a branch: of the Range's first item, its end, and its checkpoint. */
const within = (length: number): fc.Arbitrary<Cut> =>
  fc
    .tuple(fc.nat(length - 1), fc.integer({ min: 1, max: length }), fc.nat(length))
    .map(([from, count, more]) => {
      const to = Math.min(length, from + count);
      return [from, to, Math.min(length, to + more)] as const;
    });

const part = (length: number): fc.Arbitrary<readonly [number, number]> =>
  fc
    .tuple(fc.integer({ min: 1, max: length }), fc.nat(length))
    .map(([size, more]) => [size, Math.min(length, size + more)] as const);

const forked = fc
  .tuple(fc.nat(40), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }))
  .chain(([shared, one, two]) =>
    fc.record({
      shared: fc.constant(shared),
      lengths: fc.constant([one, two] as const),
      held: part(shared + one),
      range: within(shared + two),
    }),
  );

const sizeProved = (examined: Examined): number | undefined => {
  if (examined._tag !== "Forked") return undefined;
  const proved = verifyEvidence(nodeCrypto, examined.evidence);
  return E.isRight(proved) ? proved.right.size : -1;
};

const expectedOf = (shared: number, size: number, [from, to]: Cut): object => {
  const end = Math.min(to, size);
  if (from >= end) return { _tag: "DiffersBefore", seq: from };
  if (end <= shared) return { _tag: "Same" };
  return from <= shared ? { _tag: "Forked", size: shared } : { _tag: "DiffersBefore", seq: from };
};

describe("a Range of the other branch", () => {
  test("proves the fork exactly when it holds the place where the branches part", () => {
    fc.assert(
      fc.property(forked, ({ shared, lengths, held, range }) => {
        const { branches } = forkedEpoch(shared, lengths);
        const ours = heldOf(branches[0], ...held);
        const examined = examineRange(nodeCrypto, ours, rangeOf(branches[1], range));
        expect(examined).toMatchObject(expectedOf(shared, held[0], range));
        expect(sizeProved(examined)).toBe(examined._tag === "Forked" ? shared : undefined);
      }),
      { numRuns: 300 },
    );
  });

  test("gives the same evidence whichever branch is held", () => {
    const { branches } = forkedEpoch(7, [5, 9]);
    const [one, two] = branches;
    const here = examineRange(nodeCrypto, heldOf(one, 12, 12), rangeOf(two, [3, 16, 16]));
    const there = examineRange(nodeCrypto, heldOf(two, 16, 16), rangeOf(one, [7, 12, 12]));
    expect(here._tag).toBe("Forked");
    expect(there).toEqual(here);
  });
});

describe("what is no fork", () => {
  test("a Range of the very same branch is the same, however it is cut and under whichever checkpoint", () => {
    const shape = fc.record({ held: part(60), range: within(60) });
    const { branches } = forkedEpoch(60, [1, 1]);
    fc.assert(
      fc.property(shape, ({ held, range }) => {
        const examined = examineRange(
          nodeCrypto,
          heldOf(branches[0], ...held),
          rangeOf(branches[0], range),
        );
        const [from] = range;
        expect(examined).toEqual(
          from < held[0] ? { _tag: "Same" } : { _tag: "DiffersBefore", seq: from },
        );
      }),
    );
  });

  test("items that the checkpoint doesn't sign convict nobody", () => {
    const { branches } = forkedEpoch(20, [20, 20]);
    const ours = heldOf(branches[0], 40, 40);
    const change = fc.tuple(fc.nat(39), fc.nat(80), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, within(40), ([which, where, mask], range) => {
        const honest = rangeOf(branches[0], range);
        const index = which % honest.items.length;
        const { header, body } = at(honest.items, index);
        const bad = header.map((byte, i) => (i === where % header.length ? byte ^ mask : byte));
        const items = honest.items.with(index, { header: bad, body });
        expect(examineRange(nodeCrypto, ours, { ...honest, items })).toEqual({
          _tag: "DiffersBefore",
          seq: honest.from,
        });
      }),
    );
  });

  test("a header that is damaged here convicts nobody", () => {
    const { branches } = forkedEpoch(40, [1, 1]);
    const sound = heldOf(branches[0], 40, 40);
    const headers = (from: number, to: number): ReadonlyArray<Uint8Array> =>
      sound
        .headers(from, to)
        .map((header, i) => (from + i === 25 ? header.with(40, (header[40] ?? 0) ^ 1) : header));
    const examined = examineRange(
      nodeCrypto,
      { ...sound, headers },
      rangeOf(branches[0], [20, 30, 40]),
    );
    expect(examined).toEqual({ _tag: "DiffersBefore", seq: 20 });
  });

  test("the other branch under the wrong proof, or a giant checkpoint, ends at once and convicts nobody", () => {
    const { branches } = forkedEpoch(20, [20, 20]);
    const ours = heldOf(branches[0], 40, 40);
    const range = rangeOf(branches[1], [10, 30, 40]);
    const giant = signCheckpoint(
      sha256,
      { origin: newHead(NAMES).origin, size: 2 ** 45, root: rootAt(branches[1], 40) },
      NAMES.epochKey,
    );
    expect(examineRange(nodeCrypto, ours, range)._tag).toBe("Forked");
    for (const bad of [
      { ...range, proof: [] },
      { ...range, proof: range.proof.slice(1) },
      { ...range, proof: range.proof.toReversed() },
      { ...range, checkpoint: giant },
      { ...range, checkpoint: "not a checkpoint" },
    ]) {
      expect(examineRange(nodeCrypto, ours, bad)).toEqual({ _tag: "DiffersBefore", seq: 10 });
    }
  });
});
