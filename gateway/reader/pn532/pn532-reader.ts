/** One reader with a PN532: opens its line, carries out what the poll decides, opens the line again when it is lost. */
import * as E from "fp-ts/lib/Either.js";
import { type ReadScope, readsBeyondUid } from "#core/card/read-card.ts";
import { technologyOfSak } from "#core/card/sak.ts";
import { switchField, type Target } from "#core/reader/pn532/commands.ts";
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
import type { Clock, FeedbackSignal, ReaderEvent } from "#gateway/ports.ts";
import { ApduJobs } from "#gateway/reader/pn532/apdu-jobs.ts";
import { apduToCard, readAtChip } from "#gateway/reader/pn532/card-at-chip.ts";
import { type Outcome, Pn532Chip } from "#gateway/reader/pn532/chip.ts";
import type { Line } from "#gateway/reader/pn532/line.ts";
import { Nap } from "#gateway/reader/pn532/nap.ts";
import { PinLights, type Shown } from "#gateway/reader/pn532/pin-lights.ts";
import { ReopenDelay } from "#gateway/reader/pn532/reopen-delay.ts";
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

const REOPENED = "it did not answer, and its line is opened anew";
const NO_BYTES = new Uint8Array(0);

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
  /** Null where none is wired to the chip. */
  readonly #lights: PinLights | null;
  readonly #jobs = new ApduJobs();
  #lostReason: string | undefined;
  #isStopping = false;
  readonly #nap = new Nap();
  #found: Moment = { wallMs: 0, monoMs: 0 };
  #upSinceMs: number | undefined;
  readonly #reopening = new ReopenDelay();
  /** What was said last; undefined: the reader is up, or nothing was said yet. */
  #downReason: string | undefined;

  constructor(config: ConfiguredPn532, deps: Pn532Deps, emit: (event: ReaderEvent) => void) {
    this.#config = config;
    this.#clock = deps.clock;
    this.#transport = deps.transports[config.pn532.transport];
    this.#emit = emit;
    this.#chip = new Pn532Chip(deps.clock.monoMs);
    const { pins } = config.pn532;
    this.#lights = pins === null ? null : new PinLights(pins, this.#chip, deps.clock.monoMs);
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
      await this.#pause(this.#reopening.delayMs);
    }
  }

  /** No event is told from here on. */
  stop(): void {
    this.#isStopping = true;
    this.#upSinceMs = undefined;
    this.#jobs.refuseAll();
    this.#lights?.drop();
    this.#nap.wake();
  }

  /** Shows it by the chip's own lights; null: it has none. */
  show(signal: FeedbackSignal): Promise<Shown> | null {
    if (this.#lights === null) return null;
    if (this.#upSinceMs === undefined) return Promise.resolve(E.left({ _tag: "ReaderAway" }));
    const shown = this.#lights.show(signal);
    this.#nap.wake();
    return shown;
  }

  /** One APDU to the card that lies there; empty where there is none, or no answer. */
  exchange(apdu: Uint8Array): Promise<Uint8Array> {
    if (this.#upSinceMs === undefined) return Promise.resolve(NO_BYTES);
    const response = this.#jobs.add(apdu);
    this.#nap.wake();
    return response;
  }

  /** The line is closed and opened anew; at once, where it was to be opened later. */
  reopen(): void {
    if (this.#upSinceMs !== undefined) {
      this.#lostReason = REOPENED;
      this.#chip.detach();
    }
    this.#nap.wake();
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
        this.#nap.wake();
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
      this.#lights?.putOut(); // written behind the answer to this
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
        const answer = await this.#command(action.command);
        return E.isRight(answer)
          ? { ...answer.right, _tag: "Answered" }
          : { _tag: "AskFailed", error: answer.left };
      }
      case "Read":
        return { _tag: "CardRead", reading: await this.#read(action.target) };
      case "Settle":
        await this.#settle(action.untilMs);
        return { _tag: "Rested", isExchanged: false };
      case "Rest":
        return { _tag: "Rested", isExchanged: await this.#rest(action.untilMs, action.card) };
    }
  }

  /** A chip that just answered can take one more: what its lights are to show next. */
  async #command(command: ChipCommand): Promise<Outcome> {
    const answer = await this.#chip.command(command);
    if (E.isRight(answer)) await this.#lights?.writeDue();
    return answer;
  }

  async #ask(command: ChipCommand): Promise<Uint8Array | null> {
    const answer = await this.#command(command);
    return E.isRight(answer) ? answer.right.data : null;
  }

  async #read(target: Target): Promise<Reading> {
    this.#found = { wallMs: this.#clock.wallMs(), monoMs: this.#clock.monoMs() };
    if (readsBeyondUid(technologyOfSak(target.sak), this.#config.scope)) await this.#sayReading();
    return readAtChip((command) => this.#ask(command), target, this.#config.scope);
  }

  async #sayReading(): Promise<void> {
    await this.#lights?.showReading();
    if (!this.#hasStopped()) this.#emit({ _tag: "CardReading", reader: this.#config.id });
  }

  #isOver(untilMs: number): boolean {
    const isTime = this.#clock.monoMs() >= untilMs;
    return isTime || this.#hasStopped() || this.#lostReason !== undefined;
  }

  /** To the full, whatever comes meanwhile: the cards need it. */
  async #settle(untilMs: number): Promise<void> {
    while (!this.#isOver(untilMs)) await this.#pauseUntil(untilMs);
  }

  /** Carries APDUs from outside and shows what is due meanwhile. Whether the card answered an APDU. */
  async #rest(untilMs: number, card: Target | null): Promise<boolean> {
    let isExchanged = false;
    for (;;) {
      if (this.#lights?.isDue === true) await this.#lights.writeDue();
      const job = this.#jobs.next();
      if (job !== undefined) {
        const response = card === null ? null : await this.#carryApdu(card, job.apdu);
        isExchanged ||= response !== null && response.length > 0;
        job.answer(response ?? NO_BYTES);
      } else if (this.#isOver(untilMs)) return isExchanged;
      else await this.#pauseUntil(Math.min(untilMs, this.#lights?.dueMs ?? untilMs));
    }
  }

  #carryApdu(card: Target, apdu: Uint8Array): Promise<Uint8Array | null> {
    return apduToCard((command) => this.#ask(command), card, apdu);
  }

  #pauseUntil(untilMs: number): Promise<void> {
    return this.#pause(untilMs - this.#clock.monoMs());
  }

  /** Ends early for an APDU, a signal, a lost line, or the end of all. */
  async #pause(durationMs: number): Promise<void> {
    if (!this.#isStopping) await this.#nap.for(durationMs);
  }

  #tell(news: PollNews): void {
    const reader = this.#config.id;
    const monoMs = this.#clock.monoMs();
    switch (news._tag) {
      case "Up":
        this.#upSinceMs = monoMs;
        this.#downReason = undefined;
        this.#lights?.putOut(); // whoever had the chip before may have left one on
        return this.#emit({ _tag: "ReaderUp", reader, hardware: news.hardware });
      case "Arrived": {
        const { read, atStart } = news;
        const sighting = { ...read, ...this.#found, reader, atStart, simulated: false };
        return this.#emit({ _tag: "CardArrived", sighting });
      }
      case "Unread":
        this.#lights?.endReading();
        return this.#emit({ ...news, _tag: "CardUnread", reader });
      case "Left":
        this.#lights?.endReading();
        return this.#emit({ _tag: "CardLeft", reader, monoMs });
      case "Together":
        return this.#emit({ _tag: "CardsTogether", reader, wallMs: this.#clock.wallMs(), monoMs });
    }
  }

  #goDown(reason: string): void {
    this.#reopening.onDown(
      this.#upSinceMs === undefined ? 0 : this.#clock.monoMs() - this.#upSinceMs,
    );
    this.#upSinceMs = undefined;
    this.#jobs.refuseAll();
    this.#lights?.drop();
    if (reason === this.#downReason) return;
    this.#downReason = reason;
    this.#emit({ _tag: "ReaderDown", reader: this.#config.id, reason });
  }
}
