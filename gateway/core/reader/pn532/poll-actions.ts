/**
 * The state of one PN532, and what is done with it next: wake it, look at its field, rest. Pure; what its answers mean
 * is said in poll.ts.
 */
import { technologyOfSak } from "#core/card/sak.ts";
import {
  type AnswerMalformed,
  communicateThru,
  diagnosePresence,
  listTargets,
  releaseTargets,
  samConfiguration,
  switchField,
  type Target,
} from "#core/reader/pn532/commands.ts";
import type { ChipCommand, ExchangeError } from "#core/reader/pn532/exchange.ts";
import { NOBODY, type Presence, type PresenceNews } from "#core/reader/pn532/presence.ts";

/** What the chip does by itself takes it 30 ms at most; looking for two cards, 100 ms. */
export const SETUP_TIMEOUT_MS = 300;
export const LIST_TIMEOUT_MS = 500;
/** A card without field forgets where it was, and needs as long with it to begin (ISO/IEC 14443-3: 5 ms). */
export const FIELD_SETTLE_MS = 6;
/** A card that lies there is looked at together with the whole field so often: another one may have joined it. */
export const RELIST_PERIOD_MS = 500;
/** After an APDU from outside the field is left on for so long: what is selected on the card must last till the next. */
export const EXCHANGE_QUIET_MS = 2_000;
/** Between two polls, even if they take longer than their period. */
const REST_MS_MIN = 5;

export interface PollOptions {
  /** From one look at the field to the next. */
  readonly periodMs: number;
  /** The field is off between looks: cooler, and kinder to phones; a card is found a little later. */
  readonly fieldOff: boolean;
  /** What the transport sends to a sleeping chip. */
  readonly wake: Uint8Array;
}

export type ChipFault = ExchangeError | AnswerMalformed;

export type PollNews = PresenceNews | { readonly _tag: "Up"; readonly hardware: string };

export type PollAction =
  /** Send it; answer with `Answered` or `AskFailed`. */
  | { readonly _tag: "Ask"; readonly command: ChipCommand }
  /** Read the card; answer with `CardRead`. */
  | { readonly _tag: "Read"; readonly target: Target }
  /** Wait until then, and do nothing else; answer with `Rested`. */
  | { readonly _tag: "Settle"; readonly untilMs: number }
  /** Until then; answer with `Rested`. APDUs from outside may go to `card` meanwhile, if there is one. */
  | { readonly _tag: "Rest"; readonly untilMs: number; readonly card: Target | null }
  /** The chip can't be brought back from here: close the line, and begin anew later. */
  | { readonly _tag: "GiveUp"; readonly fault: ChipFault };

/** What was asked last. Between `dark` and `listing` the field is off and on again. */
export type Stage =
  | "waking"
  | "identifying"
  | "limiting"
  | "releasing"
  | "darkening"
  | "dark"
  | "lighting"
  | "lit"
  | "listing"
  | "selecting"
  | "reading"
  | "checking"
  | "resting"
  | "darkening-to-rest";

export interface Poll {
  readonly options: PollOptions;
  readonly stage: Stage;
  readonly presence: Presence;
  /** The one card in the field, since the last list. */
  readonly target: Target | null;
  /** What the chip said that it is; told with the first list: from then on a card that comes is a tap. */
  readonly hardware: string;
  readonly isUp: boolean;
  readonly isDark: boolean;
  /** The last answer was to a command that was sent twice: a card that the first list woke is silent at the second. */
  readonly isInDoubt: boolean;
  readonly restartCount: number;
  /** When the look at the field began, when the last list came, until when the field must stay on. */
  readonly begunMs: number;
  readonly listedMs: number;
  readonly quietUntilMs: number;
}

export interface PollStep {
  readonly state: Poll;
  readonly news: ReadonlyArray<PollNews>;
  readonly action: PollAction;
}

export const newPoll = (options: PollOptions): Poll => ({
  options,
  stage: "waking",
  presence: NOBODY,
  target: null,
  hardware: "",
  isUp: false,
  isDark: false,
  isInDoubt: false,
  restartCount: 0,
  begunMs: 0,
  listedMs: 0,
  quietUntilMs: 0,
});

const NO_WAKE = new Uint8Array(0);

export const ask = (state: Poll, stage: Stage, bytes: Uint8Array): PollStep => ({
  state: { ...state, stage },
  news: [],
  action: {
    _tag: "Ask",
    command: {
      bytes,
      timeoutMs: stage === "listing" ? LIST_TIMEOUT_MS : SETUP_TIMEOUT_MS,
      wake: stage === "waking" ? state.options.wake : NO_WAKE,
    },
  },
});

/** Gives the cards time: the field is off, or on again. */
export const settle = (state: Poll, stage: "dark" | "lit", nowMs: number): PollStep => ({
  state: { ...state, stage },
  news: [],
  action: { _tag: "Settle", untilMs: nowMs + FIELD_SETTLE_MS },
});

/** The card that APDUs from outside may go to: alone, and told of. */
const cardThere = ({ presence, target }: Poll): Target | null =>
  presence.held !== null && !presence.isTogether ? target : null;

export const wake = (state: Poll): PollStep => ask(state, "waking", samConfiguration());

export const darken = (state: Poll): PollStep => ask(state, "darkening", switchField(false));

export const list = (state: Poll): PollStep => ask(state, "listing", listTargets());

export const restUntilNext = (state: Poll, nowMs: number): PollStep => ({
  state: { ...state, stage: "resting" },
  news: [],
  action: {
    _tag: "Rest",
    untilMs: Math.max(nowMs + REST_MS_MIN, state.begunMs + state.options.periodMs),
    card: cardThere(state),
  },
});

/** A look at the field is over. Without a card there the field may be off until the next. */
export const endLook = (state: Poll, nowMs: number): PollStep =>
  state.options.fieldOff && state.target === null && !state.presence.isTogether
    ? ask(state, "darkening-to-rest", switchField(false))
    : restUntilNext(state, nowMs);

/** UIDs that begin with 08 are made anew at each start of the card: after a reset it would seem to be another. */
const hasRandomUid = ({ uid }: Target): boolean => uid.length === 4 && uid[0] === 0x08;

/** Not a READ: the first one after each start of an NTAG counts as a tap in its counter. Cards without it are listed. */
const GET_VERSION = Uint8Array.of(0x60);

/** How to find out whether the card is still there without disturbing it; null: only by a list. */
const checkCommand = (target: Target): Uint8Array | null => {
  switch (technologyOfSak(target.sak)) {
    case "type4":
      return diagnosePresence();
    case "type2":
      return communicateThru(GET_VERSION);
    case "mifare-classic":
    case "other":
      return null;
  }
};

const lookAtEmpty = (state: Poll): PollStep => {
  if (state.isDark) return ask(state, "lighting", switchField(true));
  return state.isInDoubt ? darken(state) : list(state);
};

/** Begins a look at the field. */
export const look = (state: Poll, nowMs: number): PollStep => {
  const begun = { ...state, begunMs: nowMs };
  const { presence, target } = state;
  if (presence.isTogether) return ask(begun, "releasing", releaseTargets());
  if (target === null) return lookAtEmpty(begun);
  const isQuiet = nowMs < state.quietUntilMs;
  const isRelistDue =
    nowMs - state.listedMs >= RELIST_PERIOD_MS && !isQuiet && !hasRandomUid(target);
  if (isRelistDue) return ask(begun, "releasing", releaseTargets());
  const check = checkCommand(target);
  if (check !== null) return ask(begun, "checking", check);
  return isQuiet ? restUntilNext(begun, nowMs) : darken(begun);
};
