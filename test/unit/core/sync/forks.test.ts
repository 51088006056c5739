/** An author that signs two histories: wherever they part and whoever has which, all honest gateways cut at one place. */
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { encodeRange } from "#core/log/range.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { consistencyProof, rootOfLeaves } from "#core/log/tree.ts";
import { signCheckpoint } from "#core/log/checkpoint.ts";
import { encodeAnswer, decodeAsk } from "#core/message/exchange.ts";
import { HEAD_PERIOD_MS } from "#core/sync/state.ts";
import * as E from "fp-ts/lib/Either.js";
import { sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import { forkedEpoch } from "#test/unit/core/log/forked-epoch.ts";
import {
  keyOf,
  leavesOf,
  newHead,
  tap,
  type EpochNames,
} from "#test/unit/core/log/sample-epoch.ts";
import { FLEET, gatewayKeyOf, rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import type { Peer } from "#test/unit/core/sync/peer-in-memory.ts";
import { Peers, statesOf } from "#test/unit/core/sync/peers-in-memory.ts";

const HONEST = ["lobby", "dock", "yard"];
const LIAR = "liar";
const ROSTER = rosterOf([...HONEST, LIAR]);

const liarNames = (key: number): EpochNames => ({
  fleet: FLEET,
  gateway: LIAR,
  gatewayKey: gatewayKeyOf(3),
  epochKey: keyOf(key),
});

interface Part {
  readonly names: EpochNames;
  readonly records: ReadonlyArray<RecordBytes>;
  /** Records [from, to) under a checkpoint at `signed`. */
  readonly cut: readonly [from: number, to: number, signed: number];
}

const rangeOf = ({ names, records, cut: [from, to, signed] }: Part): Uint8Array => {
  const { epoch, origin } = newHead(names);
  const leaves = leavesOf(records.slice(0, signed));
  const root = rootOfLeaves(sha256, leaves);
  return encodeRange({
    epoch,
    from,
    checkpoint: signCheckpoint(sha256, { origin, size: signed, root }, names.epochKey),
    proof: consistencyProof(to, signed, (a, b) => rootOfLeaves(sha256, leaves.slice(a, b))),
    items: records.slice(from, to),
  });
};

/** The liar hands a peer its records, group by group, as if they were new. */
const tell = (peer: Peer, { names, records }: Omit<Part, "cut">, first = 0): void => {
  for (let from = first; from < records.length; from += 8) {
    const to = Math.min(from + 8, records.length);
    const payload = rangeOf({ names, records, cut: [from, to, to] });
    peer.take({ _tag: "Received", from: LIAR, channel: "tail", payload });
  }
};

/** Each peer gets another branch. */
const tellEach = (
  { peers }: Peers,
  names: EpochNames,
  branches: ReadonlyArray<ReadonlyArray<RecordBytes>>,
): void => {
  for (const [i, records] of branches.entries()) tell(at(peers, i), { names, records });
};

const fleetOf = (...names: ReadonlyArray<string>): Peers => {
  const fleet = new Peers(ROSTER, names);
  fleet.run(3_000);
  return fleet;
};

/** Where each gateway cuts, how many states there are, whether it is over, and whether a person was told. */
const outcomeOf = (fleet: Peers, { epoch }: { readonly epoch: Uint8Array }): unknown => {
  const id = toHex(epoch);
  const { peers } = fleet;
  const outcome = {
    cuts: peers.map(({ cuts }) => cuts.get(id)),
    forks: peers.map(({ state }) => [...state.forks]),
    states: statesOf(peers).length,
    hunts: peers.flatMap(({ state }) => [...state.hunts]),
    untold: peers.filter(
      ({ seen }) => !seen.some((effect) => effect._tag === "Alarm" && effect.code === "forked"),
    ).length,
  };
  const chatter = fleet.chatter(2 * HEAD_PERIOD_MS, "head", "ask", "answer");
  return { ...outcome, isAtRest: chatter <= 3 * peers.length };
};

const agreement = (
  { peers }: Peers,
  { epoch }: { readonly epoch: Uint8Array },
  size: number,
): unknown => ({
  cuts: peers.map(() => size),
  forks: peers.map(() => [[toHex(epoch), size]]),
  states: 1,
  hunts: [],
  untold: 0,
  isAtRest: true,
});

/** Shared records, and those of the two branches behind them. */
type Shape = readonly [shared: number, one: number, two: number];

const SHAPES: ReadonlyArray<Shape> = [
  ...Array.from({ length: 12 }, (_, shared): Shape => [shared, 3, 3]),
  [1, 30, 30],
  [40, 1, 1],
  [5, 1, 40],
  [5, 40, 1],
  [0, 1, 1],
  [70, 70, 70],
  [130, 5, 90],
];

describe("two branches, each at one peer", () => {
  test.each(SHAPES)("that part at %i, with %i and %i records behind", (...shape) => {
    const [shared, one, two] = shape;
    const names = liarNames(600 + shared);
    const { branches } = forkedEpoch(shared, [one, two], names);
    const fleet = fleetOf("lobby", "dock");
    tellEach(fleet, names, branches);
    fleet.run(2 * HEAD_PERIOD_MS, 1_000);
    expect(outcomeOf(fleet, newHead(names))).toEqual(agreement(fleet, newHead(names), shared));
    // Who comes later and has neither branch learns of it by the records of the others.
    fleet.join("yard");
    fleet.run(2 * HEAD_PERIOD_MS, 1_000);
    expect(outcomeOf(fleet, newHead(names))).toEqual(agreement(fleet, newHead(names), shared));
  });

  test("are found though both grow meanwhile, and what grows on them doesn't count", () => {
    const names = liarNames(900);
    const { branches } = forkedEpoch(6, [60, 60], names);
    const fleet = fleetOf("lobby", "dock", "yard");
    const [lobby, dock] = [at(fleet.peers, 0), at(fleet.peers, 1)];
    for (let size = 10; size <= 60; size += 10) {
      tell(lobby, { names, records: branches[0].slice(0, size) }, size - 10);
      tell(dock, { names, records: branches[1].slice(0, size) }, size - 10);
      fleet.run(10_000, 500);
    }
    fleet.run(2 * HEAD_PERIOD_MS, 1_000);
    expect(outcomeOf(fleet, newHead(names))).toEqual(agreement(fleet, newHead(names), 6));
  });

  test("are found behind a restart of their author, which has opened many epochs since", () => {
    const names = liarNames(901);
    const { branches } = forkedEpoch(4, [3, 3], names);
    const fleet = fleetOf("lobby", "dock");
    tellEach(fleet, names, branches);
    for (let i = 0; i < 20; i += 1) {
      const later = liarNames(910 + i);
      const { branches: same } = forkedEpoch(3, [0, 0], later);
      for (const peer of fleet.peers) tell(peer, { names: later, records: same[0] });
    }
    fleet.run(4 * HEAD_PERIOD_MS, 1_000);
    expect(outcomeOf(fleet, newHead(names))).toEqual(agreement(fleet, newHead(names), 4));
  });

  test("are found though answers get lost", () => {
    const names = liarNames(902);
    const { branches } = forkedEpoch(4, [5, 5], names);
    const fleet = fleetOf("lobby", "dock");
    tellEach(fleet, names, branches);
    fleet.loses = ({ channel }) => channel === "answer";
    fleet.run(2 * HEAD_PERIOD_MS, 1_000);
    fleet.loses = () => false;
    fleet.run(2 * HEAD_PERIOD_MS, 1_000);
    expect(outcomeOf(fleet, newHead(names))).toEqual(agreement(fleet, newHead(names), 4));
  });
});

test("of three branches the place counts where the first one parts", () => {
  const names = liarNames(903);
  const fleet = fleetOf("lobby", "dock", "yard");
  const [lobby, dock, yard] = [at(fleet.peers, 0), at(fleet.peers, 1), at(fleet.peers, 2)];
  const late = forkedEpoch(10, [4, 4], names);
  // The third shares 5 records with both, since all go on from the same ones.
  const early = forkedEpoch(5, [9, 9], names);
  expect(early.branches[1].slice(0, 5)).toEqual(late.branches[0].slice(0, 5));
  fleet.loses = ({ from, to }) => from === "yard" || to === "yard";
  tell(lobby, { names, records: late.branches[0] });
  tell(dock, { names, records: late.branches[1] });
  fleet.run(2 * HEAD_PERIOD_MS, 1_000);
  const epoch = toHex(newHead(names).epoch);
  expect([lobby.cuts.get(epoch), dock.cuts.get(epoch)]).toEqual([10, 10]);
  tell(yard, { names, records: early.branches[1] });
  fleet.loses = () => false;
  fleet.run(4 * HEAD_PERIOD_MS, 1_000);
  expect(outcomeOf(fleet, newHead(names))).toEqual(agreement(fleet, newHead(names), 5));
});

/** Ranges of a peer about the honest author's epoch, none of which its checkpoints sign as they are. */
const garbage = (author: Peer, liar: EpochNames): ReadonlyArray<Uint8Array> => {
  const log = [...author.logs.values()].find((one) => one.author === author.name);
  if (log === undefined) throw new Error("nothing written");
  const { records, checkpoint, head } = log;
  const range = { epoch: head.epoch, from: 0, checkpoint, proof: [], items: records };
  const other = forkedEpoch(3, [9, 0], liar).branches[0];
  return [
    { ...range, items: records.toReversed() },
    { ...range, from: 1, items: records },
    { ...range, items: records.slice(0, -1) },
    { ...range, from: 2, items: records.slice(1) },
    { ...range, from: records.length, items: records.slice(-2) },
    { ...range, from: records.length - 1, items: other.slice(-3) },
    { ...range, items: other },
    { ...range, from: records.length, items: other },
    { ...range, items: [...records, ...other.slice(1)], proof: [sha256(new Uint8Array(1))] },
  ].map(encodeRange);
};

describe("an honest author", () => {
  test("is never cut, whatever a peer says of it, and the hunts end", () => {
    const fleet = fleetOf("lobby", "dock");
    const [lobby, dock] = [at(fleet.peers, 0), at(fleet.peers, 1)];
    for (let i = 0; i < 5; i += 1) dock.write([tap(i), tap(i + 1)]);
    fleet.run(1_000);
    const before = fleet.sent.length;
    for (const channel of ["tail", "answer"] as const) {
      for (const range of garbage(dock, liarNames(904))) {
        const payload = channel === "tail" ? range : encodeAnswer({ _tag: "AnswerRange", range });
        lobby.take({ _tag: "Received", from: LIAR, channel, payload });
        // The liar answers every ask of the hunt with the same again.
        for (let round = 0; round < 400 && lobby.state.hunts.size > 0; round += 1) {
          const again = encodeAnswer({ _tag: "AnswerRange", range });
          lobby.take({ _tag: "Received", from: LIAR, channel: "answer", payload: again });
        }
      }
    }
    fleet.run(HEAD_PERIOD_MS, 1_000);
    for (const { state, cuts, name } of fleet.peers) {
      expect([name, [...state.forks], [...cuts], [...state.hunts]]).toEqual([name, [], [], []]);
    }
    expect(statesOf(fleet.peers)).toHaveLength(1);
    const asks = fleet.sent.slice(before).filter(({ to, channel, payload }) => {
      const ask = to === LIAR && channel === "ask" ? decodeAsk(payload) : undefined;
      return ask !== undefined && E.isRight(ask) && ask.right._tag === "AskRange";
    });
    // A lie costs a few asks, not hundreds.
    expect(asks.length).toBeLessThan(100);
  });

  test("is listened to, though a liar has more suspected of itself than is hunted at once, and is silent then", () => {
    const fleet = fleetOf("lobby", "dock");
    const dock = at(fleet.peers, 1);
    // The liar suspects itself in more epochs than are hunted at once, and is silent from then on.
    for (let i = 0; i < 20; i += 1) {
      const names = liarNames(930 + i);
      const { branches } = forkedEpoch(2, [3, 4], names);
      const payload = rangeOf({ names, records: branches[1], cut: [5, 6, 6] });
      for (const peer of fleet.peers) {
        tell(peer, { names, records: branches[0] });
        peer.take({ _tag: "Received", from: LIAR, channel: "tail", payload });
      }
    }
    for (const { state } of fleet.peers) expect(state.hunts.size).toBeGreaterThan(3);
    const names = liarNames(960);
    const { branches } = forkedEpoch(4, [5, 5], names);
    tellEach(fleet, names, branches);
    dock.write([tap(1)]);
    fleet.run(4 * HEAD_PERIOD_MS, 1_000);
    for (const { state } of fleet.peers) {
      expect([...state.forks]).toEqual([[toHex(newHead(names).epoch), 4]]);
    }
  });
});
