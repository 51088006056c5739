/** When an epoch is opened that no tap asks for. */
import { expect, test } from "vitest";
import { initialSync } from "#core/sync/initial.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import { HEADS_WAIT_MIN_MS, HEADS_WAIT_MS, type SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Roster } from "#core/trust/roster.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import { append, keyOf, newHead, openDraft, tap } from "#test/unit/core/log/sample-epoch.ts";
import { FLEET, gatewayKeyOf, rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import { DOCK, NOW_MS, signedHead, STATE } from "#test/unit/core/sync/one-gateway.ts";
import { Peers } from "#test/unit/core/sync/peers-in-memory.ts";
import { at } from "#test/unit/core/log/either.ts";

class Rig {
  state: SyncState;
  nowMs = NOW_MS;
  /** When an epoch was to be opened, counted from the connection. */
  readonly opened: number[] = [];

  constructor(state: SyncState) {
    this.state = state;
    this.take({ _tag: "Connected" });
  }

  take(input: SyncInput): void {
    const { state, effects } = step({ crypto: nodeCrypto, nowMs: this.nowMs }, this.state, input);
    this.state = state;
    for (const { _tag } of effects) if (_tag === "OpenEpoch") this.opened.push(this.nowMs - NOW_MS);
  }

  wait(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += 10;
      this.take({ _tag: "Ticked" });
    }
  }
}

const stateOf = (roster: Roster): SyncState =>
  initialSync(nodeCrypto, {
    self: "lobby",
    roster,
    replica: new Map(STATE.replica),
    forks: new Map(),
    holes: new Map(),
  });

const alone = (status: "retired" | "revoked"): Roster => ({
  ...rosterOf(["lobby"]),
  gateways: rosterOf(["lobby", "dock"]).gateways.map((g) =>
    g.name === "dock" ? { ...g, status } : g,
  ),
});

const committed = (): SyncInput => {
  const names = {
    fleet: FLEET,
    gateway: "lobby",
    gatewayKey: gatewayKeyOf(0),
    epochKey: keyOf(77),
  };
  const draft = openDraft(names);
  if (draft.body._tag !== "Open") throw new Error("no open");
  const { head } = append(names, newHead(names), [draft]);
  return { _tag: "OwnCommitted", open: draft.body, head };
};

test("without peers in the roster at once", () => {
  for (const roster of [rosterOf(["lobby"]), alone("retired"), alone("revoked")]) {
    expect(new Rig(stateOf(roster)).opened).toEqual([0]);
  }
});

test("where peers have nothing new, as soon as there was time to hear them", () => {
  const rig = new Rig(STATE);
  rig.wait(HEADS_WAIT_MIN_MS - 10);
  expect(rig.opened).toEqual([]);
  rig.wait(HEADS_WAIT_MS);
  expect(rig.opened).toEqual([HEADS_WAIT_MIN_MS]);
});

test("where something is still to come, when it came, but after two seconds at the latest", () => {
  const rig = new Rig(STATE);
  rig.take({ _tag: "Received", from: "dock", channel: "head", payload: signedHead(DOCK) });
  expect(rig.state.wants.size).toBe(1);
  rig.wait(3 * HEADS_WAIT_MS);
  expect(rig.opened).toEqual([HEADS_WAIT_MS]);

  const served = new Rig(STATE);
  served.take({ _tag: "Received", from: "dock", channel: "head", payload: signedHead(DOCK) });
  served.wait(700);
  expect(served.opened).toEqual([]);
  const [, known] = [...STATE.replica].find(([, { author }]) => author === "dock") ?? [];
  if (known === undefined) throw new Error("the dock's epoch is gone");
  const stored = { ...known, head: DOCK.headAt(12) };
  const input = { _tag: "Stored", stored, from: "dock", isLive: false } as const;
  served.take(input);
  served.wait(HEADS_WAIT_MS);
  expect(served.opened).toEqual([710]);
});

test("not at all, where a tap was quicker; and a second connection begins nothing anew", () => {
  const rig = new Rig(STATE);
  rig.wait(100);
  rig.take(committed());
  expect(rig.state.opening).toBeNull();
  rig.take({ _tag: "Connected" });
  rig.wait(2 * HEADS_WAIT_MS);
  expect(rig.opened).toEqual([]);

  const twice = new Rig(STATE);
  twice.wait(150);
  twice.take({ _tag: "Connected" });
  twice.wait(HEADS_WAIT_MS);
  expect(twice.opened).toEqual([HEADS_WAIT_MIN_MS]);
});

test("again, where the disk wouldn't have it: a gateway without an epoch is mute", () => {
  const rig = new Rig(STATE);
  rig.wait(60_000);
  expect(rig.opened.length).toBeGreaterThan(1);
});

test("an epoch lost with the card is back before the next one is opened, which names it", () => {
  const fleet = new Peers(rosterOf(["lobby", "dock"]), ["lobby", "dock"]);
  fleet.run(3_000);
  const lobby = at(fleet.peers, 0);
  lobby.write([tap(1), tap(2)]);
  fleet.run(1_000);
  const lost = [...lobby.logs].filter(([, { author }]) => author === "lobby").map(([id]) => id);
  lobby.restart(new Map());
  fleet.peers[1]?.take({ _tag: "Connected" }); // its head is retained
  fleet.run(3_000);
  const newest = [...lobby.logs.values()].findLast(({ author }) => author === "lobby");
  expect(newest?.earlier).toEqual(lost);
});
