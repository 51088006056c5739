import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import {
  ACK_TIMEOUT_MS,
  type ChipCommand,
  type Exchange,
  exchangeDueMs,
  type ExchangeEffect,
  type ExchangeInput,
  exchangeStep,
  FRAME_GAP_MS,
  IDLE_EXCHANGE,
  NACK_COUNT_MAX,
  SEND_COUNT_MAX,
} from "#core/reader/pn532/exchange.ts";
import { ACK_FRAME, encodeFrame, NACK_FRAME } from "#core/reader/pn532/frame.ts";

const COMMAND: ChipCommand = {
  bytes: Uint8Array.of(0x4a, 0x02, 0x00),
  timeoutMs: 500,
  wake: new Uint8Array(0),
};
const SENT = toHex(encodeFrame(Uint8Array.of(0xd4, 0x4a, 0x02, 0x00)));
const ANSWER = encodeFrame(Uint8Array.of(0xd5, 0x4b, 0x00));
const OTHER = encodeFrame(Uint8Array.of(0xd5, 0x41, 0x00));
const ERROR = Uint8Array.of(0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00);
const spoilt = (frame: Uint8Array): Uint8Array =>
  frame.map((byte, index) => (index === frame.length - 2 ? byte ^ 1 : byte));

/** An exchange under way, and what it did. */
class Run {
  state: Exchange = IDLE_EXCHANGE;
  nowMs = 1_000;
  readonly effects: ExchangeEffect[] = [];

  constructor(command: ChipCommand = COMMAND) {
    this.input({ _tag: "Send", command });
  }

  input(input: ExchangeInput): this {
    const step = exchangeStep(this.state, input, this.nowMs);
    this.state = step.state;
    this.effects.push(...step.effects);
    return this;
  }

  receive(...parts: ReadonlyArray<Uint8Array>): this {
    return this.input({ _tag: "Received", bytes: concatBytes(...parts) });
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this.input({ _tag: "Tick" });
  }

  get written(): ReadonlyArray<string> {
    return this.effects.flatMap((effect) => (effect._tag === "Write" ? [toHex(effect.bytes)] : []));
  }

  get outcomes(): ReadonlyArray<string> {
    return this.effects.flatMap((effect) => {
      if (effect._tag === "Answered") return [`answer ${toHex(effect.data)}`];
      return effect._tag === "Failed" ? [effect.error._tag] : [];
    });
  }
}

const ACK_HEX = toHex(ACK_FRAME);
const NACK_HEX = toHex(NACK_FRAME);

describe("a chip that keeps to the manual", () => {
  test("ACK, then the answer: in one piece, or byte by byte", () => {
    expect(new Run().receive(ACK_FRAME, ANSWER).outcomes).toEqual(["answer 00"]);
    const run = new Run();
    for (const byte of concatBytes(ACK_FRAME, ANSWER)) run.receive(Uint8Array.of(byte));
    expect(run.outcomes).toEqual(["answer 00"]);
    expect(run.written).toEqual([SENT]);
    expect(exchangeDueMs(run.state)).toBeUndefined();
  });

  test("is woken before the command where it may sleep", () => {
    const run = new Run({ ...COMMAND, wake: Uint8Array.of(0x55, 0x55) });
    expect(run.written).toEqual([`5555${SENT}`]);
  });

  test("refuses by the error frame, before or after the ACK", () => {
    expect(new Run().receive(ERROR).outcomes).toEqual(["CommandRefused"]);
    expect(new Run().receive(ACK_FRAME, ERROR).outcomes).toEqual(["CommandRefused"]);
  });

  test("may take as long as the command's timeout, and is then told to drop it", () => {
    const run = new Run().receive(ACK_FRAME).wait(COMMAND.timeoutMs - 1);
    expect(run.outcomes).toEqual([]);
    run.wait(1);
    expect(run.outcomes).toEqual(["NoAnswer"]);
    expect(run.written).toEqual([SENT, ACK_HEX]);
  });
});

describe("a chip that doesn't", () => {
  test("no ACK: sent again, and then given up", () => {
    const run = new Run();
    for (let i = 1; i < SEND_COUNT_MAX; i += 1) run.wait(ACK_TIMEOUT_MS);
    expect(run.written).toEqual(Array.from({ length: SEND_COUNT_MAX }, () => SENT));
    run.wait(ACK_TIMEOUT_MS);
    expect(run.outcomes).toEqual(["NoAck"]);
  });

  test("ACK to the second sending", () => {
    const run = new Run().wait(ACK_TIMEOUT_MS).receive(ACK_FRAME, ANSWER);
    expect(run.outcomes).toEqual(["answer 00"]);
  });

  test("an answer says whether its command was sent more than once", () => {
    const isRepeated = (run: Run): ReadonlyArray<boolean> =>
      run.effects.flatMap((effect) => (effect._tag === "Answered" ? [effect.isRepeated] : []));
    expect(isRepeated(new Run().receive(ACK_FRAME, ANSWER))).toEqual([false]);
    expect(isRepeated(new Run().wait(ACK_TIMEOUT_MS).receive(ACK_FRAME, ANSWER))).toEqual([true]);
  });

  test("NACK instead of ACK: sent again at once", () => {
    const run = new Run().receive(NACK_FRAME);
    expect(run.written).toEqual([SENT, SENT]);
    expect(run.receive(ACK_FRAME, ANSWER).outcomes).toEqual(["answer 00"]);
    const stubborn = new Run();
    for (let i = 0; i < SEND_COUNT_MAX; i += 1) stubborn.receive(NACK_FRAME);
    expect(stubborn.outcomes).toEqual(["NoAck"]);
  });

  test("an answer without ACK counts once the ACK is overdue, and nothing is sent twice", () => {
    const run = new Run().receive(ANSWER);
    expect(run.outcomes).toEqual([]);
    expect(run.wait(ACK_TIMEOUT_MS).outcomes).toEqual(["answer 00"]);
    expect(run.written).toEqual([SENT]);
  });

  test("a late answer to the same command before is not taken for this one's", () => {
    const late = encodeFrame(Uint8Array.of(0xd5, 0x4b, 0x01));
    const run = new Run().receive(late, ACK_FRAME, ANSWER);
    expect(run.outcomes).toEqual(["answer 00"]);
  });

  test("a second ACK changes nothing", () => {
    expect(new Run().receive(ACK_FRAME, ACK_FRAME, ANSWER, ACK_FRAME).outcomes).toEqual([
      "answer 00",
    ]);
  });

  test("a damaged answer is asked for again, and given up at last", () => {
    const run = new Run().receive(ACK_FRAME, spoilt(ANSWER));
    expect(run.written).toEqual([SENT, NACK_HEX]);
    expect(run.receive(ANSWER).outcomes).toEqual(["answer 00"]);
    const noisy = new Run().receive(ACK_FRAME);
    for (let i = 0; i <= NACK_COUNT_MAX; i += 1) noisy.receive(spoilt(ANSWER));
    expect(noisy.outcomes).toEqual(["AnswerDamaged"]);
    expect(noisy.written.filter((hex) => hex === NACK_HEX)).toHaveLength(NACK_COUNT_MAX);
  });

  test("noise with an answer right behind it costs nothing", () => {
    const noise = Uint8Array.of(0x00, 0xff, 0x13, 0x37, 0x00, 0xff, 0x01, 0x02);
    const run = new Run().receive(ACK_FRAME, noise, ANSWER);
    expect(run.outcomes).toEqual(["answer 00"]);
    expect(run.written).toEqual([SENT]);
  });

  test("stops in the midst of a frame: asked again long before the command's timeout", () => {
    const run = new Run().receive(ACK_FRAME, ANSWER.subarray(0, 6));
    expect(exchangeDueMs(run.state)).toBe(run.nowMs + FRAME_GAP_MS);
    run.wait(FRAME_GAP_MS);
    expect(run.written).toEqual([SENT, NACK_HEX]);
    expect(run.receive(ANSWER).outcomes).toEqual(["answer 00"]);
  });

  test("answers another command: passed over, and named if nothing else comes", () => {
    expect(new Run().receive(ACK_FRAME, OTHER, ANSWER).outcomes).toEqual(["answer 00"]);
    const run = new Run().receive(ACK_FRAME, OTHER).wait(COMMAND.timeoutMs);
    expect(run.outcomes).toEqual(["AnswerToOther"]);
  });

  test("speaks while nothing was asked: not listened to", () => {
    const run = new Run().receive(ACK_FRAME, ANSWER).receive(OTHER, ANSWER, spoilt(ANSWER));
    expect(run.outcomes).toEqual(["answer 00"]);
    expect(run.written).toEqual([SENT]);
  });
});

test("whatever comes, and whenever, a command ends once, within its bound, after bounded writing", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.constantFrom(
      ACK_FRAME,
      NACK_FRAME,
      ANSWER,
      OTHER,
      ERROR,
      spoilt(ANSWER),
      ANSWER.subarray(0, 5),
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.nat({ max: 150 })), { maxLength: 30 }), (script) => {
      const run = new Run();
      const endMs = run.nowMs + 4_000;
      for (const [bytes, waitMs] of script) run.receive(bytes).wait(waitMs);
      while (run.nowMs < endMs && run.outcomes.length === 0) {
        run.wait(Math.max(1, (exchangeDueMs(run.state) ?? 0) - run.nowMs));
      }
      expect(run.outcomes).toHaveLength(1);
      expect(run.written.length).toBeLessThanOrEqual(SEND_COUNT_MAX + NACK_COUNT_MAX + 1);
      expect(exchangeDueMs(run.state)).toBeUndefined();
    }),
  );
});
