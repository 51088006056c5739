/**
 * Cares for the readers of a gateway: sees from their round trips whether they answer, and carries out what each
 * one's ladder asks for. A reader is healthy if it answered lately, not because a process lives.
 */
import * as E from "fp-ts/lib/Either.js";
import {
  atFoot,
  type Ladder,
  type LadderEffect,
  type LadderInput,
  ladderStep,
} from "#core/reader/ladder.ts";
import { type LadderPlan, planOf, type RecoveryStep } from "#core/reader/rungs.ts";
import type { Counters } from "#gateway/counters.ts";
import { READER_ALARM_AFTER_MS, READER_SILENT_AFTER_MS, READER_START_MS } from "#gateway/limits.ts";
import type { Clock, Journal, ReaderAdaptor, ReaderEvent, RecoveryError } from "#gateway/ports.ts";

/** Readers are looked at so often: often enough for steps to come when they are due. */
const LOOK_PERIOD_MS = 250;

export interface ReaderHealth {
  readonly up: boolean;
  /** The name that the hardware gives itself, or why it can't be used. */
  readonly detail: string;
  /** How long ago the reader itself answered; null: not since it went down. */
  readonly answeredAgoMs: number | null;
  /** How long it has been failing; null: it isn't. */
  readonly failingMs: number | null;
  /** No step helped; it is tried again ever more slowly. */
  readonly gaveUp: boolean;
  /** The step under way or taken last since the reader was last well. */
  readonly lastStep: RecoveryStep | null;
  /** Steps taken since the gateway started. */
  readonly steps: Readonly<Partial<Record<RecoveryStep, number>>>;
  /** It needs a person: it has failed for a while, or no step helped. */
  readonly alarm: boolean;
}

export interface CaredReader {
  readonly id: string;
  /** Its absence is no fault: nothing is done about it. */
  readonly optional: boolean;
  readonly driver: string;
  readonly adaptor: Pick<
    ReaderAdaptor,
    "roundTripMonoMs" | "recoverySteps" | "examine" | "recover"
  >;
}

interface Deps {
  readonly clock: Pick<Clock, "monoMs">;
  readonly journal: Journal;
  readonly counters: Counters;
  /** What the adaptor didn't say itself: the reader fell silent, or answers again. */
  readonly onEvent: (event: ReaderEvent) => void;
  readonly onAlarm: (reader: string) => void;
}

interface Cared extends CaredReader {
  readonly plan: LadderPlan;
  ladder: Ladder;
  /** What its adaptor said last. */
  said: { readonly up: boolean; readonly detail: string } | null;
  wasSilent: boolean;
  failingSinceMs: number | null;
  /** Found out in this failure: milder steps can't help. */
  from: RecoveryStep | null;
  isExamined: boolean;
  hasAlarm: boolean;
}

/** The adaptor takes it for up, and it doesn't answer. */
const SILENT = "the reader does not answer: if it stays so, unplug it and plug it in again";

type RecoveryOutcome = E.Either<RecoveryError, void>;

/** A shared step that one reader has asked for and others would ask for too. */
interface SharedStep {
  readonly outcome: Promise<RecoveryOutcome>;
  /** Null: it is under way. */
  endedMs: number | null;
}

export class ReaderCare {
  readonly #deps: Deps;
  readonly #readers: ReadonlyMap<string, Cared>;
  readonly #shared = new Map<string, SharedStep>();
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;

  /** `planFor` is the ladder's own unless a test has no time for its rests. */
  constructor(
    deps: Deps,
    readers: ReadonlyArray<CaredReader>,
    planFor: (steps: ReadonlyArray<RecoveryStep>) => LadderPlan = planOf,
  ) {
    this.#deps = deps;
    const cared = readers.map((reader): [string, Cared] => [
      reader.id,
      {
        ...reader,
        plan: planFor(reader.adaptor.recoverySteps),
        ladder: atFoot,
        said: null,
        wasSilent: false,
        failingSinceMs: null,
        from: null,
        isExamined: false,
        hasAlarm: false,
      },
    ]);
    this.#readers = new Map(cared);
  }

  start(): void {
    this.#startedMs = this.#deps.clock.monoMs();
    this.#timer = setInterval(() => this.#look(), LOOK_PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What an adaptor said of one of its readers. */
  onEvent(event: ReaderEvent): void {
    if (event._tag !== "ReaderUp" && event._tag !== "ReaderDown") return;
    const cared = this.#readers.get(event.reader);
    if (cared === undefined) return;
    const isUp = event._tag === "ReaderUp";
    cared.said = { up: isUp, detail: isUp ? event.hardware : event.reason };
    cared.wasSilent = false;
    this.#lookAt(cared);
  }

  health(id: string): ReaderHealth {
    const cared = this.#readers.get(id);
    if (cared === undefined) throw new Error(`there is no reader ${id}`);
    const nowMs = this.#deps.clock.monoMs();
    const answeredMs = cared.adaptor.roundTripMonoMs(id);
    const answeredAgoMs = answeredMs === null ? null : nowMs - answeredMs;
    const { up, detail } = cared.said ?? { up: false, detail: "not seen yet" };
    const isSilent = up && !this.#answers(cared);
    const { ladder, failingSinceMs } = cared;
    return {
      up: up && !isSilent,
      detail: isSilent ? SILENT : detail,
      answeredAgoMs,
      failingMs: failingSinceMs === null ? null : nowMs - failingSinceMs,
      gaveUp: ladder.phase._tag === "GivenUp",
      lastStep: ladder.lastStep,
      steps: Object.fromEntries([...ladder.accounts].map(([step, { count }]) => [step, count])),
      alarm: cared.hasAlarm,
    };
  }

  #look(): void {
    for (const cared of this.#readers.values()) this.#lookAt(cared);
  }

  #answers({ id, adaptor, said }: Cared): boolean {
    const answeredMs = adaptor.roundTripMonoMs(id);
    if (said?.up !== true || answeredMs === null) return false;
    return this.#deps.clock.monoMs() - answeredMs < READER_SILENT_AFTER_MS;
  }

  #lookAt(cared: Cared): void {
    const answers = this.#answers(cared);
    this.#tellOfSilence(cared, answers);
    if (cared.optional || this.#isStarting(cared)) return;
    const monoMs = this.#deps.clock.monoMs();
    if (answers) {
      cared.failingSinceMs = null;
      cared.from = null;
      cared.isExamined = false;
      cared.hasAlarm = false;
      this.#feed(cared, { _tag: "Answers" });
      return;
    }
    cared.failingSinceMs ??= monoMs;
    this.#examine(cared);
    const { from } = cared;
    this.#feed(cared, { _tag: "Fails", from, othersAnswer: this.#othersAnswer(cared) });
    if (monoMs - cared.failingSinceMs >= READER_ALARM_AFTER_MS) this.#raiseAlarm(cared);
  }

  /** Nothing was said of it yet, and there was little time for that. */
  #isStarting({ said }: Cared): boolean {
    return said === null && this.#deps.clock.monoMs() - this.#startedMs < READER_START_MS;
  }

  /** The adaptor takes the reader for up: somebody must say that it isn't. */
  #tellOfSilence(cared: Cared, answers: boolean): void {
    const { id: reader, said } = cared;
    if (said === null) return;
    const isSilent = said.up && !answers;
    if (isSilent === cared.wasSilent) return;
    cared.wasSilent = isSilent;
    if (isSilent) this.#deps.onEvent({ _tag: "ReaderDown", reader, reason: SILENT });
    else this.#deps.onEvent({ _tag: "ReaderUp", reader, hardware: said.detail });
  }

  #othersAnswer({ id, driver }: Cared): boolean {
    return [...this.#readers.values()].some(
      (other) => other.id !== id && other.driver === driver && this.#answers(other),
    );
  }

  /** Once for each failure: it takes a second, and the ladder's grace is as long. */
  #examine(cared: Cared): void {
    if (cared.isExamined) return;
    cared.isExamined = true;
    void this.#findCause(cared);
  }

  async #findCause(cared: Cared): Promise<void> {
    const from = await cared.adaptor.examine(cared.id);
    if (cared.failingSinceMs !== null) cared.from = from;
  }

  #feed(cared: Cared, input: LadderInput): void {
    const monoMs = this.#deps.clock.monoMs();
    const { state, effects } = ladderStep(cared.plan, cared.ladder, { ...input, monoMs });
    cared.ladder = state;
    for (const effect of effects) this.#carryOut(cared, effect);
  }

  #carryOut(cared: Cared, effect: LadderEffect): void {
    const { journal, counters } = this.#deps;
    const { id: reader } = cared;
    switch (effect._tag) {
      case "Failed":
        counters.count("reader.failed");
        journal.warn("reader.failed", { reader, reason: this.health(reader).detail });
        return;
      case "Recovered": {
        const { afterMs, by } = effect;
        counters.count("reader.recovered");
        journal.info("reader.recovered", { reader, afterMs, by: by ?? "itself" });
        return;
      }
      case "GaveUp": {
        counters.count("reader.gave-up");
        const { detail, steps } = this.health(reader);
        journal.error("reader.gave-up", {
          reader,
          reason: detail,
          steps: JSON.stringify(steps),
          retryInS: effect.retryMs / 1_000,
        });
        this.#raiseAlarm(cared);
        // What was found out then may be otherwise at the next climb.
        cared.isExamined = false;
        cared.from = null;
        return;
      }
      case "Take":
        void this.#take(cared, effect.step);
        return;
    }
  }

  async #take(cared: Cared, step: RecoveryStep): Promise<void> {
    const { journal, counters } = this.#deps;
    const { id: reader } = cared;
    counters.count(`reader.step.${step}`);
    journal.warn("reader.step", { reader, step });
    const outcome = await this.#recover(cared, step);
    if (E.isLeft(outcome)) {
      counters.count(`reader.step-failed.${step}`);
      journal.warn("reader.step-failed", { reader, step, reason: outcome.left.detail });
    }
    this.#feed(cared, { _tag: "StepDone", step, isDone: E.isRight(outcome) });
  }

  /** A shared step is taken once for all readers that it can help: those that failed before it was done. */
  #recover(cared: Cared, step: RecoveryStep): Promise<RecoveryOutcome> {
    const { id, driver, adaptor, plan } = cared;
    const rung = plan.rungs.find((candidate) => candidate.step === step);
    if (rung?.isShared !== true) return adaptor.recover(id, step);
    const name = `${driver} ${step}`;
    const taken = this.#shared.get(name);
    if (taken !== undefined && this.#isForThis(cared, taken, rung.settleMs)) return taken.outcome;
    const shared: SharedStep = { outcome: adaptor.recover(id, step), endedMs: null };
    this.#shared.set(name, shared);
    return shared.outcome.finally(() => (shared.endedMs = this.#deps.clock.monoMs()));
  }

  #isForThis({ failingSinceMs }: Cared, { endedMs }: SharedStep, settleMs: number): boolean {
    if (endedMs === null) return true;
    const isOld = this.#deps.clock.monoMs() - endedMs >= settleMs;
    return !isOld && failingSinceMs !== null && failingSinceMs <= endedMs;
  }

  #raiseAlarm(cared: Cared): void {
    if (cared.hasAlarm) return;
    cared.hasAlarm = true;
    this.#deps.journal.error("alarm.reader-down", { reader: cared.id });
    this.#deps.onAlarm(cared.id);
  }
}
