/** A gateway in this process, built as `tapmesh run` builds it, whose taps are timed. */
import { setImmediate } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { fromHex, toHex } from "#core/bytes.ts";
import { OPEN_REASON } from "#core/log/body.ts";
import type { WriteName } from "#core/log/operation.ts";
import { mayPublish } from "#core/message/topics.ts";
import { startBroker, type EmbeddedBroker } from "#broker/embedded.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { importDevices } from "#gateway/control/enrol-verbs.ts";
import type { Clock, Journal } from "#gateway/ports.ts";
import { NTAG215 } from "#gateway/reader/emulated/type2-models.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import type { Gateway } from "#gateway/gateway.ts";
import { startGateway } from "#gateway/run.ts";
import { systemClock } from "#gateway/system.ts";
import type { TapReport } from "#gateway/tap-path.ts";
import { nowMs } from "#test/bench/clock.ts";
import { importRows, rightOrThrow, SIMULATED_READERS, uidOf } from "#test/bench/fleet.ts";

/** Devices that the taps of a run take turns with. */
export const TAPPED_DEVICES = 64;

/** When things happened to one tap, ms. */
export interface TapTimes {
  /** The record: `recordName` of its epoch and seq. */
  readonly record: string;
  readonly seq: number;
  /** The tap path took the reader's event. */
  readonly sightedMs: number;
  readonly appendCalledMs: number;
  readonly appendedMs: number;
  /** The record was on disk, and the tap path has reported so. */
  readonly reportedMs: number;
}

export const recordName = ({ epoch, seq }: WriteName): string => `${toHex(epoch)}/${seq}`;

const onFatal = (error: Error): never => {
  throw error;
};

const nothing = (): void => undefined;
/** Writing lines would be measured too. */
const SILENT: Journal = { info: nothing, warn: nothing, error: nothing };

export class BenchGateway implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly #broker: EmbeddedBroker | null;
  readonly #cards: ReadonlyArray<EmulatedCard>;
  readonly #clock: StampingClock;
  #taps: number;
  #appendCalledMs = 0;
  #appendedMs = 0;

  private constructor(
    gateway: Gateway,
    parts: { readonly broker: EmbeddedBroker | null; readonly clock: StampingClock },
    firstCard: number,
  ) {
    this.gateway = gateway;
    this.#broker = parts.broker;
    this.#clock = parts.clock;
    this.#taps = firstCard;
    this.#cards = Array.from({ length: TAPPED_DEVICES }, (_, index) =>
      NTAG215.make({ uid: fromHex(uidOf(index)) ?? new Uint8Array(7) }),
    );
    this.#timeAppend();
  }

  /** `firstCard`: with which of the cards that take turns it begins. */
  static async start(config: GatewayConfig, firstCard = 0): Promise<BenchGateway> {
    const broker =
      config.broker === null
        ? null
        : rightOrThrow(await startBroker({ journal: SILENT }, { ...config.broker, mayPublish }));
    const clock = new StampingClock();
    const gateway = rightOrThrow(
      await startGateway(config, { clock, journal: SILENT, openReason: OPEN_REASON.boot, onFatal }),
    );
    return new BenchGateway(gateway, { broker, clock }, firstCard);
  }

  /** Enrols the cards that `tap` holds to the readers. */
  async enrol(): Promise<void> {
    const rows = importRows(0, TAPPED_DEVICES);
    const imported = await importDevices(this.gateway, {
      verb: "import",
      rows,
      dryRun: false,
      user: "bench",
    });
    if (E.isLeft(imported)) throw new Error(imported.left.message);
  }

  /** One card held to a reader; resolves when its record is on disk. */
  async tap(): Promise<TapTimes> {
    const card = this.#cards[this.#taps % this.#cards.length];
    const reader = SIMULATED_READERS[this.#taps % SIMULATED_READERS.length];
    if (card === undefined || reader === undefined) throw new Error("no card or no reader");
    this.#taps += 1;
    // The card before lies there for a millisecond, and a quiet disk is faster than that.
    while (this.gateway.readers.simulated.isInField(reader)) await setImmediate();
    const reported = this.#nextReport();
    this.#clock.firstMs = null;
    rightOrThrow(this.gateway.readers.simulated.tap(reader, card, 0));
    const sightedMs = this.#clock.firstMs;
    if (sightedMs === null) throw new Error("the tap path did not take the card");
    const { report, reportedMs } = await reported;
    const committed = rightOrThrow(report.recorded);
    if (report.verdict._tag !== "Accepted") throw new Error("the card is not enrolled");
    const [appendCalledMs, appendedMs] = [this.#appendCalledMs, this.#appendedMs];
    const record = recordName(committed);
    return { record, seq: committed.seq, sightedMs, appendCalledMs, appendedMs, reportedMs };
  }

  #nextReport(): Promise<{ readonly report: TapReport; readonly reportedMs: number }> {
    return new Promise((resolve) => {
      const stop = this.gateway.watch((event) => {
        if (event._tag !== "TapReported") return;
        const reportedMs = nowMs();
        stop();
        resolve({ report: event.report, reportedMs });
      });
    });
  }

  /** Timed where the tap path calls it, so that the record is the one that a tap makes. */
  #timeAppend(): void {
    const { writer } = this.gateway;
    const append = writer.append.bind(writer);
    writer.append = async (record) => {
      this.#appendCalledMs = nowMs();
      const result = await append(record);
      this.#appendedMs = nowMs();
      return result;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.stop();
    await this.#broker?.close();
  }
}

/** The tap path asks for the precise time first of all when it takes a card. */
class StampingClock implements Clock {
  firstMs: number | null = null;
  readonly wallMs = systemClock.wallMs;
  readonly monoMs = systemClock.monoMs;
  readonly preciseMs = (): number => {
    const ms = nowMs();
    this.firstMs ??= ms;
    return ms;
  };
}
