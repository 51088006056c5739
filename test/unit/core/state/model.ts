/** A plain reading of the rules of the state, over all records at once. */
import { recordedTime, type TrueTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE, type Scalar, type WriteName } from "#core/log/operation.ts";
import { entryKeyText, isSameName, type Write } from "#core/state/entry.ts";
import type { History } from "#test/unit/core/state/histories.ts";

export interface Stated extends Write {
  readonly replaces: ReadonlyArray<WriteName>;
}

/** All writes to each entry, in no particular order. */
export const writesOf = (history: History): ReadonlyMap<string, ReadonlyArray<Stated>> => {
  const writes = new Map<string, Stated[]>();
  for (const { body, epoch, seq, wallMs, monoMs } of history.flat()) {
    if (body?._tag !== "Change" && body?._tag !== "Void") continue;
    for (const { key, type, value, replaces } of body.operations) {
      const entry = entryKeyText({ device: body.device ?? "", key, type });
      const stated = { epoch, seq, wallMs, monoMs, value, replaces };
      writes.set(entry, [...(writes.get(entry) ?? []), stated]);
    }
  }
  return writes;
};

const isLater = (a: Write, b: Write): boolean => isSameEpoch(a, b) && a.seq > b.seq;
const isSameEpoch = (a: Write, b: Write): boolean => isSameName({ ...a, seq: 0 }, { ...b, seq: 0 });

/**
 * A write survives unless any that names it replaces it, or, but for sets, a later one of its epoch; `revoked` always
 * does, and what removes from a set never.
 */
export const survivors = (writes: ReadonlyArray<Stated>, type: number): ReadonlyArray<Stated> =>
  writes.filter((write) => {
    if (type === TYPE.safety && write.value === SAFETY.revoked) return true;
    if (type === TYPE.set && write.value === null) return false;
    return !writes.some(
      (other) =>
        (type !== TYPE.set && isLater(other, write)) ||
        (!isSameName(other, write) && other.replaces.some((name) => isSameName(name, write))),
    );
  });

const epochText = (write: Write): string => Buffer.from(write.epoch).toString("hex");

/** (time, epoch, seq), by sorting. */
const last = (writes: ReadonlyArray<Stated>, trueTime: TrueTime): Stated | undefined =>
  writes
    .toSorted(
      (a, b) =>
        trueTime(a) - trueTime(b) ||
        epochText(a).localeCompare(epochText(b), "en") ||
        a.seq - b.seq,
    )
    .at(-1);

/** All writes of the greatest value, or of the least. */
const extremes = (writes: ReadonlyArray<Stated>, extreme = Math.max): ReadonlyArray<Stated> => {
  const most = extreme(...writes.map(({ value }) => Number(value)));
  return writes.filter(({ value }) => Number(value) === most);
};

export const nameOf = (write: Write | undefined): string =>
  write === undefined ? "none" : `${epochText(write)}/${write.seq}`;

/**
 * What the entry must say, and by which write. Clock fixes decide between writes that survive; a sum and a high-water mark
 * are the same with and without them, and name a write by the clocks as they were.
 */
export const expected = (
  entry: string,
  writes: ReadonlyArray<Stated>,
  trueTime: TrueTime,
): readonly [Scalar, string] => {
  const type = Number(entry.split(" ")[1]);
  const said = (winner: Stated | undefined): readonly [Scalar, string] => [
    winner?.value ?? null,
    nameOf(winner),
  ];
  switch (type) {
    case TYPE.register:
    case TYPE.exclusive:
    case TYPE.set:
      return said(last(survivors(writes, type), trueTime));
    case TYPE.safety:
      return said(last(extremes(survivors(writes, type)), trueTime));
    case TYPE.counter: {
      const sum = writes.reduce((total, { value }) => total + Number(value), 0);
      return [sum, nameOf(last(writes, recordedTime))];
    }
    default:
      return said(last(extremes(writes, type === TYPE.min ? Math.min : Math.max), recordedTime));
  }
};
