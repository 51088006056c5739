import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  atFoot,
  type Ladder,
  type LadderEffect,
  type LadderInput,
  ladderStep,
} from "#core/reader/ladder.ts";
import { type LadderPlan, planOf, type RecoveryStep } from "#core/reader/rungs.ts";

const PCSC: ReadonlyArray<RecoveryStep> = [
  "reselect",
  "restart-child",
  "restart-pcscd",
  "usb-rebind",
  "port-power",
];
const TWO_STEPS: ReadonlyArray<RecoveryStep> = ["reselect", "reopen"];

interface Taken {
  readonly atMs: number;
  readonly step: RecoveryStep;
}

/** A reader that is fed to its ladder, with every step noted. */
class Bench {
  readonly plan: LadderPlan;
  state: Ladder = atFoot;
  nowMs = 1_000;
  readonly effects: LadderEffect[] = [];
  readonly taken: Taken[] = [];
  readonly gaveUpMs: number[] = [];

  constructor(steps: ReadonlyArray<RecoveryStep>) {
    this.plan = planOf(steps);
  }

  input(input: LadderInput): ReadonlyArray<LadderEffect> {
    const { state, effects } = ladderStep(this.plan, this.state, { ...input, monoMs: this.nowMs });
    this.state = state;
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect._tag === "Take") this.taken.push({ atMs: this.nowMs, step: effect.step });
      if (effect._tag === "GaveUp") this.gaveUpMs.push(this.nowMs);
    }
    return effects;
  }

  fails(fails: { readonly from?: RecoveryStep; readonly othersAnswer?: boolean } = {}): void {
    const { from = null, othersAnswer = false } = fails;
    this.input({ _tag: "Fails", from, othersAnswer });
  }

  /** Fails for so long, seen every 250 ms; each step ends at once. */
  failFor(ms: number, isDone = true, fails: Parameters<Bench["fails"]>[0] = {}): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.fails(fails);
      const step = this.state.busy?.step;
      if (step !== undefined) this.input({ _tag: "StepDone", step, isDone });
      this.nowMs += 250;
    }
  }

  answerFor(ms: number): void {
    const endMs = this.nowMs + ms;
    for (; this.nowMs < endMs; this.nowMs += 250) this.input({ _tag: "Answers" });
  }

  steps(): ReadonlyArray<RecoveryStep> {
    return this.taken.map(({ step }) => step);
  }
}

describe("a climb", () => {
  test("takes the steps from the mildest to the hardest, then gives up and says so", () => {
    const bench = new Bench(PCSC);
    bench.failFor(30_000);
    expect(bench.steps()).toEqual(PCSC);
    expect(bench.effects.at(-1)).toEqual({ _tag: "GaveUp", retryMs: 60_000 });
  });

  test("has the steps of its driver and no others", () => {
    const bench = new Bench(TWO_STEPS);
    bench.failFor(10_000);
    expect(bench.steps()).toEqual(["reselect", "reopen"]);
  });

  test("begins where the cause is known to be: nothing milder is tried", () => {
    const bench = new Bench(PCSC);
    bench.failFor(1_250, true, { from: "restart-pcscd" });
    expect(bench.steps()).toEqual(["restart-pcscd"]);
    expect(bench.taken[0]?.atMs).toBe(2_000); // after the grace
  });

  test("leaves a reader alone that comes back by itself", () => {
    const bench = new Bench(PCSC);
    bench.failFor(1_000);
    bench.answerFor(1_000);
    expect(bench.steps()).toEqual([]);
    expect(bench.effects).toEqual([
      { _tag: "Failed" },
      { _tag: "Recovered", afterMs: 1_000, by: null },
    ]);
  });

  test("says which step helped, and after how long", () => {
    const bench = new Bench(PCSC);
    bench.failFor(2_500);
    bench.answerFor(250);
    expect(bench.effects.at(-1)).toEqual({ _tag: "Recovered", afterMs: 2_500, by: "reselect" });
  });

  test("goes on where it was if the reader did not stay well, and begins anew if it did", () => {
    const bench = new Bench(PCSC);
    bench.failFor(2_000);
    bench.answerFor(59_000);
    bench.failFor(2_000);
    expect(bench.steps()).toEqual(["reselect", "restart-child"]);
    bench.answerFor(61_000);
    bench.failFor(2_000);
    expect(bench.steps()).toEqual(["reselect", "restart-child", "reselect"]);
  });

  test("takes no shared step over the heads of readers that answer", () => {
    const bench = new Bench(PCSC);
    bench.failFor(30_000, true, { othersAnswer: true });
    expect(bench.steps()).toEqual(["reselect", "usb-rebind", "port-power"]);
  });

  test("takes a shared step over their heads once, if it is known to help", () => {
    const bench = new Bench(PCSC);
    bench.failFor(3_600_000, true, { othersAnswer: true, from: "restart-child" });
    expect(bench.steps().filter((step) => step === "restart-child")).toHaveLength(1);
    expect(bench.steps()).not.toContain("restart-pcscd");
  });

  test("a step that never ends counts as failed, and the next is taken", () => {
    const bench = new Bench(PCSC);
    for (; bench.nowMs < 40_000 && bench.steps().length < 2; bench.nowMs += 250) bench.fails();
    expect(bench.steps()).toEqual(["reselect", "restart-child"]);
    expect((bench.taken[1]?.atMs ?? 0) - (bench.taken[0]?.atMs ?? 0)).toBe(30_250);
    expect(bench.state.accounts.get("reselect")).toMatchObject({ count: 1, failedCount: 1 });
    // Its late end is nobody's: the step under way now is another.
    bench.input({ _tag: "StepDone", step: "reselect", isDone: true });
    expect(bench.state.busy?.step).toBe("restart-child");
  });
});

describe("given up", () => {
  test("is tried again for ever, ever later, up to once an hour", () => {
    const bench = new Bench(PCSC);
    bench.failFor(24 * 3_600_000, false);
    const gapsMs = bench.gaveUpMs.slice(1).map((ms, at) => ms - (bench.gaveUpMs[at] ?? 0));
    expect(gapsMs.length).toBeGreaterThan(25);
    for (const [at, gapMs] of gapsMs.entries()) {
      const retryMs = Math.min(60_000 * 2 ** at, 3_600_000);
      expect(gapMs).toBeGreaterThanOrEqual(retryMs);
      expect(gapMs).toBeLessThan(retryMs + 5_000);
    }
  });

  test("ends when the reader answers, and is forgotten once it stays well", () => {
    const bench = new Bench(TWO_STEPS);
    bench.failFor(200_000);
    expect(bench.state.phase._tag).toBe("GivenUp");
    bench.answerFor(250);
    expect(bench.state.phase._tag).toBe("Healing");
    bench.answerFor(60_000);
    expect(bench.state).toMatchObject({ phase: { _tag: "Sound" }, climbCount: 0, next: 0 });
    expect(bench.state.accounts.get("reselect")?.count).toBeGreaterThan(1); // what was done stays told
  });
});

/** A life of a reader: stretches in which it fails or answers, with steps that end well, badly or never. */
const STRETCH = fc.record({
  fails: fc.boolean(),
  ms: fc.integer({ min: 0, max: 400_000 }),
  end: fc.constantFrom("done", "failed", "never"),
  from: fc.constantFrom<RecoveryStep | null>(
    null,
    null,
    "restart-child",
    "restart-pcscd",
    "reopen",
  ),
  othersAnswer: fc.boolean(),
});

type Stretch = typeof STRETCH extends fc.Arbitrary<infer A> ? A : never;

const STEPS = fc.constantFrom<ReadonlyArray<RecoveryStep>>(PCSC, TWO_STEPS, ["reopen"], []);

const live = (bench: Bench, stretches: ReadonlyArray<Stretch>): void => {
  for (const { fails, ms, end, from, othersAnswer } of stretches) {
    const endMs = bench.nowMs + ms;
    for (; bench.nowMs < endMs; bench.nowMs += 500) {
      if (fails) bench.input({ _tag: "Fails", from, othersAnswer });
      else bench.input({ _tag: "Answers" });
      const step = bench.state.busy?.step;
      if (step === undefined || end === "never") continue;
      bench.input({ _tag: "StepDone", step, isDone: end === "done" });
    }
  }
};

describe("whatever happens", () => {
  test("no step is taken more often than its rest allows, nor two at once", () => {
    fc.assert(
      fc.property(STEPS, fc.array(STRETCH, { maxLength: 12 }), (steps, stretches) => {
        const bench = new Bench(steps);
        live(bench, stretches);
        for (const { step, restMs } of bench.plan.rungs) {
          const times = bench.taken.filter((taken) => taken.step === step).map(({ atMs }) => atMs);
          for (const [at, atMs] of times.slice(1).entries()) {
            expect(atMs - (times[at] ?? 0)).toBeGreaterThanOrEqual(restMs);
          }
          expect(bench.state.accounts.get(step)?.count ?? 0).toBe(times.length);
        }
        for (const [at, { atMs }] of bench.taken.slice(1).entries()) {
          expect(atMs).toBeGreaterThan(bench.taken[at]?.atMs ?? 0);
        }
      }),
    );
  });

  test("between two steps of one failure it climbs, or has given up in between", () => {
    fc.assert(
      fc.property(STEPS, fc.array(STRETCH, { maxLength: 12 }), (steps, stretches) => {
        const bench = new Bench(steps);
        live(bench, stretches);
        // After a recovery that held for long enough it begins anew: so these stand apart.
        const climbs: number[][] = [[]];
        for (const effect of bench.effects) {
          if (effect._tag === "GaveUp" || effect._tag === "Recovered") climbs.push([]);
          if (effect._tag !== "Take") continue;
          climbs.at(-1)?.push(bench.plan.rungs.findIndex(({ step }) => step === effect.step));
        }
        for (const climb of climbs) {
          expect(climb).toEqual([...new Set(climb)].toSorted((a, b) => a - b));
        }
      }),
    );
  });

  test("a reader that goes on failing is never forgotten: a step or a giving-up comes within the longest retry", () => {
    fc.assert(
      fc.property(STEPS, fc.array(STRETCH, { maxLength: 8 }), (steps, stretches) => {
        const bench = new Bench(steps);
        live(bench, stretches);
        const before = bench.effects.length;
        // A whole climb and the longest wait after it.
        const withinMs = bench.plan.retryMaxMs + 5 * (bench.plan.stepTimeoutMs + 8_000) + 2_000;
        bench.failFor(withinMs, false);
        const later = bench.effects.slice(before);
        expect(later.some(({ _tag }) => _tag === "GaveUp")).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test("a reader that stays well is forgotten, whatever came before", () => {
    fc.assert(
      fc.property(STEPS, fc.array(STRETCH, { maxLength: 8 }), (steps, stretches) => {
        const bench = new Bench(steps);
        live(bench, stretches);
        bench.answerFor(bench.plan.steadyMs + 500);
        expect(bench.state).toMatchObject({ phase: { _tag: "Sound" }, next: 0, climbCount: 0 });
        const before = bench.effects.length;
        bench.answerFor(10_000);
        expect(bench.effects).toHaveLength(before);
      }),
    );
  });
});
