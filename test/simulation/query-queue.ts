/** The thread of a simulated store: one query after the other, each with its time, until it is gone. */
import type { Later } from "#test/simulation/scheduler.ts";

export class QueryQueue {
  readonly #later: Later;
  readonly #name: string;
  #freeAtMs = 0;
  #isGone = false;

  constructor(later: Later, name: string) {
    this.#later = later;
    this.#name = name;
  }

  /** Nothing that waits is done any more, and nobody is answered. */
  end(): void {
    this.#isGone = true;
  }

  ask<Answer>(what: string, costMs: number, answer: () => Answer): Promise<Answer> {
    const { nowMs } = this.#later;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + costMs;
    const delayMs = this.#freeAtMs - nowMs;
    return new Promise((resolve) => this.later(delayMs, what, () => resolve(answer())));
  }

  /** Does something by itself, some time later. */
  later(delayMs: number, what: string, run: () => void): void {
    this.#later.after(delayMs, `${this.#name} store.${what}`, () => {
      if (!this.#isGone) run();
    });
  }
}
