/**
 * What an entry says. Writes that did not know each other are ordered by (true time, epoch, seq): the same on every
 * gateway that knows the same clock fixes, whatever came first.
 */
import { compareBytes } from "#core/bytes.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import { TYPE, type Scalar } from "#core/log/operation.ts";
import { compareNames, type Entry, type Write } from "#core/state/entry.ts";

export const compareWrites = (a: Write, b: Write, trueTime: TrueTime): number =>
  trueTime(a) - trueTime(b) || compareNames(a, b);

/** Newest last. */
export const inOrder = (writes: ReadonlyArray<Write>, trueTime: TrueTime): ReadonlyArray<Write> =>
  writes.toSorted((a, b) => compareWrites(a, b, trueTime));

export const newestOf = (writes: ReadonlyArray<Write>, trueTime: TrueTime): Write | undefined =>
  writes.reduce<Write | undefined>(
    (best, write) =>
      best === undefined || compareWrites(write, best, trueTime) > 0 ? write : best,
    undefined,
  );

/** safety: the maximum of all survivors; among equals the newest. */
const mostSevere = (writes: ReadonlyArray<Write>, trueTime: TrueTime): Write | undefined => {
  const worst = Math.max(...writes.map(({ value }) => Number(value)));
  return newestOf(
    writes.filter(({ value }) => Number(value) === worst),
    trueTime,
  );
};

/**
 * The write that speaks for the entry: what `--why` names. Undefined where all was replaced or removed. Of a conflict
 * and of a set it is the newest.
 */
export const decidingWrite = (entry: Entry, trueTime: TrueTime): Write | undefined => {
  switch (entry.content._tag) {
    case "Counter":
      return entry.content.newest;
    case "Extreme":
      return entry.content.write;
    case "Survivors":
      return entry.type === TYPE.safety
        ? mostSevere(entry.content.writes, trueTime)
        : newestOf(entry.content.writes, trueTime);
  }
};

/** The entry as one value; null where nothing survives. A set has more than one: `membersOf`. */
export const valueOf = (entry: Entry, trueTime: TrueTime): Scalar =>
  entry.content._tag === "Counter"
    ? entry.content.sum
    : (decidingWrite(entry, trueTime)?.value ?? null);

/** The writes of an exclusive key that did not know each other, newest last; empty where there is no conflict. */
export const conflictOf = (entry: Entry, trueTime: TrueTime): ReadonlyArray<Write> =>
  entry.type === TYPE.exclusive &&
  entry.content._tag === "Survivors" &&
  entry.content.writes.length > 1
    ? inOrder(entry.content.writes, trueTime)
    : [];

const isSameValue = (a: Scalar, b: Scalar): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? compareBytes(a, b) === 0 : a === b;

/** The members of a set, each once, by its newest write; newest last. Empty for other types. */
export const membersOf = (entry: Entry, trueTime: TrueTime): ReadonlyArray<Write> => {
  if (entry.type !== TYPE.set || entry.content._tag !== "Survivors") return [];
  const writes = inOrder(entry.content.writes, trueTime);
  return writes.filter(
    (write, index) =>
      !writes.slice(index + 1).some((newer) => isSameValue(newer.value, write.value)),
  );
};

/** The writes that stand for one member of a set: what its removal, or its being added again, names. */
export const writesOfMember = (entry: Entry, value: Scalar): ReadonlyArray<Write> =>
  entry.type === TYPE.set && entry.content._tag === "Survivors"
    ? entry.content.writes.filter((write) => isSameValue(write.value, value))
    : [];
