/** Authors of thousands of epochs: lists go page by page, and there is an end to what is taken. */
import { describe, expect, test } from "vitest";
import { compareBytes, toHex } from "#core/bytes.ts";
import { encodeRange } from "#core/log/range.ts";
import { decodeAnswer, encodeAnswer, encodeAsk, EPOCHS_COUNT_MAX } from "#core/message/exchange.ts";
import type { EpochSize } from "#core/message/envelopes.ts";
import type { ReplicaEpoch } from "#core/sync/replica.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { initialSync } from "#core/sync/initial.ts";
import {
  ASKS_COUNT_MAX,
  EPOCHS_PER_AUTHOR_MAX,
  HEAD_PERIOD_MS,
  WANTS_COUNT_MAX,
  type SyncState,
} from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import * as E from "fp-ts/lib/Either.js";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import { tap } from "#test/unit/core/log/sample-epoch.ts";
import { rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import { epochBy, NOW_MS } from "#test/unit/core/sync/one-gateway.ts";
import { Peers, statesOf } from "#test/unit/core/sync/peers-in-memory.ts";

const ROSTER = rosterOf(["lobby", "dock", "yard"]);
const context = { crypto: nodeCrypto, nowMs: NOW_MS };

const epochId = (i: number): Uint8Array => sha256(Uint8Array.of(i >> 8, i & 255)).slice(0, 16);

/** Epochs of the dock, one after the other, that are all held whole. */
const heldEpochs = (count: number): ReadonlyArray<readonly [string, ReplicaEpoch]> => {
  const { empty } = epochBy("dock", 1, 500);
  return Array.from({ length: count }, (_, i) => {
    const epoch: ReplicaEpoch = {
      author: "dock",
      gatewayKey: toHex(at(ROSTER.gateways, 1).key),
      head: { ...empty, epoch: epochId(i), range: { size: 1 + i, roots: [] } },
      earlier: i === 0 ? [] : [toHex(epochId(i - 1))],
      kept: true,
    };
    return [toHex(epochId(i)), epoch];
  });
};

const lobbyWith = (count: number): SyncState =>
  initialSync(nodeCrypto, {
    self: "lobby",
    roster: ROSTER,
    replica: new Map(heldEpochs(count)),
    forks: new Map(),
    holes: new Map(),
  });

const received = (
  state: SyncState,
  channel: "ask" | "answer" | "tail",
  payload: Uint8Array,
): { readonly state: SyncState; readonly effects: ReadonlyArray<SyncEffect> } =>
  step(context, state, { _tag: "Received", from: "yard", channel, payload });

const pageBehind = (state: SyncState, after: Uint8Array | null): ReadonlyArray<EpochSize> => {
  const ask = encodeAsk({ _tag: "AskEpochs", author: "dock", after });
  const [effect] = received(state, "ask", ask).effects;
  if (effect?._tag !== "SendAnswer" || effect.answer._tag !== "AnswerEpochs") {
    throw new Error("no page");
  }
  // As it travels: what is too long for a message would be refused.
  const decoded = decodeAnswer(encodeAnswer(effect.answer));
  expect(E.isRight(decoded)).toBe(true);
  return effect.answer.epochs;
};

describe("a list of epochs", () => {
  test.each([0, 1, EPOCHS_COUNT_MAX, EPOCHS_COUNT_MAX + 1, 5_000])(
    "of %i comes whole, each epoch once, in pages that fit a message",
    (count) => {
      const state = lobbyWith(count);
      const all: EpochSize[] = [];
      // One page more than there can be: a list that goes round in circles has an end here.
      for (let pages = 0; pages <= count / EPOCHS_COUNT_MAX + 1; pages += 1) {
        const page = pageBehind(state, all.at(-1)?.epoch ?? null);
        expect(page.length).toBeLessThanOrEqual(EPOCHS_COUNT_MAX);
        all.push(...page);
      }
      const expected = heldEpochs(count)
        .map(([, { head }]) => ({ epoch: head.epoch, size: head.range.size }))
        .toSorted((a, b) => compareBytes(a.epoch, b.epoch));
      expect(all).toEqual(expected);
    },
  );

  test("of a full page is gone on with behind its last epoch, of a shorter one is not", () => {
    const state = lobbyWith(0);
    const epochs = Array.from({ length: EPOCHS_COUNT_MAX }, (_, i) => ({
      epoch: epochId(i),
      size: 1,
    }));
    for (const [page, isFull] of [
      [epochs, true],
      [epochs.slice(1), false],
      [[], false],
    ] as const) {
      const answer = encodeAnswer({ _tag: "AnswerEpochs", author: "dock", epochs: page });
      const { effects, state: next } = received(state, "answer", answer);
      const asks = effects.filter((e) => e._tag === "SendAsk" && e.ask._tag === "AskEpochs");
      const after = at(epochs, -1).epoch;
      expect(asks).toEqual(
        isFull
          ? [{ _tag: "SendAsk", to: "yard", ask: { _tag: "AskEpochs", author: "dock", after } }]
          : [],
      );
      expect(effects.filter(({ _tag }) => _tag === "EpochsHeard")).toHaveLength(1);
      expect(next.wants.size).toBeLessThanOrEqual(WANTS_COUNT_MAX);
      expect(next.asks.size).toBeLessThanOrEqual(ASKS_COUNT_MAX);
    }
  });
});

const openOf = (key: number): Uint8Array => encodeRange(epochBy("dock", 1, key).range(0, 1, 12));

describe("an author that opens epochs without end", () => {
  test("is taken 4,096 of, and no more: an alarm names it, whoever handed the epoch over", () => {
    const last = received(lobbyWith(EPOCHS_PER_AUTHOR_MAX - 1), "tail", openOf(600));
    expect(last.effects).toMatchObject([{ _tag: "Store", from: "yard" }]);
    const full = lobbyWith(EPOCHS_PER_AUTHOR_MAX);
    const { state, effects } = received(full, "tail", openOf(600));
    expect(effects).toMatchObject([
      { _tag: "Alarm", code: "too-many-epochs", author: "dock" },
      { _tag: "Refuse", code: "too-many-epochs" },
    ]);
    expect(state.replica).toBe(full.replica);
    // Whatever comes of epochs that are held already goes on.
    const other = encodeRange(epochBy("yard", 2, 601).range(0, 12, 12));
    expect(received(full, "tail", other).effects).toMatchObject([{ _tag: "Store" }]);
  });

  test("is told of once, not at each of its messages", () => {
    let state = lobbyWith(EPOCHS_PER_AUTHOR_MAX);
    let alarms = 0;
    for (let key = 600; key < 620; key += 1) {
      const next = received(state, "tail", openOf(key));
      ({ state } = next);
      alarms += next.effects.filter(({ _tag }) => _tag === "Alarm").length;
    }
    expect(alarms).toBe(1);
  });
});

test("a newcomer fetches more epochs than one peer may want at once without waiting for the next head", () => {
  const fleet = new Peers(ROSTER, ["lobby"]);
  fleet.run(3_000);
  for (let i = 0; i < 530; i += 1) at(fleet.peers, 0).rotate();
  const dock = fleet.join("dock");
  fleet.run(HEAD_PERIOD_MS + 3_000, 1_000);
  expect([dock.logs.size > 530, statesOf(fleet.peers).length]).toEqual([true, 1]);
});

test("20 live epochs of one author, come in different orders, bring everybody the same, and rest", () => {
  const fleet = new Peers(ROSTER, ["lobby", "dock"]);
  fleet.run(3_000);
  const live = Array.from({ length: 20 }, (_, i) => epochBy("yard", 2, 700 + i).range(0, 2, 2));
  for (const [i, peer] of fleet.peers.entries()) {
    const order = i === 0 ? live : live.toReversed();
    // Each has one that the other hasn't.
    for (const range of order.slice(0, -1)) {
      const payload = encodeRange(range);
      peer.take({ _tag: "Received", from: "yard", channel: "tail", payload });
    }
  }
  fleet.run(2 * HEAD_PERIOD_MS, 500);
  expect(fleet.peers.map(({ logs }) => logs.size)).toEqual([22, 22]);
  expect(statesOf(fleet.peers)).toHaveLength(1);
  expect(fleet.chatter(2 * HEAD_PERIOD_MS, "head", "ask")).toBeLessThanOrEqual(6);
});

test("a liar that claims more of others' epochs than there is doesn't keep a newcomer from them", () => {
  const fleet = new Peers(ROSTER, ["lobby"]);
  fleet.run(3_000);
  const lobby = at(fleet.peers, 0);
  for (let i = 0; i < 60; i += 1) {
    lobby.write([tap(i)]);
    lobby.rotate();
  }
  const dock = fleet.join("dock");
  const epochs = [...lobby.logs.values()].map(({ head: { epoch } }) => ({ epoch, size: 2 ** 40 }));
  const payload = encodeAnswer({ _tag: "AnswerEpochs", author: "lobby", epochs });
  for (let second = 0; second < 30; second += 1) {
    dock.take({ _tag: "Received", from: "yard", channel: "answer", payload });
    fleet.run(1_000, 500);
  }
  expect(statesOf(fleet.peers)).toHaveLength(1);
});
