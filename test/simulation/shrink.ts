/** Makes a plan that fails smaller, as long as it still fails: what is left is what matters. */
import type { Action, Plan } from "#test/simulation/plan.ts";
import { simulate } from "#test/simulation/simulate.ts";

export interface Shrunk {
  readonly plan: Plan;
  readonly violations: ReadonlyArray<string>;
  readonly runCount: number;
}

/** Runs that may be spent on it: half a minute. */
const RUNS_MAX = 300;

/** What failed, without names and numbers: a smaller plan must fail in the same way. */
const natureOf = (violation: string): string =>
  violation
    .replaceAll(/[0-9a-f:]{4,}|\d+|'/g, "")
    .split(" ")
    .slice(1, 6)
    .join(" ");

class Shrinking {
  plan: Plan;
  violations: ReadonlyArray<string> = [];
  runCount = 0;
  #nature = "";

  constructor(plan: Plan) {
    this.plan = plan;
  }

  async begin(): Promise<void> {
    ({ violations: this.violations } = await simulate(this.plan));
    this.#nature = natureOf(this.violations[0] ?? "");
  }

  /** Takes the smaller plan if it fails in the same way. */
  async attempt(smaller: Plan): Promise<boolean> {
    if (this.runCount >= RUNS_MAX) return false;
    this.runCount += 1;
    const { violations } = await simulate(smaller);
    if (violations[0] === undefined || natureOf(violations[0]) !== this.#nature) return false;
    this.plan = smaller;
    this.violations = violations;
    return true;
  }
}

const withActions = (plan: Plan, actions: ReadonlyArray<Action>): Plan => ({ ...plan, actions });

/** Leaves out ever smaller parts of the list. */
const dropActions = async (shrinking: Shrinking): Promise<void> => {
  for (
    let size = Math.ceil(shrinking.plan.actions.length / 2);
    size >= 1;
    size = Math.floor(size / 2)
  ) {
    for (let from = 0; from < shrinking.plan.actions.length;) {
      const { plan } = shrinking;
      const rest = plan.actions.filter((_, index) => index < from || index >= from + size);
      if (!(await shrinking.attempt(withActions(plan, rest)))) from += size;
    }
  }
};

const dropKinds = async (shrinking: Shrinking): Promise<void> => {
  for (const kind of new Set(shrinking.plan.actions.map((action) => action.kind))) {
    const { plan } = shrinking;
    await shrinking.attempt(
      withActions(
        plan,
        plan.actions.filter((action) => action.kind !== kind),
      ),
    );
  }
};

const makeSimpler = async (shrinking: Shrinking): Promise<void> => {
  const { plan } = shrinking;
  const lastMs = plan.actions.at(-1)?.atMs ?? 0;
  await shrinking.attempt({ ...plan, horizonMs: Math.min(plan.horizonMs, lastMs + 1_000) });
  await shrinking.attempt({ ...shrinking.plan, brokerCount: 1 });
  await shrinking.attempt({ ...shrinking.plan, rangeCountMax: 4_096 });
  for (let count = 2; count < plan.gatewayCount; count += 1) {
    if (await shrinking.attempt({ ...shrinking.plan, gatewayCount: count })) return;
  }
};

export const shrink = async (plan: Plan): Promise<Shrunk> => {
  const shrinking = new Shrinking(plan);
  await shrinking.begin();
  if (shrinking.violations.length > 0) {
    await dropKinds(shrinking);
    await dropActions(shrinking);
    await makeSimpler(shrinking);
    await dropActions(shrinking);
  }
  const { violations, runCount } = shrinking;
  return { plan: shrinking.plan, violations, runCount };
};
