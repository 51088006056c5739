/** What the store says: records count only now, cuts and bodies too. */
import { toHex } from "#core/bytes.ts";
import { noteGrowth } from "#core/sync/clones.ts";
import { addFork, cutNew, noteGrownBeyond } from "#core/sync/cuts.ts";
import { onExamined } from "#core/sync/forks.ts";
import { onHead } from "#core/sync/heads.ts";
import { acknowledgeNew, onHeld } from "#core/sync/held.ts";
import { onFilled } from "#core/sync/holes.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import { hastenHead } from "#core/sync/next-head.ts";
import { Replica } from "#core/sync/replica.ts";
import { onAdopted } from "#core/sync/snapshots.ts";
import {
  and,
  HEAD_PERIOD_HINT_MS,
  only,
  type Context,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { pump } from "#core/sync/wants.ts";

/** What the store has done, or found. */
export const onStoreSaid = (context: Context, state: SyncState, input: StoreInput): SyncStep => {
  switch (input._tag) {
    case "Stored":
      return onStored(context, state, input);
    case "ForkFound":
      return addFork(state, input);
    case "Examined":
      return onExamined(context, state, input);
    case "Refolded":
      return only({ ...state, replica: stillThere(state.replica, input.passing) });
    case "CutLeavesRead":
      return only({ ...state, cutLeaves: new Map([...state.cutLeaves, ...input.leaves]) });
    case "Filled":
      return onFilled(context, state, input);
    case "SnapshotAdopted":
      return onAdopted(context, state);
  }
};

const TAGS = [
  "Stored",
  "ForkFound",
  "Examined",
  "Refolded",
  "CutLeavesRead",
  "Filled",
  "SnapshotAdopted",
] as const;

type StoreInput = SyncInput & { readonly _tag: (typeof TAGS)[number] };

export const isOfStore = (input: SyncInput): input is StoreInput =>
  TAGS.some((tag) => tag === input._tag);

const stillThere = (replica: Replica, passing: ReadonlyMap<string, number>): Replica =>
  Replica.from(
    [...replica].filter(([id, { kept, head }]) => kept || passing.get(id) === head.range.size),
  );

/** Records are stored and count now: the next piece is asked for, and statements that waited for them are looked at. */
const onStored = (
  context: Context,
  before: SyncState,
  { stored, isLive }: SyncInput & { readonly _tag: "Stored" },
): SyncStep => {
  const id = toHex(stored.head.epoch);
  const isNew = !before.replica.has(id);
  const replica = before.replica.with(id, stored);
  const isWhole = stored.head.range.size >= (before.wants.get(id)?.size ?? 0);
  const [wants, asks] = [new Map(before.wants), new Map(before.asks)];
  asks.delete(id);
  if (isWhole) wants.delete(id);
  const { author, kept } = stored;
  const isToTell = kept && author !== before.self;
  const unacknowledged = isToTell
    ? new Set(before.unacknowledged).add(author)
    : before.unacknowledged;
  let next = pump(context, { ...before, replica, wants, asks, unacknowledged });
  if (author === before.self) {
    next = and(next, (s) => only(s, { _tag: "NoteEarlier", head: stored.head }));
  }
  if (isNew) {
    next = and(next, (s) => only({ ...s, suspects: new Set(s.suspects).add(author) }));
    next = and(next, (s) => cutNew(s, stored));
  }
  next = and(next, (s) => noteGrownBeyond(s, stored));
  if (isLive) next = and(next, (s) => noteGrowth(s, stored));
  next = and(next, (s) => acknowledgeNew(context, s));
  if (before.relays) next = and(next, (s) => only(hastenHead(context, s, HEAD_PERIOD_HINT_MS)));
  return isNew ? and(next, (s) => lookAgain(context, s, author)) : next;
};

/** Statements of the peer that waited for its epoch's `open`. */
const lookAgain = (context: Context, state: SyncState, from: string): SyncStep => {
  const waiting = state.unverified.get(from);
  if (waiting === undefined) return only(state);
  const unverified = new Map(state.unverified);
  unverified.delete(from);
  let next = only({ ...state, unverified });
  const { head, held } = waiting;
  if (head !== undefined) next = and(next, (s) => onHead(context, s, { from, payload: head }));
  if (held !== undefined) next = and(next, (s) => onHeld(context, s, { from, payload: held }));
  return next;
};
