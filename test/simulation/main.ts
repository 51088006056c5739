/**
 * `make simulate`: SEEDS=300 or SEEDS=301-600 runs many, SEED=123 one, with its trace where TRACE=1. Exit code 1 when a
 * seed fails: then the command that runs it again, and the smallest plan that still fails.
 */
import { availableParallelism } from "node:os";
import { formatAction } from "#test/simulation/plan.ts";
import { Simulator, type SeedOutcome, type Seeds } from "#test/simulation/run-seeds.ts";

const SEEDS_DEFAULT = 300;
const PROCESSES_MAX = 2;

const seedsFrom = ({ SEED, SEEDS }: NodeJS.ProcessEnv): Seeds => {
  if (SEED !== undefined) return { from: Number(SEED), to: Number(SEED) };
  const [first = SEEDS_DEFAULT, last] = (SEEDS ?? String(SEEDS_DEFAULT)).split("-").map(Number);
  return last === undefined ? { from: 1, to: first } : { from: first, to: last };
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const sum = (outcomes: ReadonlyArray<SeedOutcome>, of: (outcome: SeedOutcome) => number): number =>
  outcomes.reduce((total, outcome) => total + of(outcome), 0);

const explain = async (simulator: Simulator, failed: SeedOutcome): Promise<void> => {
  say(`\nseed ${failed.seed} failed; run it again with: make simulate SEED=${failed.seed}`);
  for (const violation of failed.violations) say(`  ${violation}`);
  say("\nlooking for a smaller plan that fails in the same way …");
  const { plan, violations, runCount } = await simulator.shrink(failed.seed);
  const { gatewayCount, brokerCount, horizonMs, rangeCountMax, actions } = plan;
  say(
    `after ${runCount} runs: ${gatewayCount} gateways, ${brokerCount} brokers, ${horizonMs / 1_000} s, ${rangeCountMax} records a Range, ${actions.length} actions`,
  );
  for (const action of actions) say(`  ${formatAction(action)}`);
  for (const violation of violations) say(`  → ${violation}`);
};

const main = async (): Promise<boolean> => {
  const seeds = seedsFrom(process.env);
  await using simulator = await Simulator.build();
  if (process.env["TRACE"] === "1") {
    for (const line of await simulator.lines(["lines", String(seeds.from)])) say(line);
  }
  const startMs = performance.now();
  const processCount = Math.min(PROCESSES_MAX, availableParallelism(), seeds.to - seeds.from + 1);
  const outcomes = await simulator.run(seeds, processCount);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  const events = sum(outcomes, ({ eventCount }) => eventCount);
  const taps = sum(outcomes, ({ tapCount }) => tapCount);
  const records = sum(outcomes, ({ recordCount }) => recordCount);
  say(
    `${outcomes.length} seeds in ${seconds} s: ${taps} taps, ${records} records, ${events} events`,
  );
  const failed = outcomes.filter(({ violations }) => violations.length > 0);
  const first = failed.toSorted((a, b) => a.seed - b.seed)[0];
  if (first !== undefined) await explain(simulator, first);
  return first === undefined;
};

process.exitCode = (await main()) ? 0 : 1;
