/** What waits to be looked at: live traffic before answers to asks, and no more than so much of either. */
import type { SyncInput } from "#core/sync/inputs.ts";
import { INBOX_BYTES_MAX, INBOX_COUNT_MAX } from "#gateway/limits.ts";

class Queue {
  #inputs: SyncInput[] = [];
  #byteCount = 0;

  get length(): number {
    return this.#inputs.length;
  }

  hasRoomFor(byteCount: number): boolean {
    return this.#inputs.length < INBOX_COUNT_MAX && this.#byteCount + byteCount <= INBOX_BYTES_MAX;
  }

  push(input: SyncInput): void {
    this.#inputs.push(input);
    this.#byteCount += byteCountOf(input);
  }

  shift(): SyncInput | undefined {
    const input = this.#inputs.shift();
    if (input !== undefined) this.#byteCount -= byteCountOf(input);
    return input;
  }

  clear(): void {
    this.#inputs = [];
    this.#byteCount = 0;
  }
}

const byteCountOf = (input: SyncInput): number =>
  input._tag === "Received" ? input.payload.length : 0;

const isBackfill = (input: SyncInput): boolean =>
  input._tag === "Received" && input.channel === "answer";

/** Inputs in the order in which they are to be taken. */
export class Inbox {
  readonly #live = new Queue();
  readonly #backfill = new Queue();

  get length(): number {
    return this.#live.length + this.#backfill.length;
  }

  /** False where a peer's message was dropped for want of room; the gateway's own inputs always find a place. */
  push(input: SyncInput): boolean {
    const queue = isBackfill(input) ? this.#backfill : this.#live;
    if (input._tag === "Received" && !queue.hasRoomFor(input.payload.length)) return false;
    queue.push(input);
    return true;
  }

  shift(): SyncInput | undefined {
    return this.#live.shift() ?? this.#backfill.shift();
  }

  clear(): void {
    this.#live.clear();
    this.#backfill.clear();
  }
}
