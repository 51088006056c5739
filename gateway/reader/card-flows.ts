/** Flows against the card that lies on a reader: one at a time, and never against another card than it began with. */
import * as E from "fp-ts/lib/Either.js";
import type { ReaderEvent } from "#gateway/ports.ts";
import type { Readers } from "#gateway/reader/readers.ts";

const NO_ANSWER = new Uint8Array();

/** Somebody else is at that reader's card. */
export interface ReaderBusy {
  readonly _tag: "ReaderBusy";
}

export const readerOf = (event: ReaderEvent): string =>
  event._tag === "CardArrived" ? event.sighting.reader : event.reader;

export class CardFlows {
  readonly #readers: Pick<Readers, "exchange">;
  /** Reader → the end of what is done there. Two at once on one card would undo each other. */
  readonly #working = new Map<string, Promise<unknown>>();
  /** Reader → things that happened there. */
  readonly #changes = new Map<string, number>();

  constructor(readers: Pick<Readers, "exchange">) {
    this.#readers = readers;
  }

  /** To be told of all that happens at readers: once anything does, the card of before is gone. */
  onReaderEvent(event: ReaderEvent): void {
    const reader = readerOf(event);
    this.#changes.set(reader, this.#changesAt(reader) + 1);
  }

  #changesAt(reader: string): number {
    return this.#changes.get(reader) ?? 0;
  }

  /** Left: `ReaderBusy`; nothing was done. */
  async aloneNow<A>(reader: string, work: () => Promise<A>): Promise<E.Either<ReaderBusy, A>> {
    return this.#working.has(reader)
      ? E.left({ _tag: "ReaderBusy" })
      : E.right(await this.alone(reader, work));
  }

  /** Waits for its turn. */
  async alone<A>(reader: string, work: () => Promise<A>): Promise<A> {
    for (let other = this.#working.get(reader); other !== undefined;) {
      await other;
      other = this.#working.get(reader);
    }
    const working = work();
    const ended = working.then(
      () => undefined,
      () => undefined,
    );
    this.#working.set(reader, ended);
    try {
      return await working;
    } finally {
      this.#working.delete(reader);
    }
  }

  /** Runs a flow against the card that lies there now. From inside of `alone` or `aloneNow`. */
  async perform<A>(reader: string, flow: Generator<Uint8Array, A, Uint8Array>): Promise<A> {
    const begun = this.#changesAt(reader);
    let step = flow.next();
    while (step.done !== true) {
      const isSame = this.#changesAt(reader) === begun;
      const answer = isSame ? await this.#readers.exchange(reader, step.value) : NO_ANSWER;
      step = flow.next(answer);
    }
    return step.value;
  }
}
