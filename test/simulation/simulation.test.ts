/** Seeds of the simulator: what is promised holds in each of them, and each is the same run every time. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Simulator, type SeedOutcome } from "#test/simulation/run-seeds.ts";
import { rounds } from "#test/long.ts";

const SEED_COUNT = rounds(300, 2_000);
const PROCESS_COUNT = 2;

let simulator: Simulator;

beforeAll(async () => {
  simulator = await Simulator.build();
});
afterAll(() => simulator[Symbol.asyncDispose]());

const sum = (outcomes: ReadonlyArray<SeedOutcome>, of: (outcome: SeedOutcome) => number): number =>
  outcomes.reduce((total, outcome) => total + of(outcome), 0);

test(`${SEED_COUNT} seeds keep every promise`, { timeout: rounds(120_000, 900_000) }, async () => {
  const outcomes = await simulator.run({ from: 1, to: SEED_COUNT }, PROCESS_COUNT);
  const failed = outcomes
    .filter(({ violations }) => violations.length > 0)
    .map(({ seed, violations }) => `make simulate SEED=${seed}: ${violations[0]}`);
  expect(failed).toEqual([]);
  expect(outcomes).toHaveLength(SEED_COUNT);
  // They were not idle: taps, records and messages enough for something to go wrong.
  expect(sum(outcomes, ({ tapCount }) => tapCount)).toBeGreaterThan(100 * SEED_COUNT);
  expect(sum(outcomes, ({ recordCount }) => recordCount)).toBeGreaterThan(100 * SEED_COUNT);
  expect(sum(outcomes, ({ messageCount }) => messageCount)).toBeGreaterThan(300 * SEED_COUNT);
});

test("a seed is the same run twice, event by event, and another one another", async () => {
  const seeds = { from: 11, to: 15 };
  const [first, second] = await Promise.all([simulator.run(seeds, 1), simulator.run(seeds, 1)]);
  expect(second).toEqual(first);
  expect(new Set(first.map(({ hash }) => hash)).size).toBe(first.length);
});

test("with real Ed25519 the same seeds hold", async () => {
  const outcomes = await simulator.run({ from: 21, to: 24 }, PROCESS_COUNT, { REAL_CRYPTO: "1" });
  expect(outcomes.flatMap(({ violations }) => violations)).toEqual([]);
  expect(outcomes).toHaveLength(4);
});
