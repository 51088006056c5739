/** Folds what a virtual card has into its state, and looks at the past. */
import { fromHex } from "#core/bytes.ts";
import { Clocks } from "#core/clock/true-time.ts";
import type { Crypto } from "#core/log/crypto.ts";
import type { Entry } from "#core/state/entry.ts";
import { replay, type Moment } from "#core/state/replay.ts";
import type { Folded } from "#gateway/ports.ts";
import type { SimDisk } from "#test/simulation/disk.ts";
import { FoldedState } from "#test/simulation/folded-state.ts";

const bytesOf = (id: string): Uint8Array => fromHex(id) ?? new Uint8Array(0);

/** A card, and the state that is being folded from it. */
export interface Files {
  readonly disk: SimDisk;
  readonly state: FoldedState;
}

/** Folds what is on the card of an epoch beyond the state; undefined where nothing is. */
export const foldUpTo = (
  crypto: Crypto,
  { disk, state }: Files,
  id: string,
): Folded | undefined => {
  const from = state.nextSeq(id);
  const held = disk.readEpoch(id);
  if (held === undefined || from >= held.records.length) return undefined;
  const epoch = bytesOf(id);
  const place = { epoch, author: held.gateway, from };
  const taken = state.take(crypto, place, held.records.slice(from));
  return { epoch, size: state.foldedSize(epoch), ...taken };
};

/** Folds all that is on the card beyond the state; anew, where more was folded than counts. */
export const foldAll = (crypto: Crypto, files: Files, tell: (folded: Folded) => void): void => {
  const { disk, state } = files;
  do {
    if (state.isBeyondCuts) {
      state.clear();
      disk.forgetPassing(null);
    }
    for (const id of disk.image.epochs.keys()) {
      const folded = foldUpTo(crypto, files, id);
      if (folded !== undefined) tell(folded);
    }
  } while (state.isBeyondCuts);
};

/** The state as it was saved, brought up to the logs; a new one if it is ahead of them. */
export const openState = (crypto: Crypto, disk: SimDisk): FoldedState => {
  const saved = disk.image.state;
  const sizeOf = (id: string): number => disk.image.epochs.get(id)?.records.length ?? 0;
  disk.forgetPassing(saved);
  const isAhead = saved !== null && [...saved.sizes].some(([id, size]) => size > sizeOf(id));
  const state = saved === null || isAhead ? new FoldedState() : saved.copy();
  foldAll(crypto, { disk, state }, () => undefined);
  return state;
};

export const entriesAt = (
  disk: SimDisk,
  state: FoldedState,
  { moment, device }: { readonly moment: Moment; readonly device: string | null },
): ReadonlyArray<Entry> => {
  const clocks = new Clocks(state.facts);
  const epochs = [...disk.image.epochs].map(([id, { records }]) => ({
    epoch: bytesOf(id),
    size: Math.min(records.length, state.cuts.get(id) ?? records.length),
    id,
  }));
  const work = replay(
    {
      epochs,
      records: (epoch, from, to) =>
        disk.readEpoch(Buffer.from(epoch).toString("hex"))?.records.slice(from, to) ?? [],
      trueTime: clocks.trueTime,
    },
    moment,
    device,
  );
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};
