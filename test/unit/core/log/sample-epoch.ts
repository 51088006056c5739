/** Epochs made by the code under test, from keys and times that are fixed. */
import { ACTOR } from "#core/log/actor.ts";
import {
  CLOCK_CLASS,
  OPEN_REASON,
  TECHNOLOGY,
  VERDICT,
  type EarlierEpoch,
  type TapBody,
} from "#core/log/body.ts";
import { signCheckpoint } from "#core/log/checkpoint.ts";
import {
  appendGroup,
  newEpochHead,
  signOpen,
  type Draft,
  type EpochHead,
  type SignedGroup,
} from "#core/log/epoch.ts";
import type { Range } from "#core/log/range.ts";
import { leafOf, type RecordBytes } from "#core/log/record.ts";
import { consistencyProof, rootOfLeaves } from "#core/log/tree.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { sha256, signingKeyFromSeed } from "#gateway/node-crypto.ts";

export const WALL_MS = 1_790_000_000_000;

/** The key pair that this number stands for. */
export const keyOf = (seed: number): SigningKey =>
  signingKeyFromSeed(new Uint8Array(32).fill(seed & 255).with(0, (seed >> 8) & 255));

export interface EpochNames {
  readonly fleet: string;
  readonly gateway: string;
  readonly gatewayKey: SigningKey;
  readonly epochKey: SigningKey;
}

export const NAMES: EpochNames = {
  fleet: "fleet",
  gateway: "lobby",
  gatewayKey: keyOf(1),
  epochKey: keyOf(2),
};

export const openDraft = (names: EpochNames, earlier: ReadonlyArray<EarlierEpoch> = []): Draft => {
  const salt = new Uint8Array(16).fill(9);
  const body = signOpen(
    salt,
    {
      _tag: "Open",
      actor: { kind: ACTOR.gateway, name: names.gateway },
      fleet: names.fleet,
      gateway: names.gateway,
      gatewayKey: names.gatewayKey.publicKey,
      epochKey: names.epochKey.publicKey,
      bootId: new Uint8Array(16).fill(7),
      reason: OPEN_REASON.boot,
      clockClass: CLOCK_CLASS.ntp,
      earlier,
    },
    names.gatewayKey.sign,
  );
  return { body, salt, wallMs: WALL_MS, monoMs: 0 };
};

export const tap = (seq: number, fields: Partial<TapBody> = {}): Draft => ({
  body: {
    _tag: "Tap",
    actor: { kind: ACTOR.reader, name: "door" },
    technology: TECHNOLOGY.type2,
    card: new Uint8Array(16).fill(seq & 255),
    atStart: false,
    simulated: true,
    verdict: VERDICT.accepted,
    reason: "",
    ndef: null,
    device: "cart-1",
    operations: [],
    ...fields,
  },
  salt: new Uint8Array(16).fill(seq & 255),
  wallMs: WALL_MS + seq,
  monoMs: seq,
});

export const newHead = (names: EpochNames): EpochHead =>
  newEpochHead(sha256, {
    fleet: names.fleet,
    gateway: names.gateway,
    epochKey: names.epochKey.publicKey,
  });

export const append = (
  names: EpochNames,
  head: EpochHead,
  drafts: ReadonlyArray<Draft>,
): SignedGroup => appendGroup({ sha256, signWithEpochKey: names.epochKey.sign }, head, drafts);

/** A whole epoch, and what it takes to cut Ranges out of it. */
export interface SampleEpoch {
  readonly names: EpochNames;
  readonly empty: EpochHead;
  readonly records: ReadonlyArray<RecordBytes>;
  readonly leaves: ReadonlyArray<Uint8Array>;
  /** The head behind the first n records. */
  readonly headAt: (size: number) => EpochHead;
  readonly checkpointAt: (size: number) => string;
  /** Records [from, to) under the checkpoint at `size`. */
  readonly range: (from: number, to: number, size: number) => Range;
}

export const leavesOf = (records: ReadonlyArray<RecordBytes>): ReadonlyArray<Uint8Array> =>
  records.map(({ header }) => leafOf(sha256, header));

export const sampleEpoch = (recordCount: number, names: EpochNames = NAMES): SampleEpoch => {
  const empty = newHead(names);
  const drafts = Array.from({ length: recordCount }, (_, i) =>
    i === 0 ? openDraft(names) : tap(i),
  );
  const { records } = append(names, empty, drafts);
  const leaves = leavesOf(records);
  const rootAt = (size: number): Uint8Array => rootOfLeaves(sha256, leaves.slice(0, size));
  const headAt = (size: number): EpochHead => append(names, empty, drafts.slice(0, size)).head;
  const checkpointAt = (size: number): string =>
    signCheckpoint(
      sha256,
      { origin: empty.origin, size, root: rootAt(size) },
      { publicKey: names.epochKey.publicKey, sign: names.epochKey.sign },
    );
  const range = (from: number, to: number, size: number): Range => ({
    epoch: empty.epoch,
    from,
    checkpoint: checkpointAt(size),
    proof: consistencyProof(to, size, (a, b) => rootOfLeaves(sha256, leaves.slice(a, b))),
    items: records.slice(from, to),
  });
  return { names, empty, records, leaves, headAt, checkpointAt, range };
};
