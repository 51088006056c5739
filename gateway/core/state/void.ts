/**
 * What undoes one record: operations for a `void` record, which replace the writes that it made. A write of it that
 * somebody has replaced since needs no undoing.
 */
import type { TrueTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE, type Operation, type Scalar, type WriteName } from "#core/log/operation.ts";
import { compareNames, isSameName, type Entry, type Write } from "#core/state/entry.ts";
import { fold } from "#core/state/fold.ts";
import { newestOf } from "#core/state/reading.ts";
import { replacing, type Difference, type Irreversible, type Plan } from "#core/state/revert.ts";
import {
  distinct,
  isSameStanding,
  scalarText,
  standingOf,
  standingWrites,
  type Standing,
} from "#core/state/standing.ts";

/** The record that is wrong. */
export interface VoidTarget extends WriteName {
  readonly device: string;
  readonly operations: ReadonlyArray<Operation>;
}

/** A write, and those that its author says it replaced. */
export interface StatedWrite extends Write {
  readonly replaces: ReadonlyArray<WriteName>;
}

const isLaterInEpoch = (a: WriteName, b: WriteName): boolean =>
  compareNames({ ...a, seq: 0 }, { ...b, seq: 0 }) === 0 && a.seq > b.seq;

/**
 * What stood under a key before a record wrote to it. `stated`: the writes that it replaced, by name or as an earlier
 * one of its own epoch. Some may have replaced one another.
 */
export const stoodBefore = (
  stated: ReadonlyArray<StatedWrite>,
  type: number,
  trueTime: TrueTime,
): Standing => {
  const isReplaced = (write: StatedWrite): boolean =>
    stated.some(
      (other) =>
        other.replaces.some((name) => isSameName(name, write)) ||
        (type !== TYPE.set && isLaterInEpoch(other, write)),
    );
  const standing = stated.filter((write) => !isReplaced(write));
  const values = distinct(standing.map(({ value }) => value));
  if (type === TYPE.set) return values.filter((value) => value !== null);
  if (type === TYPE.exclusive && values.length > 1) return values;
  if (type === TYPE.safety) return [Math.max(SAFETY.active, ...values.map(Number))];
  const value = newestOf(standing, trueTime)?.value ?? null;
  return value === null ? [] : [value];
};

/** What is known of a key that the record wrote to. */
interface Undoing {
  readonly target: WriteName;
  readonly operation: Operation;
  /** The record's own write, if nobody has replaced it. */
  readonly own: Write | undefined;
  readonly others: ReadonlyArray<Write>;
  readonly trueTime: TrueTime;
}

/** The member that it added goes, unless it was there before; those that it removed come back. */
const undoSet = (undoing: Undoing, before: Standing): ReadonlyArray<Operation> => {
  const { operation, own, others } = undoing;
  const { key, type, value } = operation;
  const wasThere = new Set(before.map(scalarText));
  const isToGo = own !== undefined && !wasThere.has(scalarText(value));
  const standing = own === undefined || isToGo ? others : [...others, own];
  const isThere = new Set(standing.map((write) => scalarText(write.value)));
  const missing = before.filter((member) => !isThere.has(scalarText(member)));
  return [
    ...(isToGo ? replacing({ key, type, value: null }, [own]) : []),
    ...missing.map((member) => ({ key, type, value: member, replaces: [] })),
  ];
};

/**
 * What others wrote without knowing of the record is what counts without it; the undoing repeats it, because in the
 * epoch of one of those others it would replace that one by itself.
 */
const valueWithout = ({ operation, others, trueTime }: Undoing, before: Standing): Scalar => {
  if (operation.type === TYPE.safety) {
    return Math.max(...[...before, ...others.map(({ value }) => value)].map(Number));
  }
  const newest = newestOf(others, trueTime);
  return newest === undefined ? (before[0] ?? null) : newest.value;
};

type RestoredWrite = Omit<Operation, "replaces">;

/** Of a write that stands: why it can't be undone, or undefined where it can. */
const obstacleTo = (undoing: Undoing, before: Standing | null): Irreversible | undefined => {
  const { type, value } = undoing.operation;
  if (type === TYPE.max || type === TYPE.min) return "high-water";
  if (type === TYPE.safety && value === SAFETY.revoked) return "revoked";
  if (before !== null) {
    return type === TYPE.exclusive && before.length > 1 ? "conflict-then" : undefined;
  }
  // An earlier level of safety counts however many others there are: without it one might seem safer than it is.
  return type === TYPE.safety || undoing.others.length === 0 ? "not-kept" : undefined;
};

/** The operations that undo one write, or why there are none. */
const undo = (
  undoing: Undoing,
  before: Standing | null,
): ReadonlyArray<Operation> | Irreversible => {
  const { operation, own, target } = undoing;
  const { key, type, value } = operation;
  if (type === TYPE.counter) {
    return value === 0 ? [] : [{ key, type, value: -Number(value), replaces: [] }];
  }
  if (type === TYPE.set) return before === null ? "not-kept" : undoSet(undoing, before);
  if (own === undefined) return [];
  const restored = { key, type, value: valueWithout(undoing, before ?? []) };
  return (
    obstacleTo(undoing, before) ?? replacing(restored, [target, ...sameClaims(undoing, restored)])
  );
};

/** exclusive: the others that say what the undoing repeats; beside it they would look like a conflict. */
const sameClaims = ({ others }: Undoing, { type, value }: RestoredWrite): ReadonlyArray<Write> =>
  type === TYPE.exclusive
    ? others.filter((write) => scalarText(write.value) === scalarText(value))
    : [];

/** Later than anything, by an epoch that nobody has. */
const AFTERWARDS = { epoch: new Uint8Array(16), wallMs: Number.MAX_SAFE_INTEGER, monoMs: 0 };

/** The entry as it will be, by the fold itself. */
const entryAfter = (
  device: string,
  entry: Entry | undefined,
  operations: ReadonlyArray<Operation>,
): Entry | undefined =>
  operations.reduce((before, operation, seq) => {
    const actor = { kind: 0, name: "" };
    const body = { _tag: "Change", actor, device, operations: [operation] } as const;
    const reads = { entry: () => before, foldedSize: () => Number.MAX_SAFE_INTEGER };
    return fold({ ...AFTERWARDS, seq, body }, reads)[0] ?? before;
  }, entry);

/**
 * What a void changes, and the operations that do it. `entriesNow`: all of the record's device. `before`: what stood
 * under the key of an operation before the record, by `stoodBefore`; null where that isn't known here. What can't
 * be undone is among the differences, and stays as it is.
 */
export const planVoid = (
  target: VoidTarget,
  entriesNow: ReadonlyArray<Entry>,
  context: {
    readonly before: (operation: Operation) => Standing | null;
    readonly trueTime: TrueTime;
  },
): Plan => {
  const { trueTime } = context;
  const differences: Difference[] = [];
  const operations: Operation[] = [];
  for (const operation of target.operations) {
    const { key, type } = operation;
    const entry = entriesNow.find((one) => one.key === key && one.type === type);
    const writes = entry === undefined ? [] : standingWrites(entry);
    const own = writes.find((write) => isSameName(write, target));
    const others = writes.filter((write) => write !== own);
    const way = undo({ target, operation, own, others, trueTime }, context.before(operation));
    const undoing = typeof way === "string" ? [] : way;
    const now = standingOf(entry, type, trueTime);
    const after = standingOf(entryAfter(target.device, entry, undoing), type, trueTime);
    const irreversible = typeof way === "string" ? way : null;
    if (irreversible !== null || !isSameStanding(now, after)) {
      differences.push({ key, type, now, after, irreversible });
    }
    operations.push(...undoing);
  }
  return { differences, operations };
};
