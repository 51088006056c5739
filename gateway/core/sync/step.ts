/**
 * Replication as one step function: (state, input) → {state, effects}. No I/O, no clock, no randomness: the same
 * code runs in the gateway and in a simulator. What a peer has is never kept; its heads tell.
 */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { OpenBody } from "#core/log/body.ts";
import type { EpochHead } from "#core/log/epoch.ts";
import { decodeAnswer, decodeAsk, EPOCHS_COUNT_MAX } from "#core/message/envelopes.ts";
import { onHead, publishHead } from "#core/sync/heads.ts";
import { onRange } from "#core/sync/ranges.ts";
import { epochsOf, replicaEpochOf } from "#core/sync/replica.ts";
import {
  and,
  only,
  refuse,
  type Context,
  type Message,
  type SyncInput,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { expireAsks, pump, wantRange } from "#core/sync/wants.ts";

/** Takes one input at `nowMs` (monotonic). Never throws, whatever a peer sends. */
export const step = (context: Context, state: SyncState, input: SyncInput): SyncStep => {
  switch (input._tag) {
    case "Connected":
      return publishHead(context, state);
    case "Ticked":
      return tick(context, state);
    case "RosterChanged":
      // A gateway that the roster has just let in was refused until now: it learns at once what there is to ask for.
      return publishHead(context, { ...state, roster: input.roster });
    case "OwnCommitted":
      return only(withOwn(state, input.open, input.head));
    case "Stored":
      return onStored(context, state, input);
    case "Received":
      return onReceived(context, state, input);
  }
};

const withOwn = (state: SyncState, open: OpenBody | null, head: EpochHead): SyncState => {
  const id = toHex(head.epoch);
  const known = state.replica.get(id);
  const epoch = open === null ? known && { ...known, head } : replicaEpochOf(open, head);
  return epoch === undefined
    ? state
    : { ...state, ownEpoch: id, replica: new Map(state.replica).set(id, epoch) };
};

const tick = (context: Context, state: SyncState): SyncStep => {
  const next = expireAsks(context, state);
  return context.nowMs >= state.headDueMs ? and(next, (s) => publishHead(context, s)) : next;
};

type Received = SyncInput & { readonly _tag: "Received" };

const onReceived = (context: Context, state: SyncState, message: Received): SyncStep => {
  const { from, payload } = message;
  if (from === state.self) return only(state);
  if (!state.roster.gateways.some(({ name, status }) => name === from && status !== "revoked")) {
    return refuse(state, from, "sender-not-in-roster");
  }
  switch (message.channel) {
    case "head":
      return onHead(context, state, { from, payload });
    case "ask":
      return onAsk(state, from, payload);
    case "tail":
      return onRange(context, state, { from, payload, isLive: true });
    case "answer":
      return onAnswer(context, state, { from, payload });
  }
};

const onAsk = (state: SyncState, from: string, payload: Uint8Array): SyncStep => {
  const ask = decodeAsk(payload);
  if (E.isLeft(ask)) return refuse(state, from, ask.left._tag);
  if (ask.right._tag === "AskRange") {
    const { epoch } = ask.right;
    return state.replica.has(toHex(epoch))
      ? only(state, { _tag: "SendRange", to: from, epoch, from: ask.right.from })
      : only(state);
  }
  const { author } = ask.right;
  const epochs = epochsOf(state.replica, author).slice(-EPOCHS_COUNT_MAX);
  return only(state, {
    _tag: "SendEpochs",
    to: from,
    answer: { _tag: "AnswerEpochs", author, epochs },
  });
};

const onAnswer = (context: Context, state: SyncState, message: Message): SyncStep => {
  const { from, payload } = message;
  const answer = decodeAnswer(payload);
  if (E.isLeft(answer)) return refuse(state, from, answer.left._tag);
  if (answer.right._tag === "AnswerRange") {
    return onRange(context, state, { from, payload: answer.right.range, isLive: false });
  }
  let next: SyncStep = only(state);
  for (const { epoch, size } of answer.right.epochs) {
    next = and(next, (s) => wantRange(context, s, { from, epoch, size }));
  }
  return next;
};

/** Records are on disk and count now: the next piece is asked for, and a head that waited for its epoch is looked at. */
const onStored = (
  context: Context,
  state: SyncState,
  { stored, from }: SyncInput & { readonly _tag: "Stored" },
): SyncStep => {
  const id = toHex(stored.head.epoch);
  const replica = new Map(state.replica).set(id, stored);
  const isWhole = stored.head.range.size >= (state.wants.get(id)?.size ?? 0);
  const [wants, asks, unverifiedHeads] = [
    new Map(state.wants),
    new Map(state.asks),
    new Map(state.unverifiedHeads),
  ];
  asks.delete(id);
  if (isWhole) wants.delete(id);
  const waiting = unverifiedHeads.get(from);
  unverifiedHeads.delete(from);
  const next = pump(context, { ...state, replica, wants, asks, unverifiedHeads });
  return waiting === undefined
    ? next
    : and(next, (s) => onHead(context, s, { from, payload: waiting }));
};
