/** A disk that was put back, or that runs twice: who notices, when, and when it is over. */
import { describe, expect, test } from "vitest";
import { encodeRange } from "#core/log/range.ts";
import { encodeAnswer } from "#core/message/exchange.ts";
import { HEAD_PERIOD_MS } from "#core/sync/state.ts";
import { at } from "#test/unit/core/log/either.ts";
import { tap } from "#test/unit/core/log/sample-epoch.ts";
import { rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import type { Log } from "#test/unit/core/sync/log-in-memory.ts";
import type { Peer } from "#test/unit/core/sync/peer-in-memory.ts";
import { Peers } from "#test/unit/core/sync/peers-in-memory.ts";
import { randomFrom } from "#test/unit/core/sync/storm.ts";

const ROSTER = rosterOf(["lobby", "dock", "yard"]);

const fleetOf = (...names: ReadonlyArray<string>): Peers => {
  const fleet = new Peers(ROSTER, names);
  fleet.run(3_000);
  return fleet;
};

/** The alarms about an author that stand, not those that came and went. */
const standing = ({ state }: Peer, author: string): ReadonlyArray<string> => [
  ...(state.restored.has(author) ? ["restored-or-cloned"] : []),
  ...(state.cloned.has(author) ? ["cloned"] : []),
];

const listOf = (logs: ReadonlyArray<Log>): Uint8Array =>
  encodeAnswer({
    _tag: "AnswerEpochs",
    author: "dock",
    epochs: logs.map(({ head, records }) => ({ epoch: head.epoch, size: records.length })),
  });

const raised = ({ seen }: Peer): ReadonlyArray<string> =>
  seen.flatMap((effect) => (effect._tag === "Alarm" ? [`${effect.code} ${effect.author}`] : []));

/** The dock came up with its disk of yesterday, cut off; it opened an epoch before it heard of the newer one. */
const restoredFleet = (): Peers => {
  const fleet = fleetOf("lobby", "dock");
  const dock = at(fleet.peers, 1);
  const yesterday = dock.backup();
  dock.restart();
  fleet.run(3_000);
  dock.write([tap(1), tap(2)]);
  fleet.run(1_000);
  fleet.loses = () => true;
  dock.restart(yesterday);
  fleet.run(3_000);
  fleet.loses = () => false;
  fleet.run(2 * HEAD_PERIOD_MS, 500);
  return fleet;
};

test("a disk of yesterday that didn't wait is noticed, by itself too, and stands until an open names all", () => {
  const fleet = restoredFleet();
  const dock = at(fleet.peers, 1);
  for (const peer of fleet.peers) {
    expect([peer.name, standing(peer, "dock")]).toEqual([peer.name, ["restored-or-cloned"]]);
  }
  dock.rotate();
  fleet.run(1_000);
  for (const peer of fleet.peers) {
    expect([peer.name, standing(peer, "dock")]).toEqual([peer.name, []]);
  }
});

test("a disk of yesterday that waited for its peers names what they had, and nothing is wrong", () => {
  const fleet = fleetOf("lobby", "dock");
  const dock = at(fleet.peers, 1);
  const yesterday = dock.backup();
  dock.restart();
  fleet.run(3_000);
  dock.write([tap(1)]);
  fleet.run(1_000);
  dock.restart(yesterday);
  fleet.peers[0]?.take({ _tag: "Connected" }); // its head is retained
  fleet.run(HEAD_PERIOD_MS);
  expect(fleet.peers.flatMap(raised)).toEqual([]);
});

test("a standing alarm outlives a restart of who noticed", () => {
  const fleet = restoredFleet();
  const lobby = at(fleet.peers, 0);
  lobby.restart();
  fleet.run(HEAD_PERIOD_MS, 500);
  expect(standing(lobby, "dock")).toEqual(["restored-or-cloned"]);
});

/** Two processes with the dock's key and name: the second came up from a copy of the disk. */
const clonedFleet = (): Peers => {
  const fleet = restoredFleet();
  const [lobby, dock] = [at(fleet.peers, 0), at(fleet.peers, 1)];
  const twin = new Peers(ROSTER, ["dock"], 9_000).peers[0];
  if (twin === undefined) throw new Error("no twin");
  twin.write([tap(7)]);
  const tell = (log: Log, from: number): void => {
    const { head, checkpoint, records } = log;
    const range = { epoch: head.epoch, from, checkpoint, proof: [], items: records.slice(from) };
    lobby.take({ _tag: "Received", from: "dock", channel: "tail", payload: encodeRange(range) });
  };
  const own = (): Log => at([...twin.logs.values()], 0);
  tell(own(), 0);
  for (let i = 0; i < 2; i += 1) {
    dock.write([tap(20 + i)]);
    fleet.run(100);
    const from = own().records.length;
    twin.write([tap(30 + i)]);
    tell(own(), from);
  }
  return fleet;
};

test("two processes of one name are two once both grow, and are told of once", () => {
  const fleet = clonedFleet();
  const lobby = at(fleet.peers, 0);
  expect(standing(lobby, "dock")).toEqual(["restored-or-cloned", "cloned"]);
  expect(raised(lobby).filter((alarm) => alarm === "cloned dock")).toHaveLength(1);
});

/** Every order of these. */
const ordersOf = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0
    ? [[]]
    : items.flatMap((first, i) => ordersOf(items.toSpliced(i, 1)).map((rest) => [first, ...rest]));

const newcomerOf = (fleet: Peers, seed: number): Peer => {
  const random = randomFrom(seed);
  fleet.recordsPerRange = 1 + Math.floor(random() * 4);
  // Losses bring epochs in any order.
  fleet.loses = () => random() < 0.3;
  const yard = fleet.join("yard");
  fleet.run(HEAD_PERIOD_MS, 500);
  fleet.loses = () => false;
  fleet.run(2 * HEAD_PERIOD_MS, 500);
  return yard;
};

describe("a newcomer", () => {
  test("raises nothing about a gateway that has named all since, in whatever order its epochs come", () => {
    const fleet = restoredFleet();
    const dock = at(fleet.peers, 1);
    dock.rotate();
    const epochs = [...dock.logs.values()].filter(({ author }) => author === "dock");
    expect(epochs).toHaveLength(4);
    for (const order of ordersOf(epochs)) {
      const yard = new Peers(ROSTER, ["yard"], 9_500).join("yard");
      // What a peer lists comes with the news that there is more to fetch.
      yard.take({ _tag: "Received", from: "lobby", channel: "answer", payload: listOf(epochs) });
      for (const { records: _, ...stored } of order) {
        const input = { _tag: "Stored", stored, from: "lobby", isLive: false } as const;
        yard.take(input);
      }
      expect(raised(yard)).toEqual([]);
      expect(standing(yard, "dock")).toEqual([]);
    }
  });

  test("raises nothing about gateways that were restarted often, in whatever order their epochs come", () => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const fleet = fleetOf("lobby", "dock");
      for (let i = 0; i < 4; i += 1) {
        for (const peer of fleet.peers) {
          peer.write([tap(i), tap(i), tap(i)]);
          peer.rotate();
        }
      }
      const yard = newcomerOf(fleet, seed);
      expect([seed, yard.logs.size > 8, raised(yard)]).toEqual([seed, true, []]);
    }
  });

  test("raises nothing on the way about one that was put back and has named all since", () => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const fleet = restoredFleet();
      at(fleet.peers, 1).rotate();
      fleet.run(1_000);
      const yard = newcomerOf(fleet, seed);
      expect([seed, standing(yard, "dock")]).toEqual([seed, []]);
      expect([seed, raised(yard)]).toEqual([seed, []]);
    }
  });

  test("takes what it fetches for no growth: a disk put back is no clone", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const fleet = fleetOf("lobby", "dock");
      const [, dock] = [at(fleet.peers, 0), at(fleet.peers, 1)];
      const yesterday = dock.backup();
      dock.restart();
      fleet.run(3_000);
      for (let i = 0; i < 12; i += 1) dock.write([tap(i)]);
      fleet.loses = () => true;
      dock.restart(yesterday);
      for (let i = 0; i < 12; i += 1) dock.write([tap(i)]);
      fleet.loses = () => false;
      fleet.run(HEAD_PERIOD_MS, 500);
      const yard = newcomerOf(fleet, seed);
      expect([seed, standing(yard, "dock")]).toEqual([seed, ["restored-or-cloned"]]);
      expect([seed, raised(yard).includes("cloned dock")]).toEqual([seed, false]);
    }
  });
});
