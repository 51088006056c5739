/** Tells once of each card that turns out to have a copy. How long the alarm stands is worked out anew by whoever asks. */
import type { Journal } from "#gateway/ports.ts";
import { copiesOf, type CopyAlarm } from "#gateway/queries/alarms.ts";
import type { StateMemory } from "#gateway/state-memory.ts";

export class CopyWatch {
  readonly #memory: StateMemory;
  readonly #journal: Journal;
  readonly #told = new Set<string>();

  constructor(memory: StateMemory, journal: Journal) {
    this.#memory = memory;
    this.#journal = journal;
  }

  /** Alarms that nobody was told of. */
  fresh(): ReadonlyArray<CopyAlarm> {
    const fresh = copiesOf(this.#memory).filter(({ card }) => !this.#told.has(card));
    for (const { code, card, device, seenAt } of fresh) {
      this.#told.add(card);
      this.#journal.error(`alarm.${code}`, { device, seenAt });
    }
    return fresh;
  }
}
