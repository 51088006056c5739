/** Runs one plan from its first event to the verdict. */
import { ACTION_KINDS } from "#test/simulation/actions.ts";
import { HEAD_PERIOD_MS } from "#core/sync/state.ts";
import { checkAtEnd, differenceOf, largestSizes } from "#test/simulation/invariants.ts";
import type { Plan } from "#test/simulation/plan.ts";
import { Random } from "#test/simulation/random.ts";
import { World } from "#test/simulation/world.ts";

export interface Outcome {
  readonly seed: number;
  /** Over everything that happened, in its order. */
  readonly hash: string;
  /** What was promised and not kept; empty: all is well. */
  readonly violations: ReadonlyArray<string>;
  readonly eventCount: number;
  readonly messageCount: number;
  readonly tapCount: number;
  readonly recordCount: number;
  /** From the healing until all honest gateways held the same. */
  readonly settledMs: number;
  readonly lines: ReadonlyArray<string>;
}

/** Two rounds of heads, and what the last asks take. */
const SETTLE_MS: number = 2 * HEAD_PERIOD_MS + 15_000;
const LOOK_PERIOD_MS = 3_000;
/** A run that goes on for ever is a bug too. */
const EVENTS_MAX = 150_000;

const ACT_BY_NAME = new Map(ACTION_KINDS.map((kind) => [kind.name, kind.act]));

const schedule = (world: World, plan: Plan): void => {
  for (const [index, gateway] of world.gateways.entries()) {
    world.scheduler.after(index * 50, `${gateway.machine} starts`, () =>
      gateway.start({ startsIn1970: false }),
    );
  }
  for (const { atMs, kind, on, word } of plan.actions) {
    const gateway = world.gateways[on];
    const act = ACT_BY_NAME.get(kind);
    if (gateway === undefined || act === undefined) continue;
    world.scheduler.after(atMs, `${kind} on ${gateway.machine}`, () =>
      act({ world, gateway, random: new Random(word) }),
    );
  }
};

/** Lets the fleet settle; how long it took, or what it was given. */
const settle = async (world: World, isOver: () => boolean): Promise<number> => {
  const startMs = world.scheduler.nowMs;
  while (world.scheduler.nowMs - startMs < SETTLE_MS && !isOver()) {
    await world.scheduler.runUntil(world.scheduler.nowMs + LOOK_PERIOD_MS, isOver);
    if (world.isQuiet() && differenceOf(world) === undefined) break;
  }
  return world.scheduler.nowMs - startMs;
};

export const simulate = async (plan: Plan, keepLines = false): Promise<Outcome> => {
  const world = new World(plan);
  const { scheduler, ledger } = world;
  if (keepLines) scheduler.trace.lines = [];
  const isOver = (): boolean => {
    if (scheduler.trace.eventCount > EVENTS_MAX) ledger.violated("the fleet talks without end");
    return ledger.violations.length > 0;
  };
  const onRejection = (error: unknown): void => world.failed(error);
  process.on("unhandledRejection", onRejection);
  let settledMs = 0;
  try {
    schedule(world, plan);
    await scheduler.runUntil(plan.horizonMs, isOver);
    world.heal();
    const expected = largestSizes(world);
    settledMs = await settle(world, isOver);
    if (ledger.violations.length === 0) checkAtEnd(world, expected);
  } catch (error) {
    world.failed(error);
  } finally {
    process.off("unhandledRejection", onRejection);
  }
  for (const gateway of world.gateways) {
    scheduler.trace.note(0, gateway.process?.store.state.digest ?? "off");
  }
  return {
    seed: plan.seed,
    hash: scheduler.trace.hash,
    violations: ledger.violations,
    eventCount: scheduler.trace.eventCount,
    messageCount: world.network.messageCount,
    tapCount: world.taps.size,
    recordCount: [...largestSizes(world).values()].reduce((sum, size) => sum + size, 0),
    settledMs,
    lines: scheduler.trace.lines ?? [],
  };
};
