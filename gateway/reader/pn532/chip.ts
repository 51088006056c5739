/** One command after the other to the chip: carries out what the exchange decides, on an open line. */
import * as E from "fp-ts/lib/Either.js";
import {
  type ChipCommand,
  exchangeDueMs,
  type ExchangeError,
  type ExchangeInput,
  exchangeStep,
  IDLE_EXCHANGE,
} from "#core/reader/pn532/exchange.ts";
import type { Line } from "#gateway/reader/pn532/line.ts";

/** The parameters of an answer; `isRepeated` as in the exchange. */
export interface ChipAnswer {
  readonly data: Uint8Array;
  readonly isRepeated: boolean;
}

export type Outcome = E.Either<ExchangeError, ChipAnswer>;

export class Pn532Chip {
  readonly #monoMs: () => number;
  #line: Line | undefined;
  #state = IDLE_EXCHANGE;
  #timer: NodeJS.Timeout | undefined;
  #onOutcome: ((outcome: Outcome) => void) | undefined;
  #roundTripMonoMs: number | null = null;

  constructor(monoMs: () => number) {
    this.#monoMs = monoMs;
  }

  /** When the chip last answered a command; null: never. */
  get roundTripMonoMs(): number | null {
    return this.#roundTripMonoMs;
  }

  /** From now on commands go there. */
  attach(line: Line): void {
    this.#line = line;
  }

  onBytes(bytes: Uint8Array): void {
    this.#input({ _tag: "Received", bytes });
  }

  /** The line is gone: what waits for an answer gets none. */
  detach(): void {
    clearTimeout(this.#timer);
    this.#line = undefined;
    this.#state = IDLE_EXCHANGE;
    this.#end(E.left({ _tag: "NoAnswer" }));
  }

  /** One command at a time. */
  command(command: ChipCommand): Promise<Outcome> {
    if (this.#line === undefined) return Promise.resolve(E.left({ _tag: "NoAck" }));
    return new Promise((resolve) => {
      this.#onOutcome = resolve;
      this.#input({ _tag: "Send", command });
    });
  }

  #input(input: ExchangeInput): void {
    const { state, effects } = exchangeStep(this.#state, input, this.#monoMs());
    this.#state = state;
    for (const effect of effects) {
      if (effect._tag === "Write") this.#line?.write(effect.bytes);
      if (effect._tag === "Answered") {
        this.#roundTripMonoMs = this.#monoMs();
        this.#end(E.right(effect));
      }
      if (effect._tag === "Failed") this.#end(E.left(effect.error));
    }
    this.#schedule();
  }

  #end(outcome: Outcome): void {
    this.#line?.rest();
    this.#onOutcome?.(outcome);
    this.#onOutcome = undefined;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const dueMs = exchangeDueMs(this.#state);
    if (dueMs === undefined) return;
    // Had this thread been held up, the answer would lie unread: it is read between a timer and setImmediate.
    const tick = (): void => this.#input({ _tag: "Tick" });
    this.#timer = setTimeout(() => setImmediate(tick), Math.max(0, dueMs - this.#monoMs()));
  }
}
