import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openTextOf } from "#core/log/body.ts";
import { decodeCbor, encodeCbor } from "#core/log/cbor.ts";
import { BLOCK_RECORDS, type Draft } from "#core/log/epoch.ts";
import { decodeHeader, encodeHeader, KIND, type RecordBytes } from "#core/log/record.ts";
import { rootOf } from "#core/log/tree.ts";
import {
  checkHead,
  extendHead,
  headFromOpen,
  verifyOpen,
  type EpochError,
} from "#core/log/verify-epoch.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { mutation } from "#test/unit/core/log/arbitraries.ts";
import { at, leftTag, rightOf } from "#test/unit/core/log/either.ts";
import { naiveRoot } from "#test/unit/core/log/naive-tree.ts";
import {
  append,
  keyOf,
  NAMES,
  newHead,
  openDraft,
  sampleEpoch,
  tap,
} from "#test/unit/core/log/sample-epoch.ts";

const EPOCH = sampleEpoch(600);
const OPEN = at(EPOCH.records, 0);

/** The first record of an epoch, with another body under its right hash. */
const first = (draft: Draft): RecordBytes => at(append(NAMES, newHead(NAMES), [draft]).records, 0);

test("an epoch verifies from its records alone, and has the blocks and the root of the naive tree", () => {
  const open = rightOf(verifyOpen(nodeCrypto, OPEN, EPOCH.empty.epoch));
  expect(headFromOpen(nodeCrypto, open)).toEqual(EPOCH.empty);
  const extended = rightOf(extendHead(nodeCrypto, EPOCH.empty, EPOCH.records));
  expect(extended.records.map(({ leaf }) => leaf)).toEqual(EPOCH.leaves);
  expect(rootOf(sha256, extended.head.range)).toEqual(naiveRoot(EPOCH.leaves));
  expect(extended.blocks.map(({ root }) => root)).toEqual(
    [0, 1].map((i) => naiveRoot(EPOCH.leaves.slice(i * BLOCK_RECORDS, (i + 1) * BLOCK_RECORDS))),
  );
  expect(E.isRight(checkHead(nodeCrypto, extended.head, EPOCH.checkpointAt(600)))).toBe(true);
});

test("grouping changes nothing: any cut into groups gives the same records and head", () => {
  const drafts = Array.from({ length: 60 }, (_, i) => (i === 0 ? openDraft(NAMES) : tap(i)));
  const whole = append(NAMES, newHead(NAMES), drafts);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (x, y) => {
      const [a, b] = [Math.min(x, y), Math.max(x, y)];
      let head = newHead(NAMES);
      const records: RecordBytes[] = [];
      for (const piece of [drafts.slice(0, a), drafts.slice(a, b), drafts.slice(b)]) {
        const group = append(NAMES, head, piece);
        expect(group.from).toBe(records.length);
        expect(E.isRight(checkHead(nodeCrypto, group.head, group.checkpoint))).toBe(true);
        records.push(...group.records);
        ({ head } = group);
      }
      expect(records).toEqual(whole.records);
      expect(head).toEqual(whole.head);
    }),
    { numRuns: 30 },
  );
});

const HEAD = EPOCH.headAt(10);

/** One way, at least, to each error. */
const REACHED: Readonly<Record<EpochError["_tag"], () => E.Either<EpochError, unknown>>> = {
  RecordBad: () => extendHead(nodeCrypto, HEAD, EPOCH.records.slice(11)),
  OpenMissing: () => verifyOpen(nodeCrypto, first(tap(0)), EPOCH.empty.epoch),
  OpenForeign: () => verifyOpen(nodeCrypto, OPEN, new Uint8Array(16)),
  OpenSignatureWrong: () => {
    const { body, ...draft } = openDraft(NAMES);
    const forged = { ...body, gateway: "dock", signature: new Uint8Array(64) };
    return verifyOpen(
      nodeCrypto,
      first({ ...draft, body: body._tag === "Open" ? { ...body, ...forged } : body }),
      EPOCH.empty.epoch,
    );
  },
  CheckpointBad: () => checkHead(nodeCrypto, HEAD, "nothing"),
  SizeDiffers: () => checkHead(nodeCrypto, HEAD, EPOCH.checkpointAt(11)),
  RootDiffers: () => {
    const other = append(NAMES, newHead(NAMES), [openDraft(NAMES), tap(99)]);
    return checkHead(nodeCrypto, EPOCH.headAt(2), other.checkpoint);
  },
};

test.each(Object.entries(REACHED))("reached: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});

const refusal = (record: RecordBytes): string =>
  leftTag(verifyOpen(nodeCrypto, record, EPOCH.empty.epoch));

describe("an open is refused", () => {
  test("that was erased", () => {
    expect(refusal({ ...OPEN, body: null })).toBe("OpenMissing");
  });

  test("that is not the first record", () => {
    expect(refusal(at(EPOCH.records, 1))).toBe("RecordBad");
  });

  test("of another kind, whatever its body says", () => {
    const header = rightOf(decodeHeader(OPEN.header));
    expect(refusal({ ...OPEN, header: encodeHeader({ ...header, kind: KIND.change }) })).toBe(
      "OpenMissing",
    );
  });

  test("of another epoch's key, though signed by the gateway", () => {
    expect(refusal(first(openDraft({ ...NAMES, epochKey: keyOf(3) })))).toBe("OpenForeign");
  });

  test("signed by another key than it names", () => {
    const names = { ...NAMES, gatewayKey: { ...NAMES.gatewayKey, sign: keyOf(8).sign } };
    expect(refusal(first(openDraft(names)))).toBe("OpenSignatureWrong");
  });

  test("that was altered anywhere", () => {
    const body = OPEN.body ?? new Uint8Array(0);
    const header = rightOf(decodeHeader(OPEN.header));
    fc.assert(
      fc.property(mutation, (mutate) => {
        const altered = mutate(body);
        fc.pre(!Buffer.from(altered).equals(body));
        const record = {
          header: encodeHeader({ ...header, bodyHash: sha256(altered) }),
          body: altered,
        };
        expect(["RecordBad", "OpenMissing", "OpenForeign", "OpenSignatureWrong"]).toContain(
          refusal(record),
        );
      }),
      { numRuns: 300 },
    );
  });
});

/** An open with a field that this version does not know, and another of which the signature tells. */
const laterOpen = (later: string, signed: string): RecordBytes => {
  const known = rightOf(decodeCbor(OPEN.body ?? new Uint8Array(0)));
  const fields = Array.isArray(known) ? known : [];
  const text = openTextOf(encodeCbor([...fields, signed])) ?? new Uint8Array(0);
  const body = encodeCbor([...fields, later].with(2, NAMES.gatewayKey.sign(text)));
  const header = rightOf(decodeHeader(OPEN.header));
  return { header: encodeHeader({ ...header, bodyHash: sha256(body) }), body };
};
test("a later version's open is accepted with the fields that this one doesn't know, if they were signed", () => {
  expect(refusal(laterOpen("later", "later"))).toBe("Right");
  expect(refusal(laterOpen("later", "other"))).toBe("OpenSignatureWrong");
});

test("records chain only in their order, each once, with the body that their header names", () => {
  const index = fc.integer({ min: 1, max: 38 });
  const records = EPOCH.records.slice(0, 40);
  const refused = (other: ReadonlyArray<RecordBytes>, seq: number): void => {
    const extended = extendHead(nodeCrypto, EPOCH.empty, other);
    expect(extended).toMatchObject({ left: { _tag: "RecordBad", seq } });
  };
  fc.assert(
    fc.property(index, index, (i, j) => {
      refused(records.toSpliced(i, 1), i);
      refused(records.toSpliced(i, 0, at(records, i)), i + 1);
      if (i !== j) {
        const swapped = records.with(i, at(records, j)).with(j, at(records, i));
        refused(swapped, Math.min(i, j));
        const body = at(records, j).body;
        refused(records.with(i, { ...at(records, i), body }), i);
      }
      const erased = records.with(i, { ...at(records, i), body: null });
      const extended = rightOf(extendHead(nodeCrypto, EPOCH.empty, erased));
      expect(extended.head).toEqual(EPOCH.headAt(40));
    }),
    { numRuns: 20 },
  );
});

test("prev is checked, not only seq", () => {
  const other = { ...tap(1), wallMs: 5 };
  const branch = append(NAMES, newHead(NAMES), [openDraft(NAMES), other, tap(2)]);
  const spliced = [...EPOCH.records.slice(0, 2), at(branch.records, 2)];
  expect(extendHead(nodeCrypto, EPOCH.empty, spliced)).toMatchObject({
    left: { seq: 2, cause: { _tag: "PrevDiffers" } },
  });
});
