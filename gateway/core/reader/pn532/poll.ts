/**
 * One PN532 from its waking up on: what its answers mean, and when it is started anew or given up. Pure; one action
 * at a time: whoever has the chip carries it out, and says what came of it.
 */
import * as E from "fp-ts/lib/Either.js";
import {
  decodeFirmware,
  decodeTargets,
  firmwareName,
  getFirmwareVersion,
  isSuccess,
  limitRetries,
  selectTarget,
  switchField,
} from "#core/reader/pn532/commands.ts";
import type { ExchangeError } from "#core/reader/pn532/exchange.ts";
import {
  ask,
  type ChipFault,
  darken,
  endLook,
  EXCHANGE_QUIET_MS,
  list,
  look,
  type Poll,
  type PollNews,
  type PollStep,
  restUntilNext,
  settle,
  type Stage,
  wake,
} from "#core/reader/pn532/poll-actions.ts";
import { isNew, leave, onReading, onTargets, type Reading } from "#core/reader/pn532/presence.ts";

/** The chip is started anew so often in a row before the line is closed and opened again. */
export const RESTART_COUNT_MAX = 3;

export type PollInput =
  | { readonly _tag: "Begin" }
  | { readonly _tag: "Answered"; readonly data: Uint8Array; readonly isRepeated: boolean }
  | { readonly _tag: "AskFailed"; readonly error: ExchangeError }
  | { readonly _tag: "CardRead"; readonly reading: Reading }
  /** `isExchanged`: the card answered an APDU from outside meanwhile. */
  | { readonly _tag: "Rested"; readonly isExchanged: boolean };

/** Before the chip has said what it is and was set up, a failure is for good. */
const isStarted = ({ stage }: Poll): boolean =>
  stage !== "waking" && stage !== "identifying" && stage !== "limiting";

/** The chip is started anew; what is known of the card stays, and the next list says whether it is still so. */
const restart = (state: Poll, fault: ChipFault): PollStep => {
  const restartCount = state.restartCount + 1;
  if (isStarted(state) && restartCount <= RESTART_COUNT_MAX) {
    return wake({ ...state, restartCount, target: null });
  }
  const { presence, news } = leave(state.presence);
  return { state: { ...state, presence }, news, action: { _tag: "GiveUp", fault } };
};

const onFirmware = (state: Poll, data: Uint8Array): PollStep => {
  const firmware = decodeFirmware(data);
  if (E.isLeft(firmware)) return restart(state, firmware.left);
  return ask({ ...state, hardware: firmwareName(firmware.right) }, "limiting", limitRetries());
};

const onList = (state: Poll, data: Uint8Array, nowMs: number): PollStep => {
  const targets = decodeTargets(data);
  if (E.isLeft(targets)) return restart(state, targets.left);
  const { presence, news } = onTargets(state.presence, targets.right);
  const [first = null, second] = targets.right;
  const target = second === undefined ? first : null;
  const up: ReadonlyArray<PollNews> = state.isUp ? [] : [{ _tag: "Up", hardware: state.hardware }];
  const seen = { ...state, presence, target, isUp: true, listedMs: nowMs, restartCount: 0 };
  const step =
    target === null ? endLook(seen, nowMs) : ask(seen, "selecting", selectTarget(target.number));
  return { ...step, news: [...up, ...news, ...step.news] };
};

/** Whatever the chip said to that: a card that isn't selected is found out by what follows. */
const onSelected = (state: Poll, nowMs: number): PollStep => {
  const { target } = state;
  if (target === null) return darken(state);
  return isNew(state.presence, target)
    ? { state: { ...state, stage: "reading" }, news: [], action: { _tag: "Read", target } }
    : restUntilNext(state, nowMs);
};

const onCardRead = (state: Poll, reading: Reading, nowMs: number): PollStep => {
  const { target } = state;
  if (target === null) return darken(state);
  const { presence, news } = onReading(state.presence, target, reading);
  const read = { ...state, presence };
  const step = reading.hasChipFailed
    ? restart(read, { _tag: "NoAnswer" })
    : restUntilNext(read, nowMs);
  return { ...step, news: [...news, ...step.news] };
};

const onRested = (state: Poll, isExchanged: boolean, nowMs: number): PollStep => {
  if (state.stage === "dark") return ask(state, "lighting", switchField(true));
  if (state.stage === "lit") return list(state);
  const quietUntilMs = isExchanged ? nowMs + EXCHANGE_QUIET_MS : state.quietUntilMs;
  return look({ ...state, quietUntilMs }, nowMs);
};

type OnAnswer = (state: Poll, data: Uint8Array, nowMs: number) => PollStep;

/** Nothing is asked at these stages. */
const unasked: OnAnswer = (state, _data, nowMs) => restUntilNext(state, nowMs);

const ON_ANSWER: Readonly<Record<Stage, OnAnswer>> = {
  waking: (state) => ask(state, "identifying", getFirmwareVersion()),
  identifying: onFirmware,
  limiting: darken,
  releasing: darken,
  darkening: (state, _data, nowMs) =>
    settle({ ...state, isDark: true, target: null }, "dark", nowMs),
  "darkening-to-rest": (state, _data, nowMs) => restUntilNext({ ...state, isDark: true }, nowMs),
  lighting: (state, _data, nowMs) => settle({ ...state, isDark: false }, "lit", nowMs),
  listing: onList,
  selecting: (state, _data, nowMs) => onSelected(state, nowMs),
  checking: (state, data, nowMs) => (isSuccess(data) ? restUntilNext(state, nowMs) : darken(state)),
  reading: unasked,
  dark: unasked,
  lit: unasked,
  resting: unasked,
};

/** Clones know fewer commands. These can be done without: the next list tells as much. */
const DISPENSABLE: ReadonlySet<Stage> = new Set([
  "limiting",
  "releasing",
  "darkening",
  "darkening-to-rest",
  "lighting",
  "selecting",
  "checking",
]);

const NO_DATA = new Uint8Array(0);

const onAskFailed = (state: Poll, error: ExchangeError, nowMs: number): PollStep =>
  error._tag === "CommandRefused" && DISPENSABLE.has(state.stage)
    ? ON_ANSWER[state.stage](state, NO_DATA, nowMs)
    : restart(state, error);

/** `nowMs` is monotonic. News are to be told in their order, before the action is carried out. */
export const pollStep = (state: Poll, input: PollInput, nowMs: number): PollStep => {
  switch (input._tag) {
    case "Begin":
      return wake({ ...state, begunMs: nowMs });
    case "Answered":
      return ON_ANSWER[state.stage]({ ...state, isInDoubt: input.isRepeated }, input.data, nowMs);
    case "AskFailed":
      return onAskFailed(state, input.error, nowMs);
    case "CardRead":
      return onCardRead(state, input.reading, nowMs);
    case "Rested":
      return onRested(state, input.isExchanged, nowMs);
  }
};
