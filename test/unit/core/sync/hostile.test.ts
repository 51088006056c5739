/** Messages from whoever may reach the broker: none throws, none changes what is held, and each is counted. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "#core/bytes.ts";
import { encodeCbor } from "#core/log/cbor.ts";
import { encodeRange, type Range } from "#core/log/range.ts";
import { encodeHeadPayload, encodeSigned } from "#core/message/envelopes.ts";
import { encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import {
  ASK_TIMEOUT_MS,
  ASKS_COUNT_MAX,
  ASKS_PER_PEER_MAX,
  WANTS_COUNT_MAX,
  type SyncState,
} from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { mutation } from "#test/unit/core/log/arbitraries.ts";
import { at } from "#test/unit/core/log/either.ts";
import { keyOf, sampleEpoch } from "#test/unit/core/log/sample-epoch.ts";
import {
  DOCK,
  epochBy,
  NOW_MS,
  signedHead,
  STATE,
  take,
  YARD,
} from "#test/unit/core/sync/one-gateway.ts";

const CHANNELS = ["head", "ask", "tail", "answer"] as const;
const answerOf = (range: Range): Uint8Array =>
  encodeAnswer({ _tag: "AnswerRange", range: encodeRange(range) });

/** What honest peers would send, and what it does here. */
const HONEST = [
  { from: "yard", channel: "head", payload: signedHead(YARD), tags: ["SendAsk", "SendAsk"] },
  { from: "dock", channel: "tail", payload: encodeRange(DOCK.range(8, 12, 12)), tags: ["Store"] },
  { from: "yard", channel: "answer", payload: answerOf(DOCK.range(6, 10, 12)), tags: ["Store"] },
  {
    from: "yard",
    channel: "ask",
    payload: encodeAsk({ _tag: "AskRange", epoch: DOCK.empty.epoch, from: 3 }),
    tags: ["SendRange"],
  },
  {
    from: "yard",
    channel: "ask",
    payload: encodeAsk({ _tag: "AskEpochs", author: "dock", after: null }),
    tags: ["SendAnswer"],
  },
] as const;

test.each(HONEST)("honest: $channel by $from", ({ from, channel, payload, tags }) => {
  expect(take({ from, channel, payload }).tags).toEqual(expect.arrayContaining([...tags]));
});

test("random bytes on any channel are refused, each with a count", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CHANNELS),
      fc.constantFrom("dock", "yard"),
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string().map(utf8),
        fc.array(fc.nat(9)).map(encodeCbor),
      ),
      (channel, from, payload) => {
        const { tags, state } = take({ from, channel, payload });
        expect(tags).toEqual(["Refuse"]);
        expect(state).toBe(STATE);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("whatever a stranger, a revoked gateway or somebody of another name sends is refused unread", () => {
  const sender = fc.constantFrom("gate", "stranger", "", "LOBBY", "dock ", "#");
  fc.assert(
    fc.property(sender, fc.constantFrom(...HONEST), (from, { channel, payload }) => {
      const { codes, state } = take({ from, channel, payload });
      expect(codes).toEqual(["sender-not-in-roster"]);
      expect(state).toBe(STATE);
    }),
  );
});

test("one's own messages, as the broker hands them back, are passed over", () => {
  for (const { channel, payload } of HONEST) {
    expect(take({ from: "lobby", channel, payload })).toMatchObject({
      state: STATE,
      tags: [],
    });
  }
});

/** Records and head of what a message makes the gateway store. */
const stored = (effects: ReadonlyArray<SyncEffect>): ReadonlyArray<string> =>
  effects.flatMap((effect) => {
    if (effect._tag !== "Store") return [];
    const { records, from, head } = effect.addition;
    const size = from + records.length;
    const signed = DOCK.records.slice(from, size);
    const isSigned =
      JSON.stringify([records, head]) === JSON.stringify([signed, DOCK.headAt(size)]);
    return [isSigned ? "what the dock signed" : "something else"];
  });

test("an honest message that was damaged on the way stores nothing but what its author signed", () => {
  const damages = { stored: 0, other: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...HONEST), mutation, ({ from, channel, payload }, mutate) => {
      const damaged = mutate(payload);
      fc.pre(!Buffer.from(damaged).equals(payload));
      const seen = stored(take({ from, channel, payload: damaged }).effects);
      damages[seen.length > 0 ? "stored" : "other"] += 1;
      expect(seen).not.toContain("something else");
    }),
    { numRuns: 2_000 },
  );
  // Where the damage lies in a record that is held already, the rest is taken; nearly always nothing is.
  expect(damages.other).toBeGreaterThan(20 * damages.stored);
  const { channel, from, payload } = HONEST[1];
  expect(stored(take({ channel, from, payload }).effects)).toEqual(["what the dock signed"]);
});

const other = { ...DOCK.range(7, 12, 12), items: DOCK.records.slice(6, 11) };
const unproved = { ...DOCK.range(8, 10, 12), proof: [] };

describe("refused by its name", () => {
  const { epoch } = DOCK.empty;
  const foreignFleet = sampleEpoch(3, { ...DOCK.names, fleet: "other", epochKey: keyOf(502) });
  const stranger = epochBy("gate", 3, 503);
  const impostor = epochBy("dock", 7, 504);
  const branch = sampleEpoch(12, { ...DOCK.names, epochKey: keyOf(505) });
  const forged = { ...DOCK.range(8, 12, 12), checkpoint: branch.checkpointAt(12) };
  const swapped = { ...DOCK.range(8, 12, 12), items: DOCK.records.slice(8, 12).toReversed() };
  const bodyless = {
    ...DOCK.range(8, 12, 12),
    items: DOCK.records.slice(8).map(({ header }) => ({ header, body: null })),
  };
  const unsigned = encodeSigned(
    encodeHeadPayload({ gateway: "yard", epoch: YARD.empty.epoch, rosterVersion: 1, authors: [] }),
    new Uint8Array(64),
  );
  const refused = [
    ["head-forged", "head", "dock", signedHead(YARD)],
    ["head-forged", "head", "dock", signedHead(YARD, { gateway: "yard" })],
    ["head-forged", "head", "yard", unsigned],
    // Signed well, by the key of an epoch that is another gateway's.
    ["head-forged", "head", "yard", signedHead(DOCK, { gateway: "yard" })],
    ["fleet-foreign", "tail", "dock", encodeRange(foreignFleet.range(0, 3, 3))],
    ["author-revoked", "tail", "dock", encodeRange(stranger.range(0, 12, 12))],
    ["author-not-in-roster", "answer", "dock", answerOf(impostor.range(0, 12, 12))],
    ["CheckpointBad", "tail", "dock", encodeRange(forged)],
    ["RecordBad", "tail", "dock", encodeRange(swapped)],
    ["RangeBodyMissing", "answer", "yard", answerOf(bodyless)],
    [
      "OpenForeign",
      "tail",
      "dock",
      encodeRange({ ...branch.range(0, 3, 3), epoch: epoch.map((b) => b ^ 1) }),
    ],
    [
      "OpenMissing",
      "tail",
      "dock",
      encodeRange({ ...branch.range(0, 3, 3), items: [{ ...at(branch.records, 0), body: null }] }),
    ],
    ["RangeTooLarge", "tail", "dock", new Uint8Array(64 * 1024 + 1)],
    ["EnvelopeTooLarge", "answer", "dock", new Uint8Array(80 * 1024)],
    ["EnvelopeMalformed", "ask", "dock", encodeCbor([1, "range"])],
    ["EnvelopeVersionUnknown", "ask", "dock", encodeCbor([2, "range"])],
    ["RangeVersionUnknown", "tail", "dock", encodeCbor([2])],
  ] as const;
  const cases = refused.map(([code, channel, from, payload]) => ({ code, channel, from, payload }));

  test.each(cases)("$code: $channel", ({ code, ...message }) => {
    const { codes, tags, state } = take(message);
    expect([codes, tags]).toEqual([[code], ["Refuse"]]);
    expect(state).toBe(STATE);
  });
});

test.each([
  ["RangeForks", "tail", encodeRange(other)],
  ["RangeUnproved", "answer", answerOf(unproved)],
] as const)(
  "%s under a checkpoint that its key signed is looked into before anybody is blamed",
  (code, channel, payload) => {
    const { effects, state } = take({ from: "yard", channel, payload });
    expect(effects).toMatchObject([{ _tag: "Examine", from: "yard", code }]);
    expect(state.hunts.size).toBe(1);
  },
);

test("an ask for what isn't held is answered with nothing", () => {
  const payload = encodeAsk({ _tag: "AskRange", epoch: new Uint8Array(16), from: 0 });
  expect(take({ from: "dock", channel: "ask", payload }).tags).toEqual([]);
});

const flooded = (
  payload: (i: number) => Uint8Array,
  channel: SyncChannel,
  count: number,
): SyncState => {
  let state = STATE;
  for (let i = 0; i < count; i += 1) {
    ({ state } = take({ from: "dock", channel, payload: payload(i) }, state));
  }
  return state;
};
const nonsense = (i: number): Uint8Array => sha256(utf8(`epoch ${i}`)).slice(0, 16);
const unknownList = (i: number): Uint8Array =>
  encodeAnswer({
    _tag: "AnswerEpochs",
    author: "dock",
    epochs: Array.from({ length: 500 }, (_, n) => ({ epoch: nonsense(500 * i + n), size: 9 })),
  });
const unknownRange = (i: number): Uint8Array =>
  encodeRange({ ...DOCK.range(8, 9, 12), epoch: nonsense(i) });

describe("a listed gateway that floods", () => {
  test("with Ranges, heads and lists of epochs that nobody has: what is remembered of them is bounded", () => {
    const state = flooded(unknownList, "answer", 10);
    expect(state.wants.size).toBeLessThanOrEqual(WANTS_COUNT_MAX);
    expect(state.asks.size).toBeLessThanOrEqual(ASKS_COUNT_MAX);
    expect(flooded(unknownRange, "tail", 50).asks.size).toBeLessThanOrEqual(ASKS_COUNT_MAX);
    const heads = flooded((i) => signedHead(DOCK, { epoch: nonsense(i) }), "head", 50);
    expect(heads.unverified.size).toBe(1);
  });

  test("what it made up is forgotten when nobody answers, and honest work goes on meanwhile", () => {
    const made = flooded(unknownRange, "tail", 20);
    expect(made.wants.size).toBe(20);
    let state = made;
    for (let i = 1; i <= 20 / ASKS_PER_PEER_MAX; i += 1) {
      const nowMs = NOW_MS + i * ASK_TIMEOUT_MS;
      ({ state } = step({ crypto: nodeCrypto, nowMs }, state, { _tag: "Ticked" }));
    }
    expect(state.wants.size).toBe(0);
    const live = encodeRange(DOCK.range(8, 12, 12));
    expect(take({ from: "dock", channel: "tail", payload: live }, made).tags).toEqual(["Store"]);
  });

  // An author may spoil its own epoch, but a healthy peer never stops.
  test("does not keep this gateway from fetching what others have", () => {
    let state = flooded(unknownList, "answer", 10);
    const asked = new Set<string>();
    for (let second = 0; second < 60; second += 1) {
      const context = { crypto: nodeCrypto, nowMs: NOW_MS + 1_000 * second };
      const payload = signedHead(YARD);
      const inputs: ReadonlyArray<SyncInput> = [
        { _tag: "Ticked" },
        { _tag: "Received", from: "yard", channel: "head", payload },
      ];
      for (const input of inputs) {
        const stepped = step(context, state, input);
        ({ state } = stepped);
        for (const effect of stepped.effects) {
          if (effect._tag === "SendAsk" && effect.ask._tag === "AskRange") asked.add(effect.to);
        }
      }
    }
    expect(asked).toContain("yard");
  });
});
