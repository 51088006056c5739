import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEBOUNCE_MS,
  nothingSeen,
  onArrival,
  onLeft,
  type ReaderPresence,
} from "#core/verdict/debounce.ts";

/** What a reader reports, at a time since the event before. */
interface Step {
  readonly kind: "arrive" | "leave";
  readonly card: string;
  readonly atStart: boolean;
  readonly afterMs: number;
}

const step = (cards: ReadonlyArray<string>): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constantFrom("arrive", "leave"),
    card: fc.constantFrom(...cards),
    atStart: fc.boolean(),
    afterMs: fc.oneof(
      fc.nat(2 * DEBOUNCE_MS),
      fc.constantFrom(0, 1, DEBOUNCE_MS - 1, DEBOUNCE_MS, DEBOUNCE_MS + 1),
    ),
  });

interface Seen extends Step {
  readonly monoMs: number;
  readonly isTap: boolean;
}

const run = (steps: ReadonlyArray<Step>, lastCard: string | null = null): ReadonlyArray<Seen> => {
  let state: ReaderPresence = nothingSeen(lastCard);
  let monoMs = 1_000;
  return steps.map((taken) => {
    monoMs += taken.afterMs;
    if (taken.kind === "leave") {
      state = onLeft(state, monoMs);
      return { ...taken, monoMs, isTap: false };
    }
    const arrived = onArrival(state, { card: taken.card, atStart: taken.atStart, monoMs });
    ({ state } = arrived);
    return { ...taken, monoMs, isTap: arrived.isTap };
  });
};

const steps = (...cards: ReadonlyArray<string>): fc.Arbitrary<Step[]> =>
  fc.array(step(cards), { maxLength: 30 });

describe("of one card", () => {
  test("no tap within the debounce time of its leaving, and none while it lies there", () => {
    fc.assert(
      fc.property(steps("a"), (taken) => {
        const seen = run(taken);
        for (const [i, { isTap, monoMs }] of seen.entries()) {
          if (!isTap) continue;
          const before = seen.slice(0, i);
          const lastTap = before.findLastIndex((s) => s.isTap);
          // Between two taps it was seen to leave, and the newest leaving that counts is long enough ago.
          const left = before.slice(lastTap + 1).find((s) => s.kind === "leave");
          const isFirst = lastTap < 0;
          const isLongGone = left !== undefined && monoMs - left.monoMs >= DEBOUNCE_MS;
          expect(isFirst || isLongGone).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("away for the debounce time, and its next arrival is a tap, unless the reader only just came up", () => {
    fc.assert(
      fc.property(steps("a"), fc.boolean(), (taken, atStart) => {
        const again: Step[] = [
          { kind: "arrive", card: "a", atStart: false, afterMs: 0 },
          { kind: "leave", card: "a", atStart: false, afterMs: 0 },
          { kind: "arrive", card: "a", atStart, afterMs: DEBOUNCE_MS },
        ];
        expect(run([...taken, ...again]).at(-1)?.isTap).toBe(!atStart);
      }),
    );
  });

  test("the first arrival ever is a tap", () => {
    fc.assert(
      fc.property(step(["a"]), (first) => {
        expect(run([{ ...first, kind: "arrive" }])[0]?.isTap).toBe(true);
      }),
    );
  });
});

test("another card than the last is always a tap", () => {
  fc.assert(
    fc.property(steps("a", "b", "c"), (taken) => {
      const arrivals = run(taken).filter(({ kind }) => kind === "arrive");
      const changes = arrivals.filter(({ card }, i) => card !== arrivals[i - 1]?.card);
      expect(changes.every(({ isTap }) => isTap)).toBe(true);
    }),
  );
});

test("a flicker of the field makes no second tap, however long it goes on", () => {
  const flicker: Step[] = Array.from({ length: 100 }, (_, i) => ({
    kind: i % 2 === 0 ? "arrive" : "leave",
    card: "a",
    atStart: false,
    afterMs: DEBOUNCE_MS - 1,
  }));
  expect(run(flicker).filter(({ isTap }) => isTap)).toHaveLength(1);
});

describe("a card that lies there when the reader comes up", () => {
  const lying: Step = { kind: "arrive", card: "a", atStart: true, afterMs: 60_000 };

  test("is no tap if it made the last one there", () => {
    expect(run([lying], "a")[0]?.isTap).toBe(false);
    // A reader that was lost and came back, with the card on it all the while.
    const first: Step = { ...lying, atStart: false };
    expect(run([first, lying]).map(({ isTap }) => isTap)).toEqual([true, false]);
  });

  test("is a tap if another card did, or none", () => {
    expect(run([lying], "b")[0]?.isTap).toBe(true);
    expect(run([lying])[0]?.isTap).toBe(true);
  });

  test("counts as present, and makes a tap once it has left and come back", () => {
    const leave: Step = { ...lying, kind: "leave", afterMs: 10 };
    const back: Step = { ...lying, atStart: false, afterMs: DEBOUNCE_MS };
    const early: Step = { ...back, afterMs: DEBOUNCE_MS - 1 };
    expect(run([lying, leave, back], "a").at(-1)?.isTap).toBe(true);
    expect(run([lying, leave, early], "a").at(-1)?.isTap).toBe(false);
  });
});

test("leaving twice counts from the first time", () => {
  const state = onArrival(nothingSeen(null), { card: "a", atStart: false, monoMs: 0 }).state;
  const left = onLeft(state, 100);
  expect(onLeft(left, 400)).toEqual(left);
  expect(onArrival(left, { card: "a", atStart: false, monoMs: 600 }).isTap).toBe(true);
});
