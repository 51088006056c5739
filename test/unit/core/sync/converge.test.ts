import { describe, expect, test } from "vitest";
import { ASKS_COUNT_MAX, HEAD_PERIOD_MS } from "#core/sync/state.ts";
import { tap } from "#test/unit/core/log/sample-epoch.ts";
import { at } from "#test/unit/core/log/either.ts";
import { toHex } from "#core/bytes.ts";
import { holdings, newFleet, type Fleet } from "#test/unit/core/sync/fleet-in-memory.ts";
import { storm } from "#test/unit/core/sync/storm.ts";

const ROUND_MS = 1_000;
/** Everybody has heard everybody's head, asked, and asked others where that came to nothing. */
const ROUNDS_MAX = (2 * HEAD_PERIOD_MS) / ROUND_MS;
/** Messages that one round may take, answers to answers included: more would be a storm of their own. */
const MESSAGES_MAX = 2_000;

const isConverged = ({ gateways }: Fleet): boolean =>
  new Set(gateways.map((gateway) => holdings(gateway).join("\n"))).size === 1;

/** Lets a fleet come to rest, nothing being lost any more; the rounds that it took. */
const settle = (fleet: Fleet): number => {
  for (let round = 0; round <= ROUNDS_MAX; round += 1) {
    if (fleet.queue.length === 0 && isConverged(fleet)) return round;
    fleet.tick(ROUND_MS);
    let messages = 0;
    while (fleet.deliver()) {
      messages += 1;
      if (messages > MESSAGES_MAX) throw new Error("the fleet talks without end");
    }
  }
  return Number.POSITIVE_INFINITY;
};

/** The most that anybody holds of each epoch. */
const largest = ({ gateways }: Fleet): ReadonlyMap<string, number> => {
  const sizes = new Map<string, number>();
  for (const [id, { head }] of gateways.flatMap(({ disk }) => [...disk])) {
    sizes.set(id, Math.max(sizes.get(id) ?? 0, head.range.size));
  }
  return sizes;
};

/** Epochs of which less is held than somebody held before, or something that their author never wrote. */
const damaged = (fleet: Fleet, held: ReadonlyMap<string, number>): ReadonlyArray<string> => {
  const { disk } = at(fleet.gateways, 0);
  const shrunk = [...held].filter(([id, size]) => (disk.get(id)?.head.range.size ?? 0) < size);
  const invented = [...disk].filter(([id, { records }]) => {
    const written = fleet.world.written.get(id) ?? [];
    return records.some(({ header }, seq) => toHex(header) !== written[seq]);
  });
  return [...shrunk, ...invented].map(([id]) => id);
};

const SEEDS = Array.from({ length: 200 }, (_, i) => i + 1);

describe("after a storm of losses, doubles, restarts and restored disks", () => {
  test("all hold the same within two heads' time, and nothing of what anybody held is lost", () => {
    let epochs = 0;
    let records = 0;
    for (const seed of SEEDS) {
      const fleet = newFleet(seed, 2 + (seed % 2));
      storm(fleet, 60);
      const held = largest(fleet);
      const rounds = settle(fleet);
      expect({ seed, isBounded: rounds <= ROUNDS_MAX }).toEqual({ seed, isBounded: true });
      expect({ seed, damaged: damaged(fleet, held) }).toEqual({ seed, damaged: [] });
      // Among honest gateways nobody has anything to refuse.
      expect({ seed, refused: fleet.gateways.flatMap(({ refused }) => refused) }).toEqual({
        seed,
        refused: [],
      });
      epochs += held.size;
      records += [...held.values()].reduce((sum, size) => sum + size, 0);
    }
    // The storm was one: several epochs a fleet, and records to fetch.
    expect(epochs).toBeGreaterThan(4 * SEEDS.length);
    expect(records).toBeGreaterThan(15 * SEEDS.length);
  });
});

const heldAfter = (seed: number): ReadonlyArray<string> => {
  const fleet = newFleet(seed, 3);
  storm(fleet, 80);
  settle(fleet);
  return holdings(at(fleet.gateways, 0));
};

test("the same seed gives the same fleet, another seed another", () => {
  expect(heldAfter(7)).toEqual(heldAfter(7));
  expect(heldAfter(8)).not.toEqual(heldAfter(7));
});

test("in calm a record is everywhere after one message, without an ask", () => {
  const fleet = newFleet(3, 3);
  settle(fleet);
  at(fleet.gateways, 0).write([tap(1)]);
  expect(fleet.queue.map(({ channel }) => channel)).toEqual(["tail"]);
  expect(fleet.deliver()).toBe(true);
  expect(isConverged(fleet)).toBe(true);
  expect(fleet.queue).toEqual([]);
});

test("a gateway that comes back empty gets everything back, its own old records too", () => {
  const fleet = newFleet(11, 3);
  const [first, second] = [at(fleet.gateways, 0), at(fleet.gateways, 1)];
  for (let i = 0; i < 20; i += 1) {
    first.write([tap(i)]);
    second.write([tap(i)]);
    settle(fleet);
  }
  const before = holdings(second);
  first.start(new Map());
  expect(holdings(first)).toHaveLength(1);
  expect(settle(fleet)).toBeLessThanOrEqual(ROUNDS_MAX);
  expect(holdings(first)).toEqual(expect.arrayContaining([...before]));
});

test("no more asks are under way than may be, however much is missing", () => {
  const fleet = newFleet(5, 2);
  const [first, second] = [at(fleet.gateways, 0), at(fleet.gateways, 1)];
  for (let i = 0; i < 12; i += 1) {
    first.start();
    first.write([tap(i)]);
  }
  while (fleet.deliver("lost"));
  first.take({ _tag: "Connected" });
  let asked = 0;
  for (let round = 0; round < 40; round += 1) {
    fleet.tick(ROUND_MS);
    while (fleet.deliver()) {
      asked = Math.max(asked, second.state.asks.size);
      expect(second.state.asks.size).toBeLessThanOrEqual(ASKS_COUNT_MAX);
    }
  }
  expect(asked).toBeGreaterThan(0);
  expect(isConverged(fleet)).toBe(true);
});
