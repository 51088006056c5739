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
  /** Epochs of that author to be looked at behind this one, if nothing is found in it. */
  readonly behind: number;
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
  const count = before.replica.of(author).length;
  const behind = Math.ceil(count / HUNTS_PER_PEER_MAX);
  return huntSome(context, before, { from, author, behind, count: HUNTS_PER_PEER_MAX });
};

/** Begins to look at so many epochs of an author, and at so many behind each of them. */
const huntSome = (
  context: Context,
  before: SyncState,
  sought: {
    readonly from: string;
    readonly author: string;
    readonly count: number;
    readonly behind: number;
  },
): SyncStep => {
  const { from, author, count, behind } = sought;
  const candidates = before.replica
    .of(author)
    .map((epoch) => [toHex(epoch.head.epoch), epoch] as const)
    .filter(([, epoch]) => epoch.kept && countedSize(before.cuts, epoch) > 0);
  let next: SyncStep = only(before);
  for (let i = 0; i < Math.min(candidates.length, count); i += 1) {
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
      behind,
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
  behind: 0,
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

type ExaminedInput = SyncInput & { readonly _tag: "Examined" };

/** Goes on with the hunt, or ends it. */
export const onExamined = (
  context: Context,
  state: SyncState,
  examined: ExaminedInput,
): SyncStep => {
  const { from, range, result, code } = examined;
  const id = toHex(range.epoch);
  const hunt = state.hunts.get(id);
  if (result._tag === "Forked") return onForked(state, id, result);
  // An answer that came twice, by two brokers, or what wasn't asked for at all: the hunt goes on until its time is over.
  if (hunt === undefined || !isOf(hunt, from, range)) return refuse(state, from, code);
  const isSame = result._tag === "Same";
  const low = isSame ? Math.max(hunt.low, range.to) : hunt.low;
  const high = isSame ? hunt.high : Math.min(hunt.high, result.seq);
  if (low < high && hunt.asksLeft > 0) {
    return huntOn(context, state, { epoch: range.epoch, hunt: { ...hunt, low, high } });
  }
  const author = state.replica.get(id)?.author;
  if (isSame && hunt.behind > 0 && author !== undefined) {
    const behind = hunt.behind - 1;
    return huntSome(context, withoutHunt(state, id), { from, author, count: 1, behind });
  }
  // Nothing differs, or whoever said so contradicts himself.
  return refuse(withoutHunt(state, id), from, code);
};

/** Whether the hunt has asked for just this. */
const isOf = (hunt: Hunt, from: string, range: { readonly from: number }): boolean =>
  hunt.from === from && (hunt.asked === null || hunt.asked === range.from);

const onForked = (
  state: SyncState,
  id: string,
  { size, evidence }: ExaminedInput["result"] & { readonly _tag: "Forked" },
): SyncStep => {
  const before = state.forks.get(id);
  if (before !== undefined && before <= size) return only(withoutHunt(state, id));
  const recorded = only(state, { _tag: "RecordFork", evidence });
  return and(recorded, (s) => addFork(s, { epoch: id, size }));
};

const huntOn = (
  { nowMs }: Context,
  state: SyncState,
  { epoch, hunt }: { readonly epoch: Uint8Array; readonly hunt: Hunt },
): SyncStep => {
  const { low, high, from } = hunt;
  const asked = high - low <= NEAR ? low : Math.floor((low + high) / 2);
  const next = { ...hunt, asked, asksLeft: hunt.asksLeft - 1, untilMs: nowMs + ASK_TIMEOUT_MS };
  const hunts = new Map(state.hunts).set(toHex(epoch), next);
  return only({ ...state, hunts }, askFrom(from, epoch, asked));
};
