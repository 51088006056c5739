/** Undoing one record, through the fold itself. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordedTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE, type Operation, type Scalar } from "#core/log/operation.ts";
import { entryKeyText, isSameName, type Entry } from "#core/state/entry.ts";
import type { FoldedRecord } from "#core/state/fold.ts";
import { intoRecords, type Plan } from "#core/state/revert.ts";
import { standingOf, standingWrites, type Standing } from "#core/state/standing.ts";
import { planVoid, stoodBefore, type StatedWrite } from "#core/state/void.ts";
import { at } from "#test/unit/core/log/either.ts";
import { Folder, recordOf, type History } from "#test/unit/core/state/histories.ts";
import {
  allTypesHistory,
  entriesOf,
  knowing,
  operationFor,
  write,
} from "#test/unit/core/state/operator.ts";

const HIGH_WATER: ReadonlySet<number> = new Set([TYPE.max, TYPE.min]);

interface Changed {
  readonly record: FoldedRecord;
  readonly device: string;
  readonly operations: ReadonlyArray<Operation>;
}

const changesOf = (history: History): ReadonlyArray<Changed> =>
  history.flat().flatMap((record) => {
    if (record.body?._tag !== "Change") return [];
    const { device, operations } = record.body;
    return [{ record, device, operations }];
  });

/** What a write replaced: the writes that it names, and but for sets the one before it in its epoch. */
const replacedBy = (
  changes: ReadonlyArray<Changed>,
  target: Changed,
  operation: Operation,
): ReadonlyArray<StatedWrite> => {
  const writes = changes.flatMap(({ record, device, operations }) =>
    operations
      .filter(({ key, type }) => key === operation.key && type === operation.type)
      .filter(() => device === target.device)
      .map(({ value, replaces }): StatedWrite => ({ ...record, value, replaces })),
  );
  const named = writes.filter((one) => operation.replaces.some((name) => isSameName(name, one)));
  const { seq, epoch } = target.record;
  const before = writes.filter(
    (one) => isSameName({ ...one, seq }, { epoch, seq }) && one.seq < seq,
  );
  const last = operation.type === TYPE.set ? undefined : before.at(-1);
  return last === undefined ? named : [...named, last];
};

const planFor = (now: Folder, changes: ReadonlyArray<Changed>, target: Changed): Plan =>
  planVoid({ ...target.record, ...target }, entriesOf(now, target.device), {
    before: (operation) =>
      stoodBefore(replacedBy(changes, target, operation), operation.type, recordedTime),
    trueTime: recordedTime,
  });

/** The operator's `void` records. */
const apply = (folder: Folder, target: Changed, plan: Plan): void => {
  const actor = { kind: 3, name: "tester" };
  const { device } = target;
  for (const operations of intoRecords(plan.operations)) {
    write(folder, { _tag: "Void", actor, target: target.record, device, operations });
  }
};

const standing = (folder: Folder, entry: Entry): Standing =>
  standingOf(folder.entries.get(entryKeyText(entry)), entry.type, recordedTime);

const DEVICE = "cart-1";
const wrote = (author: number, seq: number, ...operations: ReadonlyArray<Operation>): Changed => ({
  record: recordOf(author, seq, { device: DEVICE, operations, wallMs: seq }),
  device: DEVICE,
  operations,
});
const writing = (type: number, value: Scalar, ...replaced: ReadonlyArray<Changed>): Operation => ({
  key: "k",
  type,
  value,
  replaces: replaced.map(({ record: { epoch, seq } }) => ({ epoch, seq })),
});
const foldedAll = (...changes: ReadonlyArray<Changed>): Folder => {
  const folder = new Folder();
  for (const { record } of changes) folder.take(record);
  return folder;
};

describe("a void, of whatever record", () => {
  test("makes the device read as it says, and leaves no write of the record standing", () => {
    fc.assert(
      fc.property(allTypesHistory, fc.nat(), (history, pick) => {
        const changes = changesOf(history);
        if (changes.length === 0) return;
        const target = at(changes, pick % changes.length);
        const now = knowing(history, []);
        const plan = planFor(now, changes, target);
        const stood = new Map(entriesOf(now, target.device).map((e) => [e, standing(now, e)]));
        apply(now, target, plan);
        for (const [entry, before] of stood) {
          const { key, type } = entry;
          const difference = plan.differences.find((one) => one.key === key && one.type === type);
          expect(standing(now, entry)).toEqual(difference?.after ?? before);
        }
        for (const operation of target.operations) {
          if (HIGH_WATER.has(operation.type) || operation.type === TYPE.counter) continue;
          const { key, type } = operation;
          const difference = plan.differences.find((one) => one.key === key && one.type === type);
          if (difference !== undefined && difference.irreversible !== null) continue;
          const entry = entriesOf(now, target.device).find((e) => e.key === key && e.type === type);
          const writes = entry === undefined ? [] : standingWrites(entry);
          expect(writes.filter((one) => isSameName(one, target.record))).toEqual([]);
        }
      }),
      { numRuns: 600 },
    );
  });

  test("replaces no other record's write, but for a claim that it repeats", () => {
    fc.assert(
      fc.property(allTypesHistory, fc.nat(), (history, pick) => {
        const changes = changesOf(history);
        if (changes.length === 0) return;
        const target = at(changes, pick % changes.length);
        const now = knowing(history, []);
        const writes = entriesOf(now, target.device).flatMap((entry) =>
          standingWrites(entry).map((one) => ({ ...one, key: entry.key })),
        );
        for (const { key, type, value, replaces } of planFor(now, changes, target).operations) {
          const others = replaces.filter((name) => !isSameName(name, target.record));
          const repeated = writes.filter(
            (one) => one.key === key && type === TYPE.exclusive && one.value === value,
          );
          for (const name of others) {
            expect(repeated.some((one) => isSameName(one, name))).toBe(true);
          }
        }
      }),
    );
  });

  test("leaves no conflict of claims that say the same", () => {
    const beside = wrote(0, 0, writing(TYPE.exclusive, "ann"));
    const wrong = wrote(1, 0, writing(TYPE.exclusive, "bob"));
    const now = foldedAll(beside, wrong);
    apply(now, wrong, planFor(now, [beside, wrong], wrong));
    const [entry] = entriesOf(now, DEVICE);
    expect(entry === undefined ? [] : standingWrites(entry)).toMatchObject([{ value: "ann" }]);
  });

  const wishes = fc.uniqueArray(
    fc.constantFrom<readonly [number, Scalar]>(
      [TYPE.register, "new"],
      [TYPE.exclusive, "new"],
      [TYPE.set, "new"],
      [TYPE.set, null],
      [TYPE.safety, SAFETY.lost],
      [TYPE.safety, SAFETY.active],
      [TYPE.counter, 3],
    ),
    { minLength: 1, selector: ([type]) => type },
  );

  test("of the newest, which knew of all others, gives what stood before it", () => {
    fc.assert(
      fc.property(allTypesHistory, wishes, (history, wanted) => {
        const before = knowing(history, []);
        const device = "cart-1";
        const operations = wanted.map(([type, value]) =>
          operationFor(before, device, { key: `k${type}`, type, value, removes: ["a", "b", 7] }),
        );
        const now = knowing(history, []);
        const written = recordOf(4, 0, { device, operations, wallMs: 9 });
        now.take(written);
        const target = { record: written, device, operations };
        const plan = planFor(now, changesOf([...history, [written]]), target);
        apply(now, target, plan);
        const conflicts = entriesOf(before, device).filter(
          (entry) => entry.type === TYPE.exclusive && standing(before, entry).length > 1,
        );
        const stuck = plan.differences.filter(({ irreversible }) => irreversible !== null);
        expect(stuck.map(({ irreversible }) => irreversible)).toEqual(
          wanted.some(([type]) => type === TYPE.exclusive)
            ? conflicts.map(() => "conflict-then")
            : [],
        );
        for (const entry of entriesOf(before, device)) {
          const isStuck = stuck.some(({ key }) => key === entry.key);
          expect(standing(now, entry)).toEqual(isStuck ? ["new"] : standing(before, entry));
        }
      }),
      { numRuns: 600 },
    );
  });
});

describe("by example", () => {
  test("what somebody has replaced since needs no undoing", () => {
    const wrong = wrote(0, 0, writing(TYPE.register, "dock"));
    const since = wrote(1, 0, writing(TYPE.register, "yard", wrong));
    expect(planFor(foldedAll(wrong, since), [wrong, since], wrong)).toEqual({
      differences: [],
      operations: [],
    });
  });

  test("a write that stood beside it is what counts then, not what stood before both", () => {
    const first = wrote(0, 0, writing(TYPE.register, "shed"));
    const wrong = wrote(1, 5, writing(TYPE.register, "dock", first));
    const beside = wrote(2, 0, writing(TYPE.register, "yard"));
    const changes = [first, wrong, beside];
    expect(planFor(foldedAll(...changes), changes, wrong).differences).toMatchObject([
      { now: ["dock"], after: ["yard"] },
    ]);
  });

  test("of a safety that was raised, an earlier level comes back, and never a lower one than others say", () => {
    const first = wrote(0, 0, writing(TYPE.safety, SAFETY.suspended));
    const wrong = wrote(1, 0, writing(TYPE.safety, SAFETY.lost, first));
    const beside = wrote(2, 0, writing(TYPE.safety, SAFETY.active));
    const changes = [first, wrong, beside];
    const plan = planFor(foldedAll(...changes), changes, wrong);
    expect(plan.differences).toMatchObject([{ now: [SAFETY.lost], after: [SAFETY.suspended] }]);
  });

  test("of two that stood before it, of which one had replaced the other, that one comes back", () => {
    const first = wrote(0, 9, writing(TYPE.register, "shed")); // its clock is ahead
    const second = wrote(1, 0, writing(TYPE.register, "yard", first));
    const wrong = wrote(2, 0, writing(TYPE.register, "dock", first, second));
    const changes = [first, second, wrong];
    const plan = planFor(foldedAll(...changes), changes, wrong);
    expect(plan.differences).toMatchObject([{ now: ["dock"], after: ["yard"] }]);
  });

  test("revoked, max and min can't be undone, and are said to stay", () => {
    for (const [type, value, why] of [
      [TYPE.safety, SAFETY.revoked, "revoked"],
      [TYPE.max, 9, "high-water"],
      [TYPE.min, -9, "high-water"],
    ] as const) {
      const wrong = wrote(0, 0, writing(type, value));
      expect(planFor(foldedAll(wrong), [wrong], wrong)).toEqual({
        operations: [],
        differences: [{ key: "k", type, now: [value], after: [value], irreversible: why }],
      });
    }
  });

  test("of what isn't kept here nothing is guessed", () => {
    const wrong = wrote(1, 0, writing(TYPE.register, "dock"));
    const context = { before: (): null => null, trueTime: recordedTime };
    const now = foldedAll(wrong);
    const plan = planVoid({ ...wrong.record, ...wrong }, entriesOf(now, DEVICE), context);
    expect(plan).toMatchObject({ operations: [], differences: [{ irreversible: "not-kept" }] });
  });

  test("a member that was there before it was added again stays", () => {
    const first = wrote(0, 0, writing(TYPE.set, "red"));
    const wrong = wrote(1, 0, writing(TYPE.set, "red", first));
    const folder = foldedAll(first, wrong);
    expect(planFor(folder, [first, wrong], wrong)).toEqual({ differences: [], operations: [] });
  });
});
