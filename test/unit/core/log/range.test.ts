import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signCheckpoint } from "#core/log/checkpoint.ts";
import { encodeCbor } from "#core/log/cbor.ts";
import {
  decodeRange,
  encodeRange,
  RANGE_BYTES_MAX,
  verifyRange,
  type AcceptedRange,
  type Range,
  type RangeError,
} from "#core/log/range.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { rootOfLeaves } from "#core/log/tree.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { bytes, count, text } from "#test/unit/core/log/arbitraries.ts";
import { at, leftTag, rightOf } from "#test/unit/core/log/either.ts";
import {
  append,
  keyOf,
  NAMES,
  newHead,
  openDraft,
  sampleEpoch,
  tap,
  leavesOf,
} from "#test/unit/core/log/sample-epoch.ts";

const SIZE = 40;
const EPOCH = sampleEpoch(SIZE);

/** The receiver holds the first n records. */
const verified = (n: number, range: Range): E.Either<RangeError, AcceptedRange> =>
  verifyRange(
    nodeCrypto,
    { head: EPOCH.headAt(n), knownLeaf: (seq) => EPOCH.leaves.slice(0, n)[seq] },
    range,
  );
const verdict = (n: number, range: Range): string => leftTag(verified(n, range));

const item = fc.record({
  header: fc.uint8Array({ maxLength: 120 }),
  body: fc.option(fc.uint8Array({ maxLength: 300 })),
});
const anyRange: fc.Arbitrary<Range> = fc.record({
  epoch: bytes(16),
  from: count,
  checkpoint: text(300),
  proof: fc.array(bytes(32), { maxLength: 20 }),
  items: fc.array(item, { minLength: 1, maxLength: 20 }),
});

test("a Range decodes to what was encoded", () => {
  fc.assert(
    fc.property(anyRange, (range) => {
      expect(decodeRange(encodeRange(range))).toEqual(E.right(range));
    }),
  );
});

const encoded = (
  change: Readonly<Record<number, Parameters<typeof encodeCbor>[0]>>,
): Uint8Array => {
  const { epoch, from, checkpoint, proof, items } = EPOCH.range(0, 2, SIZE);
  const fields = [1, epoch, from, checkpoint, [...proof], items.map((i) => [i.header, i.body])];
  return encodeCbor(fields.map((field, i) => (i in change ? (change[i] ?? null) : field)));
};

/** One way, at least, to each error. */
const REACHED: Readonly<Record<RangeError["_tag"], () => E.Either<RangeError, unknown>>> = {
  RangeTooLarge: () => decodeRange(new Uint8Array(RANGE_BYTES_MAX + 1)),
  RangeMalformed: () => decodeRange(encoded({ 1: new Uint8Array(15) })),
  RangeVersionUnknown: () => decodeRange(encoded({ 0: 2 })),
  RangeGap: () => verified(5, EPOCH.range(6, SIZE, SIZE)),
  RangeForks: () => {
    const range = EPOCH.range(3, SIZE, SIZE);
    return verified(10, { ...range, items: range.items.with(2, at(EPOCH.records, 30)) });
  },
  RangeBodyMissing: () => {
    const range = EPOCH.range(5, SIZE, SIZE);
    return verified(5, { ...range, items: range.items.map((one) => ({ ...one, body: null })) });
  },
  RangeUnproved: () => verified(5, { ...EPOCH.range(5, 20, SIZE), proof: [] }),
  RangeRecords: () => verified(5, { ...EPOCH.range(5, SIZE, SIZE), checkpoint: "nothing" }),
};

test.each(Object.entries(REACHED))("reached: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});

describe("malformed", () => {
  const hash = new Uint8Array(32);
  test.each([
    ["no CBOR", Uint8Array.of(0x98, 0)],
    ["no array", encodeCbor("range")],
    ["an empty array", encodeCbor([])],
    ["no version", encoded({ 0: null })],
    ["a version below 0", encoded({ 0: -2 })],
    ["a version of text", encoded({ 0: "1" })],
    ["a negative from", encoded({ 2: -1 })],
    ["a checkpoint of bytes", encoded({ 3: new Uint8Array(9) })],
    ["a checkpoint that is too long", encoded({ 3: "x".repeat(1_025) })],
    ["a proof that is no list", encoded({ 4: null })],
    ["a proof of short hashes", encoded({ 4: [new Uint8Array(31)] })],
    ["a proof that is too long", encoded({ 4: Array.from({ length: 65 }, () => hash) })],
    ["no items", encoded({ 5: [] })],
    ["items that are no list", encoded({ 5: null })],
    ["an item without body", encoded({ 5: [[hash]] })],
    ["an item of three", encoded({ 5: [[hash, null, null]] })],
    ["an item of text", encoded({ 5: [["header", null]] })],
    ["an item with a body of text", encoded({ 5: [[hash, "body"]] })],
    ["an item that is bytes", encoded({ 5: [hash] })],
    ["4,097 items", encoded({ 5: Array.from({ length: 4_097 }, () => [new Uint8Array(0), null]) })],
  ])("%s", (_, message) => {
    expect(leftTag(decodeRange(message))).toBe("RangeMalformed");
  });
});

/** What the receiver holds, and a Range: 0 ≤ from < to ≤ size ≤ SIZE, known ≤ SIZE. */
const situation = fc
  .tuple(fc.nat(SIZE), fc.nat(SIZE - 1), fc.nat(SIZE), fc.nat(SIZE))
  .map(([known, from, x, y]) => {
    const to = Math.max(from + 1, Math.min(x, y));
    return { known, from, to, size: Math.max(to, x, y) };
  });

test("every true Range that leaves no gap is accepted with exactly its new records", () => {
  fc.assert(
    fc.property(situation, ({ known, from, to, size }) => {
      fc.pre(from <= known);
      const accepted = rightOf(verified(known, EPOCH.range(from, to, size)));
      const end = Math.max(known, to);
      expect(accepted.from).toBe(known);
      expect(accepted.head).toEqual(EPOCH.headAt(end));
      expect(accepted.records.map(({ header, body }) => ({ header, body }))).toEqual(
        EPOCH.records.slice(known, end),
      );
      expect(accepted.checkpoint.size).toBe(size);
    }),
  );
});

test("a Range that begins beyond what is known is a gap, and says what to ask for", () => {
  fc.assert(
    fc.property(situation, ({ known, from, to, size }) => {
      fc.pre(from > known);
      const result = verified(known, EPOCH.range(from, to, size));
      expect(result).toEqual(E.left({ _tag: "RangeGap", known, size }));
    }),
  );
});

/** What a liar can do to a Range with one change; undefined where it changes nothing. */
const lies: Readonly<Record<string, (range: Range, i: number) => Range | undefined>> = {
  "the last items cut off": (range, i) =>
    i === 0 ? undefined : { ...range, items: range.items.slice(0, i) },
  "an item left out": (range, i) =>
    i === range.items.length - 1 ? undefined : { ...range, items: range.items.toSpliced(i, 1) },
  "an item twice": (range, i) => ({
    ...range,
    items: range.items.toSpliced(i, 0, at(range.items, i)),
  }),
  "two items changed over": ({ items, ...range }, i) =>
    i === 0
      ? undefined
      : { ...range, items: items.with(i, at(items, i - 1)).with(i - 1, at(items, i)) },
  "a header altered": (range, i) => ({
    ...range,
    items: range.items.with(i, {
      ...at(range.items, i),
      header: flip(at(range.items, i).header, i),
    }),
  }),
  "a body altered": (range, i) => ({
    ...range,
    items: range.items.with(i, { ...at(range.items, i), body: flip(at(range.items, i).body, i) }),
  }),
  "another from": (range, i) => ({ ...range, from: range.from + 1 + (i % 3) }),
  "a hash of the proof altered": (range, i) =>
    range.proof.length === 0
      ? undefined
      : {
          ...range,
          proof: range.proof.map((hash, p) =>
            p === i % range.proof.length ? flip(hash, i) : hash,
          ),
        },
  "a hash more in the proof": (range) => ({
    ...range,
    proof: [...range.proof, new Uint8Array(32)],
  }),
  "no proof": (range) => (range.proof.length === 0 ? undefined : { ...range, proof: [] }),
  "a checkpoint of too few records": (range) =>
    range.from + range.items.length === 1
      ? undefined
      : {
          ...range,
          proof: [],
          checkpoint: EPOCH.checkpointAt(range.from + range.items.length - 1),
        },
};

function flip(value: Uint8Array | null, bit: number): Uint8Array {
  const source = value ?? new Uint8Array(1);
  const where = (bit * 7) % source.length;
  return source.map((byte, i) => (i === where ? byte ^ (1 << (bit & 7)) : byte));
}

describe("refused whole", () => {
  test.each(Object.entries(lies))("%s", (_, lie) => {
    fc.assert(
      fc.property(situation, fc.nat(SIZE), ({ from, to, size }, seed) => {
        // The receiver holds what lies before the Range, so that all of it is new to it.
        const range = EPOCH.range(from, to, size);
        const other = lie(range, seed % range.items.length);
        fc.pre(other !== undefined);
        const tags = ["RangeRecords", "RangeUnproved", "RangeGap", "RangeForks"];
        expect(tags).toContain(verdict(from, other ?? range));
      }),
    );
  });

  test("a known record with another header is a fork, wherever it stands", () => {
    fc.assert(
      fc.property(fc.nat(19), (i) => {
        const range = EPOCH.range(0, SIZE, SIZE);
        const header = flip(at(range.items, i).header, i);
        const forked = { ...range, items: range.items.with(i, { header, body: null }) };
        expect(verified(20, forked)).toEqual(E.left({ _tag: "RangeForks", seq: i }));
      }),
    );
  });

  test("what another key signed", () => {
    const foreign = sampleEpoch(SIZE, { ...NAMES, epochKey: keyOf(3) });
    const range = { ...EPOCH.range(5, SIZE, SIZE), checkpoint: foreign.checkpointAt(SIZE) };
    expect(verified(5, range)).toMatchObject({ left: { cause: { _tag: "CheckpointBad" } } });
    expect(verdict(5, foreign.range(5, SIZE, SIZE))).toBe("RangeRecords");
    // The right name on it doesn't help.
    const { origin } = EPOCH.empty;
    const root = rootOfLeaves(sha256, EPOCH.leaves);
    const forged = signCheckpoint(sha256, { origin, size: SIZE, root }, keyOf(3));
    expect(verdict(5, { ...range, checkpoint: forged })).toBe("RangeRecords");
  });

  test("a branch of the same author: chained and hashed well, but under the other branch's checkpoint", () => {
    const drafts = Array.from({ length: SIZE }, (_, i) =>
      i === 0 ? openDraft(NAMES) : { ...tap(i), wallMs: i < 20 ? tap(i).wallMs : 1 },
    );
    const branch = append(NAMES, newHead(NAMES), drafts);
    expect(leavesOf(branch.records).slice(0, 20)).toEqual(EPOCH.leaves.slice(0, 20));
    const items: ReadonlyArray<RecordBytes> = branch.records.slice(20, 30);
    // Without the consistency proof's check this would be taken for the author's own word.
    expect(verdict(20, { ...EPOCH.range(20, 30, SIZE), items })).toBe("RangeUnproved");
    expect(verdict(20, { ...EPOCH.range(20, 30, 30), items })).toBe("RangeUnproved");
    const theirs = { ...EPOCH.range(20, SIZE, SIZE), checkpoint: branch.checkpoint };
    expect(verdict(20, theirs)).toBe("RangeUnproved");
  });
});

test("a new record without its body is refused: nobody can say what it would fold to", () => {
  fc.assert(
    fc.property(fc.nat(16), (i) => {
      const range = EPOCH.range(3, 20, SIZE);
      const { header } = at(range.items, i);
      const bodyless = { ...range, items: range.items.with(i, { header, body: null }) };
      expect(verified(3, bodyless)).toEqual(E.left({ _tag: "RangeBodyMissing", seq: 3 + i }));
      // What is known already needs no body.
      expect(rightOf(verified(20, bodyless)).records).toEqual([]);
    }),
  );
});

test("a Range that brings nothing new changes nothing, whatever its proof", () => {
  fc.assert(
    fc.property(situation, bytes(32), ({ known, from, to, size }, junk) => {
      fc.pre(to <= known);
      const accepted = rightOf(verified(known, { ...EPOCH.range(from, to, size), proof: [junk] }));
      expect(accepted.records).toEqual([]);
      expect(accepted.head).toEqual(EPOCH.headAt(known));
    }),
  );
});
