/** How a roster gets from one gateway to another, and what a peer can do about it that would rather keep it back. */
import { describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "#core/bytes.ts";
import { encodeHeadPayload, encodeSigned } from "#core/message/envelopes.ts";
import {
  encodeAnswer,
  encodeAsk,
  ROSTER_BYTES_MAX,
  ROSTER_PIECE_BYTES,
} from "#core/message/exchange.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import { ASK_TIMEOUT_MS, type SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import { DOCK, NOW_MS, signedHead, STATE, YARD } from "#test/unit/core/sync/one-gateway.ts";
import type { SampleEpoch } from "#test/unit/core/log/sample-epoch.ts";

/** A gateway with a clock, and all that it does. */
class Rig {
  state: SyncState = STATE;
  nowMs = NOW_MS;
  readonly effects: SyncEffect[] = [];

  take(input: SyncInput): ReadonlyArray<SyncEffect> {
    const { state, effects } = step({ crypto: nodeCrypto, nowMs: this.nowMs }, this.state, input);
    this.state = state;
    this.effects.push(...effects);
    return effects;
  }

  receive(from: string, channel: SyncChannel, payload: Uint8Array): ReadonlyArray<SyncEffect> {
    return this.take({ _tag: "Received", from, channel, payload });
  }

  piece(from: string, piece: Partial<Piece>): ReadonlyArray<SyncEffect> {
    const whole = { version: 2, offset: 0, total: 8, bytes: new Uint8Array(8), ...piece };
    return this.receive(from, "answer", encodeAnswer({ _tag: "AnswerRoster", ...whole }));
  }

  /** Whom it asks for the roster, from where on. */
  get asked(): ReadonlyArray<string> {
    return this.effects.flatMap((effect) =>
      effect._tag === "SendAsk" && effect.ask._tag === "AskRoster"
        ? [`${effect.to} ${effect.ask.offset}`]
        : [],
    );
  }

  get taken(): ReadonlyArray<SyncEffect> {
    return this.effects.filter(({ _tag }) => _tag === "TakeRoster");
  }
}

interface Piece {
  readonly version: number;
  readonly offset: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}

const headOf = (epoch: SampleEpoch, rosterVersion: number): Uint8Array =>
  signedHead(epoch, { rosterVersion, authors: [] });

const strangersHead = (rosterVersion: number): Uint8Array =>
  encodeSigned(
    encodeHeadPayload({ gateway: "shed", epoch: new Uint8Array(16), rosterVersion, authors: [] }),
    new Uint8Array(64),
  );

const rig = (version = 2): Rig => {
  const asking = new Rig();
  asking.receive("dock", "head", headOf(DOCK, version));
  return asking;
};

describe("a newer roster", () => {
  test("is asked for piece by piece, put together in order, and handed out whole", () => {
    const one = rig();
    expect(one.asked).toEqual(["dock 0"]);
    const parts = [7, 8, 9].map((fill) => new Uint8Array(ROSTER_PIECE_BYTES).fill(fill));
    const total = 3 * ROSTER_PIECE_BYTES;
    for (const [i, bytes] of parts.entries()) {
      expect(one.taken).toEqual([]);
      one.piece("dock", { offset: i * ROSTER_PIECE_BYTES, total, bytes });
    }
    expect(one.asked).toEqual(["dock 0", "dock 32768", "dock 65536"]);
    expect(one.taken).toEqual([{ _tag: "TakeRoster", from: "dock", note: concatBytes(...parts) }]);
    expect(one.state.rosterFetch).toBeNull();
  });

  test("is asked for once at a time, and not where the version is the same or older", () => {
    const one = rig();
    one.receive("yard", "head", headOf(YARD, 3));
    expect(one.asked).toEqual(["dock 0"]);
    expect(rig(1).asked).toEqual([]);
    expect(rig(0).asked).toEqual([]);
  });

  test("is asked for again, of whoever speaks next, when no answer came in time", () => {
    const one = rig();
    one.nowMs += ASK_TIMEOUT_MS;
    one.receive("yard", "head", headOf(YARD, 3));
    expect(one.asked).toEqual(["dock 0", "yard 0"]);
    one.piece("dock", {});
    expect(one.taken).toEqual([]);
    one.piece("yard", { version: 3, bytes: utf8("newroster"), total: 9 });
    expect(one.taken).toMatchObject([{ from: "yard" }]);
  });
});

describe("refused, and begun anew with the next head", () => {
  test.each([
    ["a piece out of order", { offset: 1 }],
    ["an empty piece", { bytes: new Uint8Array(0) }],
    ["an older version", { version: 1 }],
    ["more than a roster may be", { total: ROSTER_BYTES_MAX + 1 }],
  ])("%s", (_, piece) => {
    const one = rig();
    expect(one.piece("dock", piece)).toEqual([
      { _tag: "Refuse", from: "dock", code: "roster-piece-wrong" },
    ]);
    expect([one.taken, one.state.rosterFetch]).toEqual([[], null]);
    one.receive("yard", "head", headOf(YARD, 2));
    expect(one.asked).toEqual(["dock 0", "yard 0"]);
  });

  test("pieces of two versions: they make no roster together", () => {
    const one = rig();
    one.piece("dock", { total: 2 * ROSTER_PIECE_BYTES, bytes: new Uint8Array(ROSTER_PIECE_BYTES) });
    const offset = ROSTER_PIECE_BYTES;
    const bytes = new Uint8Array(ROSTER_PIECE_BYTES);
    one.piece("dock", { version: 3, offset, total: 2 * ROSTER_PIECE_BYTES, bytes });
    expect([one.taken.length, one.state.rosterFetch]).toEqual([0, null]);
  });
});

test("pieces that nobody asked for, or of another than who was asked, are refused", () => {
  const idle = new Rig();
  expect(idle.piece("dock", {})).toMatchObject([{ _tag: "Refuse", code: "roster-unasked" }]);
  const one = rig();
  expect(one.piece("yard", {})).toMatchObject([{ _tag: "Refuse", code: "roster-unasked" }]);
  expect(one.piece("shed", {})).toMatchObject([{ _tag: "Refuse", code: "sender-not-in-roster" }]);
  expect(one.piece("dock", {})).toMatchObject([{ _tag: "TakeRoster" }]);
});

describe("who isn't in the roster", () => {
  test("is asked for a newer one, and believed in nothing else", () => {
    const one = new Rig();
    expect(one.receive("shed", "head", strangersHead(2))).toMatchObject([
      { _tag: "SendAsk", to: "shed", ask: { _tag: "AskRoster" } },
    ]);
    const { replica, wants, unverified } = one.state;
    expect([replica, wants.size, unverified.size]).toEqual([STATE.replica, 0, 0]);
    for (const channel of ["tail", "held", "ask", "answer"] as const) {
      const payload = encodeAsk({ _tag: "AskRoster", offset: 0 });
      expect(one.receive("shed", channel, payload)).toEqual([
        { _tag: "Refuse", from: "shed", code: "sender-not-in-roster" },
      ]);
    }
    expect(one.piece("shed", {})).toMatchObject([{ _tag: "TakeRoster", from: "shed" }]);
  });

  test("and has no newer one, or speaks nonsense, is refused", () => {
    const one = new Rig();
    for (const payload of [strangersHead(1), new Uint8Array(3), strangersHead(0)]) {
      expect(one.receive("shed", "head", payload)).toEqual([
        { _tag: "Refuse", from: "shed", code: "sender-not-in-roster" },
      ]);
    }
  });
});

/** The liar speaks ten times a second, an honest peer once in 5 s. */
const against = (lie: (one: Rig, second: number) => void): Rig => {
  const one = new Rig();
  for (let tick = 0; tick < 600 && one.taken.length === 0; tick += 1) {
    one.nowMs += 100;
    one.take({ _tag: "Ticked" });
    lie(one, tick);
    if (tick % 50 === 7) one.receive("yard", "head", headOf(YARD, 2));
    if (one.state.rosterFetch?.from === "yard") one.piece("yard", { version: 2 });
  }
  return one;
};

/** The next revocation is the liar's own: nothing that it does may keep it away. */
describe("a peer that keeps a roster back", () => {
  test("by a version that nobody can have, without ever delivering", () => {
    const one = against((rigged) => rigged.receive("dock", "head", headOf(DOCK, 2 ** 53 - 1)));
    expect(one.taken).toMatchObject([{ from: "yard" }]);
  });

  test("and isn't even listed", () => {
    const one = against((rigged) => rigged.receive("shed", "head", strangersHead(2 ** 53 - 1)));
    expect(one.taken).toMatchObject([{ from: "yard" }]);
  });

  test("by handing over a byte at a time", () => {
    const one = against((rigged) => {
      rigged.receive("dock", "head", headOf(DOCK, 2 ** 53 - 1));
      const offset = rigged.state.rosterFetch?.byteCount ?? 0;
      const bytes = new Uint8Array(1);
      rigged.piece("dock", { version: 2 ** 53 - 1, offset, total: ROSTER_BYTES_MAX, bytes });
    });
    expect(one.taken).toMatchObject([{ from: "yard" }]);
    const pieces = one.state.rosterFetch?.pieces.length ?? 0;
    expect(pieces).toBeLessThan(ROSTER_BYTES_MAX / ROSTER_PIECE_BYTES);
  });
});
