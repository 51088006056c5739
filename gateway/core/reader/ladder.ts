/**
 * How one reader is brought back: a step function that climbs from mild steps to hard ones while the reader fails.
 * Time is an input; whoever feeds it says several times a second whether the reader answers, and carries the steps out.
 */
import type { LadderPlan, RecoveryStep, Rung } from "#core/reader/rungs.ts";

export type LadderInput =
  /** The reader itself has answered lately. */
  | { readonly _tag: "Answers" }
  | {
      readonly _tag: "Fails";
      /** What was found out: milder steps than this can't help. Null: begin with the mildest. */
      readonly from: RecoveryStep | null;
      /** Another reader of this driver answers, and would feel a step that is shared. */
      readonly othersAnswer: boolean;
    }
  /** The step that was asked for has ended. */
  | { readonly _tag: "StepDone"; readonly step: RecoveryStep; readonly isDone: boolean };

export type LadderEffect =
  | { readonly _tag: "Failed" }
  /** Take this step, and answer with `StepDone`. */
  | { readonly _tag: "Take"; readonly step: RecoveryStep }
  /** `by`: the step taken last; null where it came back by itself. */
  | {
      readonly _tag: "Recovered";
      readonly afterMs: number;
      readonly by: RecoveryStep | null;
    }
  /** No step has helped: a person is needed. Tried again after `retryMs`, and so on for ever. */
  | { readonly _tag: "GaveUp"; readonly retryMs: number };

type Phase =
  /** Nothing is wrong, or nothing was said yet. */
  | { readonly _tag: "Sound" }
  /** It answers again, but not yet for long enough to forget what it took. */
  | { readonly _tag: "Healing"; readonly sinceMs: number }
  /** It fails; the next step is due then. */
  | { readonly _tag: "Failing"; readonly sinceMs: number; readonly dueMs: number }
  | { readonly _tag: "GivenUp"; readonly sinceMs: number; readonly retryAtMs: number };

/** A step's account since the gateway's start. */
export interface StepAccount {
  readonly count: number;
  readonly failedCount: number;
  readonly lastMs: number;
}

export interface Ladder {
  readonly phase: Phase;
  /** The lowest rung that was not taken in this climb. */
  readonly next: number;
  /** Climbs that did not help since it was sound. */
  readonly climbCount: number;
  /** The step that is under way. */
  readonly busy: { readonly step: RecoveryStep; readonly sinceMs: number } | null;
  /** The step taken last since it was sound. */
  readonly lastStep: RecoveryStep | null;
  readonly accounts: ReadonlyMap<RecoveryStep, StepAccount>;
}

export interface LadderResult {
  readonly state: Ladder;
  readonly effects: ReadonlyArray<LadderEffect>;
}

/** What a step that failed at once waits before the next: no step is taken twice in a turn. */
const STEP_FAILED_PAUSE_MS = 250;

export const atFoot: Ladder = {
  phase: { _tag: "Sound" },
  next: 0,
  climbCount: 0,
  busy: null,
  lastStep: null,
  accounts: new Map(),
};

const nothing = (state: Ladder): LadderResult => ({ state, effects: [] });

const NEVER_TAKEN: StepAccount = { count: 0, failedCount: 0, lastMs: Number.NEGATIVE_INFINITY };

const onAnswers = (plan: LadderPlan, state: Ladder, monoMs: number): LadderResult => {
  const { phase } = state;
  switch (phase._tag) {
    case "Sound":
      return nothing(state);
    case "Healing":
      if (monoMs - phase.sinceMs < plan.steadyMs) return nothing(state);
      return nothing({ ...atFoot, busy: state.busy, accounts: state.accounts });
    case "Failing":
    case "GivenUp": {
      const afterMs = monoMs - phase.sinceMs;
      return {
        state: { ...state, phase: { _tag: "Healing", sinceMs: monoMs } },
        effects: [{ _tag: "Recovered", afterMs, by: state.lastStep }],
      };
    }
  }
};

type Fails = Extract<LadderInput, { _tag: "Fails" }>;

/**
 * A shared step is not taken over the heads of readers that answer, unless it was found to be what helps;
 * and then only in the first climb.
 */
const isFit = (rung: Rung, state: Ladder, { from, othersAnswer }: Fails): boolean =>
  !rung.isShared || !othersAnswer || (from === rung.step && state.climbCount === 0);

const climb = (plan: LadderPlan, state: Ladder, fails: Fails & At): LadderResult => {
  const { monoMs, from } = fails;
  const lowest = Math.max(
    state.next,
    plan.rungs.findIndex(({ step }) => step === from),
  );
  const index = plan.rungs.findIndex((rung, at) => {
    const { lastMs } = state.accounts.get(rung.step) ?? NEVER_TAKEN;
    return at >= lowest && isFit(rung, state, fails) && monoMs - lastMs >= rung.restMs;
  });
  const rung = plan.rungs[index];
  if (rung === undefined) return giveUp(plan, state, monoMs);
  const { step } = rung;
  const before = state.accounts.get(step) ?? NEVER_TAKEN;
  const account = { ...before, count: before.count + 1, lastMs: monoMs };
  return {
    state: {
      ...state,
      next: index + 1,
      lastStep: step,
      busy: { step, sinceMs: monoMs },
      accounts: new Map(state.accounts).set(step, account),
    },
    effects: [{ _tag: "Take", step }],
  };
};

interface At {
  readonly monoMs: number;
}

const giveUp = (plan: LadderPlan, state: Ladder, monoMs: number): LadderResult => {
  const retryMs = Math.min(plan.retryFirstMs * 2 ** state.climbCount, plan.retryMaxMs);
  const sinceMs = "sinceMs" in state.phase ? state.phase.sinceMs : monoMs;
  return {
    state: {
      ...state,
      phase: { _tag: "GivenUp", sinceMs, retryAtMs: monoMs + retryMs },
      next: 0,
      climbCount: state.climbCount + 1,
    },
    effects: [{ _tag: "GaveUp", retryMs }],
  };
};

const onFails = (plan: LadderPlan, state: Ladder, fails: Fails & At): LadderResult => {
  const { monoMs } = fails;
  const { phase, busy } = state;
  switch (phase._tag) {
    case "Sound":
    case "Healing": {
      const dueMs = monoMs + plan.graceMs;
      return {
        state: { ...state, phase: { _tag: "Failing", sinceMs: monoMs, dueMs } },
        effects: [{ _tag: "Failed" }],
      };
    }
    case "Failing":
      if (busy !== null) {
        if (monoMs - busy.sinceMs < plan.stepTimeoutMs) return nothing(state);
        return onStepDone(plan, state, { step: busy.step, isDone: false, monoMs });
      }
      return monoMs < phase.dueMs ? nothing(state) : climb(plan, state, fails);
    case "GivenUp": {
      if (monoMs < phase.retryAtMs) return nothing(state);
      const { sinceMs } = phase;
      const again = { ...state, phase: { _tag: "Failing", sinceMs, dueMs: monoMs } } as const;
      return climb(plan, again, fails);
    }
  }
};

interface Done extends At {
  readonly step: RecoveryStep;
  readonly isDone: boolean;
}

const onStepDone = (plan: LadderPlan, state: Ladder, done: Done): LadderResult => {
  const { step, isDone, monoMs } = done;
  if (state.busy?.step !== step) return nothing(state); // it was given up before it ended
  const account = state.accounts.get(step) ?? NEVER_TAKEN;
  const failedCount = account.failedCount + (isDone ? 0 : 1);
  const settleMs = plan.rungs.find((rung) => rung.step === step)?.settleMs ?? 0;
  const { phase } = state;
  const dueMs = monoMs + (isDone ? settleMs : STEP_FAILED_PAUSE_MS);
  return nothing({
    ...state,
    busy: null,
    phase: phase._tag === "Failing" ? { ...phase, dueMs } : phase,
    accounts: new Map(state.accounts).set(step, { ...account, failedCount }),
  });
};

/** `monoMs` is now. Effects are to be carried out in their order. */
export const ladderStep = (
  plan: LadderPlan,
  state: Ladder,
  input: LadderInput & At,
): LadderResult => {
  switch (input._tag) {
    case "Answers":
      return onAnswers(plan, state, input.monoMs);
    case "Fails":
      return onFails(plan, state, input);
    case "StepDone":
      return onStepDone(plan, state, input);
  }
};
