/**
 * Notices a disk that was put back, or runs twice: a new epoch that doesn't name one which is known leaves its author
 * with two live ones. If both then grow as one looks on, two processes write. Records of both stand.
 */
import { toHex } from "#core/bytes.ts";
import { splitEnded, type ReplicaEpoch } from "#core/sync/replica.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { only, type SyncState, type SyncStep } from "#core/sync/state.ts";

/** An author with several live epochs. */
export interface Restored {
  /** Epoch (hex) → its size when that was noticed. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Those of them that have grown since, as it happened. */
  readonly grown: ReadonlySet<string>;
}

/** Live epochs and their sizes; none while an epoch is named that has not come yet, and could name others. */
const sizesOfLive = (
  epochs: ReadonlyArray<ReplicaEpoch>,
  isKnown: (epoch: string) => boolean,
): ReadonlyMap<string, number> => {
  const isComplete = epochs.every(({ earlier }) => earlier.every(isKnown));
  const { live } = splitEnded(isComplete ? epochs : []);
  return new Map(live.map(({ head }) => [toHex(head.epoch), head.range.size]));
};

/** Authors that were restored or cloned before this process began. */
export const restoredAtStart = (
  replica: ReadonlyMap<string, ReplicaEpoch>,
): ReadonlyMap<string, Restored> => {
  const restored = new Map<string, Restored>();
  for (const [author, epochs] of Map.groupBy(replica.values(), (epoch) => epoch.author)) {
    const sizes = sizesOfLive(epochs, (id) => replica.has(id));
    if (sizes.size > 1) restored.set(author, { sizes, grown: new Set() });
  }
  return restored;
};

/** Whether something is still to be fetched that may be the author's. */
const isFetching = ({ wants, replica }: SyncState, author: string): boolean =>
  [...wants.keys()].some((id) => (replica.get(id)?.author ?? author) === author);

/** Looks at the authors of whom new epochs came, once all of what is known to be theirs is here. */
export const lookAtAuthors = (state: SyncState): SyncStep => {
  const ready = [...state.suspects].filter((author) => !isFetching(state, author));
  if (ready.length === 0) return only(state);
  const suspects = new Set(state.suspects);
  const [restored, cloned] = [new Map(state.restored), new Set(state.cloned)];
  const effects: SyncEffect[] = [];
  for (const author of ready) {
    suspects.delete(author);
    const epochs = state.replica.of(author);
    const sizes = sizesOfLive(epochs, (id) => state.replica.has(id));
    const before = restored.get(author);
    if (sizes.size < 2) {
      restored.delete(author);
      cloned.delete(author);
    } else if (before === undefined || [...sizes.keys()].some((id) => !before.sizes.has(id))) {
      restored.set(author, { sizes, grown: before?.grown ?? new Set() });
      effects.push({ _tag: "Alarm", code: "restored-or-cloned", author });
    }
  }
  return only({ ...state, suspects, restored, cloned }, ...effects);
};

/** Records came as they were made: of an author with several live epochs that may be the second one that grows. */
export const noteGrowth = (state: SyncState, { author, head }: ReplicaEpoch): SyncStep => {
  const known = state.restored.get(author);
  const epoch = toHex(head.epoch);
  const size = known?.sizes.get(epoch);
  if (known === undefined || size === undefined || head.range.size <= size) return only(state);
  const grown = new Set(known.grown).add(epoch);
  const restored = new Map(state.restored).set(author, { ...known, grown });
  if (grown.size < 2 || state.cloned.has(author)) return only({ ...state, restored });
  const cloned = new Set(state.cloned).add(author);
  return only({ ...state, restored, cloned }, { _tag: "Alarm", code: "cloned", author });
};
