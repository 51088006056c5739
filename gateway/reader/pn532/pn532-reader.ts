/** One reader with a PN532: opens its line, carries out what the poll decides, opens the line again when it is lost. */
import * as E from "fp-ts/lib/Either.js";
import { type CardRead, type CardReadError, readCard } from "#core/card/read-card.ts";
import type { ReadScope } from "#core/card/read-card.ts";
import { technologyOfSak } from "#core/card/sak.ts";
import { switchField, type Target } from "#core/reader/pn532/commands.ts";
import { carryApdu } from "#core/reader/pn532/firmware.ts";
import type { ChipCommand } from "#core/reader/pn532/exchange.ts";
import {
  newPoll,
  type PollAction,
  type PollNews,
  SETUP_TIMEOUT_MS,
} from "#core/reader/pn532/poll-actions.ts";
import { type PollInput, pollStep } from "#core/reader/pn532/poll.ts";
import type { Reading } from "#core/reader/pn532/presence.ts";
import type { Pn532Settings } from "#gateway/config/config.ts";
import {
  APDU_TIMEOUT_MS,
  PN532_APDU_QUEUE_MAX,
  PN532_REOPEN_DELAY_FIRST_MS,
  PN532_REOPEN_DELAY_MAX_MS,
} from "#gateway/limits.ts";
import type { Clock, ReaderEvent } from "#gateway/ports.ts";
import { Pn532Chip } from "#gateway/reader/pn532/chip.ts";
import type { Line } from "#gateway/reader/pn532/line.ts";
import type { Transports } from "#gateway/reader/pn532/transports.ts";
import { describeChipFault } from "#gateway/reader/pn532/words.ts";

export interface ConfiguredPn532 {
  readonly id: string;
  readonly scope: ReadScope;
  readonly pn532: Pn532Settings;
}

export interface Pn532Deps {
  readonly clock: Clock;
  readonly transports: Transports;
}

/** Up for so long, the reader counts as sound, and its next failure as the first. */
const STEADY_MS = 10_000;
const REOPENED = "it did not answer, and its line is opened anew";
const NO_BYTES = new Uint8Array(0);

interface ApduJob {
  readonly apdu: Uint8Array;
  readonly answer: (response: Uint8Array) => void;
}

/** What a person at the reader did, and when: the card was found before it was read. */
interface Moment {
  readonly wallMs: number;
  readonly monoMs: number;
}

export class Pn532Reader {
  readonly #config: ConfiguredPn532;
  readonly #clock: Clock;
  readonly #transport: Transports[Pn532Settings["transport"]];
  readonly #emit: (event: ReaderEvent) => void;
  readonly #chip: Pn532Chip;
  readonly #jobs: ApduJob[] = [];
  #lostReason: string | undefined;
  #isStopping = false;
  #wakeUp: (() => void) | undefined;
  #found: Moment = { wallMs: 0, monoMs: 0 };
  #upSinceMs: number | undefined;
  #failureCount = 0;
  /** What was said last; undefined: the reader is up, or nothing was said yet. */
  #downReason: string | undefined;

  constructor(config: ConfiguredPn532, deps: Pn532Deps, emit: (event: ReaderEvent) => void) {
    this.#config = config;
    this.#clock = deps.clock;
    this.#transport = deps.transports[config.pn532.transport];
    this.#emit = emit;
    this.#chip = new Pn532Chip(deps.clock.monoMs);
  }

  /** When the chip last answered; null while the reader is down. */
  get roundTripMonoMs(): number | null {
    return this.#upSinceMs === undefined ? null : this.#chip.roundTripMonoMs;
  }

  /** Ends after `stop`. */
  async run(): Promise<void> {
    while (!this.#isStopping) {
      const reason = await this.#serve();
      if (this.#hasStopped()) return;
      this.#goDown(reason);
      await this.#pause(this.#reopenDelayMs());
    }
  }

  /** No event is told from here on. */
  stop(): void {
    this.#isStopping = true;
    this.#upSinceMs = undefined;
    this.#refuseJobs();
    this.#wakeUp?.();
  }

  /** One APDU to the card that lies there; empty where there is none, or no answer. */
  exchange(apdu: Uint8Array): Promise<Uint8Array> {
    if (this.#upSinceMs === undefined || this.#jobs.length >= PN532_APDU_QUEUE_MAX) {
      return Promise.resolve(NO_BYTES);
    }
    return new Promise((answer) => {
      this.#jobs.push({ apdu, answer });
      this.#wakeUp?.();
    });
  }

  /** The line is closed and opened anew; at once, where it was to be opened later. */
  reopen(): void {
    if (this.#upSinceMs !== undefined) {
      this.#lostReason = REOPENED;
      this.#chip.detach();
    }
    this.#wakeUp?.();
  }

  /** A call, because TypeScript takes a field checked before an await for unchanged after it. */
  #hasStopped(): boolean {
    return this.#isStopping;
  }

  /** From the opening of the line to its end; why it ended. */
  async #serve(): Promise<string> {
    this.#lostReason = undefined;
    const loaded = await this.#transport.load();
    if (E.isLeft(loaded)) return loaded.left.reason;
    const opened = await loaded.right(this.#config.pn532, {
      onBytes: (bytes) => this.#chip.onBytes(bytes),
      onLost: (reason) => {
        this.#lostReason = reason;
        this.#chip.detach();
        this.#wakeUp?.();
      },
    });
    if (E.isLeft(opened)) return opened.left.reason;
    this.#chip.attach(opened.right);
    const reason = await this.#poll();
    await this.#closeLine(opened.right);
    return reason;
  }

  /** The chip goes on without field: nothing is powered down, so that the next to open the line finds it awake. */
  async #closeLine(line: Line): Promise<void> {
    if (this.#lostReason === undefined && this.#hasStopped()) {
      await this.#ask({ bytes: switchField(false), timeoutMs: SETUP_TIMEOUT_MS, wake: NO_BYTES });
    }
    this.#chip.detach();
    await line.close();
  }

  async #poll(): Promise<string> {
    const { pollMs, fieldOff } = this.#config.pn532;
    let state = newPoll({ periodMs: pollMs, fieldOff, wake: this.#transport.wake });
    let input: PollInput = { _tag: "Begin" };
    for (;;) {
      const step = pollStep(state, input, this.#clock.monoMs());
      state = step.state;
      if (!this.#hasStopped()) for (const news of step.news) this.#tell(news);
      if (this.#hasStopped()) return "stopped";
      if (step.action._tag === "GiveUp") {
        return this.#lostReason ?? describeChipFault(step.action.fault, this.#config.pn532);
      }
      input = await this.#carryOut(step.action);
    }
  }

  async #carryOut(action: Exclude<PollAction, { _tag: "GiveUp" }>): Promise<PollInput> {
    switch (action._tag) {
      case "Ask": {
        const answer = await this.#chip.command(action.command);
        return E.isRight(answer)
          ? { ...answer.right, _tag: "Answered" }
          : { _tag: "AskFailed", error: answer.left };
      }
      case "Read":
        return { _tag: "CardRead", reading: await this.#read(action.target) };
      case "Settle":
        await this.#pause(action.untilMs - this.#clock.monoMs());
        return { _tag: "Rested", isExchanged: false };
      case "Rest":
        return { _tag: "Rested", isExchanged: await this.#rest(action.untilMs, action.card) };
    }
  }

  async #ask(command: ChipCommand): Promise<Uint8Array | null> {
    const answer = await this.#chip.command(command);
    return E.isRight(answer) ? answer.right.data : null;
  }

  async #read(target: Target): Promise<Reading> {
    this.#found = { wallMs: this.#clock.wallMs(), monoMs: this.#clock.monoMs() };
    let hasChipFailed = false;
    const flow = readCard(technologyOfSak(target.sak), this.#config.scope);
    let step: IteratorResult<Uint8Array, E.Either<CardReadError, CardRead>> = flow.next();
    while (step.done !== true) {
      const response = await this.#carryApdu(target, step.value);
      hasChipFailed ||= response === null;
      step = flow.next(response ?? NO_BYTES);
    }
    return { read: step.value, hasChipFailed };
  }

  /** Null: the chip failed, whatever the card would have said. */
  async #carryApdu(target: Target, apdu: Uint8Array): Promise<Uint8Array | null> {
    let hasChipFailed = false;
    const flow = carryApdu(target, apdu);
    let step = flow.next(NO_BYTES);
    while (step.done !== true) {
      const data = await this.#ask({
        bytes: step.value,
        timeoutMs: APDU_TIMEOUT_MS,
        wake: NO_BYTES,
      });
      hasChipFailed ||= data === null;
      step = flow.next(data);
    }
    return hasChipFailed ? null : step.value;
  }

  /** Carries APDUs from outside meanwhile. Whether the card answered one. */
  async #rest(untilMs: number, card: Target | null): Promise<boolean> {
    let isExchanged = false;
    for (;;) {
      const job = this.#jobs.shift();
      const leftMs = untilMs - this.#clock.monoMs();
      if (job !== undefined) {
        const response = card === null ? null : await this.#carryApdu(card, job.apdu);
        isExchanged ||= response !== null && response.length > 0;
        job.answer(response ?? NO_BYTES);
      } else if (leftMs <= 0 || this.#hasStopped() || this.#lostReason !== undefined) {
        return isExchanged;
      } else await this.#pause(leftMs);
    }
  }

  #refuseJobs(): void {
    for (const { answer } of this.#jobs.splice(0)) answer(NO_BYTES);
  }

  /** Ends early for an APDU, a lost line, or the end of all. */
  async #pause(delayMs: number): Promise<void> {
    if (delayMs <= 0 || this.#isStopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = undefined;
  }

  #tell(news: PollNews): void {
    const reader = this.#config.id;
    const monoMs = this.#clock.monoMs();
    switch (news._tag) {
      case "Up":
        this.#upSinceMs = monoMs;
        this.#downReason = undefined;
        return this.#emit({ _tag: "ReaderUp", reader, hardware: news.hardware });
      case "Arrived": {
        const { read, atStart } = news;
        const sighting = { ...read, ...this.#found, reader, atStart, simulated: false };
        return this.#emit({ _tag: "CardArrived", sighting });
      }
      case "Unread":
        return this.#emit({ ...news, _tag: "CardUnread", reader });
      case "Left":
        return this.#emit({ _tag: "CardLeft", reader, monoMs });
      case "Together":
        return this.#emit({ _tag: "CardsTogether", reader, wallMs: this.#clock.wallMs(), monoMs });
    }
  }

  #goDown(reason: string): void {
    const upMs = this.#upSinceMs === undefined ? 0 : this.#clock.monoMs() - this.#upSinceMs;
    this.#failureCount = upMs >= STEADY_MS ? 1 : this.#failureCount + 1;
    this.#upSinceMs = undefined;
    this.#refuseJobs();
    if (reason === this.#downReason) return;
    this.#downReason = reason;
    this.#emit({ _tag: "ReaderDown", reader: this.#config.id, reason });
  }

  /** 100, 200, 400 ms … up to the limit. */
  #reopenDelayMs(): number {
    const delayMs = PN532_REOPEN_DELAY_FIRST_MS * 2 ** (this.#failureCount - 1);
    return Math.min(delayMs, PN532_REOPEN_DELAY_MAX_MS);
  }
}
