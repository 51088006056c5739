/** Tells phones what came of their taps, once that is on disk. No tap waits for it, and none fails by it. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, fromHex } from "#core/bytes.ts";
import { PHONE_STATE_BYTES_MAX } from "#core/card/phone.ts";
import { PHONE_NOT_RECORDED, tellPhone } from "#core/card/read-phone.ts";
import type { Sighting } from "#core/card/sighting.ts";
import { verdictNumber } from "#core/verdict/decide.ts";
import { carrierOf } from "#gateway/carried/state-to-carry.ts";
import type { Counters } from "#gateway/counters.ts";
import type { CardFlows } from "#gateway/reader/card-flows.ts";
import type { TapAgain, TapReport } from "#gateway/tap-path.ts";

export interface PhoneCarrier {
  readonly reader: string;
  readonly device: string;
  readonly card: Uint8Array;
  /** What it held at this tap, where it was asked. */
  readonly brought: Uint8Array | null;
}

export interface PhoneResultsDeps {
  readonly cardFlows: Pick<CardFlows, "aloneNow" | "perform">;
  /** What that card is to carry for its device; null: nothing. */
  readonly state: (carrier: PhoneCarrier, byteCountMax: number) => Promise<Uint8Array | null>;
  readonly counters: Pick<Counters, "count">;
}

/** What a phone is to be told. */
interface Due {
  readonly publicKey: Uint8Array;
  readonly verdict: number;
  /** Whose state it is to carry; null: nobody's. */
  readonly device: string | null;
  readonly card: Uint8Array;
  readonly brought: Uint8Array | null;
}

const NOTHING = new Uint8Array(0);

/** Undefined for cards, and for phones that have proven nothing: these get no state, and no word of a device. */
const dueFor = (tap: TapReport | TapAgain, isRecorded: boolean): Due | undefined => {
  const { sighting, phone, verdict } = tap;
  const card = fromHex(tap.card);
  if (phone !== "proven" || sighting.phone?._tag !== "Claimed" || card === undefined)
    return undefined;
  const { publicKey, state: brought } = sighting.phone;
  const known = { publicKey, card, brought };
  return isRecorded
    ? { ...known, verdict: verdictNumber(verdict), device: carrierOf(verdict) }
    : { ...known, verdict: PHONE_NOT_RECORDED, device: null };
};

export class PhoneResults {
  readonly #deps: PhoneResultsDeps;
  /** By reader: what its last phone has not been told yet. */
  readonly #due = new Map<string, Due>();
  /** By reader: the end of what is being told there. */
  readonly #telling = new Map<string, Promise<void>>();

  constructor(deps: PhoneResultsDeps) {
    this.#deps = deps;
  }

  onReport(report: TapReport): void {
    this.#begin(report.sighting.reader, dueFor(report, E.isRight(report.recorded)));
  }

  /** It was accepted a moment ago, so that is what it is told. */
  onAgain(again: TapAgain): void {
    this.#begin(again.sighting.reader, dueFor(again, true));
  }

  /** A phone that lost the field and is back: it may have missed what it was told. */
  onBounce({ reader, phone }: Sighting): void {
    const due = this.#due.get(reader);
    if (due === undefined || phone?._tag !== "Claimed") return;
    if (!equalBytes(due.publicKey, phone.publicKey)) return;
    const again = { ...due, brought: phone.state }; // by now it may have been read whole
    this.#due.set(reader, again);
    this.#enqueue(reader, again);
  }

  #begin(reader: string, due: Due | undefined): void {
    this.#due.delete(reader);
    if (due === undefined) return;
    this.#due.set(reader, due);
    this.#enqueue(reader, due);
  }

  #enqueue(reader: string, due: Due): void {
    const before = this.#telling.get(reader) ?? Promise.resolve();
    this.#telling.set(
      reader,
      before.then(() => this.#tell(reader, due)),
    );
  }

  async #tell(reader: string, due: Due): Promise<void> {
    if (this.#due.get(reader) !== due) return; // told, or another has tapped meanwhile
    const { publicKey, verdict, device, card, brought } = due;
    const { state, cardFlows, counters } = this.#deps;
    const carried =
      device === null
        ? null
        : await state({ reader, device, card, brought }, PHONE_STATE_BYTES_MAX);
    const flow = tellPhone({ publicKey, verdict, state: carried ?? NOTHING });
    const told = await cardFlows.aloneNow(reader, () => cardFlows.perform(reader, flow));
    // A person who works at the card is not disturbed; the phone is told when it is back, or at its next tap.
    const isTold = E.isRight(told) && E.isRight(told.right) && told.right.right;
    counters.count(isTold ? "phone.told" : "phone.not-told");
    if (isTold && this.#due.get(reader) === due) this.#due.delete(reader);
  }
}
