/** Whether there is room to record taps: looked at every second, and not in the way of a verdict. */
import { DISK_FREE_BYTES_MIN } from "#gateway/limits.ts";
import type { Journal } from "#gateway/ports.ts";
import { freeBytes } from "#gateway/system.ts";

const CHECK_PERIOD_MS = 1_000;

export class DiskRoom {
  readonly #dataDir: string;
  readonly #journal: Journal;
  #hasRoom = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(dataDir: string, journal: Journal) {
    this.#dataDir = dataDir;
    this.#journal = journal;
  }

  start(): void {
    this.#check();
    this.#timer = setInterval(() => this.#check(), CHECK_PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  hasRoom = (): boolean => this.#hasRoom;

  #check(): void {
    const hasRoom = freeBytes(this.#dataDir) >= DISK_FREE_BYTES_MIN;
    if (hasRoom !== this.#hasRoom) {
      if (hasRoom) this.#journal.info("disk.has-room");
      else this.#journal.error("disk.full", { dataDir: this.#dataDir });
    }
    this.#hasRoom = hasRoom;
  }
}
