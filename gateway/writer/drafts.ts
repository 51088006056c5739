/** The records that an epoch itself needs, and how much a group may hold. */
import * as E from "fp-ts/lib/Either.js";
import { ACTOR } from "#core/log/actor.ts";
import { decodeBody, encodeBody, kindOf, type EarlierEpoch } from "#core/log/body.ts";
import { newEpochHead, signOpen, type Draft, type EpochHead } from "#core/log/epoch.ts";
import { RECORD_BYTES_MAX } from "#core/log/record.ts";
import { GROUP_BYTES_MAX } from "#gateway/limits.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { Clock, Entropy } from "#gateway/ports.ts";

/** What a draft is made with. */
export interface DraftSources {
  readonly author: Author;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Who writes, as an `open` record says it. */
export interface Author {
  readonly fleet: string;
  readonly gateway: string;
  readonly gatewayKey: SigningKey;
  readonly bootId: Uint8Array;
  readonly clockClass: () => number;
}

/** The epoch that is being written, and its key: in memory, and nowhere else. */
export interface OwnEpoch {
  readonly head: EpochHead;
  readonly key: SigningKey;
  readonly openedMonoMs: number;
}

export const newOwnEpoch = ({ author, clock, entropy }: DraftSources): OwnEpoch => {
  const key = entropy.generateSigningKey();
  const { fleet, gateway } = author;
  const head = newEpochHead(sha256, { fleet, gateway, epochKey: key.publicKey });
  return { head, key, openedMonoMs: clock.monoMs() };
};

/** The first record of an epoch, signed by the gateway key. */
export const openDraft = (
  { author, clock, entropy }: DraftSources,
  epoch: {
    readonly epochKey: Uint8Array;
    readonly reason: number;
    readonly earlier: ReadonlyArray<EarlierEpoch>;
  },
): Draft => {
  const { fleet, gateway, gatewayKey, bootId } = author;
  const salt = entropy.randomBytes(16);
  const body = signOpen(
    salt,
    {
      _tag: "Open",
      actor: { kind: ACTOR.gateway, name: gateway },
      fleet,
      gateway,
      gatewayKey: gatewayKey.publicKey,
      bootId,
      clockClass: author.clockClass(),
      ...epoch,
    },
    gatewayKey.sign,
  );
  return { body, salt, wallMs: clock.wallMs(), monoMs: clock.monoMs() };
};

/** The last record of an epoch that ends in order. */
export const closeDraft = ({ author, clock, entropy }: DraftSources, reason: number): Draft => {
  const actor = { kind: ACTOR.gateway, name: author.gateway };
  const body = { _tag: "Close", actor, reason } as const;
  return { body, salt: entropy.randomBytes(16), wallMs: clock.wallMs(), monoMs: clock.monoMs() };
};

/** Why a draft can't be a record. */
export type DraftProblem =
  /** More than one record may hold: the caller put too much into it. */
  | { readonly _tag: "RecordTooLarge"; readonly byteCount: number }
  /** It would not read back as what it says, and every peer would refuse it and what follows it. */
  | { readonly _tag: "RecordUnreadable" };

/** A header is 80 to 100 bytes, by the size of its numbers. */
const HEADER_BYTES_MAX = 100;

const recordBytes = (draft: Draft): number =>
  HEADER_BYTES_MAX + encodeBody(draft.salt, draft.body).length;

/** Undefined for a draft that may be written. */
export const problemOf = (draft: Draft): DraftProblem | undefined => {
  const body = encodeBody(draft.salt, draft.body);
  const byteCount = HEADER_BYTES_MAX + body.length;
  if (byteCount > RECORD_BYTES_MAX) return { _tag: "RecordTooLarge", byteCount };
  const decoded = decodeBody(kindOf(draft.body), body);
  return E.isRight(decoded) ? undefined : { _tag: "RecordUnreadable" };
};

/** Whether the drafts are too much for one group. */
export const isTooMuch = (drafts: ReadonlyArray<Draft>): boolean =>
  drafts.reduce((sum, draft) => sum + recordBytes(draft), 0) > GROUP_BYTES_MAX;
