/**
 * One reader in the PC/SC child. Whatever happens at it is done one after the other, in the order in
 * which PC/SC told of it: no connect while a disconnect is under way, no two transmits at once.
 */
import { setTimeout } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { technologyOfAtr } from "#core/card/atr.ts";
import {
  readCard,
  type CardRead,
  type CardReadError,
  type ReadScope,
} from "#core/card/read-card.ts";
import type { Technology } from "#core/card/sighting.ts";
import { APDU_TIMEOUT_MS } from "#gateway/limits.ts";
import type { FeedbackError, FeedbackSignal } from "#gateway/ports.ts";
import {
  DETECTION_BEEP_OFF,
  feedbackApdu,
  isAcr122u,
  isAcr122uSuccess,
} from "#gateway/reader/pcsc/acr122u.ts";
import { cardChange } from "#gateway/reader/pcsc/card-change.ts";
import type { ChildMessage } from "#gateway/reader/pcsc/messages.ts";

/** Powering a card up takes the reader a second where the card does not answer at once. */
const CONNECT_TIMEOUT_MS = 3_000;

/** What is needed of the hardware. Each may reject; none has a timeout of its own. */
export interface Hardware {
  readonly name: string;
  readonly connect: () => Promise<void>;
  /** Does nothing where nothing is connected. */
  readonly disconnect: () => Promise<void>;
  readonly transmit: (apdu: Uint8Array) => Promise<Uint8Array>;
}

/** A state that PC/SC told of, with the times at which it did. */
export interface Status {
  readonly state: number;
  readonly atr: Uint8Array;
  readonly wallMs: number;
  readonly monoMs: number;
}

export interface Session {
  /** Says that the hardware is there. */
  readonly begin: () => void;
  readonly onStatus: (status: Status) => void;
  /** The hardware is gone for good; should it come back, it gets a session of its own. */
  readonly onEnd: (monoMs: number) => void;
  /** The hardware is configured: begin with what lies there now. */
  readonly use: (scope: ReadScope) => void;
  readonly feedback: (request: number, signal: FeedbackSignal) => void;
  /** Sends the APDU to the card whose arrival was told of with this time; if another lies there by now, to none. */
  readonly exchange: (request: number, cardMonoMs: number, apdu: Uint8Array) => void;
}

const UNAVAILABLE = "pcscd can't reach the reader: unplug it and plug it in again";
const UNPLUGGED = "the reader was unplugged: plug it in again";
const SILENT = `the reader did not answer within ${APDU_TIMEOUT_MS} ms: if it stays so, unplug it and plug it in again`;

/** What readCard takes for "no answer". */
const NO_ANSWER = new Uint8Array();
const TIMED_OUT = Symbol("timed out");

const within = async <A>(work: Promise<A>, timeoutMs: number): Promise<A | typeof TIMED_OUT> => {
  const abort = new AbortController();
  const timeout = setTimeout(timeoutMs, TIMED_OUT, { signal: abort.signal });
  timeout.catch(() => undefined); // aborting rejects it, and nobody else listens then
  try {
    return await Promise.race([work, timeout]);
  } finally {
    abort.abort();
  }
};

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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
  /** When the card that lies there arrived; undefined: none does. */
  #cardMonoMs: number | undefined;
  #isDetectionBeepOff = false;

  constructor(hardware: Hardware, monoMs: () => number, report: (message: ChildMessage) => void) {
    this.#hardware = hardware;
    this.#monoMs = monoMs;
    this.#report = report;
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
    this.#goDown(UNPLUGGED, monoMs);
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

  feedback(request: number, signal: FeedbackSignal): void {
    this.#enqueue(async () => {
      this.#report({ _tag: "FeedbackDone", request, error: await this.#show(signal) });
    });
  }

  exchange(request: number, cardMonoMs: number, apdu: Uint8Array): void {
    this.#enqueue(async () => {
      const isThere = this.#cardMonoMs === cardMonoMs;
      const response = isThere ? await this.#transmit(apdu) : NO_ANSWER;
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
      this.#goDown(UNAVAILABLE, status.monoMs);
      await this.#disconnect();
      return;
    }
    this.#announce();
    if (this.#scope === null) return;
    if (isFirst) this.#report({ _tag: "ReaderUp", name: this.#hardware.name });
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
    const read = await this.#read(technology, scope);
    const { name } = this.#hardware;
    const { wallMs, monoMs } = status;
    if (!this.#isUp()) return; // it fell silent, and that was said instead
    this.#cardMonoMs = monoMs;
    if (E.isLeft(read)) {
      this.#report({ _tag: "CardUnread", name, technology, error: read.left, monoMs });
      return;
    }
    this.#isCardReported = true;
    this.#report({ _tag: "CardArrived", name, read: read.right, atStart, wallMs, monoMs });
    await this.#silenceDetectionBeep();
  }

  /** A call, because TypeScript takes a field checked before an await for unchanged after it. */
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

  async #read(
    technology: Technology,
    scope: ReadScope,
  ): Promise<E.Either<CardReadError, CardRead>> {
    const reading = readCard(technology, scope);
    let step = reading.next();
    while (step.done !== true) step = reading.next(await this.#transmit(step.value));
    return step.value;
  }

  /** Only through a card, because this needs a connection; once, because the reader keeps it. */
  async #silenceDetectionBeep(): Promise<void> {
    if (this.#isDetectionBeepOff || !isAcr122u(this.#hardware.name)) return;
    this.#isDetectionBeepOff = isAcr122uSuccess(await this.#transmit(DETECTION_BEEP_OFF));
  }

  async #show(signal: FeedbackSignal): Promise<FeedbackError | null> {
    const response = await this.#transmit(feedbackApdu(signal));
    if (response.length === 0) return { _tag: "ReaderAway" };
    if (isAcr122uSuccess(response)) return null;
    return { _tag: "FeedbackRefused", detail: `status word ${toHex(response.subarray(-2))}` };
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
    await this.#attempt(() => this.#hardware.disconnect(), CONNECT_TIMEOUT_MS);
  }

  /** Undefined: it failed, or took too long; then the reader counts as down until it has ended. */
  async #attempt<A>(start: () => Promise<A>, timeoutMs: number): Promise<A | undefined> {
    const work = start().catch((error: unknown) => {
      this.#trouble(error);
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
    this.#goDown(SILENT, this.#monoMs());
    await work;
    await this.#disconnect();
    this.#announce();
  }

  #trouble(error: unknown): void {
    this.#report({ _tag: "Trouble", name: this.#hardware.name, detail: textOf(error) });
  }
}

/** `report` gets the reader's messages in the order in which things happened. */
export const createSession = (
  hardware: Hardware,
  monoMs: () => number,
  report: (message: ChildMessage) => void,
): Session => new ReaderSession(hardware, monoMs, report);
