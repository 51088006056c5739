/**
 * One key of one device as it stands: the writes that are not replaced, and the names of writes that were
 * replaced before they were seen. Causality decides what survives; time only orders writes that did not know
 * each other, and it is applied when an entry is read (reading.ts).
 */
import { compareBytes } from "#core/bytes.ts";
import type { Scalar, WriteName } from "#core/log/operation.ts";

/** A value, and the record that set it. A value without a record can't exist. */
export interface Write extends WriteName {
  readonly value: Scalar;
  /** By the author's clock as it was then. */
  readonly wallMs: number;
  readonly monoMs: number;
}

/** register, exclusive, set, safety: what survives, in the order of (epoch, seq). */
export interface SurvivorsEntry {
  readonly _tag: "Survivors";
  readonly writes: ReadonlyArray<Write>;
  /** Replaced by somebody who had seen them, but not folded here yet; in the order of (epoch, seq). */
  readonly awaited: ReadonlyArray<WriteName>;
}

/** counter: the sum of all writes, and the newest of them by the clocks as they were. */
export interface CounterEntry {
  readonly _tag: "Counter";
  readonly sum: number;
  readonly newest: Write;
}

/** max, min: the extreme write; among equals the newest by the clocks as they were. */
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
