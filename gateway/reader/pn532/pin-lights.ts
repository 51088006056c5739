/**
 * Lights and a buzzer at the pins of a PN532. The chip takes one command at a time, so whoever has it says when a step
 * may be written; a step that comes late is shown for as long as any other.
 */
import * as E from "fp-ts/lib/Either.js";
import {
  afterStep,
  NOTHING_PLAYS,
  play,
  type Playback,
  playbackDueMs,
  playOff,
  stepDue,
} from "#core/feedback/playback.ts";
import type { ExchangeError } from "#core/reader/pn532/exchange.ts";
import { pinsCommand, type Pn532Pins } from "#core/reader/pn532/pins.ts";
import { SETUP_TIMEOUT_MS } from "#core/reader/pn532/poll-actions.ts";
import type { FeedbackError, FeedbackSignal } from "#gateway/ports.ts";
import type { Pn532Chip } from "#gateway/reader/pn532/chip.ts";

export type Shown = E.Either<FeedbackError, void>;

const SHOWN: Shown = E.right(undefined);
const AWAY: Shown = E.left({ _tag: "ReaderAway" });
const UNANSWERED: Shown = E.left({
  _tag: "FeedbackRefused",
  detail:
    "the chip did not answer WriteGPIO; if it never does: take the pins out of the configuration",
});
const REFUSED: Shown = E.left({
  _tag: "FeedbackRefused",
  detail: "this chip knows no WriteGPIO: take the pins out of the configuration, or another board",
});

/** A write that failed may have left a light on, so it is put out later; the poll finds out what the chip has. */
const PUT_OUT_DELAY_MS = 500;
const PUT_OUT_COUNT_MAX = 2;

const NO_WAKE = new Uint8Array(0);

export class PinLights {
  readonly #pins: Pn532Pins;
  readonly #chip: Pick<Pn532Chip, "command">;
  readonly #monoMs: () => number;
  #playback: Playback = NOTHING_PLAYS;
  #onShown: ((shown: Shown) => void) | undefined;
  /** What was shown last, or is being shown. */
  #signal: FeedbackSignal | undefined;
  #hasRefused = false;
  /** Writes in a row that got no answer. */
  #failureCount = 0;

  constructor(pins: Pn532Pins, chip: Pick<Pn532Chip, "command">, monoMs: () => number) {
    this.#pins = pins;
    this.#chip = chip;
    this.#monoMs = monoMs;
  }

  /**
   * Takes the place of what was shown before. Resolves when the first step was written. Left: `ReaderAway` if the chip
   * went away before; `FeedbackRefused` if it does not know the command, which is said once.
   */
  show(signal: FeedbackSignal): Promise<Shown> {
    this.#end(SHOWN);
    this.#signal = signal;
    this.#playback = play(signal, this.#monoMs());
    return new Promise((resolve) => {
      this.#onShown = resolve;
    });
  }

  /** At once: only while nobody else has the chip. Whether that worked is told with the verdict. */
  async showReading(): Promise<void> {
    this.#end(SHOWN);
    this.#signal = "reading";
    this.#playback = play("reading", this.#monoMs());
    await this.writeDue();
  }

  /** All off, as soon as it can be written. */
  putOut(): void {
    this.#end(SHOWN);
    this.#signal = undefined;
    this.#playback = playOff(this.#monoMs());
  }

  /** The reading is over: puts its signal out, unless a verdict has taken its place. */
  endReading(): void {
    if (this.#signal === "reading") this.putOut();
  }

  /** The chip is away: nothing is shown, and nothing is to be put out. */
  drop(): void {
    this.#end(AWAY);
    this.#playback = NOTHING_PLAYS;
  }

  /** When something is to be written, ms monotonic. */
  get dueMs(): number | undefined {
    return playbackDueMs(this.#playback);
  }

  get isDue(): boolean {
    return stepDue(this.#playback, this.#monoMs()) !== undefined;
  }

  /** Writes the step that is due, if there is one. Only while nobody else has the chip. */
  async writeDue(): Promise<void> {
    const playback = this.#playback;
    const step = stepDue(playback, this.#monoMs());
    if (step === undefined) return;
    const written = await this.#chip.command({
      bytes: pinsCommand(this.#pins, step),
      timeoutMs: SETUP_TIMEOUT_MS,
      wake: NO_WAKE,
    });
    if (this.#playback !== playback) return; // the next signal has taken its place, and is due
    if (E.isLeft(written)) return this.#fail(written.left);
    this.#hasRefused = false;
    this.#failureCount = 0;
    this.#playback = afterStep(playback, this.#monoMs());
    this.#end(SHOWN);
  }

  #fail(error: ExchangeError): void {
    if (error._tag === "CommandRefused") {
      this.#playback = NOTHING_PLAYS;
      if (this.#onShown === undefined) return; // nobody is there to be told
      this.#end(this.#hasRefused ? SHOWN : REFUSED);
      this.#hasRefused = true;
      return;
    }
    this.#failureCount += 1;
    // A chip that never answers this command must not be held up by it for ever: the next signal tries again.
    this.#playback =
      this.#failureCount > PUT_OUT_COUNT_MAX
        ? NOTHING_PLAYS
        : playOff(this.#monoMs() + PUT_OUT_DELAY_MS);
    this.#end(UNANSWERED);
  }

  #end(shown: Shown): void {
    this.#onShown?.(shown);
    this.#onShown = undefined;
  }
}
