/**
 * One key of one device as it stands: the writes that are not replaced, and the names of writes that were
 * replaced before they were seen. Causality decides what survives; time only orders writes that did not know
 * each other.
 */
import { compareBytes } from "#core/bytes.ts";
import { TYPE, type Scalar, type WriteName } from "#core/log/operation.ts";

/** A value, and the record that set it. A value without a record can't exist. */
export interface Write extends WriteName {
  readonly value: Scalar;
  readonly wallMs: number;
  readonly monoMs: number;
}

/** register, safety: what survives, in the order of (epoch, seq). */
export interface SurvivorsEntry {
  readonly _tag: "Survivors";
  readonly writes: ReadonlyArray<Write>;
  /** Replaced by somebody who had seen them, but not folded here yet; in the order of (epoch, seq). */
  readonly awaited: ReadonlyArray<WriteName>;
}

/** counter: the sum of all writes, and the newest of them. */
export interface CounterEntry {
  readonly _tag: "Counter";
  readonly sum: number;
  readonly newest: Write;
}

/** max: the greatest write. */
export interface ExtremeEntry {
  readonly _tag: "Extreme";
  readonly write: Write;
}

export type EntryContent = SurvivorsEntry | CounterEntry | ExtremeEntry;

/** Names an entry. Two types under one key are two entries: no write can spoil another's type. */
export interface EntryKey {
  readonly device: string;
  readonly key: string;
  readonly type: number;
}

export interface Entry extends EntryKey {
  readonly content: EntryContent;
}

/** One text for each entry, in which devices stay together: device names hold no blank. */
export const entryKeyText = (entry: EntryKey): string =>
  `${entry.device} ${entry.type} ${entry.key}`;

export const compareNames = (a: WriteName, b: WriteName): number =>
  compareBytes(a.epoch, b.epoch) || a.seq - b.seq;

export const isSameName = (a: WriteName, b: WriteName | undefined): boolean =>
  b !== undefined && compareNames(a, b) === 0;

/** Orders writes that did not know each other: (time, epoch, seq). The same everywhere, whatever came first. */
export const compareWrites = (a: Write, b: Write): number =>
  a.wallMs - b.wallMs || compareNames(a, b);

export const newestOf = (writes: ReadonlyArray<Write>): Write | undefined =>
  writes.reduce<Write | undefined>(
    (best, write) => (best === undefined || compareWrites(write, best) > 0 ? write : best),
    undefined,
  );

/** The write that speaks for the entry: what `--why` names. Undefined where all was replaced. */
export const decidingWrite = (entry: Entry): Write | undefined => {
  switch (entry.content._tag) {
    case "Counter":
      return entry.content.newest;
    case "Extreme":
      return entry.content.write;
    case "Survivors":
      return entry.type === TYPE.safety
        ? mostSevere(entry.content.writes)
        : newestOf(entry.content.writes);
  }
};

/** safety: the maximum of all survivors; among equals the newest. */
const mostSevere = (writes: ReadonlyArray<Write>): Write | undefined =>
  writes.reduce<Write | undefined>((worst, write) => {
    if (worst === undefined) return write;
    const difference = Number(write.value) - Number(worst.value);
    return difference > 0 || (difference === 0 && compareWrites(write, worst) > 0) ? write : worst;
  }, undefined);

/** What the entry reads as; null where nothing survives. */
export const valueOf = (entry: Entry): Scalar =>
  entry.content._tag === "Counter" ? entry.content.sum : (decidingWrite(entry)?.value ?? null);
