/**
 * One command and its answer, over a line that may lose, damage, delay and repeat. Pure: whoever has the line feeds
 * in what came and when, and carries out the effects.
 * Source: PN532 User Manual (UM0701-02), section 6.2.2, "Dialog structure".
 */
import {
  ACK_FRAME,
  EMPTY_STREAM,
  encodeFrame,
  type Frame,
  type FrameStream,
  isInsideFrame,
  NACK_FRAME,
  pushBytes,
  TFI_FROM_CHIP,
  TFI_TO_CHIP,
} from "#core/reader/pn532/frame.ts";
import { concatBytes } from "#core/bytes.ts";

/** The manual promises an ACK within 15 ms; the rest is for a busy host and a USB bridge. */
export const ACK_TIMEOUT_MS = 100;
/** A whole frame takes 24 ms at 115,200 baud; a gap of so long inside one means that the rest won't come. */
export const FRAME_GAP_MS = 100;
/** How often a command is sent until its ACK comes. */
export const SEND_COUNT_MAX = 3;
/** How often an answer that came damaged is asked for again. */
export const NACK_COUNT_MAX = 3;

export type ExchangeError =
  /** No sign of the chip: not wired, not powered, or hung. */
  | { readonly _tag: "NoAck" }
  /** It took the command, and did not answer in time. It was told to drop it. */
  | { readonly _tag: "NoAnswer" }
  /** Answers came, each to another command. */
  | { readonly _tag: "AnswerToOther"; readonly code: number }
  /** The answer stayed damaged however often it was asked for: noise on the line, or a wrong baud rate. */
  | { readonly _tag: "AnswerDamaged" }
  /** The chip's "syntax error": it does not know the command, or is no PN532. */
  | { readonly _tag: "CommandRefused" };

export interface ChipCommand {
  /** Command code and parameters. */
  readonly bytes: Uint8Array;
  /** From its ACK to its answer. */
  readonly timeoutMs: number;
  /** Sent before the command: wakes a chip that sleeps. */
  readonly wake: Uint8Array;
}

type Phase =
  | { readonly _tag: "Idle" }
  | {
      readonly _tag: "AwaitingAck";
      readonly command: ChipCommand;
      readonly sendCount: number;
      readonly deadlineMs: number;
      /** An answer that came without ACK: a clone's, or a late one to the sending before. */
      readonly early: Uint8Array | null;
    }
  | {
      readonly _tag: "AwaitingAnswer";
      readonly command: ChipCommand;
      readonly sendCount: number;
      readonly nackCount: number;
      readonly deadlineMs: number;
      /** The code of an answer that was none to this command. */
      readonly otherCode: number | null;
    };

export interface Exchange {
  readonly phase: Phase;
  readonly stream: FrameStream;
  /** When bytes came last. */
  readonly heardMs: number;
}

export const IDLE_EXCHANGE: Exchange = {
  phase: { _tag: "Idle" },
  stream: EMPTY_STREAM,
  heardMs: 0,
};

export type ExchangeInput =
  /** Only while idle. */
  | { readonly _tag: "Send"; readonly command: ChipCommand }
  | { readonly _tag: "Received"; readonly bytes: Uint8Array }
  | { readonly _tag: "Tick" };

export type ExchangeEffect =
  | { readonly _tag: "Write"; readonly bytes: Uint8Array }
  /** The parameters of the answer, without TFI and code. `isRepeated`: the chip may have carried the command out twice. */
  | { readonly _tag: "Answered"; readonly data: Uint8Array; readonly isRepeated: boolean }
  | { readonly _tag: "Failed"; readonly error: ExchangeError };

export interface ExchangeStep {
  readonly state: Exchange;
  readonly effects: ReadonlyArray<ExchangeEffect>;
}

type PhaseStep = { readonly phase: Phase; readonly effects: ReadonlyArray<ExchangeEffect> };

const IDLE: Phase = { _tag: "Idle" };

const write = (bytes: Uint8Array): ExchangeEffect => ({ _tag: "Write", bytes });
const stay = (phase: Phase): PhaseStep => ({ phase, effects: [] });
const answered = (data: Uint8Array, sendCount: number): PhaseStep => ({
  phase: IDLE,
  effects: [{ _tag: "Answered", data, isRepeated: sendCount > 1 }],
});
const failed = (error: ExchangeError): PhaseStep => ({
  phase: IDLE,
  effects: [{ _tag: "Failed", error }],
});

/** An ACK from the host makes the chip drop what it is doing, so that it listens to the next command. */
const giveUp = (error: ExchangeError): PhaseStep => ({
  phase: IDLE,
  effects: [write(ACK_FRAME), { _tag: "Failed", error }],
});

const send = (command: ChipCommand, sendCount: number, nowMs: number): PhaseStep => {
  const frame = encodeFrame(concatBytes(Uint8Array.of(TFI_TO_CHIP), command.bytes));
  return {
    phase: {
      _tag: "AwaitingAck",
      command,
      sendCount,
      deadlineMs: nowMs + ACK_TIMEOUT_MS,
      early: null,
    },
    effects: [write(concatBytes(command.wake, frame))],
  };
};

/** The parameters, if the frame answers the command; else the code that it does answer. */
const matched = (
  command: ChipCommand,
  data: Uint8Array,
): { readonly parameters: Uint8Array } | { readonly code: number } => {
  const [tfi, code = 0] = data;
  return tfi === TFI_FROM_CHIP && code === (command.bytes[0] ?? 0) + 1
    ? { parameters: data.subarray(2) }
    : { code };
};

/**
 * No ACK has come yet. What looks like the answer is not believed before the ACK is overdue: a late answer to the
 * same command, sent before, looks the same, and would shift all later answers by one.
 */
const beforeAck = (
  phase: Extract<Phase, { _tag: "AwaitingAck" }>,
  frame: Frame,
  nowMs: number,
): PhaseStep => {
  const { command, sendCount } = phase;
  switch (frame._tag) {
    case "Ack":
      return stay({
        _tag: "AwaitingAnswer",
        command,
        sendCount,
        nackCount: 0,
        deadlineMs: nowMs + command.timeoutMs,
        otherCode: null,
      });
    case "Nack":
      return sendCount < SEND_COUNT_MAX
        ? send(command, sendCount + 1, nowMs)
        : failed({ _tag: "NoAck" });
    case "SyntaxError":
      return failed({ _tag: "CommandRefused" });
    case "Data": {
      const match = matched(command, frame.data);
      return stay("parameters" in match ? { ...phase, early: match.parameters } : phase);
    }
    case "Damaged": // perhaps the ACK: it is missed soon enough
      return stay(phase);
  }
};

const askAgain = (phase: Extract<Phase, { _tag: "AwaitingAnswer" }>, nowMs: number): PhaseStep => {
  if (phase.nackCount >= NACK_COUNT_MAX) return giveUp({ _tag: "AnswerDamaged" });
  const deadlineMs = Math.max(phase.deadlineMs, nowMs + ACK_TIMEOUT_MS);
  return {
    phase: { ...phase, nackCount: phase.nackCount + 1, deadlineMs },
    effects: [write(NACK_FRAME)],
  };
};

const afterAck = (phase: Extract<Phase, { _tag: "AwaitingAnswer" }>, frame: Frame): PhaseStep => {
  switch (frame._tag) {
    case "Data": {
      const match = matched(phase.command, frame.data);
      return "parameters" in match
        ? answered(match.parameters, phase.sendCount)
        : stay({ ...phase, otherCode: match.code });
    }
    case "SyntaxError":
      return failed({ _tag: "CommandRefused" });
    case "Damaged": // asked for again once all that came was looked at
    case "Ack": // a second one, late
    case "Nack":
      return stay(phase);
  }
};

const onFrame = (phase: Phase, frame: Frame, nowMs: number): PhaseStep => {
  switch (phase._tag) {
    case "Idle": // nothing was asked
      return stay(phase);
    case "AwaitingAck":
      return beforeAck(phase, frame, nowMs);
    case "AwaitingAnswer":
      return afterAck(phase, frame);
  }
};

const receive = (state: Exchange, bytes: Uint8Array, nowMs: number): ExchangeStep => {
  const { stream, frames } = pushBytes(state.stream, bytes);
  let phase = state.phase;
  const effects: ExchangeEffect[] = [];
  const take = (step: PhaseStep): void => {
    phase = step.phase;
    effects.push(...step.effects);
  };
  for (const frame of frames) take(onFrame(phase, frame, nowMs));
  // Once, and last: noise looks like several broken frames, and the answer may stand right behind it.
  const isDamaged = frames.some(({ _tag }) => _tag === "Damaged");
  if (isDamaged && phase._tag === "AwaitingAnswer") take(askAgain(phase, nowMs));
  return { state: { phase, stream, heardMs: nowMs }, effects };
};

const onAckOverdue = (phase: Extract<Phase, { _tag: "AwaitingAck" }>, nowMs: number): PhaseStep => {
  if (phase.early !== null) return answered(phase.early, phase.sendCount);
  return phase.sendCount < SEND_COUNT_MAX
    ? send(phase.command, phase.sendCount + 1, nowMs)
    : giveUp({ _tag: "NoAck" });
};

const onAnswerOverdue = (phase: Extract<Phase, { _tag: "AwaitingAnswer" }>): PhaseStep =>
  giveUp(
    phase.otherCode === null
      ? { _tag: "NoAnswer" }
      : { _tag: "AnswerToOther", code: phase.otherCode },
  );

/** When a `Tick` is due if nothing comes before; undefined while idle. */
export const exchangeDueMs = ({ phase, stream, heardMs }: Exchange): number | undefined => {
  if (phase._tag === "Idle") return undefined;
  return isInsideFrame(stream)
    ? Math.min(phase.deadlineMs, heardMs + FRAME_GAP_MS)
    : phase.deadlineMs;
};

const onDue = (state: Exchange, nowMs: number): PhaseStep => {
  const { phase, stream, heardMs } = state;
  if (phase._tag === "Idle") return stay(phase);
  const isCutOff = isInsideFrame(stream) && nowMs >= heardMs + FRAME_GAP_MS;
  if (phase._tag === "AwaitingAnswer" && isCutOff) return askAgain(phase, nowMs);
  if (nowMs < phase.deadlineMs) return stay(phase);
  return phase._tag === "AwaitingAck" ? onAckOverdue(phase, nowMs) : onAnswerOverdue(phase);
};

const tick = (state: Exchange, nowMs: number): ExchangeStep => {
  const dueMs = exchangeDueMs(state);
  if (dueMs === undefined || nowMs < dueMs) return { state, effects: [] };
  const { phase, effects } = onDue(state, nowMs);
  // What is left of a frame whose rest never came would swallow the beginning of the next.
  return { state: { ...state, phase, stream: EMPTY_STREAM }, effects };
};

/** `nowMs` is monotonic. Effects are to be carried out in their order. */
export const exchangeStep = (
  state: Exchange,
  input: ExchangeInput,
  nowMs: number,
): ExchangeStep => {
  switch (input._tag) {
    case "Send": {
      const { phase, effects } = send(input.command, 1, nowMs);
      return { state: { phase, stream: EMPTY_STREAM, heardMs: nowMs }, effects };
    }
    case "Received":
      return receive(state, input.bytes, nowMs);
    case "Tick":
      return tick(state, nowMs);
  }
};
