/** Readers without hardware: emulated cards are tapped on them by a call. */
import * as E from "fp-ts/lib/Either.js";
import { type CardReadError, readsBeyondUid, type ReadScope } from "#core/card/read-card.ts";
import type { Sighting } from "#core/card/sighting.ts";
import type { Clock, Journal, ReaderAdaptor, ReaderEvent } from "#gateway/ports.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { type CardInReader, inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";

export type SimulatedTapError =
  | { readonly _tag: "ReaderUnknown"; readonly readersKnown: ReadonlyArray<string> }
  /** Not started yet, or stopped: nobody would hear of the tap. */
  | { readonly _tag: "ReaderNotRunning" }
  /** The card tapped before has not left yet. */
  | { readonly _tag: "CardInField" }
  /** As with a real reader, `CardUnread` has been emitted. */
  | { readonly _tag: "CardUnread"; readonly error: CardReadError };

export interface SimulatedReaders extends ReaderAdaptor {
  /**
   * Holds the card to the reader for `holdMs`: reads it, emits `CardArrived`, and `CardLeft` when the time
   * is over. Right: the sighting emitted. Left: see {@link SimulatedTapError}; no card has arrived then.
   */
  readonly tap: (
    reader: string,
    card: EmulatedCard,
    holdMs: number,
  ) => E.Either<SimulatedTapError, Sighting>;
  /** Whether a card tapped before has not left yet. */
  readonly isInField: (reader: string) => boolean;
  /** The reader answers nothing from now on, until it is reopened. */
  readonly hang: (reader: string) => void;
}

interface SimulatedReaderDeps {
  readonly clock: Pick<Clock, "wallMs" | "monoMs">;
  readonly journal: Journal;
}

/** The cards that lie on readers, each for its time. */
class Field {
  readonly #held = new Map<
    string,
    { readonly card: CardInReader; readonly timer: NodeJS.Timeout }
  >();
  readonly #onLeft: (reader: string) => void;

  constructor(onLeft: (reader: string) => void) {
    this.#onLeft = onLeft;
  }

  cardOn(reader: string): CardInReader | undefined {
    return this.#held.get(reader)?.card;
  }

  hold(reader: string, card: CardInReader, holdMs: number): void {
    const timer = setTimeout(() => {
      this.#held.delete(reader);
      this.#onLeft(reader);
    }, holdMs);
    timer.unref(); // a card left on a simulated reader must not keep the process alive
    this.#held.set(reader, { card, timer });
  }

  clear(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }
}

const NO_ANSWER = new Uint8Array();

interface SimulatedReaderConfig {
  readonly id: string;
  readonly scope: ReadScope;
}

const careOf = (
  reopen: (reader: string) => void,
): Pick<ReaderAdaptor, "recoverySteps" | "examine" | "recover"> => ({
  recoverySteps: ["reopen"],
  examine: () => Promise.resolve(null),
  recover: (reader) => {
    reopen(reader);
    return Promise.resolve(E.right(undefined));
  },
});

/** The readers of one gateway whose driver is `simulated`. */
export const createSimulatedReader = (
  deps: SimulatedReaderDeps,
  readers: ReadonlyArray<SimulatedReaderConfig>,
): SimulatedReaders => {
  const { clock, journal } = deps;
  const scopes = new Map(readers.map(({ id, scope }) => [id, scope]));
  let emit: ((event: ReaderEvent) => void) | undefined;

  /** By reader: since when it hangs. */
  const hungMs = new Map<string, number>();
  const field = new Field((reader) => emit?.({ _tag: "CardLeft", reader, monoMs: clock.monoMs() }));

  return {
    start: (onEvent) => {
      emit = onEvent;
      for (const { id } of readers) {
        onEvent({ _tag: "ReaderUp", reader: id, hardware: "simulated reader" });
      }
    },

    tap: (reader, card, holdMs) => {
      const scope = scopes.get(reader);
      if (scope === undefined) {
        return E.left({ _tag: "ReaderUnknown", readersKnown: [...scopes.keys()] });
      }
      if (emit === undefined || hungMs.has(reader)) return E.left({ _tag: "ReaderNotRunning" });
      if (field.cardOn(reader) !== undefined) return E.left({ _tag: "CardInField" });
      const wallMs = clock.wallMs(); // when it was held, not when read
      const monoMs = clock.monoMs();
      const held = inPcscReader(card);
      field.hold(reader, held, holdMs);
      if (readsBeyondUid(card.technology, scope)) emit({ _tag: "CardReading", reader });
      const read = readEmulated(held, scope);
      if (E.isLeft(read)) {
        emit({ _tag: "CardUnread", reader, technology: card.technology, error: read.left });
        return E.left({ _tag: "CardUnread", error: read.left });
      }
      const when = { atStart: false, simulated: true, wallMs, monoMs };
      const sighting: Sighting = { ...read.right, reader, ...when };
      emit({ _tag: "CardArrived", sighting });
      return E.right(sighting);
    },

    isInField: (reader) => field.cardOn(reader) !== undefined,

    // There is no light and no buzzer: the journal is where the signal shows.
    feedback: (reader, signal) => {
      if (!scopes.has(reader)) return Promise.resolve(E.left({ _tag: "ReaderAway" }));
      journal.info("reader.feedback", { reader, signal });
      return Promise.resolve(E.right(undefined));
    },

    exchange: (reader, apdu) => Promise.resolve(field.cardOn(reader)?.transmit(apdu) ?? NO_ANSWER),

    roundTripMonoMs: (reader) => {
      if (emit === undefined || !scopes.has(reader)) return null;
      return hungMs.get(reader) ?? clock.monoMs();
    },

    hang: (reader) => hungMs.set(reader, clock.monoMs()),

    ...careOf((reader) => hungMs.delete(reader)),

    stop: () => {
      emit = undefined;
      field.clear();
      return Promise.resolve();
    },
  };
};
