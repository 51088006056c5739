/** Readers on PC/SC: carries out what the supervision of the child decides. */
import { setTimeout as sleep } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import type { RecoveryStep } from "#core/reader/rungs.ts";
import { APDU_TIMEOUT_MS } from "#gateway/limits.ts";
import type {
  Clock,
  FeedbackError,
  FeedbackSignal,
  Journal,
  ReaderAdaptor,
  ReaderEvent,
  RecoveryError,
} from "#gateway/ports.ts";
import { isAcr122u } from "#gateway/reader/pcsc/acr122u.ts";
import {
  type ConfiguredReader,
  downReasonOf,
  hardwareOfReader,
} from "#gateway/reader/pcsc/bound-readers.ts";
import { type RunningChild, startChild } from "#gateway/reader/pcsc/child-process.ts";
import { type ChildMessage, type MessageMalformed, REASON } from "#gateway/reader/pcsc/messages.ts";
import { PCSC_STEPS, takeStep } from "#gateway/reader/pcsc/recovery.ts";
import { Requests } from "#gateway/reader/pcsc/requests.ts";
import { feelPcscdPulse, probePcscd } from "#gateway/reader/pcsc/pcscd-socket.ts";
import {
  type Effect,
  initialSupervision,
  type Input,
  superviseStep,
  type Supervision,
  tickDueMs,
} from "#gateway/reader/pcsc/supervision.ts";
import { type Hands, systemHands } from "#gateway/reader/supervisor/hands.ts";

/** A signal or an APDU may wait for the end of the reading before it, and then takes its own time. */
const REQUEST_TIMEOUT_MS = 3 * APDU_TIMEOUT_MS;

interface Deps {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Others in tests, where pcscd is not the machine's. */
  readonly hands?: Hands;
}

/** `ReaderAdaptor.stop` promises 1 s; a child that outlives it hangs in the kernel, killed already. */
const STOP_TIMEOUT_MS = 800;

type FeedbackOutcome = E.Either<FeedbackError, void>;

const SHOWN: FeedbackOutcome = E.right(undefined);
const AWAY: FeedbackOutcome = E.left({ _tag: "ReaderAway" });
/** What the child says only because the reader itself did something. */
const ANSWERS: ReadonlySet<ChildMessage["_tag"]> = new Set(["Answered", "CardArrived", "CardLeft"]);
/** What readCard takes for "no answer". */
const NO_ANSWER = new Uint8Array();

export interface PcscReaders extends ReaderAdaptor {
  /** What PC/SC calls the hardware that is in use now, by configured reader. */
  readonly hardware: () => ReadonlyMap<string, string>;
}

class SupervisedReaders implements PcscReaders {
  readonly #deps: Deps;
  readonly #configured: ReadonlyArray<ConfiguredReader>;
  #state: Supervision;
  #onEvent: ((event: ReaderEvent) => void) | undefined;
  #child: RunningChild | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #onStopped: (() => void) | undefined;
  readonly #signals = new Requests<FeedbackOutcome>(REQUEST_TIMEOUT_MS, AWAY);
  readonly #exchanges = new Requests<Uint8Array>(REQUEST_TIMEOUT_MS, NO_ANSWER);
  /** By hardware: when it was heard of last, and when the card came that was told of last. Both ms monotonic. */
  readonly #heardMs = new Map<string, number>();
  readonly #cardMs = new Map<string, number>();
  /** By reader: the hardware that it was last. */
  readonly #lastHardware = new Map<string, string>();
  readonly recoverySteps = PCSC_STEPS;

  constructor(deps: Deps, configured: ReadonlyArray<ConfiguredReader>) {
    this.#deps = deps;
    this.#configured = configured;
    this.#state = initialSupervision(configured, deps.clock.monoMs());
  }

  start(onEvent: (event: ReaderEvent) => void): void {
    this.#onEvent = onEvent;
    this.#input({ _tag: "Tick" });
  }

  hardware(): ReadonlyMap<string, string> {
    const inUse = new Map<string, string>();
    for (const { id } of this.#configured) {
      const name = hardwareOfReader(this.#state.readers, id);
      if (name !== undefined) inUse.set(id, name);
    }
    return inUse;
  }

  async feedback(reader: string, signal: FeedbackSignal): Promise<FeedbackOutcome> {
    const name = hardwareOfReader(this.#state.readers, reader);
    if (name === undefined || this.#child === undefined) return AWAY;
    if (!isAcr122u(name)) {
      this.#deps.journal.info("reader.feedback", { reader, signal });
      return SHOWN;
    }
    const outcome = await this.#signals.ask((request) =>
      this.#child?.send({ _tag: "Feedback", request, name, signal }),
    );
    if (outcome !== AWAY) this.#noteHeard(name);
    return outcome;
  }

  async exchange(reader: string, apdu: Uint8Array): Promise<Uint8Array> {
    const name = hardwareOfReader(this.#state.readers, reader);
    const cardMonoMs = name === undefined ? undefined : this.#cardMs.get(name);
    if (name === undefined || cardMonoMs === undefined) return NO_ANSWER;
    const response = await this.#exchanges.ask((request) =>
      this.#child?.send({ _tag: "Exchange", request, name, cardMonoMs, apdu }),
    );
    if (response.length > 0) this.#noteHeard(name);
    return response;
  }

  roundTripMonoMs(reader: string): number | null {
    const name = hardwareOfReader(this.#state.readers, reader);
    return name === undefined ? null : (this.#heardMs.get(name) ?? null);
  }

  async examine(reader: string): Promise<RecoveryStep | null> {
    const pulse = await feelPcscdPulse();
    if (pulse !== "answers") return "restart-pcscd";
    return downReasonOf(this.#state.readers, reader) === REASON.silent ? "restart-child" : null;
  }

  recover(reader: string, step: RecoveryStep): Promise<E.Either<RecoveryError, void>> {
    const match = this.#configured.find(({ id }) => id === reader)?.match ?? null;
    return takeStep(step, {
      hands: this.#deps.hands ?? systemHands(),
      hardware: this.#lastHardware.get(reader) ?? null,
      match,
      send: this.#child?.send ?? null,
      restart: (reason) => this.#input({ _tag: "Restart", reason }),
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#giveUpRequests();
    if (this.#child === undefined) return;
    const stopped = new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
    this.#child.kill();
    await Promise.race([stopped, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }

  #input(input: Input): void {
    if (this.#isStopped) return;
    const { state, effects } = superviseStep(this.#state, input, this.#deps.clock.monoMs());
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    this.#schedule();
  }

  #carryOut(effect: Effect): void {
    switch (effect._tag) {
      case "Probe":
        void probePcscd().then((probe) => this.#input({ _tag: "Probed", probe }));
        return;
      case "Spawn":
        this.#spawn();
        return;
      case "Kill":
        this.#child?.kill();
        return;
      case "Send":
        this.#child?.send(effect.message);
        return;
      case "Emit":
        if (effect.event._tag === "ReaderUp") {
          this.#lastHardware.set(effect.event.reader, effect.event.hardware);
        }
        this.#onEvent?.(effect.event);
        return;
      case "Note":
        this.#deps.journal.warn(effect.code, effect.fields);
        return;
    }
  }

  #spawn(): void {
    this.#child = startChild({
      onMessage: (message) => this.#hear(message),
      onExit: (exit) => {
        this.#child = undefined;
        this.#giveUpRequests();
        this.#onStopped?.();
        this.#input({ _tag: "ChildExited", exit });
      },
    });
  }

  #hear(decoded: E.Either<MessageMalformed, ChildMessage>): void {
    if (E.isLeft(decoded)) {
      this.#deps.journal.error("pcsc.message-malformed", { tag: decoded.left.tag });
      return;
    }
    const message = decoded.right;
    if (message._tag === "FeedbackDone") {
      const isAway = message.error?._tag === "ReaderAway";
      const refusedOrShown = message.error === null ? SHOWN : E.left(message.error);
      this.#signals.answer(message.request, isAway ? AWAY : refusedOrShown);
      return;
    }
    if (message._tag === "ExchangeDone") {
      this.#exchanges.answer(message.request, message.response);
      return;
    }
    if ("name" in message && ANSWERS.has(message._tag)) this.#noteHeard(message.name);
    this.#noteCard(message);
    this.#input({ _tag: "ChildSaid", message });
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const dueMs = tickDueMs(this.#state);
    if (dueMs === undefined) return;
    const delayMs = Math.max(0, dueMs - this.#deps.clock.monoMs());
    // Had this thread itself been held up, the child's heartbeats would lie unread in the pipe. They
    // are read between a timer and setImmediate, so the child is not killed for that.
    this.#timer = setTimeout(() => setImmediate(() => this.#input({ _tag: "Tick" })), delayMs);
  }

  #noteHeard(name: string): void {
    this.#heardMs.set(name, this.#deps.clock.monoMs());
  }

  #noteCard(message: ChildMessage): void {
    if (message._tag === "CardArrived" || message._tag === "CardUnread") {
      this.#cardMs.set(message.name, message.monoMs);
    }
    if (message._tag === "CardLeft" || message._tag === "ReaderDown") {
      this.#cardMs.delete(message.name);
    }
  }

  #giveUpRequests(): void {
    this.#signals.giveUp();
    this.#exchanges.giveUp();
    this.#heardMs.clear();
    this.#cardMs.clear();
  }
}

/**
 * Readers on PC/SC. Hardware becomes the first configured reader, in order, that is down and whose
 * `match` is part of the hardware's name (null: any); hardware that is nobody's is left alone.
 */
export const createPcscReaders = (
  deps: Deps,
  readers: ReadonlyArray<ConfiguredReader>,
): PcscReaders => new SupervisedReaders(deps, readers);
