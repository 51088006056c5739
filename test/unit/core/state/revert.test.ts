/** Going back to an earlier moment, through the fold itself. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordedTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE, type Scalar } from "#core/log/operation.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import { COUNTER_STEPS_MAX, intoRecords, planRevert, type Plan } from "#core/state/revert.ts";
import { standingOf, standingWrites, type Standing } from "#core/state/standing.ts";
import { at } from "#test/unit/core/log/either.ts";
import { epochOf, Folder } from "#test/unit/core/state/histories.ts";
import {
  allTypesHistory,
  change,
  DEVICES,
  entriesOf,
  knowing,
  learnRest,
  operationFor,
} from "#test/unit/core/state/operator.ts";

const DEVICE = "cart-1";

const standing = (folder: Folder, entry: Entry): Standing =>
  standingOf(folder.entries.get(entryKeyText(entry)), entry.type, recordedTime);

const planFor = (now: Folder, then: Folder, device: string): Plan =>
  planRevert(entriesOf(now, device), entriesOf(then, device), recordedTime);

const apply = (folder: Folder, device: string, plan: Plan): void => {
  for (const operations of intoRecords(plan.operations)) change(folder, device, operations);
};

/** Of each epoch: how much was folded then, and how much more is by now. */
const portions = fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { minLength: 3, maxLength: 3 });
const sizesThen = (known: ReadonlyArray<readonly [number, number]>): ReadonlyArray<number> =>
  known.map(([then]) => then);
const sizesNow = (known: ReadonlyArray<readonly [number, number]>): ReadonlyArray<number> =>
  known.map(([then, more]) => then + more);

/** What stands, by the record that says so. */
const survivors = (folder: Folder): ReadonlyMap<string, number> =>
  new Map(
    [...folder.entries].flatMap(([key, entry]) =>
      entry.content._tag === "Survivors"
        ? standingWrites(entry).map(({ epoch, seq }) => [`${key} ${at([...epoch], 0)} ${seq}`, seq])
        : [],
    ),
  );

describe("a revert, whatever was known", () => {
  test("makes every key read as it did then, but for those that it says can't", () => {
    fc.assert(
      fc.property(allTypesHistory, portions, (history, known) => {
        const now = knowing(history, sizesNow(known));
        const then = knowing(history, sizesThen(known));
        for (const device of DEVICES) {
          const plan = planFor(now, then, device);
          const stood = new Map(entriesOf(now, device).map((e) => [e, standing(now, e)]));
          apply(now, device, plan);
          for (const [entry, before] of stood) {
            const difference = plan.differences.find(({ key }) => key === entry.key);
            const isStuck = (difference?.irreversible ?? null) !== null;
            expect(standing(now, entry)).toEqual(isStuck ? before : standing(then, entry));
            expect(difference?.now ?? before).toEqual(before);
          }
          expect(planFor(now, then, device).operations).toEqual([]);
        }
      }),
      { numRuns: 600 },
    );
  });

  test("replaces nothing that wasn't known, and counts on from there", () => {
    fc.assert(
      fc.property(allTypesHistory, portions, (history, known) => {
        const now = knowing(history, sizesNow(known));
        const unknownFrom = history.map((_, author) => now.foldedSize(epochOf(author)));
        const then = knowing(history, sizesThen(known));
        for (const device of DEVICES) apply(now, device, planFor(now, then, device));
        learnRest(now, history);
        const kept = survivors(now);
        const lost = [...survivors(knowing(history, []))].filter(([name]) => !kept.has(name));
        const unknown = lost.filter(([name, seq]) => {
          const author = Number(name.split(" ")[3]) - 0xe0;
          return seq >= at(unknownFrom, author);
        });
        expect(unknown).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test("says max, min and revoked can't go back, and only where they differ", () => {
    fc.assert(
      fc.property(allTypesHistory, portions, (history, known) => {
        const now = knowing(history, sizesNow(known));
        const then = knowing(history, sizesThen(known));
        for (const { type, now: stands, after, irreversible } of planFor(now, then, DEVICE)
          .differences) {
          expect(stands).not.toEqual(after);
          const isRevoked = type === TYPE.safety && stands[0] === SAFETY.revoked;
          const isHighWater = type === TYPE.max || type === TYPE.min;
          const isConflict = type === TYPE.exclusive && after.length > 1;
          const said = {
            revoked: isRevoked,
            "high-water": isHighWater,
            "conflict-then": isConflict,
          };
          const why = Object.entries(said).find(([, holds]) => holds)?.[0] ?? null;
          expect(irreversible).toBe(why);
        }
      }),
    );
  });
});

/** A device with this under a key, by one record each. */
const having = (type: number, ...values: ReadonlyArray<Scalar>): Folder => {
  const folder = new Folder();
  for (const value of values) {
    const wanted = { key: "k", type, value, removes: [] };
    change(folder, DEVICE, [operationFor(folder, DEVICE, wanted)]);
  }
  return folder;
};

describe("by example", () => {
  test("a key that was not set is unset", () => {
    const plan = planFor(having(TYPE.register, "dock"), new Folder(), DEVICE);
    expect(plan.differences).toEqual([
      { key: "k", type: TYPE.register, now: ["dock"], after: [], irreversible: null },
    ]);
    expect(plan.operations).toMatchObject([{ key: "k", value: null, replaces: [{ seq: 0 }] }]);
  });

  test("a counter goes back by its difference, in steps where that is large", () => {
    const step = 2 ** 31;
    const far = having(TYPE.counter, step, step, 5);
    const then = having(TYPE.counter, 5);
    expect(planFor(far, then, DEVICE).operations.map(({ value }) => value)).toEqual([-step, -step]);
    apply(far, DEVICE, planFor(far, then, DEVICE));
    expect(planFor(far, then, DEVICE).differences).toEqual([]);
  });

  test("a counter that is too far away says so, and nothing is done", () => {
    const steps = Array.from({ length: COUNTER_STEPS_MAX + 1 }, () => 2 ** 31);
    const plan = planFor(having(TYPE.counter, ...steps), new Folder(), DEVICE);
    expect(plan).toMatchObject({ operations: [], differences: [{ irreversible: "counter-far" }] });
  });

  test("a set that has lost and gained many members is itself again, within the limits of records", () => {
    const many = Array.from({ length: 150 }, (_, n) => `member ${n} ${"x".repeat(900)}`);
    const now = having(TYPE.set, ...many.slice(75));
    const then = having(TYPE.set, ...many.slice(0, 75));
    const plan = planFor(now, then, DEVICE);
    expect(at(plan.differences, 0).after).toHaveLength(75);
    apply(now, DEVICE, plan); // which throws for a record that can't be read back
    expect(planFor(now, then, DEVICE).differences).toEqual([]);
  });

  test("a conflict of then can't be said again; a conflict of now is resolved", () => {
    const conflict = new Folder();
    for (const [author, value] of [
      [1, "a"],
      [2, "b"],
    ] as const) {
      const operation = { key: "k", type: TYPE.exclusive, value, replaces: [] };
      const body = { _tag: "Change", actor: { kind: 3, name: "x" }, device: DEVICE } as const;
      const place = { epoch: epochOf(author), seq: 0, wallMs: 0, monoMs: 0 };
      conflict.take({ ...place, body: { ...body, operations: [operation] } });
    }
    const single = having(TYPE.exclusive, "a");
    expect(planFor(single, conflict, DEVICE).differences).toEqual([
      {
        key: "k",
        type: TYPE.exclusive,
        now: ["a"],
        after: ["a", "b"],
        irreversible: "conflict-then",
      },
    ]);
    apply(conflict, DEVICE, planFor(conflict, single, DEVICE));
    expect(planFor(conflict, single, DEVICE).differences).toEqual([]);
  });
});

test("a record holds at most one write to a key, at most 16, and never too many bytes", () => {
  const operation = fc.record({
    key: fc.constantFrom(...Array.from({ length: 20 }, (_, n) => `k${n}`)),
    type: fc.constantFrom(TYPE.register, TYPE.set),
    value: fc.oneof(fc.string({ maxLength: 20 }), fc.constant("ä".repeat(1_000))),
    replaces: fc.constant([]),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const records = intoRecords(operations);
      const folder = new Folder();
      for (const record of records) change(folder, DEVICE, record); // throws for what can't be read back
      expect(records.flat()).toHaveLength(operations.length);
      expect(new Set(records.flat())).toEqual(new Set(operations));
    }),
  );
});
