/**
 * Two branches of one epoch. Where a Range with a valid checkpoint doesn't fit what is stored, or a peer of equal sizes
 * states other contents, the place where they part is looked for by halving, until one Range proves both headers. Only
 * then is anybody blamed.
 */
import { toHex } from "#core/bytes.ts";
import { countedSize } from "#core/sync/replica.ts";
import { addFork } from "#core/sync/cuts.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import {
  and,
  ASK_TIMEOUT_MS,
  only,
  refuse,
  type Context,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";

/** Halving between a record that is the same and one that differs. */
export interface Hunt {
  readonly from: string;
  /** Records before this are the same, as far as was seen. */
  readonly low: number;
  /** This one differs, or lies beyond what is held. */
  readonly high: number;
  /** The Range that was asked for last; null where one came by itself. */
  readonly asked: number | null;
  readonly asksLeft: number;
  readonly untilMs: number;
}

/** Epochs hunted at once, and of them for one peer: whoever is silent then keeps nobody else's from being looked at. */
const HUNTS_COUNT_MAX = 16;
const HUNTS_PER_PEER_MAX = 8;
/** Halving 65,536 records takes 16 asks, and as many again where answers are short. */
const ASKS_MAX = 32;
/** So near, one Range most likely holds both ends. */
const NEAR = 32;

const askFrom = (to: string, epoch: Uint8Array, from: number): SyncEffect => ({
  _tag: "SendAsk",
  to,
  ask: { _tag: "AskRange", epoch, from },
});

const countOf = (state: SyncState, peer: string): number =>
  [...state.hunts.values()].filter(({ from }) => from === peer).length;

const mayHunt = (state: SyncState, peer: string): boolean =>
  state.hunts.size < HUNTS_COUNT_MAX && countOf(state, peer) < HUNTS_PER_PEER_MAX;

/**
 * A peer's contents of this author differ though all sizes are equal: its epochs are looked at, some at a time; heads
 * bring up the rest.
 */
export const huntFork = (
  context: Context,
  before: SyncState,
  { from, author }: { readonly from: string; readonly author: string },
): SyncStep => {
  const candidates = before.replica
    .of(author)
    .map((epoch) => [toHex(epoch.head.epoch), epoch] as const)
    .filter(([, epoch]) => epoch.kept && countedSize(before.cuts, epoch) > 0);
  let next: SyncStep = only(before);
  for (let i = 0; i < Math.min(candidates.length, HUNTS_PER_PEER_MAX); i += 1) {
    const { state } = next;
    const [id, epoch] = candidates[state.huntCursor % candidates.length] ?? [];
    const huntCursor = state.huntCursor + 1;
    if (id === undefined || epoch === undefined || !mayHunt(state, from)) break;
    if (state.hunts.has(id)) {
      next = and(next, (s) => only({ ...s, huntCursor }));
      continue;
    }
    const { head } = epoch;
    const high = countedSize(state.cuts, epoch);
    const hunts = new Map(state.hunts).set(id, {
      ...beginHunt(context, from, high),
      asked: high - 1,
    });
    const ask = askFrom(from, head.epoch, high - 1);
    next = and(next, (s) => only({ ...s, huntCursor, hunts }, ask));
  }
  return next;
};

const beginHunt = ({ nowMs }: Context, from: string, high: number): Hunt => ({
  from,
  low: 0,
  high,
  asked: null,
  asksLeft: ASKS_MAX,
  untilMs: nowMs + ASK_TIMEOUT_MS,
});

/** Hands a Range that doesn't fit to the store to be compared, unless its epoch is cut there already. */
export const suspect = (
  context: Context,
  state: SyncState,
  suspected: {
    readonly message: { readonly from: string; readonly payload: Uint8Array };
    readonly code: string;
    readonly range: { readonly epoch: Uint8Array; readonly from: number; readonly to: number };
  },
): SyncStep => {
  const { code, range } = suspected;
  const { from, payload } = suspected.message;
  const id = toHex(range.epoch);
  const known = state.hunts.get(id);
  const isOther = known !== undefined && known.from !== from;
  const isCut = range.from >= (state.cuts.get(id) ?? Number.POSITIVE_INFINITY);
  if (isCut || isOther || (known === undefined && !mayHunt(state, from))) {
    return refuse(state, from, code);
  }
  const hunts = new Map(state.hunts).set(id, known ?? beginHunt(context, from, range.to));
  return only({ ...state, hunts }, { _tag: "Examine", from, payload, code, range });
};

const withoutHunt = (state: SyncState, id: string): SyncState => {
  const hunts = new Map(state.hunts);
  hunts.delete(id);
  return { ...state, hunts };
};

/** Hunts whose answers don't come are given up; the next head begins them anew. */
export const expireHunts = ({ nowMs }: Context, state: SyncState): SyncState =>
  [...state.hunts]
    .filter(([, { untilMs }]) => untilMs <= nowMs)
    .reduce((next, [id]) => withoutHunt(next, id), state);

/** Goes on with the hunt, or ends it. */
export const onExamined = (
  { nowMs }: Context,
  state: SyncState,
  { from, range, result, code }: SyncInput & { readonly _tag: "Examined" },
): SyncStep => {
  const id = toHex(range.epoch);
  const hunt = state.hunts.get(id);
  if (result._tag === "Forked") {
    const { size, evidence } = result;
    const before = state.forks.get(id);
    if (before !== undefined && before <= size) return only(withoutHunt(state, id));
    const recorded = only(state, { _tag: "RecordFork", evidence });
    return and(recorded, (s) => addFork(s, { epoch: id, size }));
  }
  if (hunt === undefined || hunt.from !== from) return refuse(state, from, code);
  const low = result._tag === "Same" ? Math.max(hunt.low, range.to) : hunt.low;
  const high = result._tag === "Same" ? hunt.high : Math.min(hunt.high, result.seq);
  const isAsked = hunt.asked === null || hunt.asked === range.from;
  // Nothing differs, or whoever said so contradicts himself, or sends what wasn't asked for.
  if (low >= high || high === 0 || hunt.asksLeft === 0 || !isAsked)
    return refuse(withoutHunt(state, id), from, code);
  const next = high - low <= NEAR ? low : Math.floor((low + high) / 2);
  const untilMs = nowMs + ASK_TIMEOUT_MS;
  const hunts = new Map(state.hunts).set(id, {
    from,
    low,
    high,
    asked: next,
    asksLeft: hunt.asksLeft - 1,
    untilMs,
  });
  return only({ ...state, hunts }, askFrom(from, range.epoch, next));
};
