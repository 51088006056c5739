import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkOutStep,
  isPerson,
  rulesOfCheckOut,
  type CheckOutInput,
  type CheckOutOutcome,
  type CheckOutPolicy,
  type CheckOutSession,
} from "#core/verdict/check-out.ts";

const WITHIN_MS = 30_000;
const PEOPLE = ["ada", "bob", "cy"];

const POLICY: CheckOutPolicy = {
  people: [{ key: "kind", values: ["person", "guest"] }],
  holder: "holder",
  withinMs: WITHIN_MS,
};

/** The moment of an input; times come in any order, as readers' clocks may have them. */
const moment = fc.integer({ min: 0, max: 4 * WITHIN_MS });
const person = fc.constantFrom(...PEOPLE);
const input: fc.Arbitrary<CheckOutInput> = fc.oneof(
  fc.record({ _tag: fc.constant("Person" as const), person, monoMs: moment }),
  fc.record({
    _tag: fc.constant("Thing" as const),
    heldBy: fc.uniqueArray(person, { maxLength: 2 }),
    monoMs: moment,
  }),
  fc.record({ _tag: fc.constant("Clock" as const), monoMs: moment }),
);
const session: fc.Arbitrary<CheckOutSession | null> = fc.option(
  fc.record({ person, untilMs: moment, thingCount: fc.nat(9) }),
);

const personIn = (outcome: CheckOutOutcome): string | null =>
  "person" in outcome ? outcome.person : null;

/**
 * The reader's rules told once more, the long way: the whole history is read again at each input. No session is kept.
 */
const told = (history: ReadonlyArray<CheckOutInput>): CheckOutOutcome["_tag"] => {
  let whose: string | null = null;
  let lastMs = 0;
  let said: CheckOutOutcome["_tag"] = "Nothing";
  for (const step of history) {
    const isLate: boolean = whose !== null && step.monoMs - lastMs >= WITHIN_MS;
    const before: string | null = isLate ? null : whose;
    whose = before;
    if (step._tag === "Clock") said = isLate ? "TimeOver" : "Nothing";
    if (step._tag === "Person") {
      said = step.person === before ? "Ended" : "Begun";
      whose = said === "Begun" ? step.person : null;
      lastMs = step.monoMs;
    }
    if (step._tag === "Thing") {
      if (before === null) said = "PersonFirst";
      else said = step.heldBy.includes(before) ? "CheckedIn" : "CheckedOut";
      lastMs = step.monoMs;
    }
  }
  return said;
};

const known = (device: string, kind: string): Parameters<typeof isPerson>[1] => ({
  device,
  has: (key, value) => key === "kind" && value === kind,
});

const rules = (outcome: CheckOutOutcome): unknown => rulesOfCheckOut(POLICY, outcome);
const claim = (value: string | null): unknown => [
  { _tag: "Claim", key: "holder", to: { _tag: "Literal", value } },
];

describe("check-out", () => {
  test("every history of taps gives what the rules say, read from its beginning", () => {
    const steps = fc.array(
      fc.tuple(input, fc.constantFrom(0, 1, 900, WITHIN_MS - 1, WITHIN_MS, 2 * WITHIN_MS)),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(steps, (taps) => {
        let now: CheckOutSession | null = null;
        let monoMs = 0;
        const history: CheckOutInput[] = [];
        for (const [tap, laterMs] of taps) {
          monoMs += laterMs;
          history.push({ ...tap, monoMs });
          const step = checkOutStep(now, { ...tap, monoMs }, WITHIN_MS);
          expect(step.outcome._tag).toBe(told(history));
          now = step.session;
        }
      }),
    );
  });

  test("a thing goes to or comes from nobody but the person whose session it is", () => {
    fc.assert(
      fc.property(session, input, (before, tap) => {
        const { session: after, outcome } = checkOutStep(before, tap, WITHIN_MS);
        fc.pre(outcome._tag === "CheckedOut" || outcome._tag === "CheckedIn");
        expect(tap._tag).toBe("Thing");
        expect([personIn(outcome), after?.person]).toEqual([before?.person, before?.person]);
      }),
    );
  });

  test("a session is begun by a badge alone, and is one person's", () => {
    fc.assert(
      fc.property(input, (tap) => {
        const { session: after } = checkOutStep(null, tap, WITHIN_MS);
        expect(after?.person).toBe(tap._tag === "Person" ? tap.person : undefined);
      }),
    );
  });

  test("what is over has no part in anything", () => {
    fc.assert(
      fc.property(session, input, (before, tap) => {
        fc.pre(before !== null && tap.monoMs >= before.untilMs && tap._tag !== "Clock");
        expect(checkOutStep(before, tap, WITHIN_MS)).toEqual(checkOutStep(null, tap, WITHIN_MS));
      }),
    );
  });

  test("a thing in time counts, and never shortens the time", () => {
    fc.assert(
      fc.property(session, input, (before, tap) => {
        fc.pre(before !== null && tap.monoMs < before.untilMs && tap._tag === "Thing");
        const { session: after } = checkOutStep(before, tap, WITHIN_MS);
        const untilMs = Math.max(before.untilMs, tap.monoMs + WITHIN_MS);
        expect(after).toEqual({ ...before, untilMs, thingCount: before.thingCount + 1 });
      }),
    );
  });

  test("the clock ends what is over, and changes nothing else", () => {
    fc.assert(
      fc.property(session, moment, (before, monoMs) => {
        const { session: after } = checkOutStep(before, { _tag: "Clock", monoMs }, WITHIN_MS);
        expect(after).toEqual(before !== null && monoMs >= before.untilMs ? null : before);
      }),
    );
  });

  test("a person who badges, holds things and badges again is told how many there were", () => {
    const taps: ReadonlyArray<CheckOutInput> = [
      { _tag: "Person", person: "ada", monoMs: 0 },
      { _tag: "Thing", heldBy: [], monoMs: 1_000 },
      { _tag: "Thing", heldBy: ["ada"], monoMs: 2_000 },
      { _tag: "Person", person: "ada", monoMs: 3_000 },
    ];
    let now: CheckOutSession | null = null;
    const outcomes = taps.map((tap) => {
      const step = checkOutStep(now, tap, WITHIN_MS);
      now = step.session;
      return step.outcome;
    });
    expect(outcomes).toEqual([
      { _tag: "Begun", person: "ada", withinMs: WITHIN_MS },
      { _tag: "CheckedOut", person: "ada" },
      { _tag: "CheckedIn", person: "ada" },
      { _tag: "Ended", person: "ada", thingCount: 2 },
    ]);
    const step = checkOutStep(
      { person: "ada", untilMs: 5, thingCount: 0 },
      { _tag: "Clock", monoMs: 5 },
      5,
    );
    expect(step).toEqual({
      session: null,
      outcome: { _tag: "TimeOver", person: "ada", thingCount: 0 },
    });
  });

  test("who says to have it in a conflict brings it back; anybody else takes it over", () => {
    const ofAda: CheckOutSession = { person: "ada", untilMs: 10, thingCount: 0 };
    const held = (heldBy: ReadonlyArray<string>): string =>
      checkOutStep(ofAda, { _tag: "Thing", heldBy, monoMs: 1 }, WITHIN_MS).outcome._tag;
    expect([held([]), held(["bob"]), held(["bob", "ada"]), held(["bob", "cy"])]).toEqual([
      "CheckedOut",
      "CheckedOut",
      "CheckedIn",
      "CheckedOut",
    ]);
  });

  test("a person has one of the values of every key that is asked for", () => {
    const asks = {
      ...POLICY,
      people: [...POLICY.people, { key: "device", values: ["ada", "bob"] }],
    };
    expect(isPerson(asks, known("ada", "guest"))).toBe(true);
    expect(isPerson(asks, known("ada", "tool"))).toBe(false);
    expect(isPerson(asks, known("eve", "person"))).toBe(false);
  });

  test("only what goes out or comes back writes, and to the holder's key alone", () => {
    expect(rules({ _tag: "CheckedOut", person: "ada" })).toEqual(claim("ada"));
    expect(rules({ _tag: "CheckedIn", person: "ada" })).toEqual(claim(null));
    for (const outcome of [
      { _tag: "Begun", person: "ada", withinMs: WITHIN_MS },
      { _tag: "Ended", person: "ada", thingCount: 1 },
      { _tag: "TimeOver", person: "ada", thingCount: 0 },
      { _tag: "PersonFirst" },
      { _tag: "Nothing" },
    ] as const) {
      expect(rules(outcome)).toEqual([]);
    }
  });
});
