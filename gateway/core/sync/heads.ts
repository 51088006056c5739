/** Heads: saying what is held, and learning from a peer's what there is to ask for. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import type { Crypto } from "#core/log/crypto.ts";
import {
  decodeSignedHead,
  headText,
  type Ask,
  type EpochSize,
  type SignedHead,
} from "#core/message/envelopes.ts";
import { authorHeads, type ReplicaEpoch } from "#core/sync/replica.ts";
import {
  and,
  HEAD_PERIOD_MIN_MS,
  HEAD_PERIOD_MS,
  only,
  refuse,
  type Context,
  type Message,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { wantRange } from "#core/sync/wants.ts";

export const publishHead = ({ crypto, nowMs }: Context, state: SyncState): SyncStep => ({
  state: { ...state, headDueMs: nowMs + HEAD_PERIOD_MS, headSentMs: nowMs },
  effects: [
    {
      _tag: "PublishHead",
      authors: authorHeads(crypto.sha256, state.replica),
      rosterVersion: state.roster.version,
    },
  ],
});

export const onHead = (context: Context, state: SyncState, message: Message): SyncStep => {
  const { from, payload } = message;
  const signed = decodeSignedHead(payload);
  if (E.isLeft(signed)) return refuse(state, from, signed.left._tag);
  const { head } = signed.right;
  if (head.gateway !== from) return refuse(state, from, "head-of-another");
  const known = state.replica.get(toHex(head.epoch));
  if (known === undefined) {
    const unverifiedHeads = new Map(state.unverifiedHeads).set(from, payload);
    return wantRange(context, { ...state, unverifiedHeads }, { from, epoch: head.epoch, size: 1 });
  }
  if (known.author !== from || !isSignedBy(context.crypto, known, signed.right)) {
    return refuse(state, from, "head-signature-wrong");
  }
  return compareHeads(context, state, signed.right);
};

const isSignedBy = (crypto: Crypto, epoch: ReplicaEpoch, signed: SignedHead): boolean =>
  crypto.verifyEd25519(epoch.head.epochKey, headText(signed.payload), signed.signature);

/** Asks the peer for what it has and this gateway hasn't; says what this one has if the peer is behind. */
const compareHeads = (context: Context, state: SyncState, signed: SignedHead): SyncStep => {
  const { head } = signed;
  const own = authorHeads(context.crypto.sha256, state.replica);
  let next: SyncStep = only(state);
  let peerIsBehind = own.some(
    ({ author }) => !head.authors.some((theirs) => theirs.author === author),
  );
  for (const theirs of head.authors) {
    for (const { epoch, size } of theirs.live) {
      const have = state.replica.get(toHex(epoch))?.head.range.size ?? 0;
      if (have > size) peerIsBehind = true;
      next = and(next, (s) => wantRange(context, s, { from: head.gateway, epoch, size }));
    }
    const ours = own.find(({ author }) => author === theirs.author);
    if (ours !== undefined && !sameEpochs(ours.live, theirs.live)) peerIsBehind = true;
    if (ours === undefined || !equalBytes(ours.ended, theirs.ended)) {
      const ask: Ask = { _tag: "AskEpochs", author: theirs.author };
      next = and(next, (s) => only(s, { _tag: "SendAsk", to: head.gateway, ask }));
    }
  }
  return peerIsBehind ? and(next, (s) => hastenHead(context, s)) : next;
};

const sameEpochs = (a: ReadonlyArray<EpochSize>, b: ReadonlyArray<EpochSize>): boolean =>
  a.length === b.length &&
  a.every(({ epoch }) => b.some((other) => equalBytes(other.epoch, epoch)));

/** Publishes the own head at the next tick, unless that was done just now. */
const hastenHead = ({ nowMs }: Context, state: SyncState): SyncStep => {
  const soonest = Math.max(nowMs, state.headSentMs + HEAD_PERIOD_MIN_MS);
  return only({ ...state, headDueMs: Math.min(state.headDueMs, soonest) });
};
