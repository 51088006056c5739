/** How many records of which epoch count: kept up to date as rosters, forks and epochs come in. */
import { toHex } from "#core/bytes.ts";
import { and, only, type SyncState, type SyncStep } from "#core/sync/state.ts";
import type { ReplicaEpoch } from "#core/sync/replica.ts";
import { leastCuts, type Cuts } from "#core/trust/cuts.ts";
import { countedSize as countedByRoster, type Roster } from "#core/trust/roster.ts";

/** An epoch of a revoked key counts only as far as the roster says: not at all where it says nothing. */
const revokedCuts = (roster: Roster, epochs: Iterable<ReplicaEpoch>): Cuts => {
  const cuts = new Map<string, number>();
  for (const { author, gatewayKey, head } of epochs) {
    const epoch = toHex(head.epoch);
    const size = countedByRoster(roster, { gateway: author, gatewayKey, epoch });
    if (Number.isFinite(size)) cuts.set(epoch, size);
  }
  return cuts;
};

const isSame = (a: Cuts, b: Cuts): boolean =>
  a.size === b.size && [...a].every(([epoch, size]) => b.get(epoch) === size);

/** Stored epochs of which more is held than counts, and whose newest leaf that does isn't known yet. */
const heldBeyond = (
  { replica, cutLeaves }: SyncState,
  cuts: Cuts,
): ReadonlyArray<{ readonly epoch: Uint8Array; readonly size: number }> =>
  [...cuts].flatMap(([id, size]) => {
    const epoch = replica.get(id);
    const isBeyond = epoch?.kept === true && epoch.head.range.size > size && size > 0;
    return isBeyond && cutLeaves.get(id)?.size !== size ? [{ epoch: epoch.head.epoch, size }] : [];
  });

/** Works the cuts out anew; the store is told where they have changed. */
export const updateCuts = (state: SyncState): SyncStep => {
  const { roster, replica, forks } = state;
  const cuts = leastCuts(roster.cuts, revokedCuts(roster, replica.values()), forks);
  return isSame(cuts, state.cuts)
    ? only(state)
    : only({ ...state, cuts }, { _tag: "Cut", cuts, beyond: heldBeyond(state, cuts) });
};

/** A new epoch: only one of a revoked key, or one that is known to be forked, changes what counts. */
export const cutNew = (state: SyncState, epoch: ReplicaEpoch): SyncStep => {
  const isRevoked = revokedCuts(state.roster, [epoch]).size > 0;
  return isRevoked || state.forks.has(toHex(epoch.head.epoch)) ? updateCuts(state) : only(state);
};

/** Records came behind a cut: the newest one that counts is no longer the last. */
export const noteGrownBeyond = (state: SyncState, { head }: ReplicaEpoch): SyncStep => {
  if (!state.cuts.has(toHex(head.epoch))) return only(state);
  const beyond = heldBeyond(state, state.cuts);
  return beyond.length === 0 ? only(state) : only(state, { _tag: "Cut", cuts: state.cuts, beyond });
};

/** A verified fork: the least size counts. */
export const addFork = (
  state: SyncState,
  fork: { readonly epoch: string; readonly size: number },
): SyncStep => {
  const known = state.forks.get(fork.epoch);
  if (known !== undefined && known <= fork.size) return only(state);
  const forks = new Map(state.forks).set(fork.epoch, fork.size);
  // The evidence may come before the epoch that it is about, or without it: then nobody is named.
  const author = state.replica.get(fork.epoch)?.author ?? "";
  const [wants, hunts] = [new Map(state.wants), new Map(state.hunts)];
  wants.delete(fork.epoch);
  hunts.delete(fork.epoch);
  const next = only({ ...state, forks, wants, hunts }, { _tag: "Alarm", code: "forked", author });
  return and(next, updateCuts);
};
