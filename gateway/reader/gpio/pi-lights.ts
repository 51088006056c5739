/**
 * The lights on the Pi's own lines, of all readers that have some. A reader's own lights say "reading" by themselves;
 * these learn from its events that a card is being read, and that nothing came of it.
 */
import * as E from "fp-ts/lib/Either.js";
import type { GpioConfig } from "#gateway/config/config.ts";
import type { FeedbackError, FeedbackSignal, ReaderEvent } from "#gateway/ports.ts";
import { GpioLights } from "#gateway/reader/gpio/gpio-lights.ts";

interface LitReader {
  readonly id: string;
  readonly gpio: GpioConfig | null;
}

export class PiLights {
  readonly #lights = new Map<string, GpioLights>();
  readonly #onFailed: (reader: string, signal: FeedbackSignal, error: FeedbackError) => void;

  constructor(
    readers: ReadonlyArray<LitReader>,
    onFailed: (reader: string, signal: FeedbackSignal, error: FeedbackError) => void,
  ) {
    this.#onFailed = onFailed;
    for (const { id, gpio } of readers) {
      if (gpio !== null) this.#lights.set(id, new GpioLights(gpio));
    }
  }

  /** Nothing where the reader has none. */
  async show(reader: string, signal: FeedbackSignal): Promise<void> {
    const shown = await this.#lights.get(reader)?.show(signal);
    if (shown !== undefined && E.isLeft(shown)) this.#onFailed(reader, signal, shown.left);
  }

  onEvent(event: ReaderEvent): void {
    if (event._tag === "CardReading") void this.show(event.reader, "reading");
    if (event._tag === "CardUnread" || event._tag === "CardLeft" || event._tag === "ReaderDown") {
      void this.#lights.get(event.reader)?.endReading();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#lights.values()].map((lights) => lights.stop()));
  }
}
