/** All readers of a gateway as one: each configured reader is served by the adaptor of its driver. */
import * as E from "fp-ts/lib/Either.js";
import type { Technology } from "#core/card/sighting.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import type {
  Clock,
  FeedbackError,
  FeedbackSignal,
  Journal,
  ReaderAdaptor,
  ReaderEvent,
} from "#gateway/ports.ts";
import {
  createSimulatedReader,
  type SimulatedReaders,
} from "#gateway/reader/emulated/simulated-reader.ts";
import { PiLights } from "#gateway/reader/gpio/pi-lights.ts";
import type { Counters } from "#gateway/counters.ts";
import { createPcscReaders } from "#gateway/reader/pcsc/pcsc-readers.ts";
import { createPn532Readers } from "#gateway/reader/pn532/pn532-readers.ts";
import { ReaderCare, type ReaderHealth } from "#gateway/reader/supervisor/reader-care.ts";

export interface ReaderStatus extends ReaderHealth {
  readonly id: string;
  readonly driver: ReaderConfig["driver"];
  /** Its absence is no fault. */
  readonly optional: boolean;
}

export interface Readers {
  readonly start: (onEvent: (event: ReaderEvent) => void) => void;
  readonly show: (reader: ReaderConfig, signal: FeedbackSignal) => void;
  readonly status: () => ReadonlyArray<ReaderStatus>;
  /** As {@link ReaderAdaptor}; empty for a reader that there isn't. */
  readonly exchange: (reader: string, apdu: Uint8Array) => Promise<Uint8Array>;
  /** What was told of as lying there last; it may be gone by now if it could not be read. */
  readonly lying: (reader: string) => Technology | undefined;
  readonly roundTripMonoMs: (reader: string) => number | null;
  readonly simulated: SimulatedReaders;
  readonly stop: () => Promise<void>;
}

/** What lies on each reader, readable or not. */
class LyingCards {
  readonly #technologies = new Map<string, Technology>();

  technologyOn(reader: string): Technology | undefined {
    return this.#technologies.get(reader);
  }

  onEvent(event: ReaderEvent): void {
    if (event._tag === "CardArrived") {
      this.#technologies.set(event.sighting.reader, event.sighting.technology);
    }
    if (event._tag === "CardUnread") this.#technologies.set(event.reader, event.technology);
    if (event._tag === "CardLeft" || event._tag === "ReaderDown") {
      this.#technologies.delete(event.reader);
    }
  }
}

interface Deps {
  /** To which phones prove themselves. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly counters: Counters;
  /** The reader needs a person. */
  readonly onAlarm: (reader: string) => void;
}

type Adaptors = Readonly<Record<ReaderConfig["driver"], ReaderAdaptor>> & {
  readonly simulated: SimulatedReaders;
};

/** Each driver's adaptor, with the readers that are its own. */
const adaptorsFor = (deps: Deps, configs: ReadonlyArray<ReaderConfig>): Adaptors => {
  const { gateway } = deps;
  const asking = configs.map((config) => {
    const phones = { gateway, state: config.stateOnTag !== null };
    return { ...config, scope: { ...config.scope, phones } };
  });
  const ofDriver = (driver: ReaderConfig["driver"]): ReadonlyArray<ReaderConfig> =>
    asking.filter((config) => config.driver === driver);
  return {
    simulated: createSimulatedReader(deps, ofDriver("simulated")),
    pcsc: createPcscReaders(deps, ofDriver("pcsc")),
    pn532: createPn532Readers(deps, asking),
  };
};

export const createReaders = (deps: Deps, configs: ReadonlyArray<ReaderConfig>): Readers => {
  const adaptors = adaptorsFor(deps, configs);
  const { simulated } = adaptors;
  const used = [...new Set(configs.map(({ driver }) => driver))];
  const lying = new LyingCards();
  let tell: ((event: ReaderEvent) => void) | undefined;
  const care = new ReaderCare(
    { ...deps, onEvent: (event) => tell?.(event) },
    configs.map((config) => ({ ...config, adaptor: adaptors[config.driver] })),
  );

  const noteFailed = (reader: string, signal: FeedbackSignal, error: FeedbackError): void =>
    deps.journal.warn("reader.feedback-failed", { reader, signal, ...error });
  const lights = new PiLights(configs, noteFailed);

  const showAtReader = async ({ id, driver }: ReaderConfig, signal: FeedbackSignal) => {
    const shown = await adaptors[driver].feedback(id, signal);
    if (E.isRight(shown)) return;
    // Time is mostly over while no card lies there, and then an ACR122U takes no command.
    if (signal === "session-over" && shown.left._tag === "ReaderAway") return;
    noteFailed(id, signal, shown.left);
  };
  const show = (reader: ReaderConfig, signal: FeedbackSignal): void => {
    void showAtReader(reader, signal);
    void lights.show(reader.id, signal);
  };

  const adaptorOf = (reader: string): ReaderAdaptor | undefined => {
    const config = configs.find(({ id }) => id === reader);
    return config === undefined ? undefined : adaptors[config.driver];
  };

  return {
    simulated,
    exchange: (reader, apdu) =>
      adaptorOf(reader)?.exchange(reader, apdu) ?? Promise.resolve(new Uint8Array()),
    lying: (reader) => lying.technologyOn(reader),
    roundTripMonoMs: (reader) => adaptorOf(reader)?.roundTripMonoMs(reader) ?? null,
    start: (onEvent) => {
      tell = onEvent;
      care.start();
      for (const driver of used) {
        adaptors[driver].start((event) => {
          lying.onEvent(event);
          lights.onEvent(event);
          onEvent(event);
          care.onEvent(event);
        });
      }
    },
    show,
    status: () =>
      configs.map(({ id, driver, optional }) => ({ id, driver, optional, ...care.health(id) })),
    stop: async () => {
      care.stop();
      await Promise.all(used.map((driver) => adaptors[driver].stop()));
      await lights.stop();
    },
  };
};
