/** The values that stand under a key: what people are shown, and how two moments are compared. */
import { toHex } from "#core/bytes.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import { TYPE, type Scalar } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { valueOf } from "#core/state/reading.ts";

/**
 * Each value once, in the order of their texts; none where nothing is set. A set may have any number; of the other
 * types only an exclusive one has several, and those are a conflict, in which null says "unset".
 */
export type Standing = ReadonlyArray<Scalar>;

/** Another text for every value: 7 and "7" are two. */
export const scalarText = (value: Scalar): string =>
  value instanceof Uint8Array ? `bytes ${toHex(value)}` : `${typeof value} ${String(value)}`;

export const distinct = (values: ReadonlyArray<Scalar>): Standing => {
  const byText = new Map(values.map((value) => [scalarText(value), value]));
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
};

export const isSameStanding = (a: Standing, b: Standing): boolean =>
  a.length === b.length && a.every((value, at) => scalarText(value) === scalarText(b[at] ?? null));

/** What stands under a key that no record has written. */
const unset = (type: number): Standing =>
  type === TYPE.counter || type === TYPE.safety ? [0] : [];

/** The writes that nobody replaced; of a counter or an extreme the one that speaks for it. */
export const standingWrites = ({ content }: Entry): ReadonlyArray<Write> => {
  switch (content._tag) {
    case "Survivors":
      return content.writes;
    case "Counter":
      return [content.newest];
    case "Extreme":
      return [content.write];
  }
};

/** `entry` is undefined for a key that no record has written. */
export const standingOf = (
  entry: Entry | undefined,
  type: number,
  trueTime: TrueTime,
): Standing => {
  if (entry === undefined) return unset(type);
  const values = distinct(standingWrites(entry).map(({ value }) => value));
  if (type === TYPE.set || (type === TYPE.exclusive && values.length > 1)) return values;
  const value = valueOf(entry, trueTime);
  return value === null ? unset(type) : [value];
};
