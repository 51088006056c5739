/** A Pi's clock: monotonic from its boot, and a wall clock that may be years off. */
import type { ClockSigns } from "#core/clock/clock-class.ts";
import type { Clock } from "#gateway/ports.ts";
import type { Later } from "#test/simulation/scheduler.ts";

/** What the wall clocks of the world show when a simulation begins. */
export const EPOCH_WALL_MS = 1_800_000_000_000;

export class SimClock implements Clock {
  readonly #world: Later;
  #bootMs = 0;
  /** Wall time minus the world's; a clock that lost its time shows 1970 plus its uptime. */
  #errorMs = 0;

  constructor(world: Later) {
    this.#world = world;
  }

  /** A Pi has no battery: without a saved time it starts in 1970. */
  boot(startsIn1970: boolean): void {
    this.#bootMs = this.#world.nowMs;
    if (startsIn1970) this.#errorMs = -(EPOCH_WALL_MS + this.#bootMs);
  }

  /** The wall clock is set to something else than the truth. */
  jump(errorMs: number): void {
    this.#errorMs = errorMs;
  }

  /** NTP answered. */
  correct(): void {
    this.#errorMs = 0;
  }

  get isRight(): boolean {
    return this.#errorMs === 0;
  }

  /** A clock that NTP has set is right; nothing else in here says that it is. */
  signs = (): ClockSigns => ({
    ntpSynchronized: this.isRight,
    hasHardwareClock: false,
    wallMs: this.wallMs(),
  });

  wallMs = (): number => Math.max(0, this.trueMs() + this.#errorMs);
  monoMs = (): number => this.#world.nowMs - this.#bootMs;
  preciseMs = (): number => this.#world.nowMs;
  trueMs = (): number => EPOCH_WALL_MS + this.#world.nowMs;
}
