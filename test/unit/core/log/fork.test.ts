/** Evidence of a fork convicts an author before everybody, so nothing less than a fork may pass for one. */
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBody, encodeBody } from "#core/log/body.ts";
import { ACTOR } from "#core/log/actor.ts";
import { decodeCbor, encodeCbor, type CborValue } from "#core/log/cbor.ts";
import { epochIdOf, formatOrigin, signCheckpoint } from "#core/log/checkpoint.ts";
import { EVIDENCE_BYTES_MAX } from "#core/log/correction.ts";
import {
  encodeEvidence,
  verifyEvidence,
  type Branch,
  type EvidenceError,
  type ProvedFork,
  type TwoHeaders,
} from "#core/log/fork.ts";
import { KIND, leafOf, RECORD_BYTES_MAX } from "#core/log/record.ts";
import { signNote } from "#core/log/signed-note.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { mutation } from "#test/unit/core/log/arbitraries.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";
import { forkedEpoch } from "#test/unit/core/log/forked-epoch.ts";
import { keyOf, NAMES } from "#test/unit/core/log/sample-epoch.ts";

const KEY = NAMES.epochKey;
const EPOCH = epochIdOf(sha256, KEY.publicKey);
const ORIGIN = formatOrigin("fleet", "lobby", EPOCH);
const FORK = forkedEpoch(5, [3, 6]);
const EVIDENCE = FORK.evidenceAt(5);
const [ONE, TWO] = EVIDENCE.branches;
const BYTES = rightOf(encodeEvidence(sha256, EVIDENCE));

const verify = (bytes: Uint8Array): E.Either<EvidenceError, ProvedFork> =>
  verifyEvidence(nodeCrypto, bytes);
const check = (evidence: TwoHeaders): E.Either<EvidenceError, ProvedFork> =>
  verify(rightOf(encodeEvidence(sha256, evidence)));

describe("two branches", () => {
  test("are proved wherever they part, however long they are", () => {
    const shape = fc.tuple(
      fc.nat(9),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
    );
    fc.assert(
      fc.property(shape, ([shared, one, two]) => {
        const { evidenceAt } = forkedEpoch(shared, [one, two]);
        const proved = check(evidenceAt(shared));
        expect(proved).toEqual(E.right({ epoch: EPOCH, origin: ORIGIN, size: shared }));
      }),
      { numRuns: 40 },
    );
  });

  test("make the same bytes, whoever found which first, and whoever else signed", () => {
    const cosigner = { name: "mirror", ...keyOf(9) };
    const cosigned = (branch: Branch): Branch => {
      const [text = "", own = ""] = branch.checkpoint.split("\n\n");
      const other = signNote(sha256, `${text}\n`, cosigner).split("\n\n")[1] ?? "";
      return { ...branch, checkpoint: `${text}\n\n${other}${own}` };
    };
    const turned: TwoHeaders = { ...EVIDENCE, branches: [cosigned(TWO), cosigned(ONE)] };
    expect(rightOf(encodeEvidence(sha256, turned))).toEqual(BYTES);
  });

  test("of the longest epoch fit a record, with the longest names", () => {
    const { evidenceAt } = forkedEpoch(5, [1, 1], {
      ...NAMES,
      fleet: "f".repeat(32),
      gateway: "g".repeat(32),
    });
    const path = Array.from({ length: 17 }, () => new Uint8Array(32));
    const { branches, ...place } = evidenceAt(5);
    const long: TwoHeaders = {
      ...place,
      branches: [
        { ...branches[0], path },
        { ...branches[1], path },
      ],
    };
    const evidence = rightOf(encodeEvidence(sha256, long));
    const actor = { kind: ACTOR.gateway, name: "g".repeat(32) };
    const body = encodeBody(new Uint8Array(16), { _tag: "Fork", actor, evidence });
    expect(body.length + 150).toBeLessThan(RECORD_BYTES_MAX);
    expect(rightOf(decodeBody(KIND.fork, body))).toEqual({ _tag: "Fork", actor, evidence });
  });
});

const signed = (size: number, root: Uint8Array, origin = ORIGIN): string =>
  signCheckpoint(sha256, { origin, size, root }, KEY);

/** Evidence as CBOR with one part put in place of what stands there. */
const withPart = (where: ReadonlyArray<number>, part: CborValue): Uint8Array => {
  const put = (value: CborValue, [index, ...rest]: ReadonlyArray<number>): CborValue => {
    if (index === undefined || !Array.isArray(value)) return part;
    return value.map((item: CborValue, i) => (i === index ? put(item, rest) : item));
  };
  return encodeCbor(put(rightOf(decodeCbor(BYTES)), where));
};

const foreignKey = keyOf(77);
const foreignOrigin = formatOrigin("fleet", "lobby", epochIdOf(sha256, foreignKey.publicKey));
const foreignNote = signCheckpoint(
  sha256,
  { origin: ORIGIN, size: 8, root: leafOf(sha256, ONE.header) },
  foreignKey,
);
/** A tree of one leaf. */
const alone = (header: Uint8Array, origin = ORIGIN): Branch => ({
  header,
  path: [],
  checkpoint: signed(1, leafOf(sha256, header), origin),
});

describe("anything less than two branches is refused:", () => {
  test.each<[string, EvidenceError["_tag"], () => Uint8Array]>([
    ["nothing", "EvidenceMalformed", () => new Uint8Array(0)],
    ["no array", "EvidenceMalformed", () => encodeCbor("fork")],
    ["a field more", "EvidenceMalformed", () => encodeCbor([1, KEY.publicKey, 5, [], 0])],
    ["a later version", "EvidenceVersionUnknown", () => withPart([0], 2)],
    ["a version that is none", "EvidenceMalformed", () => withPart([0], "1")],
    ["a short key", "EvidenceMalformed", () => withPart([1], new Uint8Array(31))],
    ["a negative place", "EvidenceMalformed", () => withPart([2], -1)],
    ["one branch", "EvidenceMalformed", () => withPart([3], [[ONE.header, [], ""]])],
    ["a path of 31 bytes", "EvidenceMalformed", () => withPart([3, 0, 1, 0], new Uint8Array(31))],
    [
      "a branch with a field more",
      "EvidenceMalformed",
      () => withPart([3, 0], [ONE.header, [], "", 0]),
    ],
    [
      "a checkpoint that is too long",
      "EvidenceMalformed",
      () => withPart([3, 0, 2], "a".repeat(1_025)),
    ],
    ["more than a record holds", "EvidenceTooLarge", () => new Uint8Array(EVIDENCE_BYTES_MAX + 1)],
    [
      "the wrong order",
      "EvidenceMalformed",
      () => {
        const branches = rightOf(decodeCbor(BYTES));
        return withPart([3], Array.isArray(branches) ? [...branches[3]].toReversed() : null);
      },
    ],
    ["no checkpoint", "EvidenceCheckpointBad", () => withPart([3, 0, 2], "a\n\nb\n")],
    [
      "a checkpoint by another key",
      "EvidenceCheckpointBad",
      () => withPart([3, 0, 2], foreignNote),
    ],
    [
      "a checkpoint of another epoch",
      "EvidenceEpochForeign",
      () => withPart([3, 0, 2], signed(8, new Uint8Array(32), foreignOrigin)),
    ],
    [
      "another key than the epoch's",
      "EvidenceEpochForeign",
      () => withPart([1], foreignKey.publicKey),
    ],
    [
      "a signature too many",
      "EvidenceMalformed",
      () => {
        const note = [ONE, TWO].toSorted((a, b) => Buffer.compare(a.header, b.header))[0]
          ?.checkpoint;
        const other = signNote(sha256, "x\n", { name: "mirror", ...keyOf(9) }).slice(3);
        return withPart([3, 0, 2], `${note}${other}`);
      },
    ],
  ])("%s", (_what, tag, bytes) => {
    expect(leftTag(verify(bytes()))).toBe(tag);
  });

  test.each<[string, EvidenceError["_tag"] | "Right", () => TwoHeaders]>([
    ["the fork itself", "Right", () => EVIDENCE],
    ["one record twice", "EvidenceMalformed", () => ({ ...EVIDENCE, branches: [ONE, ONE] })],
    ["the same record under two checkpoints", "EvidenceMalformed", () => FORK.evidenceAt(4)],
    // Later places differ too, but two finders would cut at two of them.
    ["a place behind the one where they part", "EvidencePlaceWrong", () => FORK.evidenceAt(6)],
    ["another place than the headers say", "EvidencePlaceWrong", () => ({ ...EVIDENCE, seq: 4 })],
    [
      "two places",
      "EvidencePlaceWrong",
      () => ({ ...EVIDENCE, branches: [ONE, FORK.branchAt(1, 6)] }),
    ],
    [
      "a header that the tree doesn't have",
      "EvidencePathWrong",
      () => ({ ...EVIDENCE, branches: [ONE, { ...ONE, header: TWO.header }] }),
    ],
    [
      "a header that is none",
      "EvidenceHeaderBad",
      () => ({ ...EVIDENCE, branches: [ONE, { ...TWO, header: new Uint8Array(3) }] }),
    ],
    [
      "a place behind the checkpoint's end",
      "EvidencePathWrong",
      () => ({ ...EVIDENCE, branches: [ONE, alone(TWO.header)] }),
    ],
    [
      "one key under two names",
      "EvidenceEpochForeign",
      () => {
        const { branches } = forkedEpoch(0, [1, 1]);
        const [a, b] = branches.map(([record]) => record?.header ?? new Uint8Array(0));
        const other = formatOrigin("fleet", "dock", EPOCH);
        return {
          ...EVIDENCE,
          seq: 0,
          branches: [alone(a ?? new Uint8Array(0)), alone(b ?? new Uint8Array(0), other)],
        };
      },
    ],
  ])("%s", (_what, tag, evidence) => {
    expect(leftTag(check(evidence()))).toBe(tag);
  });

  test("an encoder is told when there is nothing to encode, or too much of it", () => {
    const unsigned: TwoHeaders = {
      ...EVIDENCE,
      branches: [ONE, { ...TWO, checkpoint: foreignNote }],
    };
    expect(leftTag(encodeEvidence(sha256, unsigned))).toBe("EvidenceMalformed");
    const text = `${ORIGIN}\n8\n${"A".repeat(43)}=\n${"x".repeat(5_000)}\n`;
    const checkpoint = signNote(sha256, text, { name: ORIGIN, ...KEY });
    const long: TwoHeaders = {
      ...EVIDENCE,
      branches: [
        { ...ONE, checkpoint },
        { ...TWO, checkpoint },
      ],
    };
    expect(leftTag(encodeEvidence(sha256, long))).toBe("EvidenceTooLarge");
  });
});

test("every byte counts: one that is changed, and it is refused", () => {
  for (let i = 0; i < BYTES.length; i += 1) {
    const changed = BYTES.with(i, (BYTES[i] ?? 0) ^ (1 << (i % 8)));
    expect(E.isLeft(verify(changed))).toBe(true);
  }
});

test("whatever is done to it, it is refused or as it was; and nothing throws", () => {
  const damaged = fc.array(mutation, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), (input) => {
      const bytes =
        input instanceof Uint8Array ? input : input.reduce((valid, mutate) => mutate(valid), BYTES);
      expect(E.isRight(verify(bytes))).toBe(Buffer.compare(bytes, BYTES) === 0);
    }),
    { numRuns: 400 },
  );
});
