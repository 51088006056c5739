/** What an entry says, against a plain reading of the rules over all records at once. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SAFETY, TYPE, type Operation, type Scalar, type WriteName } from "#core/log/operation.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import { entryKeyText, type Entry, type Write } from "#core/state/entry.ts";
import * as reading from "#core/state/reading.ts";
import { entriesTouchedBy, fold, type FoldedRecord } from "#core/state/fold.ts";
import { at } from "#test/unit/core/log/either.ts";
import { expected, nameOf, writesOf } from "#test/unit/core/state/model.ts";
import { causalHistory } from "#test/unit/core/state/causal-history.ts";
import {
  arbitraryHistory,
  epochOf,
  folded,
  order,
  recordOf,
  type Folder,
} from "#test/unit/core/state/histories.ts";

const valueOf = (entry: Entry): Scalar => reading.valueOf(entry, recordedTime);
const decidingWrite = (entry: Entry): Write | undefined =>
  reading.decidingWrite(entry, recordedTime);

const said = (folder: Folder): ReadonlyMap<string, readonly [Scalar, string]> =>
  new Map(
    [...folder.entries].map(([key, entry]) => [
      key,
      [valueOf(entry), nameOf(decidingWrite(entry))],
    ]),
  );

describe.each([
  ["as gateways make them", causalHistory],
  ["whose writes name any record", arbitraryHistory],
])("histories %s", (_, histories) => {
  test("every entry reads as the rules say over all writes, and names the write that decides", () => {
    fc.assert(
      fc.property(histories, order, (history, [picks]) => {
        const wanted = new Map(
          [...writesOf(history)]
            .filter(([entry]) => entry.split(" ")[1] !== "99")
            .map(([entry, writes]) => [entry, expected(entry, writes, recordedTime)]),
        );
        expect(said(folded(history, picks))).toEqual(wanted);
      }),
      { numRuns: 400 },
    );
  });
});

const register = (value: Scalar, ...replaces: ReadonlyArray<WriteName>): Operation => ({
  key: "place",
  type: TYPE.register,
  value,
  replaces,
});
const safety = (value: number, ...replaces: ReadonlyArray<WriteName>): Operation => ({
  key: "safety",
  type: TYPE.safety,
  value,
  replaces,
});
const by = (
  [author, seq, wallMs]: readonly [number, number, number],
  ...operations: ReadonlyArray<Operation>
): FoldedRecord => recordOf(author, seq, { device: "cart-1", operations, wallMs });
const A0 = { epoch: epochOf(0), seq: 0 };
const B0 = { epoch: epochOf(1), seq: 0 };

/** The one entry that all these records write to, whatever epoch is folded first. */
const entryOf = (...epochs: ReadonlyArray<ReadonlyArray<FoldedRecord>>): Entry => {
  const [one, other] = [
    folded(epochs),
    folded(
      epochs,
      Array.from({ length: 9 }, () => 1),
    ),
  ];
  expect(other.image()).toEqual(one.image());
  return at([...one.entries.values()], 0);
};

describe("examples, each in both orders", () => {
  test("who knew the other's write wins, however wrong its clock", () => {
    const entry = entryOf(
      [by([0, 0, 999], register("dock"))],
      [by([1, 0, 1], register("yard", A0))],
    );
    expect(valueOf(entry)).toBe("yard");
  });

  test("of writes that did not know each other the later wins; at the same time, the greater epoch", () => {
    expect(
      valueOf(entryOf([by([0, 0, 9], register("dock"))], [by([1, 0, 1], register("yard"))])),
    ).toBe("dock");
    expect(
      valueOf(entryOf([by([0, 0, 5], register("dock"))], [by([1, 0, 5], register("yard"))])),
    ).toBe("yard");
  });

  test("within an epoch the later write replaces the earlier one by itself", () => {
    const entry = entryOf([by([0, 0, 9], register("dock")), by([0, 1, 1], register("yard"))]);
    expect(valueOf(entry)).toBe("yard");
  });

  test("a lift lifts what it names, and a raise that it did not know stands", () => {
    const raised = [by([0, 0, 1], safety(SAFETY.lost))];
    const lift = by([1, 0, 5], safety(SAFETY.active, A0));
    expect(valueOf(entryOf(raised, [lift]))).toBe(SAFETY.active);
    const concurrent = [by([2, 0, 0], safety(SAFETY.suspended))];
    expect(valueOf(entryOf(raised, [lift], concurrent))).toBe(SAFETY.suspended);
  });

  test("revoked can't be lifted, by nobody: not by name, not by the same epoch, not before it is seen", () => {
    const revoked = by([0, 0, 1], safety(SAFETY.revoked));
    expect(valueOf(entryOf([revoked], [by([1, 0, 5], safety(SAFETY.active, A0))]))).toBe(
      SAFETY.revoked,
    );
    expect(valueOf(entryOf([revoked, by([0, 1, 5], safety(SAFETY.active, A0))]))).toBe(
      SAFETY.revoked,
    );
  });

  test("what was replaced before it came never shows", () => {
    const late = by([0, 0, 99], register("dock"));
    const replaced = by([1, 0, 1], register("yard", A0));
    const inOrder = folded([[late], [replaced]], [1, 0]);
    const [entry] = [...inOrder.entries.values()];
    expect(entry?.content).toMatchObject({ writes: [{ value: "yard" }], awaited: [] });
  });

  test("a write that names one that came before it in another epoch does not bring it back", () => {
    const chain = entryOf(
      [by([0, 0, 1], register("one")), by([0, 1, 1], register("three", B0))],
      [by([1, 0, 9], register("two", A0))],
    );
    expect(valueOf(chain)).toBe("three");
  });

  test("an entry of which everything is replaced reads as nothing", () => {
    const [a, b] = [by([0, 0, 1], register("one", B0)), by([1, 0, 1], register("two", A0))];
    const entry = entryOf([a], [b]);
    expect([valueOf(entry), decidingWrite(entry)]).toEqual([null, undefined]);
  });
});

const near = (sum: number): Entry => ({
  device: "cart-1",
  key: "visits",
  type: TYPE.counter,
  content: { _tag: "Counter", sum, newest: { ...A0, value: 1, wallMs: 0, monoMs: 0 } },
});

/** A counter that stands at `sum`, after these steps by another epoch. */
const count = (sum: number, ...steps: ReadonlyArray<number>): Scalar =>
  steps.reduce<Scalar>((before, value, i) => {
    const operation = { key: "visits", type: TYPE.counter, value, replaces: [] };
    const [entry] = fold(by([1, i, 1], operation), {
      entry: () => near(Number(before)),
      foldedSize: () => i,
    });
    return entry === undefined ? null : valueOf(entry);
  }, sum);

test("a counter wraps at 2^52, the same way in every order", () => {
  const step = 2 ** 31;
  expect(count(2 ** 52 - 1, 1)).toBe(-(2 ** 52));
  expect(count(-(2 ** 52), -1)).toBe(2 ** 52 - 1);
  expect(count(2 ** 52 - 1, step, -step)).toBe(2 ** 52 - 1);
  expect(count(2 ** 52 - 1, -step, step)).toBe(2 ** 52 - 1);
  expect(count(0, 5, -7)).toBe(-2);
});

test("only records that change a device touch entries, and exactly those that they fold to", () => {
  fc.assert(
    fc.property(causalHistory, (history) => {
      for (const record of history.flat()) {
        const touched = entriesTouchedBy(record.body).map(entryKeyText);
        const changed = fold(record, { entry: () => undefined, foldedSize: () => 0 });
        expect(changed.map(entryKeyText)).toEqual(touched);
      }
    }),
  );
  const actor = { kind: 0, name: "gateway" };
  const reads = { entry: (): undefined => undefined, foldedSize: (): number => 0 };
  for (const body of [undefined, { _tag: "Close", actor, reason: 0 } as const]) {
    expect(entriesTouchedBy(body)).toEqual([]);
    expect(fold({ ...A0, wallMs: 0, monoMs: 0, body }, reads)).toEqual([]);
  }
});
