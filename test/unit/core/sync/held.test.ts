/** Acknowledgements: what an author counts as held elsewhere, and what a gateway tells authors. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "#core/bytes.ts";
import {
  encodeHeldPayload,
  encodeSigned,
  endedHash,
  heldText,
  type EpochSize,
} from "#core/message/envelopes.ts";
import { mirroredCount, unmirrored } from "#core/sync/held.ts";
import type { ReplicaEpoch } from "#core/sync/replica.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { initialSync } from "#core/sync/initial.ts";
import type { SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Roster } from "#core/trust/roster.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import { keyOf, newHead, type EpochNames } from "#test/unit/core/log/sample-epoch.ts";
import { FLEET, gatewayKeyOf, rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";

const NAMES = ["lobby", "dock", "yard"];
const ROSTER = rosterOf(NAMES);

/** The epoch of that gateway, by its number; `earlier`: those that its `open` names. */
const named = (gateway: string, epoch: number): EpochNames => ({
  fleet: FLEET,
  gateway,
  gatewayKey: gatewayKeyOf(NAMES.indexOf(gateway)),
  epochKey: keyOf(3_000 + 100 * NAMES.indexOf(gateway) + epoch),
});
const idOf = (gateway: string, epoch: number): string =>
  toHex(newHead(named(gateway, epoch)).epoch);

interface Held {
  readonly gateway: string;
  readonly epoch: number;
  readonly size: number;
  readonly earlier?: ReadonlyArray<number>;
}

const epochOf = ({ gateway, epoch, size, earlier = [] }: Held): readonly [string, ReplicaEpoch] => {
  const names = named(gateway, epoch);
  const head = { ...newHead(names), range: { size, roots: [] } };
  const gatewayKey = toHex(names.gatewayKey.publicKey);
  const ids = earlier.map((before) => idOf(gateway, before));
  return [idOf(gateway, epoch), { author: gateway, gatewayKey, head, earlier: ids, kept: true }];
};

/** The lobby, whose epochs 0 and 1 have ended, and which knows an epoch of each peer. */
const OWN: ReadonlyArray<Held> = [
  { gateway: "lobby", epoch: 0, size: 10 },
  { gateway: "lobby", epoch: 1, size: 20, earlier: [0] },
  { gateway: "lobby", epoch: 2, size: 30, earlier: [1] },
];
const THEIRS: ReadonlyArray<Held> = [
  { gateway: "dock", epoch: 0, size: 5 },
  { gateway: "yard", epoch: 0, size: 5 },
];
const ENDED: ReadonlyArray<EpochSize> = OWN.slice(0, 2).map(({ epoch, size }) => ({
  epoch: fromHex(idOf("lobby", epoch)) ?? new Uint8Array(0),
  size,
}));

const lobby = (epochs: ReadonlyArray<Held> = [...OWN, ...THEIRS]): SyncState =>
  initialSync(nodeCrypto, {
    self: "lobby",
    roster: ROSTER,
    replica: new Map(epochs.map(epochOf)),
    forks: new Map(),
    holes: new Map(),
  });

interface Said {
  readonly from?: string;
  readonly by?: EpochNames;
  readonly author?: string;
  readonly live?: ReadonlyArray<readonly [string, number]>;
  readonly ended?: ReadonlyArray<EpochSize>;
}

/** A statement that is signed well by whoever it says. */
const says = (
  state: SyncState,
  said: Said,
): { state: SyncState; effects: ReadonlyArray<SyncEffect> } => {
  const { from = "dock", by = named(from, 0), author = "lobby", live = [], ended = [] } = said;
  const payload = encodeHeldPayload({
    gateway: from,
    epoch: newHead(by).epoch,
    statement: {
      author,
      live: live.map(([id, size]) => ({ epoch: fromHex(id) ?? new Uint8Array(16), size })),
      ended: endedHash(sha256, ended),
      content: null,
    },
  });
  const signed = encodeSigned(payload, by.epochKey.sign(heldText(payload)));
  const context = { crypto: nodeCrypto, nowMs: 1_000_000 };
  return step(context, state, { _tag: "Received", from, channel: "held", payload: signed });
};

const LIVE = idOf("lobby", 2);
const countAt = (state: SyncState, seq: number, epoch = LIVE): number =>
  mirroredCount(state, epoch, seq);

describe("counted is what a peer's process says to have now", () => {
  test("record by record, peer by peer", () => {
    let { state } = says(lobby(), { live: [[LIVE, 12]] });
    expect([11, 12].map((seq) => countAt(state, seq))).toEqual([1, 0]);
    ({ state } = says(state, { from: "yard", live: [[LIVE, 30]] }));
    expect([11, 12, 29, 30].map((seq) => countAt(state, seq))).toEqual([2, 1, 1, 0]);
    expect(unmirrored(state)).toEqual([
      { epoch: fromHex(idOf("lobby", 0)), from: 0, to: 10 },
      { epoch: fromHex(idOf("lobby", 1)), from: 0, to: 20 },
    ]);
  });

  test("all ended epochs where the hash says the same of them, none where it doesn't", () => {
    const same = says(lobby(), { live: [[LIVE, 30]], ended: ENDED });
    expect(unmirrored(same.state)).toEqual([]);
    expect([9, 10].map((seq) => countAt(same.state, seq, idOf("lobby", 0)))).toEqual([1, 0]);
    for (const ended of [[], ENDED.slice(1), ENDED.map((e) => ({ ...e, size: e.size - 1 }))]) {
      const { state } = says(lobby(), { ended });
      expect([0, 1].map((epoch) => countAt(state, 0, idOf("lobby", epoch)))).toEqual([0, 0]);
    }
  });

  test("no more than the author has itself, and nothing of epochs that it doesn't know", () => {
    const { state } = says(lobby(), {
      live: [
        [LIVE, 1_000],
        [idOf("lobby", 9), 50],
        [idOf("dock", 0), 5],
      ],
    });
    expect([29, 30, 999].map((seq) => countAt(state, seq))).toEqual([1, 0, 0]);
    expect([...(state.peers.get("dock")?.sizes ?? [])]).toEqual([[LIVE, 30]]);
  });

  test("less, once it speaks by a new epoch: its disk was put back", () => {
    const dock1 = { gateway: "dock", epoch: 1, size: 3 };
    const before = lobby([...OWN, ...THEIRS, { ...dock1, earlier: [0] }]);
    const stale = says(before, { live: [[LIVE, 30]] });
    expect(stale.effects).toEqual([]);
    expect(countAt(stale.state, 0)).toBe(0);
    const { state } = says(before, { by: named("dock", 1), live: [[LIVE, 4]] });
    expect([3, 4].map((seq) => countAt(state, seq))).toEqual([1, 0]);
    const late = says(state, { live: [[LIVE, 30]] });
    expect([3, 4].map((seq) => countAt(late.state, seq))).toEqual([1, 0]);
  });

  test("less, where the new epoch doesn't even know the one before", () => {
    const before = lobby([...OWN, ...THEIRS, { gateway: "dock", epoch: 1, size: 1 }]);
    let { state } = says(before, { live: [[LIVE, 30]] });
    ({ state } = says(state, { by: named("dock", 1), live: [[LIVE, 4]] }));
    expect([3, 4].map((seq) => countAt(state, seq))).toEqual([1, 0]);
  });

  test("nothing of a peer that the roster has revoked or retired since", () => {
    for (const status of ["revoked", "retired"] as const) {
      const roster: Roster = {
        ...ROSTER,
        version: 2,
        gateways: ROSTER.gateways.map((g) => (g.name === "dock" ? { ...g, status } : g)),
      };
      const before = says(lobby(), { live: [[LIVE, 30]], ended: ENDED }).state;
      const context = { crypto: nodeCrypto, nowMs: 1_000_000 };
      const { state } = step(context, before, { _tag: "RosterChanged", roster });
      expect([status, countAt(state, 0), unmirrored(state).length]).toEqual([status, 0, 3]);
    }
  });
});

describe("refused, and nothing counted", () => {
  const one = lobby();
  test.each([
    ["of another author", { author: "yard" }, "held-for-another"],
    ["signed by another's epoch", { from: "yard", by: named("dock", 0) }, "held-forged"],
    ["of nobody in the roster", { from: "gate", by: named("dock", 0) }, "sender-not-in-roster"],
  ])("%s", (_, said, code) => {
    const { state, effects } = says(one, { live: [[LIVE, 30]], ...said });
    expect(effects).toMatchObject([{ _tag: "Refuse", code }]);
    expect(state).toBe(one);
  });

  test("with another's signature", () => {
    const by = {
      ...named("dock", 0),
      epochKey: { ...keyOf(1), publicKey: named("dock", 0).epochKey.publicKey },
    };
    const { state, effects } = says(one, { by, live: [[LIVE, 30]] });
    expect(effects).toMatchObject([{ _tag: "Refuse", code: "held-forged" }]);
    expect(state).toBe(one);
  });

  test("whose epoch isn't known: its open is asked for first, and it counts then", () => {
    const { state, effects } = says(one, { by: named("dock", 7), live: [[LIVE, 30]] });
    expect(effects).toMatchObject([{ _tag: "SendAsk", to: "dock", ask: { from: 0 } }]);
    expect(state.peers.size).toBe(0);
    const [, stored] = epochOf({ gateway: "dock", epoch: 7, size: 1, earlier: [0] });
    // Whoever it was that handed the open over.
    for (const from of ["dock", "yard"]) {
      const context = { crypto: nodeCrypto, nowMs: 1_000_000 };
      const input = { _tag: "Stored", stored, from, isLive: true } as const;
      const after = step(context, state, input);
      expect([from, countAt(after.state, 29)]).toEqual([from, 1]);
    }
  });
});

describe("as a naive count", () => {
  const statement = fc.record({
    from: fc.constantFrom("dock", "yard"),
    epoch: fc.nat(2),
    live: fc.uniqueArray(fc.tuple(fc.nat(2), fc.nat(40)), { selector: ([epoch]) => epoch }),
    endedIsSame: fc.boolean(),
  });
  // The peers' epochs 0 have ended; 1 and 2 are live.
  const epochs = NAMES.slice(1).flatMap((gateway): ReadonlyArray<Held> => [
    { gateway, epoch: 0, size: 5 },
    { gateway, epoch: 1, size: 5, earlier: [0] },
    { gateway, epoch: 2, size: 5 },
  ]);

  test("of every peer the newest epoch's greatest sizes", () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 12 }), (statements) => {
        let state = lobby([...OWN, ...epochs]);
        const model = new Map<string, { readonly epoch: number; readonly sizes: number[] }>();
        for (const { from, epoch, live, endedIsSame } of statements) {
          const known = live.map(([own, size]) => [idOf("lobby", own), size] as const);
          const ended = endedIsSame ? ENDED : [];
          ({ state } = says(state, { from, by: named(from, epoch), live: known, ended }));
          if (epoch === 0) continue;
          const before = model.get(from);
          const sizes = before?.epoch === epoch ? [...before.sizes] : [0, 0, 0];
          for (const [own, size] of live) {
            sizes[own] = Math.max(at(sizes, own), Math.min(size, at(OWN, own).size));
          }
          if (endedIsSame) [sizes[0], sizes[1]] = [10, 20];
          model.set(from, { epoch, sizes });
        }
        const parts: unknown[] = [];
        for (const { epoch, size } of OWN) {
          const counts = [...model.values()].map(({ sizes }) => at(sizes, epoch));
          const id = idOf("lobby", epoch);
          for (const seq of [0, 5, 9, 15, 25, 30]) {
            expect(countAt(state, seq, id)).toBe(counts.filter((count) => count > seq).length);
          }
          const from = Math.max(0, ...counts);
          if (from < size) parts.push({ epoch: fromHex(id), from, to: size });
        }
        expect(unmirrored(state)).toEqual(parts);
        // No more is remembered than peers times own epochs.
        const remembered = [...state.peers.values()].reduce(
          (sum, { sizes }) => sum + sizes.size,
          0,
        );
        expect(remembered).toBeLessThanOrEqual(2 * OWN.length);
      }),
      { numRuns: 60 },
    );
  });
});
