/** The entries of a moment of the past, packed page by page for the way to the main thread. */
import { toHex } from "#core/bytes.ts";
import { Clocks } from "#core/clock/true-time.ts";
import { encodeEntry } from "#core/state/entry-codec.ts";
import { replay, type Moment, type ReplaySource } from "#core/state/replay.ts";
import { fileOf, heldEpochs } from "#gateway/store/held-epochs.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import { packEntries } from "#core/state/packed-entries.ts";

const ENTRIES_PER_PAGE = 500;

/**
 * Epochs, clocks and cuts are those of the start; a log may be reopened on the way, so files are asked for at each
 * step. Epochs that are not kept can't be looked back at.
 */
const sourceOf = (files: () => StoreFiles): ReplaySource => {
  const { state } = files();
  const { cuts } = state;
  return {
    epochs: heldEpochs(files())
      .filter(({ kept }) => kept)
      .map(({ head: { epoch, range } }) => {
        const cut = cuts.get(toHex(epoch)) ?? range.size;
        return { epoch, size: Math.min(range.size, cut) };
      }),
    records: (epoch, from, to) => [...fileOf(files(), epoch).records(epoch, from, to)],
    trueTime: new Clocks(state.facts()).trueTime,
  };
};

/** Yields every few milliseconds. */
export function* pastEntries(
  files: () => StoreFiles,
  moment: Moment,
  device: string | null,
): Generator<undefined, ReadonlyArray<Uint8Array>, undefined> {
  const entries = yield* replay(sourceOf(files), moment, device);
  const pages: Uint8Array[] = [];
  for (let at = 0; at < entries.length; at += ENTRIES_PER_PAGE) {
    pages.push(packEntries(entries.slice(at, at + ENTRIES_PER_PAGE).map(encodeEntry)));
    yield undefined;
  }
  return pages;
}
