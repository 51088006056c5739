/** Messages of peers: asks are answered, answers and news handed on to whoever takes them. */
import * as E from "fp-ts/lib/Either.js";
import { compareBytes, toHex } from "#core/bytes.ts";
import { decodeSignedHead, type EpochSize } from "#core/message/envelopes.ts";
import { decodeAnswer, decodeAsk, EPOCHS_COUNT_MAX, type Ask } from "#core/message/exchange.ts";
import { onHead } from "#core/sync/heads.ts";
import { onHeld } from "#core/sync/held.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import { hastenHead } from "#core/sync/next-head.ts";
import { onRange } from "#core/sync/ranges.ts";
import { epochsOf } from "#core/sync/replica.ts";
import { onRosterPiece, wantRoster } from "#core/sync/rosters.ts";
import { isMember } from "#core/sync/senders.ts";
import { onChunk, onSnapshot } from "#core/sync/snapshots.ts";
import {
  and,
  HEAD_PERIOD_HINT_MS,
  only,
  refuse,
  type Context,
  type Message,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { wantRange } from "#core/sync/wants.ts";

type Received = SyncInput & { readonly _tag: "Received" };

export const onReceived = (context: Context, state: SyncState, message: Received): SyncStep => {
  const { from, payload, channel } = message;
  if (from === state.self) return only(state);
  if (!isMember(state, from)) return onStranger(context, state, message);
  switch (channel) {
    case "head":
      return onHead(context, state, { from, payload });
    case "held":
      return onHeld(context, state, { from, payload });
    case "ask":
      return onAsk(state, from, payload);
    case "tail":
      return onRange(context, state, { from, payload, isLive: true });
    case "answer":
      return onAnswer(context, state, { from, payload });
  }
};

/** Who isn't in the roster may have a newer one, which proves itself; nothing else of it is looked at. */
const onStranger = (context: Context, state: SyncState, message: Received): SyncStep => {
  const { from, payload, channel } = message;
  if (channel === "head") {
    const signed = decodeSignedHead(payload);
    const version = E.isRight(signed) ? signed.right.statement.rosterVersion : 0;
    if (version > state.roster.version) return wantRoster(context, state, { from, version });
  }
  if (channel === "answer" && state.rosterFetch?.from === from) {
    const answer = decodeAnswer(payload);
    if (E.isRight(answer) && answer.right._tag === "AnswerRoster") {
      return onRosterPiece(context, state, { from, answer: answer.right });
    }
  }
  return refuse(state, from, "sender-not-in-roster");
};

const onAsk = (state: SyncState, from: string, payload: Uint8Array): SyncStep => {
  const decoded = decodeAsk(payload);
  if (E.isLeft(decoded)) return refuse(state, from, decoded.left._tag);
  const ask = decoded.right;
  switch (ask._tag) {
    case "AskRange":
      return state.replica.get(toHex(ask.epoch))?.kept === true
        ? only(state, { _tag: "SendRange", to: from, epoch: ask.epoch, from: ask.from })
        : only(state);
    case "AskEpochs":
      return answerEpochs(state, from, ask);
    case "AskRoster":
      return only(state, { _tag: "SendRoster", to: from, offset: ask.offset });
    case "AskSnapshot":
      return only(state, { _tag: "SendSnapshot", to: from });
    case "AskChunk":
      return only(state, { _tag: "SendChunk", to: from, root: ask.root, index: ask.index });
  }
};

/** A page of the author's epochs, in the order of their ids, behind the last of the page before. */
const answerEpochs = (
  state: SyncState,
  to: string,
  { author, after }: Ask & { readonly _tag: "AskEpochs" },
): SyncStep => {
  const epochs = epochsOf(state.replica, state.cuts, author)
    .filter(({ epoch }) => after === null || compareBytes(epoch, after) > 0)
    .toSorted((a, b) => compareBytes(a.epoch, b.epoch))
    .slice(0, EPOCHS_COUNT_MAX);
  return only(state, { _tag: "SendAnswer", to, answer: { _tag: "AnswerEpochs", author, epochs } });
};

const onAnswer = (context: Context, state: SyncState, message: Message): SyncStep => {
  const { from, payload } = message;
  const decoded = decodeAnswer(payload);
  if (E.isLeft(decoded)) return refuse(state, from, decoded.left._tag);
  const answer = decoded.right;
  switch (answer._tag) {
    case "AnswerRange":
      return onRange(context, state, { from, payload: answer.range, isLive: false });
    case "AnswerRoster":
      return onRosterPiece(context, state, { from, answer });
    case "AnswerEpochs": {
      const { author, epochs } = answer;
      let next: SyncStep = only(state, { _tag: "EpochsHeard", author, from });
      for (const { epoch, size } of epochs) {
        next = and(next, (s) => wantRange(context, s, { from, epoch, size }));
      }
      const last = epochs.at(-1);
      if (last === undefined || epochs.length < EPOCHS_COUNT_MAX) {
        return hasMoreThan(state, author, epochs)
          ? and(next, (s) => only(hastenHead(context, s, HEAD_PERIOD_HINT_MS)))
          : next;
      }
      const ask: Ask = { _tag: "AskEpochs", author, after: last.epoch };
      return and(next, (s) => only(s, { _tag: "SendAsk", to: from, ask }));
    }
    case "AnswerSnapshot":
      return onSnapshot(context, state, { from, answer });
    case "AnswerChunk":
      return onChunk(context, state, { from, answer });
  }
};

/** Whether something of the author is stored here that the last page of a peer's epochs doesn't have. */
const hasMoreThan = (
  state: SyncState,
  author: string,
  epochs: ReadonlyArray<EpochSize>,
): boolean => {
  const sizes = new Map(epochs.map(({ epoch, size }) => [toHex(epoch), size]));
  return epochsOf(state.replica, state.cuts, author).some(
    ({ epoch, size }) => size > (sizes.get(toHex(epoch)) ?? 0),
  );
};
