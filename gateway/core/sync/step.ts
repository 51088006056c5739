/**
 * Replication as one step function: (state, input) → {state, effects}. No I/O, no clock, no randomness: the same
 * code runs in the gateway and in a simulator. What a peer has is never kept; its heads tell.
 */
import { toHex } from "#core/bytes.ts";
import type { Ask } from "#core/message/exchange.ts";
import { lookAtAuthors } from "#core/sync/clones.ts";
import { updateCuts } from "#core/sync/cuts.ts";
import { expireHunts } from "#core/sync/forks.ts";
import { publishHead } from "#core/sync/heads.ts";
import { acknowledgeNew, forgetLeft } from "#core/sync/held.ts";
import { askForHoles } from "#core/sync/holes.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import { storersOf } from "#core/sync/mirrors.ts";
import { openWhenHeard, startOpening } from "#core/sync/opening.ts";
import { onReceived } from "#core/sync/received.ts";
import { replicaEpochOf, Replica, type ReplicaEpoch } from "#core/sync/replica.ts";
import { expireRoster } from "#core/sync/rosters.ts";
import { expireSnapshot } from "#core/sync/snapshots.ts";
import { and, only, type Context, type SyncState, type SyncStep } from "#core/sync/state.ts";
import { isOfStore, onStoreSaid } from "#core/sync/stored.ts";
import { expireAsks } from "#core/sync/wants.ts";
import { countedSize, type Roster } from "#core/trust/roster.ts";

/** Takes one input at `nowMs` (monotonic). Never throws, whatever a peer sends. */
export const step = (context: Context, state: SyncState, input: SyncInput): SyncStep => {
  if (isOfStore(input)) return onStoreSaid(context, state, input);
  switch (input._tag) {
    case "Connected":
      return state.ownEpoch === null ? startOpening(context, state) : publishHead(context, state);
    case "Ticked":
      return tick(context, state);
    case "PathsChanged":
      return only({ ...state, relays: input.relays });
    case "RosterChanged":
      return onRoster(context, state, input.roster);
    case "OwnCommitted":
      return onOwnCommitted(context, state, input);
    case "OwnLost":
      return startOpening(context, { ...state, ownEpoch: null });
    case "AuthorAsked":
      return askAllFor(state, input.author);
    case "Received":
      return onReceived(context, state, input);
  }
};

/** Records of an epoch that the roster lets count. */
const counts = (roster: Roster, epoch: string, { author, gatewayKey }: ReplicaEpoch): number =>
  countedSize(roster, { gateway: author, gatewayKey, epoch });

/**
 * Works with a new roster: who is stored here, and what counts. A gateway that it has just let in was refused until now,
 * so heads are exchanged at once.
 */
const onRoster = (context: Context, before: SyncState, roster: Roster): SyncStep => {
  const stores = storersOf(context.crypto.sha256, roster, before.self);
  // Epochs that were only folded, and are to be stored from now on, are fetched from their first record.
  const replica = Replica.from(
    [...before.replica].filter(
      ([id, epoch]) => epoch.kept || !stores.has(epoch.author) || counts(roster, id, epoch) === 0,
    ),
  );
  const next = updateCuts(forgetLeft({ ...before, roster, stores, replica }));
  return and(next, (s) => publishHead(context, s));
};

const onOwnCommitted = (
  context: Context,
  state: SyncState,
  { open, head }: SyncInput & { readonly _tag: "OwnCommitted" },
): SyncStep => {
  const id = toHex(head.epoch);
  const known = state.replica.get(id);
  const epoch = open === null ? known && { ...known, head } : replicaEpochOf(open, head, true);
  if (epoch === undefined) return only(state);
  const replica = state.replica.with(id, epoch);
  const next = { ...state, ownEpoch: id, opening: null, replica };
  if (open === null) return only(next);
  const suspects = new Set(next.suspects).add(state.self);
  return publishHead(context, { ...next, suspects });
};

const tick = (context: Context, state: SyncState): SyncStep => {
  let next = openWhenHeard(context, state);
  next = and(next, (s) => expireAsks(context, s));
  next = and(next, (s) => expireRoster(context, s));
  next = and(next, (s) => expireSnapshot(context, s));
  next = and(next, (s) => only(expireHunts(context, s)));
  next = and(next, lookAtAuthors);
  next = and(next, (s) => askForHoles(context, s));
  next = and(next, (s) => acknowledgeNew(context, s));
  return context.nowMs >= state.headDueMs ? and(next, (s) => publishHead(context, s)) : next;
};

const askAllFor = (state: SyncState, author: string): SyncStep => {
  const peers = new Set(
    state.roster.gateways
      .filter(({ name, status }) => status === "active" && name !== state.self)
      .map(({ name }) => name),
  );
  const ask: Ask = { _tag: "AskEpochs", author, after: null };
  return only(state, ...[...peers].map((to) => ({ _tag: "SendAsk", to, ask }) as const));
};
