/** A simulated run, worked out from its seed before it begins: how large it is, and what happens when. */
import { ACTION_KINDS } from "#test/simulation/actions.ts";
import type { ActionGroup } from "#test/simulation/actions/kind.ts";
import { Random } from "#test/simulation/random.ts";

/** One thing that happens. What it needs beyond its gateway it draws from `word`. */
export interface Action {
  readonly atMs: number;
  /** A name in `ACTION_KINDS`. */
  readonly kind: string;
  /** Index of the gateway that it happens to. */
  readonly on: number;
  readonly word: number;
}

export interface Plan {
  readonly seed: number;
  readonly gatewayCount: number;
  readonly brokerCount: number;
  /** With two brokers: only every third gateway is at both, the others at one of them. */
  readonly isSpread: boolean;
  /** Actions end here; then all is healed. */
  readonly horizonMs: number;
  /** Records that one Range carries at most. */
  readonly rangeCountMax: number;
  /** Members of the fleet beside the simulated gateways. */
  readonly members: ReadonlyArray<"liar" | "later">;
  readonly actions: ReadonlyArray<Action>;
}

const MINUTE_MS = 60_000;

/** Faults come in kinds: a run has some of them, so that each is also seen by itself. */
const GROUP_RATE = 0.5;

/** Bursts among them make it some 150 to 400 taps. */
const WORK_COUNT_MIN = 20;
const WORK_COUNT_MAX = 50;
const FAULT_COUNT_MAX = 14;

const drawGroups = (random: Random): ReadonlySet<ActionGroup> => {
  const all = new Set(ACTION_KINDS.map(({ group }) => group));
  return new Set([...all].filter((group) => group === "work" || random.chance(GROUP_RATE)));
};

const drawActions = (
  random: Random,
  shape: Pick<Plan, "gatewayCount" | "horizonMs"> & { readonly groups: ReadonlySet<ActionGroup> },
  counts: { readonly work: number; readonly faults: number },
): ReadonlyArray<Action> => {
  const { groups } = shape;
  const draw = (kinds: typeof ACTION_KINDS): Action => {
    const total = kinds.reduce((sum, { weight }) => sum + weight, 0);
    let left = random.fraction() * total;
    const kind = kinds.find(({ weight }) => (left -= weight) < 0) ?? kinds[0];
    return {
      atMs: random.between(0, shape.horizonMs),
      kind: kind?.name ?? "tap",
      on: random.between(0, shape.gatewayCount - 1),
      word: random.word(),
    };
  };
  const work = ACTION_KINDS.filter(({ group }) => group === "work");
  const faults = ACTION_KINDS.filter(({ group }) => group !== "work" && groups.has(group));
  return [
    ...Array.from({ length: counts.work }, () => draw(work)),
    ...Array.from({ length: faults.length === 0 ? 0 : counts.faults }, () => draw(faults)),
  ].toSorted((a, b) => a.atMs - b.atMs);
};

export const planOf = (seed: number): Plan => {
  const random = new Random(seed);
  const gatewayCount = random.chance(0.5) ? 5 : random.between(2, 5);
  // Most runs are busy minutes; some are an hour in which little happens.
  const horizonMs = (random.chance(0.01) ? 60 : random.between(1, 3)) * MINUTE_MS;
  const work = random.between(WORK_COUNT_MIN, WORK_COUNT_MAX);
  const faults = random.between(0, FAULT_COUNT_MAX);
  const groups = drawGroups(random);
  return {
    seed,
    gatewayCount,
    brokerCount: random.chance(0.5) ? 2 : 1,
    horizonMs,
    isSpread: random.chance(0.3),
    rangeCountMax: random.pick([3, 20, 4_096]),
    members: [
      ...(groups.has("liar") ? (["liar"] as const) : []),
      ...(groups.has("versions") ? (["later"] as const) : []),
    ],
    actions: drawActions(random, { gatewayCount, horizonMs, groups }, { work, faults }),
  };
};

/** As a person reads it, and as it can be typed in again. */
export const formatAction = ({ atMs, kind, on, word }: Action): string =>
  `${(atMs / 1_000).toFixed(3).padStart(10)} s  ${kind} on gateway ${on} (${word})`;
