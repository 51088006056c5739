import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { endedHash, type AuthorHead } from "#core/message/envelopes.ts";
import { authorHeads, epochsOf, Replica, type ReplicaEpoch } from "#core/sync/replica.ts";

import { sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import { keyOf, NAMES, newHead } from "#test/unit/core/log/sample-epoch.ts";

/** An epoch of so many records that names those before it; n is its key. */
const epoch = (
  author: string,
  n: number,
  ...earlier: ReadonlyArray<ReplicaEpoch>
): ReplicaEpoch => {
  const head = newHead({ ...NAMES, gateway: author, epochKey: keyOf(700 + n) });
  const range = { size: n, roots: [] };
  return {
    author,
    gatewayKey: "",
    head: { ...head, range },
    earlier: earlier.map((e) => toHex(e.head.epoch)),
    kept: true,
  };
};
const sizeOf = ({ head }: ReplicaEpoch): { readonly epoch: Uint8Array; readonly size: number } => ({
  epoch: head.epoch,
  size: head.range.size,
});
const replicaOf = (...epochs: ReadonlyArray<ReplicaEpoch>): Replica =>
  Replica.from(epochs.map((one) => [toHex(one.head.epoch), one]));
const heads = (...epochs: ReadonlyArray<ReplicaEpoch>): ReadonlyArray<AuthorHead> =>
  authorHeads(sha256, { replica: replicaOf(...epochs), cuts: new Map(), cutLeaves: new Map() }).map(
    (head) => ({
      ...head,
      content: null,
    }),
  );

test("an epoch has ended when a later one of its author names it", () => {
  const first = epoch("dock", 1);
  const second = epoch("dock", 2, first);
  const third = epoch("dock", 3, second);
  expect(heads(first, second, third)).toEqual([
    {
      author: "dock",
      live: [sizeOf(third)],
      ended: endedHash(sha256, [first, second].map(sizeOf)),
      content: null,
    },
  ]);
  // Which of them came first makes no difference.
  expect(heads(third, second, first)).toEqual(heads(first, second, third));
});

test("nobody ends an epoch of another gateway", () => {
  const dock = epoch("dock", 1);
  const yard = epoch("yard", 2, dock);
  expect(heads(dock, yard)).toEqual([
    { author: "dock", live: [sizeOf(dock)], ended: endedHash(sha256, []), content: null },
    { author: "yard", live: [sizeOf(yard)], ended: endedHash(sha256, []), content: null },
  ]);
});

test("epochs that are named but not held are not spoken of", () => {
  const second = epoch("dock", 2, epoch("dock", 1));
  expect(heads(second)).toEqual([
    { author: "dock", live: [sizeOf(second)], ended: endedHash(sha256, []), content: null },
  ]);
  expect(epochsOf(replicaOf(second), new Map(), "dock")).toEqual([sizeOf(second)]);
  expect(epochsOf(replicaOf(second), new Map(), "yard")).toEqual([]);
});

test("a head names 16 live epochs of an author at most: peers refuse more", () => {
  const many = Array.from({ length: 20 }, (_, i) => epoch("dock", i + 1));
  expect(at(heads(...many), 0).live).toHaveLength(16);
});
