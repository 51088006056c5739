/** What records fold to, in memory alone: for a look at the past, and for whoever has no state file. */
import { toHex } from "#core/bytes.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import { fold, type FoldedRecord } from "#core/state/fold.ts";

export class MapState {
  readonly #entries: Map<string, Entry>;
  readonly #sizes: Map<string, number>;

  /** Empty, or where a snapshot begins. */
  constructor(sizes: ReadonlyMap<string, number> = new Map(), entries: ReadonlyArray<Entry> = []) {
    this.#sizes = new Map(sizes);
    this.#entries = new Map(entries.map((entry) => [entryKeyText(entry), entry]));
  }

  foldedSize(epoch: Uint8Array): number {
    return this.#sizes.get(toHex(epoch)) ?? 0;
  }

  /** Epoch (hex) → records folded. */
  get heads(): ReadonlyMap<string, number> {
    return this.#sizes;
  }

  /** By `entryKeyText`. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** In the order of device, type and key. */
  sorted(): ReadonlyArray<Entry> {
    return [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }

  /** Folds the next record of its epoch; returns the entries that changed. */
  fold(record: FoldedRecord): ReadonlyArray<Entry> {
    const changed = fold(record, {
      entry: (key) => this.#entries.get(entryKeyText(key)),
      foldedSize: (epoch) => this.foldedSize(epoch),
    });
    for (const entry of changed) this.#entries.set(entryKeyText(entry), entry);
    this.#sizes.set(toHex(record.epoch), record.seq + 1);
    return changed;
  }
}
