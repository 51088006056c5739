/** Evidence that an `EpochMaker` and its clone went on in two ways. */
import * as E from "fp-ts/lib/Either.js";
import { ACTOR } from "#core/log/actor.ts";
import type { ForkBody } from "#core/log/correction.ts";
import { encodeEvidence, type Branch } from "#core/log/fork.ts";
import { leafOf } from "#core/log/record.ts";
import type { Addition } from "#core/log/stored.ts";
import { inclusionProof, rootOfLeaves } from "#core/log/tree.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";

const branchOf = (shared: ReadonlyArray<Addition>, last: Addition): Branch => {
  const records = [...shared, last].flatMap((addition) => addition.records);
  const leaves = records.map(({ header }) => leafOf(sha256, header));
  const seq = last.from;
  return {
    header: at(records, seq).header,
    path: inclusionProof(seq, leaves.length, (from, to) =>
      rootOfLeaves(sha256, leaves.slice(from, to)),
    ),
    checkpoint: last.checkpoint,
  };
};

/** `branches`: what the two went on with, behind the records that they share. */
export const forkBody = (
  shared: ReadonlyArray<Addition>,
  branches: readonly [Addition, Addition],
): ForkBody => {
  const [one, other] = branches;
  const evidence = encodeEvidence(sha256, {
    epochKey: one.head.epochKey,
    seq: one.from,
    branches: [branchOf(shared, one), branchOf(shared, other)],
  });
  if (E.isLeft(evidence)) throw new Error(evidence.left._tag);
  const actor = { kind: ACTOR.gateway, name: "witness" };
  return { _tag: "Fork", actor, evidence: evidence.right };
};
