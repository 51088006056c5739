/** What an ACR122U shows, in the course of one session: "reading", a verdict, nothing any more. */
import { toHex } from "#core/bytes.ts";
import { type FeedbackSignal, PATTERNS } from "#core/feedback/patterns.ts";
import type { FeedbackError } from "#gateway/ports.ts";
import {
  DETECTION_BEEP_OFF,
  feedbackApdu,
  isAcr122u,
  isAcr122uSuccess,
  LIGHTS_OFF,
} from "#gateway/reader/pcsc/acr122u.ts";

interface Deps {
  /** Empty: no card there, which lends its connection, or no answer. */
  readonly transmit: (apdu: Uint8Array) => Promise<Uint8Array>;
  /** Behind what is done at the reader now. */
  readonly enqueue: (job: () => Promise<void>) => void;
}

export class Acr122uLights {
  readonly #isAcr122u: boolean;
  readonly #deps: Deps;
  #isDetectionBeepOff = false;
  /** Set while "reading" is what shows. */
  #readingTimer: NodeJS.Timeout | undefined;

  constructor(hardware: string, deps: Deps) {
    this.#isAcr122u = isAcr122u(hardware);
    this.#deps = deps;
  }

  /** Only through a card, because this needs a connection; once, because the reader keeps it. */
  async silenceDetectionBeep(): Promise<void> {
    if (this.#isDetectionBeepOff || !this.#isAcr122u) return;
    this.#isDetectionBeepOff = isAcr122uSuccess(await this.#deps.transmit(DETECTION_BEEP_OFF));
  }

  async show(signal: FeedbackSignal): Promise<FeedbackError | null> {
    this.forgetReading();
    const response = await this.#deps.transmit(feedbackApdu(signal));
    if (response.length === 0) return { _tag: "ReaderAway" };
    if (isAcr122uSuccess(response)) return null;
    return { _tag: "FeedbackRefused", detail: `status word ${toHex(response.subarray(-2))}` };
  }

  /** One command, which the reader answers at once. Goes out by itself if no verdict follows. */
  async showReading(): Promise<void> {
    if (!this.#isAcr122u) return;
    await this.show("reading");
    const endLater = (): void => this.#deps.enqueue(() => this.endReading());
    this.#readingTimer = setTimeout(endLater, PATTERNS.reading.stayMs).unref();
  }

  /** Puts it out, unless a verdict has taken its place. */
  async endReading(): Promise<void> {
    if (this.#readingTimer === undefined) return;
    this.forgetReading();
    await this.#deps.transmit(LIGHTS_OFF);
  }

  /** The card has left, and the reader shows what it likes; or a verdict shows. */
  forgetReading(): void {
    clearTimeout(this.#readingTimer);
    this.#readingTimer = undefined;
  }
}
