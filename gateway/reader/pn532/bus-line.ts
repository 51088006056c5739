/**
 * A PN532 on a bus speaks only when it is asked: it is asked whether it is ready until it is, and then for its frame.
 * Source: PN532 User Manual (UM0701-02), sections 6.2.4 (I2C) and 6.2.5 (SPI).
 */
import { equalBytes } from "#core/bytes.ts";
import { ACK_FRAME, FRAME_DATA_BYTES_MAX, NACK_FRAME } from "#core/reader/pn532/frame.ts";
import type { Line, LineListener } from "#gateway/reader/pn532/line.ts";

/** One chip on a bus. Each may reject: then the chip did not hear, or was not heard. */
export interface ChipBus {
  readonly write: (frame: Uint8Array) => Promise<void>;
  readonly isReady: () => Promise<boolean>;
  /** From the beginning of the frame that is ready; beyond its end anything. */
  readonly read: (byteCount: number) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** Between two questions whether it is ready. */
const ASK_PERIOD_MS = 2;
/** An extended frame at its longest. What is not read of a frame at once is lost. */
const FRAME_BYTES_MAX = FRAME_DATA_BYTES_MAX + 10;

class BusLine implements Line {
  readonly #bus: ChipBus;
  readonly #listener: LineListener;
  /** One thing at a time, in order. */
  #queue: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** How many bytes to read next; 0: nothing is expected. */
  #byteCountDue = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: ChipBus, listener: LineListener) {
    this.#bus = bus;
    this.#listener = listener;
  }

  write(bytes: Uint8Array): void {
    this.#byteCountDue = this.#expectedAfter(bytes);
    this.#enqueue(() => this.#bus.write(bytes));
    this.#askLater();
  }

  rest(): void {
    this.#byteCountDue = 0;
    clearTimeout(this.#timer);
  }

  async close(): Promise<void> {
    this.rest();
    this.#isClosed = true;
    await this.#queue;
    await this.#bus.close().catch(() => undefined);
  }

  /** An ACK ends all; a NACK has the answer sent again; a command has its ACK first. */
  #expectedAfter(bytes: Uint8Array): number {
    if (equalBytes(bytes, ACK_FRAME)) return 0;
    return equalBytes(bytes, NACK_FRAME) ? FRAME_BYTES_MAX : ACK_FRAME.length;
  }

  /** What fails is like a chip that says nothing: the time-outs of the exchange deal with both. */
  #enqueue(job: () => Promise<void>): void {
    this.#queue = this.#queue.then(job).catch(() => undefined);
  }

  #askLater(): void {
    clearTimeout(this.#timer);
    if (this.#byteCountDue === 0) return;
    this.#timer = setTimeout(() => this.#enqueue(() => this.#ask()), ASK_PERIOD_MS);
  }

  async #ask(): Promise<void> {
    try {
      if (this.#byteCountDue === 0 || !(await this.#bus.isReady())) return;
      const bytes = await this.#bus.read(this.#byteCountDue);
      if (this.#isClosed) return;
      this.#byteCountDue = FRAME_BYTES_MAX; // behind the ACK comes the answer
      this.#listener.onBytes(bytes);
    } finally {
      this.#askLater();
    }
  }
}

export const busLine = (bus: ChipBus, listener: LineListener): Line => new BusLine(bus, listener);

/** What a bus can't be opened for, in words. */
export const busAdvice = (device: string, error: unknown, howToSwitchOn: string): string => {
  const detail = error instanceof Error ? error.message : String(error);
  if (/ENOENT|no such/i.test(detail))
    return `${device} is not there: switch it on (${howToSwitchOn})`;
  if (/EACCES|EPERM|permission/i.test(detail)) {
    return `no permission for ${device}: put the gateway's user into the group that ls -l ${device} shows, then start it again`;
  }
  return `${device} can't be opened (${detail})`;
};
