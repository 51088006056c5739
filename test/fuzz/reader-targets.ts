/** What a PN532, or whatever else hangs on its line, can send. */
import {
  decodeCardAnswer,
  decodeFirmware,
  decodeTargets,
  HSU_WAKE,
  type Target as Tag,
} from "#core/reader/pn532/commands.ts";
import { carryApdu } from "#core/reader/pn532/firmware.ts";
import { ACK_FRAME, EMPTY_STREAM, encodeFrame, pushBytes } from "#core/reader/pn532/frame.ts";
import { newPoll, type PollAction } from "#core/reader/pn532/poll-actions.ts";
import { pollStep, type PollInput } from "#core/reader/pn532/poll.ts";
import { concatBytes } from "#core/bytes.ts";
import type { Target } from "#test/fuzz/target.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const FIRMWARE = hex("32010607");
const TYPE2_LISTED = hex("01010044000704010203040506");
const TWO_LISTED = hex("020100440007040102030405060200040804DEADBEEF");
const READ_ANSWER = hex("0004010203040506E1101200037F0D0A");
const STREAM = concatBytes(ACK_FRAME, encodeFrame(concatBytes(hex("D503"), FIRMWARE)), ACK_FRAME);

/** As a line gives them: in pieces, whose lengths the bytes themselves say. */
const framesOf = (bytes: Uint8Array): unknown => {
  const frames: unknown[] = [];
  let stream = EMPTY_STREAM;
  for (let at = 0; at < bytes.length;) {
    const byteCount = 1 + ((bytes[at] ?? 0) % 16);
    const pushed = pushBytes(stream, bytes.subarray(at, at + byteCount));
    stream = pushed.stream;
    frames.push(...pushed.frames);
    at += byteCount;
  }
  return [frames, stream.pending];
};

/** Parts of the bytes, each behind its length; behind their end, nothing comes any more. */
const partsOf = (bytes: Uint8Array): (() => Uint8Array | null) => {
  let at = 0;
  return () => {
    const byteCount = bytes[at];
    if (byteCount === undefined) return null;
    const part = bytes.subarray(at + 1, at + 1 + (byteCount & 0x3f));
    at += 1 + part.length;
    return part;
  };
};

/** Each part is as long as its first byte says, and each uses one byte at least, so no flow may go on for longer. */
const STEPS_BEHIND_END_MAX = 100;

const carried = (apdu: Uint8Array, technology: Tag) => (bytes: Uint8Array) => {
  const next = partsOf(bytes);
  const flow = carryApdu(technology, apdu);
  let step = flow.next(new Uint8Array(0));
  for (let count = 0; step.done !== true; count += 1) {
    if (count > bytes.length + STEPS_BEHIND_END_MAX) throw new Error("it asks for ever");
    step = flow.next(next());
  }
  return step.value;
};

const inputFor = (action: PollAction, next: () => Uint8Array | null): PollInput | undefined => {
  switch (action._tag) {
    case "Ask": {
      const data = next();
      return data === null
        ? { _tag: "AskFailed", error: { _tag: "NoAnswer" } }
        : { _tag: "Answered", data, isRepeated: data.length % 2 === 1 };
    }
    case "Read":
      return {
        _tag: "CardRead",
        reading: {
          read: { _tag: "Left", left: { _tag: "CardGone", command: "GET DATA" } },
          hasChipFailed: next() === null,
        },
      };
    case "Settle":
    case "Rest":
      return { _tag: "Rested", isExchanged: false };
    case "GiveUp":
      return undefined;
  }
};

const polled = (bytes: Uint8Array): unknown => {
  const next = partsOf(bytes);
  let state = newPoll({ periodMs: 50, fieldOff: bytes.length % 2 === 0, wake: HSU_WAKE });
  const told: unknown[] = [];
  let input: PollInput | undefined = { _tag: "Begin" };
  for (let nowMs = 0; input !== undefined; nowMs += 50) {
    if (nowMs > 50 * (4 * bytes.length + STEPS_BEHIND_END_MAX))
      throw new Error("it polls for ever");
    const step = pollStep(state, input, nowMs);
    state = step.state;
    told.push(...step.news);
    input = inputFor(step.action, next);
  }
  return told;
};

const TYPE2: Tag = {
  number: 1,
  atqa: hex("0044"),
  sak: 0x00,
  uid: hex("04010203040506"),
  ats: null,
};

export const READER_TARGETS: ReadonlyArray<Target> = [
  { name: "PN532 frames", samples: [STREAM], run: framesOf },
  { name: "PN532 firmware", samples: [FIRMWARE], run: decodeFirmware },
  { name: "PN532 targets", samples: [TYPE2_LISTED, TWO_LISTED], run: decodeTargets },
  { name: "PN532 card answer", samples: [READ_ANSWER], run: decodeCardAnswer },
  {
    name: "PN532 carrying READ BINARY",
    samples: [concatBytes(hex("10"), READ_ANSWER)],
    run: carried(hex("FFB0000410"), TYPE2),
  },
  {
    name: "PN532 carrying an APDU",
    samples: [hex("03409000"), hex("030000900003009000")],
    run: carried(hex("00A4040007D2760000850101"), { ...TYPE2, sak: 0x20, ats: hex("0675777102") }),
  },
  {
    name: "PN532 poll",
    samples: [
      concatBytes(hex("0004"), FIRMWARE, hex("00000C"), TYPE2_LISTED, hex("0100")),
      concatBytes(hex("0004"), FIRMWARE, hex("000016"), TWO_LISTED),
    ],
    run: polled,
  },
];
