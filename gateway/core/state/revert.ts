/**
 * What brings a device back to how it once was: operations for new records, since history is never edited. They
 * replace the writes that were known; what was written without knowing of them stands beside them, as ever.
 */
import type { TrueTime } from "#core/clock/true-time.ts";
import { encodeCbor } from "#core/log/cbor.ts";
import {
  COUNTER_STEP_MAX,
  encodeOperation,
  OPERATIONS_COUNT_MAX,
  REPLACES_COUNT_MAX,
  SAFETY,
  TYPE,
  type Operation,
  type Scalar,
  type WriteName,
} from "#core/log/operation.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import {
  isSameStanding,
  scalarText,
  standingOf,
  standingWrites,
  type Standing,
} from "#core/state/standing.ts";

/** Why a key can't go back. */
export type Irreversible =
  /** max, min: high-water marks. */
  | "high-water"
  /** `revoked` can't be lifted. */
  | "revoked"
  /** Two had written it without knowing of each other; one write can't say that again. */
  | "conflict-then"
  /** A counter so far away that it would take more than `COUNTER_STEPS_MAX` records. */
  | "counter-far"
  /** What stood before was written in a record that isn't kept here. */
  | "not-kept";

/** A key that reads otherwise than it is to. */
export interface Difference {
  readonly key: string;
  readonly type: number;
  readonly now: Standing;
  readonly after: Standing;
  /** Null: the plan's operations make it read so. */
  readonly irreversible: Irreversible | null;
}

export interface Plan {
  /** Only what can be seen to differ. */
  readonly differences: ReadonlyArray<Difference>;
  /** Several may write to one key: `intoRecords` spreads them. */
  readonly operations: ReadonlyArray<Operation>;
}

/** A counter goes back in so many steps at most. */
export const COUNTER_STEPS_MAX = 16;
/** What a record of 8 KiB holds beside header, salt, actor and device. */
const OPERATIONS_BYTES_MAX = 7_680;

/** Lists of at most so many; one empty list for none. */
const chunksOf = <A>(
  items: ReadonlyArray<A>,
  countMax: number,
): ReadonlyArray<ReadonlyArray<A>> => {
  const chunks: Array<ReadonlyArray<A>> = [];
  for (let at = 0; at === 0 || at < items.length; at += countMax) {
    chunks.push(items.slice(at, at + countMax));
  }
  return chunks;
};

/** Writes of one value that together replace all of these. */
export const replacing = (
  target: { readonly key: string; readonly type: number; readonly value: Scalar },
  writes: ReadonlyArray<WriteName>,
): ReadonlyArray<Operation> =>
  chunksOf(
    writes.map(({ epoch, seq }) => ({ epoch, seq })),
    REPLACES_COUNT_MAX,
  ).map((replaces) => ({ ...target, replaces }));

/** The members that are missing are added; those too many are removed. */
const setOperations = (
  key: string,
  entry: Entry | undefined,
  after: Standing,
): ReadonlyArray<Operation> => {
  const writes = entry === undefined ? [] : standingWrites(entry);
  const kept = new Set(after.map(scalarText));
  const present = new Set(writes.map(({ value }) => scalarText(value)));
  const tooMany = writes.filter(({ value }) => !kept.has(scalarText(value)));
  const missing = after.filter((value) => !present.has(scalarText(value)));
  const removals =
    tooMany.length === 0 ? [] : replacing({ key, type: TYPE.set, value: null }, tooMany);
  const additions = missing.map((value) => ({ key, type: TYPE.set, value, replaces: [] }));
  return [...removals, ...additions];
};

/** Steps of a counter that add up to the difference; undefined where there would be too many. */
export const counterSteps = (
  key: string,
  difference: number,
): ReadonlyArray<Operation> | undefined => {
  const operations: Operation[] = [];
  for (let left = difference; left !== 0;) {
    if (operations.length >= COUNTER_STEPS_MAX) return undefined;
    const value = Math.max(-COUNTER_STEP_MAX, Math.min(COUNTER_STEP_MAX, left));
    operations.push({ key, type: TYPE.counter, value, replaces: [] });
    left -= value;
  }
  return operations;
};

/** A key to be brought back. */
interface Reverting extends Omit<Difference, "irreversible"> {
  readonly entry: Entry | undefined;
}

/** The operations that bring the key back, or why there are none. */
const wayBack = (reverting: Reverting): ReadonlyArray<Operation> | Irreversible => {
  const { key, type, entry, now, after } = reverting;
  const [value = null] = after;
  switch (type) {
    case TYPE.set:
      return setOperations(key, entry, after);
    case TYPE.counter:
      return counterSteps(key, Number(value) - Number(now[0])) ?? "counter-far";
    case TYPE.max:
    case TYPE.min:
      return "high-water";
    default:
      if (type === TYPE.safety && now[0] === SAFETY.revoked) return "revoked";
      if (after.length > 1) return "conflict-then";
      return replacing({ key, type, value }, entry === undefined ? [] : standingWrites(entry));
  }
};

/**
 * The entries of one device at two moments → what differs, and the operations that bring it back, for `intoRecords`.
 * `entriesNow` is what their author knows: no other write is replaced.
 */
export const planRevert = (
  entriesNow: ReadonlyArray<Entry>,
  entriesThen: ReadonlyArray<Entry>,
  trueTime: TrueTime,
): Plan => {
  const now = new Map(entriesNow.map((entry) => [entryKeyText(entry), entry]));
  const then = new Map(entriesThen.map((entry) => [entryKeyText(entry), entry]));
  const differences: Difference[] = [];
  const operations: Operation[] = [];
  for (const [text, { key, type }] of new Map([...now, ...then])) {
    const entry = now.get(text);
    const standing = standingOf(entry, type, trueTime);
    const after = standingOf(then.get(text), type, trueTime);
    if (isSameStanding(standing, after)) continue;
    const way = wayBack({ key, type, entry, now: standing, after });
    const irreversible = typeof way === "string" ? way : null;
    differences.push({ key, type, now: standing, after, irreversible });
    if (typeof way !== "string") operations.push(...way);
  }
  return { differences: differences.toSorted(byKey), operations };
};

const byKey = (a: Difference, b: Difference): number => {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.type - b.type;
};

/**
 * Spreads operations over records: in each at most one write to a key and type, and no more than fits. Their order
 * among the records of one epoch doesn't matter.
 */
export const intoRecords = (
  operations: ReadonlyArray<Operation>,
): ReadonlyArray<ReadonlyArray<Operation>> => {
  const records: Array<{ readonly operations: Operation[]; byteCount: number }> = [];
  for (const operation of operations) {
    const byteCount = encodeCbor(encodeOperation(operation)).length;
    const record = records.find(
      (one) =>
        one.operations.length < OPERATIONS_COUNT_MAX &&
        one.byteCount + byteCount <= OPERATIONS_BYTES_MAX &&
        !one.operations.some(({ key, type }) => key === operation.key && type === operation.type),
    );
    if (record === undefined) records.push({ operations: [operation], byteCount });
    else {
      record.operations.push(operation);
      record.byteCount += byteCount;
    }
  }
  return records.map((record) => record.operations);
};
