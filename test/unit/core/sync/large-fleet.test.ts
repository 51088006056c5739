/** Fleets in which not everybody keeps everything: what passes is folded by all, kept by mirrors and asked of them. */
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { decodeAsk, encodeAsk } from "#core/message/exchange.ts";
import { mirrorsOf, storersOf } from "#core/sync/mirrors.ts";
import { HEAD_PERIOD_MS } from "#core/sync/state.ts";
import type { Roster } from "#core/trust/roster.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import * as E from "fp-ts/lib/Either.js";
import { at } from "#test/unit/core/log/either.ts";
import { tap } from "#test/unit/core/log/sample-epoch.ts";
import { rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import type { Peer } from "#test/unit/core/sync/peer-in-memory.ts";
import { Peers, statesOf } from "#test/unit/core/sync/peers-in-memory.ts";
import { randomFrom } from "#test/unit/core/sync/storm.ts";

const names = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => `gw-${i}`);

/** A fleet that is up, every gateway having written something. */
const fleetOf = (count: number): Peers => {
  const roster = rosterOf(names(count));
  const fleet = new Peers(roster, names(count));
  fleet.run(3_000);
  for (const [i, peer] of fleet.peers.entries()) peer.write([tap(i), tap(i + 1)]);
  fleet.run(1_000);
  return fleet;
};

const keepersOf = ({ peers }: Peers, author: string): ReadonlyArray<string> =>
  peers
    .filter(({ logs }) => [...logs.values()].some((log) => log.author === author && log.kept))
    .map(({ name }) => name)
    .toSorted();

describe("a fleet of 20", () => {
  const fleet = fleetOf(20);

  test("folds all records everywhere, and keeps them at their author and its mirrors", () => {
    expect(statesOf(fleet.peers)).toHaveLength(1);
    for (const { name } of fleet.peers) {
      const keepers = [name, ...mirrorsOf(sha256, fleet.roster, name)].toSorted();
      expect([name, keepersOf(fleet, name)]).toEqual([name, keepers]);
    }
  });

  test("states in heads only what is kept, and tells authors of nothing else", () => {
    for (const { name, seen } of fleet.peers) {
      const stores = storersOf(sha256, fleet.roster, name);
      const said = seen.flatMap((effect) => {
        if (effect._tag === "PublishHead") return effect.authors.map(({ author }) => author);
        return effect._tag === "SendHeld" ? [effect.statement.author] : [];
      });
      expect(said.filter((author) => !stores.has(author))).toEqual([]);
      expect(said.length).toBeGreaterThan(0);
    }
  });

  test("serves records only where they are kept", () => {
    const author = at(fleet.peers, 3);
    const epoch = [...author.logs.values()].find((log) => log.author === author.name)?.head.epoch;
    const ask = { _tag: "AskRange", epoch: epoch ?? new Uint8Array(16), from: 0 } as const;
    const answering = fleet.peers.filter((peer) => {
      const before = peer.seen.length;
      const from = peer === author ? "gw-4" : author.name;
      peer.take({ _tag: "Received", from, channel: "ask", payload: encodeAsk(ask) });
      return peer.seen.slice(before).some(({ _tag }) => _tag === "SendRange");
    });
    const answerers = answering.map(({ name }) => name);
    expect(answerers.toSorted()).toEqual(keepersOf(fleet, author.name));
    fleet.deliver();
  });

  // What a lone record costs the fleet is one message and its acknowledgements; what rest costs, one head each.
  test("comes to rest: a head brings no others about, and is answered by no asks", () => {
    fleet.run(2 * HEAD_PERIOD_MS, 500);
    expect(fleet.chatter(2 * HEAD_PERIOD_MS, "head")).toBeLessThanOrEqual(3 * fleet.peers.length);
    expect(fleet.chatter(2 * HEAD_PERIOD_MS, "ask", "answer")).toBe(0);
  });

  test("asks for epochs only those whose heads said that they keep them", () => {
    const asked = fleet.sent.flatMap(({ channel, payload, to }) => {
      const ask = channel === "ask" ? decodeAsk(payload) : undefined;
      if (ask === undefined || E.isLeft(ask) || ask.right._tag !== "AskEpochs") return [];
      return [{ author: ask.right.author, to: to ?? "" }];
    });
    for (const { author, to } of asked) {
      expect([author, ...mirrorsOf(sha256, fleet.roster, author)]).toContain(to);
    }
  });
});

test("a fleet of 17 folds the same everywhere after losses", () => {
  const lossy = fleetOf(17);
  const random = randomFrom(5);
  lossy.loses = () => random() < 0.3;
  for (let round = 0; round < 4; round += 1) {
    for (const peer of lossy.peers) {
      if (random() < 0.5) peer.write([tap(round)]);
      if (random() < 0.05) peer.restart();
    }
    lossy.run(500, 500);
  }
  expect(statesOf(lossy.peers).length).toBeGreaterThan(1);
  lossy.loses = () => false;
  lossy.run(2 * HEAD_PERIOD_MS + 5_000, 500);
  expect(statesOf(lossy.peers)).toHaveLength(1);
});

/** Another roster, in which those gateways have that status. */
const withStatus = (roster: Roster, status: "retired" | "revoked", ...who: string[]): Roster => ({
  ...roster,
  version: roster.version + 1,
  gateways: roster.gateways.map((gateway) =>
    who.includes(gateway.name) ? { ...gateway, status } : gateway,
  ),
});

const keptWhole = ({ logs, state }: Peer): ReadonlyArray<string> =>
  [...logs.values()]
    .filter(({ author, kept }) => state.stores.has(author) && !kept)
    .map(({ head }) => toHex(head.epoch));

describe("a new roster", () => {
  test("that makes a gateway a mirror makes it fetch all, from the first record on", () => {
    const fleet = fleetOf(18);
    const author = "gw-0";
    const gone = at(mirrorsOf(sha256, fleet.roster, author), 0);
    fleet.believe(withStatus(fleet.roster, "retired", gone));
    const next = mirrorsOf(sha256, fleet.roster, author);
    const came = at(fleet.peers, Number(at(next, -1).slice(3)));
    fleet.run(HEAD_PERIOD_MS + 5_000, 500);
    const asks = came.seen.filter(({ _tag }) => _tag === "SendAsk");
    expect(asks.length).toBeGreaterThan(0);
    expect(keptWhole(came)).toEqual([]);
    expect(keepersOf(fleet, author)).toEqual(expect.arrayContaining([...next]));
    expect(statesOf(fleet.peers)).toHaveLength(1);
  });

  test("that makes the fleet a small one makes all keep all", () => {
    const fleet = fleetOf(17);
    fleet.believe(withStatus(fleet.roster, "retired", "gw-16"));
    fleet.run(HEAD_PERIOD_MS + 5_000, 1_000);
    expect(fleet.peers.flatMap(keptWhole)).toEqual([]);
    expect(statesOf(fleet.peers)).toHaveLength(1);
  });

  test("that revokes a gateway takes its records out everywhere, where they were kept and where they passed", () => {
    for (const count of [17, 18]) {
      const fleet = fleetOf(count);
      fleet.believe(withStatus(fleet.roster, "revoked", "gw-5"));
      fleet.run(HEAD_PERIOD_MS + 2_000, 1_000);
      const honest = fleet.peers.filter(({ name }) => name !== "gw-5");
      const counting = honest.filter(({ logs, cuts }) =>
        [...logs].some(([id, { author }]) => author === "gw-5" && (cuts.get(id) ?? 1) > 0),
      );
      expect([count, counting.map(({ name }) => name)]).toEqual([count, []]);
      expect([count, statesOf(honest).length]).toEqual([count, 1]);
      const heads = fleet.chatter(HEAD_PERIOD_MS, "head");
      expect([count, heads <= 2 * fleet.peers.length]).toEqual([count, true]);
    }
  });
});
