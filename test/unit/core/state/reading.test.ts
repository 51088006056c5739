/** What entries read as: conflicts, members, lifted safety, and clocks that were wrong. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { Clocks, recordedTime, type TrueTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE, type Operation, type Scalar, type WriteName } from "#core/log/operation.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import type { Fact } from "#core/state/facts.ts";
import type { FoldedRecord } from "#core/state/fold.ts";
import {
  conflictOf,
  decidingWrite,
  membersOf,
  valueOf,
  writesOfMember,
} from "#core/state/reading.ts";
import { at } from "#test/unit/core/log/either.ts";
import { causalHistory, knowingHistory } from "#test/unit/core/state/causal-history.ts";
import { epochOf, folded, order, recordOf, type History } from "#test/unit/core/state/histories.ts";
import { expected, nameOf, survivors, writesOf } from "#test/unit/core/state/model.ts";

const AUTHORS = [0, 1, 2];

const opened: ReadonlyArray<Fact> = AUTHORS.map((author) => ({
  _tag: "Opened",
  epoch: toHex(epochOf(author)),
  gateway: `gateway-${author}`,
  bootId: "b0",
  clockClass: 0,
}));

/** A few fixes of these boots, and of boots of other gateways by the same name. */
const fixes: fc.Arbitrary<ReadonlyArray<Fact>> = fc.array(
  fc.record({
    _tag: fc.constant("ClockFixed" as const),
    gateway: fc.constantFrom("gateway-0", "gateway-1", "gateway-9"),
    bootId: fc.constantFrom("b0", "b1"),
    monoMs: fc.nat(12),
    wallAtBootMs: fc.nat(6),
    plusMinusMs: fc.constant(1),
  }),
  { maxLength: 5 },
);

/** By looking through all fixes. */
const slowTrueTime =
  (facts: ReadonlyArray<Fact>): TrueTime =>
  ({ epoch, wallMs, monoMs }) => {
    const author = AUTHORS.find((candidate) => toHex(epochOf(candidate)) === toHex(epoch));
    const own = facts.flatMap((fact) =>
      fact._tag === "ClockFixed" && fact.gateway === `gateway-${author}` && fact.bootId === "b0"
        ? [fact]
        : [],
    );
    const [best] = own.toSorted(
      (a, b) =>
        Math.abs(a.monoMs - monoMs) - Math.abs(b.monoMs - monoMs) ||
        b.monoMs - a.monoMs ||
        b.wallAtBootMs - a.wallAtBootMs,
    );
    return best === undefined ? wallMs : best.wallAtBootMs + monoMs;
  };

const readAll = (
  entries: Iterable<readonly [string, Entry]>,
  trueTime: TrueTime,
): ReadonlyMap<string, readonly [Scalar, string]> =>
  new Map(
    [...entries].map(([key, entry]) => [
      key,
      [valueOf(entry, trueTime), nameOf(decidingWrite(entry, trueTime))],
    ]),
  );

test("clock fixes, whenever and in whatever order they come, order the writes that did not know each other", () => {
  fc.assert(
    fc.property(causalHistory, order, fc.tuple(fixes, fc.nat()), (history, [picks], said) => {
      const [facts, seed] = said;
      const { entries } = folded(history, picks);
      const all = [...opened, ...facts];
      const late = new Clocks(all.slice(0, seed % (all.length + 1)));
      for (const fact of all.slice(seed % (all.length + 1))) late.learn(fact);
      const wanted = new Map(
        [...writesOf(history)]
          .filter(([entry]) => entry.split(" ")[1] !== "99")
          .map(([entry, writes]) => [entry, expected(entry, writes, slowTrueTime(facts))]),
      );
      expect(readAll(entries, late.trueTime)).toEqual(wanted);
      expect(readAll(entries, new Clocks(all.toReversed()).trueTime)).toEqual(wanted);
    }),
    { numRuns: 400 },
  );
});

const authorOf = ({ epoch }: { readonly epoch: Uint8Array }): number =>
  AUTHORS.findIndex((author) => toHex(epochOf(author)) === toHex(epoch));

/** The records that write to that entry and that no author knew who wrote to it later: by what was known, not by names. */
const concurrent = (
  history: History,
  knowledge: ReadonlyMap<FoldedRecord, ReadonlyArray<number>>,
  key: string,
): ReadonlyArray<string> => {
  const writers = history.flat().filter(({ body }) => {
    if (body?._tag !== "Change" && body?._tag !== "Void") return false;
    const device = body.device ?? "";
    return body.operations.some((operation) => entryKeyText({ device, ...operation }) === key);
  });
  return writers
    .filter(
      (record) =>
        !writers.some((other) => at(knowledge.get(other) ?? [], authorOf(record)) > record.seq),
    )
    .map(({ epoch, seq }) => `${toHex(epoch)}/${seq}`);
};

test("an exclusive key shows exactly the writes that did not know each other, once there are two", () => {
  fc.assert(
    fc.property(knowingHistory, order, ({ history, knowledge }, [picks]) => {
      for (const [key, entry] of folded(history, picks).entries) {
        const shown = conflictOf(entry, recordedTime).map(nameOf);
        const wanted = entry.type === TYPE.exclusive ? concurrent(history, knowledge, key) : [];
        expect(new Set(shown)).toEqual(new Set(wanted.length > 1 ? wanted : []));
        expect(shown.at(-1) ?? "none").toBe(
          shown.length > 1 ? nameOf(decidingWrite(entry, recordedTime)) : "none",
        );
      }
    }),
    { numRuns: 300 },
  );
});

const text = ({ value }: { readonly value: Scalar }): string => JSON.stringify(value);

test("a set shows each member that survives once, by its newest write", () => {
  fc.assert(
    fc.property(causalHistory, order, (history, [picks]) => {
      const { entries } = folded(history, picks);
      for (const [key, writes] of writesOf(history)) {
        const entry = entries.get(key);
        if (entry === undefined) continue;
        const standing = entry.type === TYPE.set ? survivors(writes, TYPE.set) : [];
        const members = membersOf(entry, recordedTime);
        expect(members.map(text).toSorted()).toEqual([...new Set(standing.map(text))].toSorted());
        for (const member of members) {
          const same = standing.filter((write) => text(write) === text(member));
          expect(new Set(writesOfMember(entry, member.value).map(nameOf))).toEqual(
            new Set(same.map(nameOf)),
          );
          expect(member.wallMs).toBe(Math.max(...same.map(({ wallMs }) => wallMs)));
        }
      }
    }),
    { numRuns: 300 },
  );
});

const by = (
  [author, seq, wallMs]: readonly [number, number, number],
  type: number,
  ...[value, ...replaces]: readonly [Scalar, ...WriteName[]]
): FoldedRecord => {
  const operation: Operation = { key: "key", type, value, replaces };
  return recordOf(author, seq, { device: "cart-1", operations: [operation], wallMs });
};
const name = (author: number, seq: number): WriteName => ({ epoch: epochOf(author), seq });
const entryOf = (...history: History): Entry => {
  const one = folded(history);
  const backwards = Array.from({ length: 9 }, () => 1);
  expect(folded(history, backwards).image()).toEqual(one.image());
  return at([...one.entries.values()], 0);
};
const members = (entry: Entry): ReadonlyArray<Scalar> =>
  membersOf(entry, recordedTime).map(({ value }) => value);

describe("examples, each in both orders", () => {
  const { exclusive, set, safety, register } = TYPE;

  test("two who claim at once are a conflict, until somebody who saw both decides", () => {
    const claims = [[by([0, 0, 5], exclusive, "ann")], [by([1, 0, 3], exclusive, "bob")]];
    const entry = entryOf(...claims);
    expect(conflictOf(entry, recordedTime).map(({ value }) => value)).toEqual(["bob", "ann"]);
    expect(valueOf(entry, recordedTime)).toBe("ann");
    const decided = by([1, 1, 4], exclusive, "bob", name(0, 0), name(1, 0));
    const settled = entryOf(at(claims, 0), [...at(claims, 1), decided]);
    expect(conflictOf(settled, recordedTime)).toEqual([]);
    expect(valueOf(settled, recordedTime)).toBe("bob");
  });

  test("a gateway holds several members; what is removed is what the remover saw, and adding wins", () => {
    const added = [by([0, 0, 1], set, "a"), by([0, 1, 2], set, "b"), by([0, 2, 3], set, "a")];
    expect(members(entryOf(added))).toEqual(["b", "a"]);
    const removal = by([1, 0, 9], set, null, name(0, 0));
    expect(members(entryOf(added, [removal]))).toEqual(["b", "a"]);
    expect(members(entryOf(added.slice(0, 2), [removal]))).toEqual(["b"]);
    const both = by([1, 0, 9], set, null, name(0, 0), name(0, 2));
    expect(members(entryOf(added, [both]))).toEqual(["b"]);
  });

  test("a set from which all was removed has no member and no value", () => {
    const entry = entryOf([by([0, 0, 1], set, "a")], [by([1, 0, 2], set, null, name(0, 0))]);
    expect(members(entry)).toEqual([]);
    expect([valueOf(entry, recordedTime), decidingWrite(entry, recordedTime)]).toEqual([
      null,
      undefined,
    ]);
  });

  test("a raise that the lift did not know of stands; what it named is lifted", () => {
    const lost = by([0, 0, 1], safety, SAFETY.lost);
    const lift = by([1, 0, 9], safety, SAFETY.active, name(0, 0));
    const raise = by([2, 0, 2], safety, SAFETY.suspended);
    expect(valueOf(entryOf([lost], [lift]), recordedTime)).toBe(SAFETY.active);
    expect(valueOf(entryOf([lost], [lift], [raise]), recordedTime)).toBe(SAFETY.suspended);
    expect(valueOf(entryOf([lost], [by([1, 0, 9], safety, SAFETY.active)]), recordedTime)).toBe(
      SAFETY.lost,
    );
  });

  test("revoked stays, whoever names it", () => {
    const revoked = by([0, 0, 1], safety, SAFETY.revoked);
    const lifts = [by([1, 0, 9], safety, SAFETY.active, name(0, 0))];
    expect(valueOf(entryOf([revoked], lifts), recordedTime)).toBe(SAFETY.revoked);
  });

  test("a Pi that thinks it is 2099 loses to one whose write is later, once its clock is fixed", () => {
    const wrong = by([0, 0, Date.UTC(2099)], register, "dock");
    const right = by([1, 0, Date.UTC(2026, 5)], register, "yard");
    const entry = entryOf([wrong], [right]);
    expect(valueOf(entry, recordedTime)).toBe("dock");
    const clocks = new Clocks(opened);
    clocks.learn({
      _tag: "ClockFixed",
      gateway: "gateway-0",
      bootId: "b0",
      monoMs: 90_000_000,
      wallAtBootMs: Date.UTC(2026, 4),
      plusMinusMs: 1_000,
    });
    expect(valueOf(entry, clocks.trueTime)).toBe("yard");
  });
});

test("the least value of a min stands, and nothing raises it again", () => {
  const entry = entryOf(
    [by([0, 0, 1], TYPE.min, 7), by([0, 1, 2], TYPE.min, 9, name(0, 0))],
    [by([1, 0, 3], TYPE.min, 8, name(0, 0))],
  );
  expect(valueOf(entry, recordedTime)).toBe(7);
});
