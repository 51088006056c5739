/** An epoch whose key went on twice from one place, as on a machine that was cloned while it ran. */
import type { Branch, TwoHeaders } from "#core/log/fork.ts";
import { inclusionProof, rootOf, rootOfLeaves } from "#core/log/tree.ts";
import { signCheckpoint } from "#core/log/checkpoint.ts";
import type { SignedGroup } from "#core/log/epoch.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import {
  append,
  leavesOf,
  NAMES,
  newHead,
  openDraft,
  tap,
  type EpochNames,
} from "#test/unit/core/log/sample-epoch.ts";

export interface ForkedEpoch {
  /** Records of each branch from 0 on; the first `shared` are the same. */
  readonly branches: readonly [ReadonlyArray<RecordBytes>, ReadonlyArray<RecordBytes>];
  /** The header of a branch at that place, under its checkpoint at its end. */
  readonly branchAt: (branch: 0 | 1, seq: number) => Branch;
  readonly evidenceAt: (seq: number) => TwoHeaders;
}

/** `shared` records, then two continuations of that many records each. */
export const forkedEpoch = (
  shared: number,
  lengths: readonly [number, number],
  names: EpochNames = NAMES,
): ForkedEpoch => {
  const grow = (branch: number, length: number): SignedGroup =>
    append(
      names,
      newHead(names),
      Array.from({ length: shared + length }, (_, i) => {
        const draft = i === 0 ? openDraft(names) : tap(i);
        return i < shared ? draft : { ...draft, wallMs: draft.wallMs + 1 + branch };
      }),
    );
  const groups = [grow(0, lengths[0]), grow(1, lengths[1])] as const;
  const branchAt = (branch: 0 | 1, seq: number): Branch => {
    const { records, head } = groups[branch];
    const leaves = leavesOf(records);
    const { publicKey, sign } = names.epochKey;
    const root = rootOf(sha256, head.range);
    return {
      header: at(records, seq).header,
      path: inclusionProof(seq, records.length, (a, b) => rootOfLeaves(sha256, leaves.slice(a, b))),
      checkpoint: signCheckpoint(
        sha256,
        { origin: head.origin, size: records.length, root },
        { publicKey, sign },
      ),
    };
  };
  return {
    branches: [groups[0].records, groups[1].records],
    branchAt,
    evidenceAt: (seq) => ({
      epochKey: names.epochKey.publicKey,
      seq,
      branches: [branchAt(0, seq), branchAt(1, seq)],
    }),
  };
};
