/** Readers with a PN532 of our own driving. Each keeps to itself: one that hangs holds up no other. */
import { setTimeout as sleep } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import type { ReadScope } from "#core/card/read-card.ts";
import type { Pn532Settings } from "#gateway/config/config.ts";
import type { Clock, Journal, ReaderAdaptor } from "#gateway/ports.ts";
import { Pn532Reader } from "#gateway/reader/pn532/pn532-reader.ts";
import { TRANSPORTS, type Transports } from "#gateway/reader/pn532/transports.ts";

/** `ReaderAdaptor.stop` promises 1 s; a line that takes longer to close hangs in the kernel. */
const STOP_TIMEOUT_MS = 800;

/** A reader of the configuration; null for one with another driver. */
interface MaybePn532 {
  readonly id: string;
  readonly scope: ReadScope;
  readonly pn532: Pn532Settings | null;
}

/** Those of the readers that are PN532s. */
export const createPn532Readers = (
  deps: { readonly clock: Clock; readonly journal: Journal },
  configs: ReadonlyArray<MaybePn532>,
  transports: Transports = TRANSPORTS,
): ReaderAdaptor => {
  const readers = new Map<string, Pn532Reader>();
  let running: Promise<unknown> = Promise.resolve();
  return {
    start: (onEvent) => {
      for (const { id, scope, pn532 } of configs) {
        if (pn532 === null) continue;
        readers.set(
          id,
          new Pn532Reader({ id, scope, pn532 }, { clock: deps.clock, transports }, onEvent),
        );
      }
      running = Promise.all([...readers.values()].map((reader) => reader.run()));
    },

    // There is no light and no buzzer at a bare chip: then the journal is where the signal shows.
    feedback: (id, signal) => {
      const reader = readers.get(id);
      if (reader === undefined) return Promise.resolve(E.left({ _tag: "ReaderAway" }));
      const shown = reader.show(signal);
      if (shown !== null) return shown;
      deps.journal.info("reader.feedback", { reader: id, signal });
      return Promise.resolve(E.right(undefined));
    },

    exchange: async (reader, apdu) =>
      (await readers.get(reader)?.exchange(apdu)) ?? new Uint8Array(0),

    roundTripMonoMs: (reader) => readers.get(reader)?.roundTripMonoMs ?? null,

    // A chip that answers oddly is set up anew by the poll itself, long before this.
    recoverySteps: ["reopen"],
    examine: () => Promise.resolve(null),
    recover: (reader) => {
      readers.get(reader)?.reopen();
      return Promise.resolve(E.right(undefined));
    },

    stop: async () => {
      for (const reader of readers.values()) reader.stop();
      await Promise.race([running, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
};
