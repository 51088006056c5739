/**
 * One reader in the PC/SC child. Whatever happens at it is done one after the other, in the order in
 * which PC/SC told of it: no connect while a disconnect is under way, no two transmits at once.
 */
import * as E from "fp-ts/lib/Either.js";
import { technologyOfAtr } from "#core/card/atr.ts";
import {
  readCard,
  readsBeyondUid,
  type CardRead,
  type CardReadError,
  type ReadScope,
} from "#core/card/read-card.ts";
import type { Technology } from "#core/card/sighting.ts";
import { APDU_TIMEOUT_MS, READER_ROUND_TRIP_TIMEOUT_MS } from "#gateway/limits.ts";
import { phoneNonce } from "#gateway/node-crypto.ts";
import type { FeedbackSignal } from "#gateway/ports.ts";
import { Acr122uLights } from "#gateway/reader/pcsc/acr122u-lights.ts";
import { cardChange } from "#gateway/reader/pcsc/card-change.ts";
import { textOf } from "#gateway/reader/pcsc/error-text.ts";
import type { Hardware, Status } from "#gateway/reader/pcsc/hardware.ts";
import { type ChildMessage, REASON } from "#gateway/reader/pcsc/messages.ts";
import { TIMED_OUT, within } from "#gateway/reader/pcsc/within.ts";

/** Powering a card up takes a second where the card does not answer at once. */
const CONNECT_TIMEOUT_MS = 3_000;

export interface Session {
  /** Says that the hardware is there. */
  readonly begin: () => void;
  readonly onStatus: (status: Status) => void;
  /** The hardware is gone for good; should it come back, it gets a session of its own. */
  readonly onEnd: (monoMs: number) => void;
  /** The hardware is configured: begin with what lies there now. */
  readonly use: (scope: ReadScope) => void;
  /** Says `Answered` if the reader does. */
  readonly ask: () => void;
  /** Lets go of the reader, and takes it anew. */
  readonly reselect: () => void;
  readonly feedback: (request: number, signal: FeedbackSignal) => void;
  /** Sends the APDU to the card whose arrival was told of with this time; if another lies there by now, to none. */
  readonly exchange: (request: number, cardMonoMs: number, apdu: Uint8Array) => void;
}

/** What readCard takes for "no answer". */
const NO_ANSWER = new Uint8Array();
type Reading = E.Either<CardReadError, CardRead>;

class ReaderSession implements Session {
  readonly #hardware: Hardware;
  readonly #monoMs: () => number;
  readonly #report: (message: ChildMessage) => void;
  #queue: Promise<void> = Promise.resolve();
  #latest: Status | undefined;
  #isEnded = false;
  /** The parent knows of the hardware. */
  #isAnnounced = false;
  /** Null until the parent has said that the reader is one of its own. */
  #scope: ReadScope | null = null;
  /** The state up to which its cards were followed; undefined: the reader is not up. */
  #seen: number | undefined;
  #isConnected = false;
  #isCardReported = false;
  /** When the card that lies there arrived. */
  #cardMonoMs: number | undefined;
  readonly #lights: Acr122uLights;
  #isAsking = false;
  /** What PC/SC complained about since the reader last answered: not said twice. */
  #trouble: string | undefined;

  constructor(hardware: Hardware, monoMs: () => number, report: (message: ChildMessage) => void) {
    this.#hardware = hardware;
    this.#monoMs = monoMs;
    this.#report = report;
    this.#lights = new Acr122uLights(hardware.name, {
      transmit: (apdu) => this.#transmit(apdu),
      enqueue: (job) => this.#enqueue(job),
    });
  }

  begin(): void {
    this.#announce();
  }

  onStatus(status: Status): void {
    this.#latest = status;
    this.#enqueue(() => this.#follow(status));
  }

  onEnd(monoMs: number): void {
    // At once, and never again: the same name may come back with a session of its own.
    this.#goDown(REASON.unplugged, monoMs);
    this.#isEnded = true;
    this.#enqueue(() => this.#disconnect());
  }

  use(scope: ReadScope): void {
    const lying = this.#latest;
    this.#enqueue(async () => {
      if (!this.#isAnnounced || this.#scope !== null) return;
      this.#scope = scope;
      if (lying !== undefined) await this.#follow(lying);
    });
  }

  ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#enqueue(() => this.#askReader().finally(() => (this.#isAsking = false)));
  }

  async #askReader(): Promise<void> {
    if (!this.#isUp()) return;
    if (this.#seen !== undefined) await this.#hasAnswered();
    else if (this.#latest !== undefined) await this.#follow(this.#latest);
  }

  async #hasAnswered(): Promise<boolean> {
    const ask = (): Promise<true> => this.#hardware.ask().then(() => true);
    const answered = await this.#attempt(ask, READER_ROUND_TRIP_TIMEOUT_MS);
    if (answered !== true || !this.#isUp()) return false;
    this.#trouble = undefined;
    this.#report({ _tag: "Answered", name: this.#hardware.name });
    return true;
  }

  reselect(): void {
    this.#enqueue(async () => {
      this.#goDown(REASON.reselected, this.#monoMs());
      await this.#disconnect();
      this.#announce();
    });
  }

  feedback(request: number, signal: FeedbackSignal): void {
    this.#enqueue(async () => {
      this.#report({ _tag: "FeedbackDone", request, error: await this.#lights.show(signal) });
    });
  }

  exchange(request: number, cardMonoMs: number, apdu: Uint8Array): void {
    this.#enqueue(async () => {
      const response = this.#cardMonoMs === cardMonoMs ? await this.#transmit(apdu) : NO_ANSWER;
      this.#report({ _tag: "ExchangeDone", request, response });
    });
  }

  /** A job that throws has a bug: the rejection ends this process, and the parent starts another. */
  #enqueue(job: () => Promise<void>): void {
    this.#queue = this.#queue.then(job);
  }

  async #follow(status: Status): Promise<void> {
    const isFirst = this.#seen === undefined;
    const change = cardChange(this.#seen, status.state);
    if (change === "unavailable") {
      this.#goDown(REASON.unavailable, status.monoMs);
      await this.#disconnect();
      return;
    }
    this.#announce();
    if (this.#scope === null) return;
    if (isFirst) {
      if (!(await this.#hasAnswered())) return;
      this.#report({ _tag: "ReaderUp", name: this.#hardware.name });
    }
    this.#seen = status.state;
    if (change === "left" || change === "swapped") await this.#leave(status.monoMs);
    if (change === "arrived" || change === "swapped") {
      await this.#arrive(status, isFirst);
    }
  }

  #announce(): void {
    if (this.#isAnnounced || this.#isEnded) return;
    this.#isAnnounced = true;
    this.#report({ _tag: "HardwareFound", name: this.#hardware.name });
  }

  #goDown(reason: string, monoMs: number): void {
    if (!this.#isAnnounced) return;
    this.#isAnnounced = false;
    this.#reportLeft(monoMs);
    this.#report({ _tag: "ReaderDown", name: this.#hardware.name, reason });
    this.#scope = null;
    this.#seen = undefined;
  }

  async #arrive(status: Status, atStart: boolean): Promise<void> {
    const scope = this.#scope;
    if (scope === null) return; // it fell silent while it let go of the card before
    await this.#connect();
    const technology = technologyOfAtr(status.atr);
    const { name } = this.#hardware;
    if (readsBeyondUid(technology, scope)) {
      await this.#lights.showReading();
      if (!this.#isUp()) return; // it fell silent, and that was said
      this.#report({ _tag: "CardReading", name });
    }
    const read = await this.#read(technology, scope);
    const { wallMs, monoMs } = status;
    if (!this.#isUp()) return; // it fell silent, and that was said instead
    this.#cardMonoMs = monoMs;
    if (E.isLeft(read)) {
      this.#report({ _tag: "CardUnread", name, technology, error: read.left, monoMs });
      // A light needs a card to be switched through, and without one the reader has its own.
      if (read.left._tag !== "CardGone") await this.#lights.endReading();
      return;
    }
    this.#isCardReported = true;
    this.#report({ _tag: "CardArrived", name, read: read.right, atStart, wallMs, monoMs });
    await this.#lights.silenceDetectionBeep();
  }

  /** A call: TypeScript takes a field for unchanged by an await. */
  #isUp(): boolean {
    return this.#scope !== null;
  }

  async #leave(monoMs: number): Promise<void> {
    this.#reportLeft(monoMs);
    await this.#disconnect();
  }

  #reportLeft(monoMs: number): void {
    if (!this.#isCardReported) return;
    this.#isCardReported = false;
    this.#report({ _tag: "CardLeft", name: this.#hardware.name, monoMs });
  }

  async #read(technology: Technology, scope: ReadScope): Promise<Reading> {
    const reading = readCard(technology, scope, phoneNonce());
    let step = reading.next();
    while (step.done !== true) step = reading.next(await this.#transmit(step.value));
    return step.value;
  }

  /** The card's answer; none where there is no connection, or no answer in time. */
  async #transmit(apdu: Uint8Array): Promise<Uint8Array> {
    if (!this.#isConnected) return NO_ANSWER;
    return (await this.#attempt(() => this.#hardware.transmit(apdu), APDU_TIMEOUT_MS)) ?? NO_ANSWER;
  }

  async #connect(): Promise<void> {
    const connected = await this.#attempt(async () => {
      await this.#hardware.connect();
      return true;
    }, CONNECT_TIMEOUT_MS);
    this.#isConnected = connected ?? false;
  }

  async #disconnect(): Promise<void> {
    this.#isConnected = false;
    this.#cardMonoMs = undefined;
    this.#lights.forgetReading();
    await this.#attempt(() => this.#hardware.disconnect(), CONNECT_TIMEOUT_MS);
  }

  /** Undefined: it failed, or took too long; then the reader counts as down until it has ended. */
  async #attempt<A>(start: () => Promise<A>, timeoutMs: number): Promise<A | undefined> {
    const work = start().catch((error: unknown) => {
      this.#complain(error);
      return undefined;
    });
    const outcome = await within(work, timeoutMs);
    if (outcome !== TIMED_OUT) return outcome;
    await this.#waitInSilence(work);
    return undefined;
  }

  /**
   * PC/SC can't be called off: another command before this one has ended would queue up behind it.
   * The other readers go on meanwhile.
   */
  async #waitInSilence(work: Promise<unknown>): Promise<void> {
    this.#goDown(REASON.silent, this.#monoMs());
    await work;
    await this.#disconnect();
    this.#announce();
  }

  #complain(error: unknown): void {
    const detail = textOf(error);
    if (detail === this.#trouble) return;
    this.#trouble = detail;
    this.#report({ _tag: "Trouble", name: this.#hardware.name, detail });
  }
}

export const createSession = (
  hardware: Hardware,
  monoMs: () => number,
  report: (message: ChildMessage) => void,
): Session => new ReaderSession(hardware, monoMs, report);
