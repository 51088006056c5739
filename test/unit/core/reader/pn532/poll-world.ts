/** The poll on a fake chip, in time of its own: nothing waits, so thousands of taps take a second. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { readCard, SCOPE_UID } from "#core/card/read-card.ts";
import { technologyOfSak } from "#core/card/sak.ts";
import type { Target } from "#core/reader/pn532/commands.ts";
import type { ExchangeError } from "#core/reader/pn532/exchange.ts";
import { carryApdu } from "#core/reader/pn532/firmware.ts";
import {
  newPoll,
  type Poll,
  type PollAction,
  type PollNews,
  type PollOptions,
} from "#core/reader/pn532/poll-actions.ts";
import { type PollInput, pollStep } from "#core/reader/pn532/poll.ts";
import type { Reading } from "#core/reader/pn532/presence.ts";
import { FakeChip } from "#test/pn532/fake-chip.ts";

/** What a command takes on the wire. */
const COMMAND_MS = 2;
const LIST_CODE = 0x4a;

export interface Told {
  readonly news: PollNews;
  readonly atMs: number;
  /** UIDs that lay there at the last list. */
  readonly listed: ReadonlyArray<string>;
}

export class PollWorld {
  readonly chip: FakeChip = new FakeChip();
  readonly told: Told[] = [];
  readonly asked: string[] = [];
  gaveUpCount = 0;
  nowMs = 0;
  /** Commands that fail from now on, one after the other. */
  readonly faults: ExchangeError[] = [];
  /** What always fails, by command code. */
  readonly faultOf: Map<number, ExchangeError> = new Map<number, ExchangeError>();
  /** Codes of commands that are sent twice, once each: no ACK came to the first sending. */
  readonly repeats: Set<number> = new Set<number>();
  readonly #options: PollOptions;
  #state: Poll;
  #input: PollInput = { _tag: "Begin" };
  #restUntilMs: number | undefined;
  #card: Target | null = null;
  #listed: ReadonlyArray<string> = [];

  constructor(options: Partial<PollOptions> = {}) {
    this.#options = { periodMs: 50, fieldOff: false, wake: new Uint8Array(0), ...options };
    this.#state = newPoll(this.#options);
  }

  /** Lets so much time pass. */
  run(durationMs: number): this {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      if (this.#restUntilMs !== undefined) {
        if (this.#restUntilMs > endMs) break;
        this.nowMs = Math.max(this.nowMs, this.#restUntilMs);
        this.#restUntilMs = undefined;
      }
      this.#step();
    }
    this.nowMs = endMs;
    return this;
  }

  /** An APDU from outside, at the next rest; empty where there is no card then. */
  exchange(apdu: Uint8Array): Uint8Array {
    const endMs = this.nowMs + 200;
    while ((this.#restUntilMs === undefined || this.#card === null) && this.nowMs < endMs)
      this.run(1);
    if (this.#card === null) return new Uint8Array(0);
    const response = this.#carry(this.#card, apdu);
    this.#input = { _tag: "Rested", isExchanged: response.length > 0 };
    return response;
  }

  tags(): ReadonlyArray<PollNews["_tag"]> {
    return this.told.map(({ news }) => news._tag);
  }

  #step(): void {
    const { state, news, action } = pollStep(this.#state, this.#input, this.nowMs);
    this.#state = state;
    const listed = this.#listed;
    for (const item of news) this.told.push({ news: item, atMs: this.nowMs, listed });
    this.#carryOut(action);
  }

  #carryOut(action: PollAction): void {
    switch (action._tag) {
      case "Ask": {
        const { bytes, timeoutMs } = action.command;
        const isRepeated = this.repeats.delete(bytes[0] ?? 0);
        if (isRepeated) this.#ask(bytes, timeoutMs);
        const data = this.#ask(bytes, timeoutMs);
        this.#input =
          data instanceof Uint8Array ? { _tag: "Answered", data, isRepeated } : failed(data);
        return;
      }
      case "Read":
        this.#input = { _tag: "CardRead", reading: this.#read(action.target) };
        return;
      case "Settle":
      case "Rest":
        this.#card = action._tag === "Rest" ? action.card : null;
        this.#restUntilMs = action.untilMs;
        this.#input = { _tag: "Rested", isExchanged: false };
        return;
      case "GiveUp":
        this.gaveUpCount += 1;
        this.#state = newPoll(this.#options);
        this.#restUntilMs = this.nowMs + 100;
        this.#input = { _tag: "Begin" };
        return;
    }
  }

  #ask(bytes: Uint8Array, timeoutMs: number): Uint8Array | ExchangeError {
    this.asked.push(toHex(bytes));
    this.nowMs += COMMAND_MS;
    const fault = this.faults.shift() ?? this.faultOf.get(bytes[0] ?? 0);
    if (fault !== undefined) return fault;
    if (bytes[0] === LIST_CODE) this.#listed = this.chip.field.uids;
    const outcome = this.chip.carryOut(bytes);
    if (outcome === "refused") return { _tag: "CommandRefused" };
    if (outcome === "blocked") {
      this.nowMs += timeoutMs;
      return { _tag: "NoAnswer" };
    }
    this.nowMs += outcome.delayMs;
    return outcome.data;
  }

  #carry(target: Target, apdu: Uint8Array): Uint8Array {
    const flow = carryApdu(target, apdu);
    let step = flow.next(null);
    while (step.done !== true) {
      const data = this.#ask(step.value, 1_000);
      step = flow.next(data instanceof Uint8Array ? data : null);
    }
    return step.value;
  }

  #read(target: Target): Reading {
    // A raw READ first: with the UID alone not a word is said to the card.
    const readPage = Uint8Array.of(0x40, target.number, 0x30, 0x03);
    const isType2 = technologyOfSak(target.sak) === "type2";
    if (isType2 && !(this.#ask(readPage, 1_000) instanceof Uint8Array)) {
      return { read: E.left({ _tag: "CardGone", command: "READ page" }), hasChipFailed: true };
    }
    const flow = readCard(technologyOfSak(target.sak), SCOPE_UID, new Uint8Array(16));
    let step = flow.next();
    while (step.done !== true) step = flow.next(this.#carry(target, step.value));
    return { read: step.value, hasChipFailed: false };
  }
}

const failed = (error: ExchangeError): PollInput => ({ _tag: "AskFailed", error });
