/** Watches this gateway's own clock, and records a clock fix when it turns out to have been wrong. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { ClockSigns } from "#core/clock/clock-class.ts";
import {
  bootClockAtStart,
  CLOCK_STEP_MS,
  fixDue,
  type BootClock,
  type SeenClock,
} from "#core/clock/fix-due.ts";
import { Clocks } from "#core/clock/true-time.ts";
import { ACTOR } from "#core/log/actor.ts";
import { CLOCK_CLASS } from "#core/log/body.ts";
import type { ClockFixBody } from "#core/log/correction.ts";
import type { Fact } from "#core/state/facts.ts";
import type { Clock, Journal } from "#gateway/ports.ts";
import type { LogWriter } from "#gateway/writer/log-writer.ts";

export const CLOCK_CHECK_PERIOD_MS = 10_000;

export interface ClockWatchDeps {
  readonly gateway: string;
  readonly bootId: Uint8Array;
  readonly clock: Clock;
  readonly signs: () => ClockSigns;
  readonly writer: Pick<LogWriter, "append">;
  readonly journal: Journal;
}

export class ClockWatch {
  readonly #deps: ClockWatchDeps;
  #boot: BootClock;
  #timer: NodeJS.Timeout | undefined;
  #isChecking = false;

  /** `facts`: what all records so far say, of which this boot's count. */
  constructor(deps: ClockWatchDeps, facts: ReadonlyArray<Fact>) {
    this.#deps = deps;
    const { gateway } = deps;
    const bootId = toHex(deps.bootId);
    const fix = new Clocks(facts).newestFix(gateway, bootId);
    const hasDoubtfulRecords = facts.some(
      (fact) =>
        fact._tag === "Opened" &&
        fact.gateway === gateway &&
        fact.bootId === bootId &&
        fact.clockClass !== CLOCK_CLASS.ntp,
    );
    const past = { fixedWallAtBootMs: fix?.wallAtBootMs ?? null, hasDoubtfulRecords };
    this.#boot = bootClockAtStart(past, this.#see());
  }

  /** Looks at once, then every 10 s. Never where the kernel gives no boot id: a fix couldn't say which boot it means. */
  start(): void {
    if (this.#deps.bootId.every((byte) => byte === 0)) return;
    void this.check();
    this.#timer = setInterval(() => void this.check(), CLOCK_CHECK_PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #see(): SeenClock {
    const { clock, signs } = this.#deps;
    const { ntpSynchronized } = signs();
    return { ntpSynchronized, wallMs: clock.wallMs(), monoMs: clock.monoMs() };
  }

  /** What can't be recorded now is tried again at the next look. */
  async check(): Promise<void> {
    const seen = this.#see();
    const wallAtBootMs = fixDue(this.#boot, seen);
    if (wallAtBootMs === null || this.#isChecking) return;
    this.#isChecking = true;
    const { gateway, bootId, writer, journal } = this.#deps;
    const body = (): ClockFixBody => ({
      _tag: "ClockFix",
      actor: { kind: ACTOR.gateway, name: gateway },
      bootId,
      wallAtBootMs,
      plusMinusMs: CLOCK_STEP_MS,
    });
    const { wallMs, monoMs } = seen;
    const recorded = await writer.append({ wallMs, monoMs, queries: [], body });
    this.#isChecking = false;
    if (E.isLeft(recorded)) {
      journal.warn("clock.fix-not-recorded", { reason: recorded.left._tag });
      return;
    }
    this.#boot = { wallAtBootMs };
    journal.info("clock.fixed", { wallAtBootMs });
  }
}
