/** Rosters travel between gateways: who sees a newer version in a head asks its sender, piece by piece. */
import { concatBytes } from "#core/bytes.ts";
import { ROSTER_BYTES_MAX, ROSTER_PIECE_BYTES, type Answer } from "#core/message/exchange.ts";
import {
  ASK_TIMEOUT_MS,
  only,
  refuse,
  type Context,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";

/** A roster on its way. */
export interface RosterFetch {
  readonly from: string;
  readonly version: number;
  readonly pieces: ReadonlyArray<Uint8Array>;
  readonly byteCount: number;
  readonly untilMs: number;
}

/** Who offered a roster and didn't deliver it must not keep this gateway from those who do. */
const LIAR_MS = 60_000;
/** Peers remembered that could be asked next. */
const OFFERS_COUNT_MAX = 64;
/** Peers remembered as such. */
const LIARS_COUNT_MAX = 1_024;

const blame = (
  { nowMs }: Pick<Context, "nowMs">,
  state: SyncState,
  { from }: Pick<RosterFetch, "from">,
): SyncState => {
  const liars = [...state.rosterLiars].filter(([, untilMs]) => untilMs > nowMs);
  const rosterLiars = new Map(liars.slice(-LIARS_COUNT_MAX + 1)).set(from, nowMs + LIAR_MS);
  return { ...state, rosterFetch: null, rosterLiars };
};

export const wantRoster = (
  { nowMs }: Context,
  state: SyncState,
  offer: { readonly from: string; readonly version: number },
): SyncStep => {
  const { from, version } = offer;
  if (version <= state.roster.version || nowMs < (state.rosterLiars.get(from) ?? 0)) {
    return only(state);
  }
  if (state.rosterFetch !== null && nowMs < state.rosterFetch.untilMs) {
    if (state.rosterOffers.size >= OFFERS_COUNT_MAX) return only(state);
    return only({ ...state, rosterOffers: new Map(state.rosterOffers).set(from, version) });
  }
  const before = state.rosterFetch === null ? state : blame({ nowMs }, state, state.rosterFetch);
  const untilMs = nowMs + ASK_TIMEOUT_MS;
  const rosterFetch = { from, version, pieces: [], byteCount: 0, untilMs };
  const ask = { _tag: "AskRoster", offset: 0 } as const;
  return only({ ...before, rosterFetch }, { _tag: "SendAsk", to: from, ask });
};

/** Who was asked doesn't deliver: the next one that offered a newer roster is asked. */
export const expireRoster = (context: Context, state: SyncState): SyncStep => {
  const late = state.rosterFetch;
  if (late === null || context.nowMs < late.untilMs) return only(state);
  const next = blame(context, state, late);
  const [offer] = next.rosterOffers;
  if (offer === undefined) return only(next);
  const [from, version] = offer;
  const rosterOffers = new Map(next.rosterOffers);
  rosterOffers.delete(from);
  return wantRoster(context, { ...next, rosterOffers }, { from, version });
};

/** Behind the piece before, and as large as pieces are but for the last. */
const isNextPiece = (
  coming: RosterFetch,
  { offset, total, bytes }: Answer & { readonly _tag: "AnswerRoster" },
): boolean => {
  const left = total - offset;
  const isWhole = bytes.length === Math.min(left, ROSTER_PIECE_BYTES);
  return offset === coming.byteCount && total <= ROSTER_BYTES_MAX && left > 0 && isWhole;
};

/** One more piece; a whole one is handed out to be verified. */
export const onRosterPiece = (
  { nowMs }: Context,
  state: SyncState,
  { from, answer }: { readonly from: string; readonly answer: Answer & { _tag: "AnswerRoster" } },
): SyncStep => {
  const coming = state.rosterFetch;
  if (coming === null || coming.from !== from) return refuse(state, from, "roster-unasked");
  // A version that moves on meanwhile begins anew with the next head.
  const isFirst = coming.byteCount === 0;
  const isSame = isFirst ? answer.version >= coming.version : answer.version === coming.version;
  if (!isSame && answer.version > coming.version) return only({ ...state, rosterFetch: null });
  if (!isSame || !isNextPiece(coming, answer)) {
    return refuse(blame({ nowMs }, state, coming), from, "roster-piece-wrong");
  }
  const pieces = [...coming.pieces, answer.bytes];
  const byteCount = coming.byteCount + answer.bytes.length;
  if (byteCount >= answer.total) {
    const note = concatBytes(...pieces);
    return only({ ...state, rosterFetch: null }, { _tag: "TakeRoster", from, note });
  }
  const untilMs = nowMs + ASK_TIMEOUT_MS;
  const rosterFetch = { ...coming, version: answer.version, pieces, byteCount, untilMs };
  const ask = { _tag: "AskRoster", offset: byteCount } as const;
  return only({ ...state, rosterFetch }, { _tag: "SendAsk", to: from, ask });
};
