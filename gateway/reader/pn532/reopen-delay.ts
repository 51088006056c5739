/** How long a line stays closed that was lost: 100, 200, 400 ms … up to the limit. */
import { PN532_REOPEN_DELAY_FIRST_MS, PN532_REOPEN_DELAY_MAX_MS } from "#gateway/limits.ts";

/** Up for so long, the reader counts as sound, and its next failure as the first. */
const STEADY_MS = 10_000;

export class ReopenDelay {
  #failureCount = 0;

  onDown(upMs: number): void {
    this.#failureCount = upMs >= STEADY_MS ? 1 : this.#failureCount + 1;
  }

  get delayMs(): number {
    const delayMs = PN532_REOPEN_DELAY_FIRST_MS * 2 ** (this.#failureCount - 1);
    return Math.min(delayMs, PN532_REOPEN_DELAY_MAX_MS);
  }
}
