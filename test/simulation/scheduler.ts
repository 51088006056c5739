/**
 * Virtual time: events in the order of (time, order of scheduling), one after the other. After each event all promises
 * that it settled have run to their end before the next begins, so the order of everything is decided here alone.
 */
import { Trace } from "#test/simulation/trace.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly what: string;
  readonly run: () => void;
}

const isBefore = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Node runs ticks only when no microtask is left, whatever those that ran have added. */
const promisesAtRest = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** How anything but the scheduler sees it. */
export interface Later {
  readonly nowMs: number;
  /** Runs `run` so many ms from now; `what` stands in the trace. */
  readonly after: (delayMs: number, what: string, run: () => void) => void;
}

export class Scheduler implements Later {
  nowMs = 0;
  readonly trace: Trace = new Trace();
  /** A binary heap, the next event first. */
  readonly #heap: Event[] = [];
  #order = 0;

  after = (delayMs: number, what: string, run: () => void): void => {
    this.#order += 1;
    this.#push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, what, run });
  };

  /** Runs what happens until then, and stops at once when `isOver` says so. */
  async runUntil(endMs: number, isOver: () => boolean): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (next.atMs > endMs || isOver()) break;
      this.#pop();
      this.nowMs = next.atMs;
      this.trace.note(next.atMs, next.what);
      next.run();
      await promisesAtRest();
    }
    if (!isOver()) this.nowMs = Math.max(this.nowMs, endMs);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
