/** Builds one gateway out of its parts; the order of start and stop is here and nowhere else. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { classifyClock } from "#core/clock/clock-class.ts";
import type { SignedGroup } from "#core/log/epoch.ts";
import { stateTopic, syncSubscriptions } from "#core/message/topics.ts";
import type { Roster } from "#core/trust/roster.ts";
import type { KnownRegisters } from "#core/verdict/known-registers.ts";
import type { CardIndex } from "#core/verdict/card-index.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { Counters } from "#gateway/counters.ts";
import {
  loadFleetMaterial,
  type FleetFileError,
  type FleetMaterial,
} from "#gateway/fleet-files.ts";
import { publishTap, stateMessage, willOf } from "#gateway/integrations/json-topics.ts";
import { DISK_FREE_BYTES_MIN } from "#gateway/limits.ts";
import { createLink, type Link } from "#gateway/link/mqtt-link.ts";
import { randomBytes } from "#gateway/node-crypto.ts";
import type { Clock, Folded, Journal, ReaderEvent, Store } from "#gateway/ports.ts";
import { createReaders, type Readers } from "#gateway/reader/readers.ts";
import { loadStartState, type StartState } from "#gateway/start-state.ts";
import { openStore } from "#gateway/store/client.ts";
import type { StoreNotice, StoreOpenError } from "#gateway/store/messages.ts";
import { SyncLoop } from "#gateway/sync-loop.ts";
import { freeBytes, readBootId, readClockSigns } from "#gateway/system.ts";
import { TapPath, type TapReport } from "#gateway/tap-path.ts";
import { watchRoster } from "#gateway/roster-watch.ts";
import { LogWriter } from "#gateway/writer/log-writer.ts";
import type { AcceptedRange } from "#core/log/range.ts";

export interface GatewayDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  /** The store's thread died: the process can't go on. */
  readonly onFatal: (error: Error) => void;
}

export type StartError = FleetFileError | StoreOpenError;

/** What happens here, for whoever watches. */
export type GatewayEvent =
  | { readonly _tag: "TapReported"; readonly report: TapReport }
  | {
      readonly _tag: "PeerRecords";
      readonly author: string;
      readonly accepted: AcceptedRange;
      readonly isLive: boolean;
    }
  | { readonly _tag: "ReaderChanged"; readonly event: ReaderEvent };

/** A gateway that runs. */
export interface Gateway {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly material: FleetMaterial;
  readonly roster: () => Roster;
  readonly store: Store;
  readonly notices: ReadonlyArray<StoreNotice>;
  readonly index: CardIndex;
  readonly writer: LogWriter;
  readonly readers: Readers;
  readonly link: Link;
  readonly sync: SyncLoop;
  readonly counters: Counters;
  readonly hasRoom: () => boolean;
  /** The newest tap, for `--last-tap`; null before the first. */
  readonly lastTap: () => TapReport | null;
  /** Calls back for each event until the returned function is called. */
  readonly watch: (listener: (event: GatewayEvent) => void) => () => void;
  /** Stops in order: readers, log (with its `close` record), link, store. */
  readonly stop: () => Promise<void>;
}

/** The room on the disk is looked at so often, and not in the way of a verdict. */
const ROOM_CHECK_PERIOD_MS = 1_000;

const currentClockClass = (): number => classifyClock(readClockSigns());

class RunningGateway implements Gateway {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly material: FleetMaterial;
  readonly store: Store;
  readonly notices: ReadonlyArray<StoreNotice>;
  readonly index: CardIndex;
  readonly writer: LogWriter;
  readonly readers: Readers;
  readonly link: Link;
  readonly sync: SyncLoop;
  readonly counters: Counters = new Counters();
  readonly #tapPath: TapPath;
  readonly #registers: KnownRegisters;
  readonly #listeners = new Set<(event: GatewayEvent) => void>();
  readonly #session = toHex(randomBytes(8));
  #roster: Roster;
  #lastTap: TapReport | null = null;
  #stopRosterWatch: () => void = () => undefined;
  #hasRoom = true;
  #roomCheck: NodeJS.Timeout | undefined;

  constructor(
    parts: {
      readonly config: GatewayConfig;
      readonly material: FleetMaterial;
      readonly store: Store;
      readonly notices: ReadonlyArray<StoreNotice>;
      readonly start: StartState;
      readonly bootId: Uint8Array;
    },
    deps: GatewayDeps,
  ) {
    const { config, material, store, start } = parts;
    const { clock, journal } = deps;
    this.config = config;
    this.clock = clock;
    this.journal = journal;
    this.material = material;
    this.store = store;
    this.notices = parts.notices;
    this.index = start.index;
    this.#registers = start.registers;
    this.#roster = material.roster;
    const { fleet, gateway } = config;
    const { bootId } = parts;
    const { gatewayKey, cardHmac } = material;
    const author = { fleet, gateway, gatewayKey, bootId, clockClass: currentClockClass };
    const onCommitted = (group: SignedGroup): void => this.sync.onOwnCommitted(group);
    this.writer = new LogWriter({ store, clock, journal, author, onCommitted }, start.unnamed);
    this.link = this.#createLink();
    const { counters, writer, link } = this;
    this.sync = new SyncLoop(
      {
        fleet,
        gateway,
        clock,
        journal,
        counters,
        store,
        writer,
        link,
        onAccepted: (accepted, from, isLive) =>
          this.#tell({ _tag: "PeerRecords", author: from, accepted, isLive }),
      },
      material.roster,
      start.replica,
    );
    this.readers = createReaders({ clock, journal }, config.readers);
    this.#tapPath = new TapPath(
      {
        config,
        clock,
        writer,
        cardHmac,
        index: this.index,
        knownWrites: this.#registers,
        hasRoom: this.hasRoom,
        show: this.readers.show,
        onReport: (report) => this.#onReport(report),
      },
      start.lastCards,
    );
  }

  #createLink(): Link {
    const { config, journal, counters } = this;
    const { gateway, site, fleet, linkBrokers } = config;
    return createLink(journal, {
      gateway,
      brokers: linkBrokers,
      subscriptions: syncSubscriptions(fleet, gateway),
      will: willOf(config, this.#session),
      onConnect: () => {
        this.link.publish(stateTopic(site, gateway), stateMessage("online", this.#session), true);
        void this.sync.onConnect();
      },
      onMessage: (topic, payload) => this.sync.onMessage(topic, payload),
      onDropped: (code) => counters.count(`link.dropped.${code}`),
    });
  }

  start(): void {
    this.#checkRoom();
    this.#roomCheck = setInterval(() => this.#checkRoom(), ROOM_CHECK_PERIOD_MS);
    this.#stopRosterWatch = watchRoster(this.config.fleetFiles, this.journal, (roster) => {
      if (roster.version <= this.#roster.version) return;
      this.#roster = roster;
      this.sync.onRoster(roster);
    });
    this.sync.start();
    this.link.start();
    this.readers.start((event) => {
      if (event._tag === "CardUnread") this.counters.count(`reader.unread.${event.error._tag}`);
      this.#tapPath.onReaderEvent(event);
      this.#tell({ _tag: "ReaderChanged", event });
    });
  }

  roster = (): Roster => this.#roster;
  lastTap = (): TapReport | null => this.#lastTap;

  hasRoom = (): boolean => this.#hasRoom;

  #checkRoom(): void {
    const hasRoom = freeBytes(this.config.dataDir) >= DISK_FREE_BYTES_MIN;
    if (hasRoom !== this.#hasRoom) {
      if (hasRoom) this.journal.info("disk.has-room");
      else this.journal.error("disk.full", { dataDir: this.config.dataDir });
    }
    this.#hasRoom = hasRoom;
  }

  watch = (listener: (event: GatewayEvent) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  onFolded(folded: Folded): void {
    for (const entry of folded.entries) {
      this.index.apply(entry);
      this.#registers.apply(entry);
    }
  }

  #onReport(report: TapReport): void {
    this.#lastTap = report;
    this.counters.count(`tap.${report.verdict._tag.toLowerCase()}`);
    if (E.isLeft(report.recorded)) this.counters.count(`tap.lost.${report.recorded.left._tag}`);
    publishTap(this.link, this.config, report);
    this.#tell({ _tag: "TapReported", report });
  }

  #tell(event: GatewayEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  stop = async (): Promise<void> => {
    const { site, gateway } = this.config;
    this.#stopRosterWatch();
    clearInterval(this.#roomCheck);
    await this.readers.stop();
    await this.writer.close();
    this.link.publish(stateTopic(site, gateway), stateMessage("offline", this.#session), true);
    this.sync.stop();
    await this.link.stop();
    await this.store.close();
  };
}

/**
 * Starts a gateway: files, log, state, then readers and link. Left: what is missing or unreadable; nothing runs then,
 * and the log is as it was.
 */
export const startGateway = async (
  config: GatewayConfig,
  deps: GatewayDeps,
): Promise<E.Either<StartError, Gateway>> => {
  const material = loadFleetMaterial(config);
  if (E.isLeft(material)) return material;
  let gateway: RunningGateway | undefined;
  const opened = await openStore({
    directory: config.dataDir,
    wallMs: deps.clock.wallMs(),
    onFolded: (folded) => gateway?.onFolded(folded),
    onDeath: deps.onFatal,
  });
  if (E.isLeft(opened)) return opened;
  const { store, notices } = opened.right;
  const bootId = readBootId();
  const start = await loadStartState(store, config, bootId);
  gateway = new RunningGateway(
    { config, material: material.right, store, notices, start, bootId },
    deps,
  );
  gateway.start();
  return E.right(gateway);
};
