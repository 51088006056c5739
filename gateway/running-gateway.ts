/** One gateway, built out of its parts; the order of start and stop is here and nowhere else. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { sunReader } from "#gateway/sun-reader.ts";
import { isOriginal } from "#core/card/originality.ts";
import type { SignedGroup } from "#core/log/epoch.ts";
import { parseSyncTopic, stateTopic, syncSubscriptions } from "#core/message/topics.ts";
import type { Roster } from "#core/trust/roster.ts";
import { CarriedStates } from "#gateway/carried/carried-states.ts";
import { carryOnTags } from "#gateway/carried/tag-carrier.ts";
import { phoneResultsOf } from "#gateway/carried/phone-results-of.ts";
import { CopyWatch } from "#gateway/copy-watch.ts";
import { CheckOuts } from "#gateway/check-outs.ts";
import { alarmsOf, type Alarm } from "#gateway/queries/alarms.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import type { Gateway, GatewayEvent } from "#gateway/gateway.ts";
import { ClockWatch } from "#gateway/clock-watch.ts";
import { Counters } from "#gateway/counters.ts";
import type { FleetMaterial } from "#gateway/fleet/fleet-files.ts";
import {
  infoMessage,
  InfoTopic,
  publishTap,
  stateMessage,
  willOf,
} from "#gateway/integrations/json-topics.ts";
import { createLink, type Link } from "#gateway/link/mqtt-link.ts";
import { nodeCrypto, nodeEntropy, randomBytes } from "#gateway/node-crypto.ts";
import type { PhoneResults } from "#gateway/carried/phone-results.ts";
import type { Clock, Folded, Journal, Store } from "#gateway/ports.ts";
import { CardFlows } from "#gateway/reader/card-flows.ts";
import { createReaders, type Readers } from "#gateway/reader/readers.ts";
import type { StartState } from "#gateway/start-state.ts";
import type { StateMemory } from "#gateway/state-memory.ts";
import type { StoreNotice } from "#gateway/store/messages.ts";
import { SyncLoop, type SyncLoopDeps } from "#gateway/sync/sync-loop.ts";
import { currentClockClass, readClockSigns } from "#gateway/system.ts";
import { TapPath, type TapReport } from "#gateway/tap-path.ts";
import { trustedLocalTime } from "#gateway/local-time.ts";
import { riskOf, type Risk } from "#gateway/queries/risk.ts";
import { BelievedRosters } from "#gateway/fleet/believed-rosters.ts";
import { DiskRoom } from "#gateway/disk-room.ts";
import { LogWriter } from "#gateway/writer/log-writer.ts";

export interface GatewayDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Why the first epoch is opened: `OPEN_REASON`. */
  readonly openReason: number;
  /** The store's thread died: the process can't go on. */
  readonly onFatal: (error: Error) => void;
}

/** Asks that were not answered, acknowledgements and heads are looked at so often. */
const SYNC_TICK_MS = 100;
/** The info topic is brought up to date so often at most. */
const INFO_PERIOD_MS = 1_000;

export class RunningGateway implements Gateway {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly material: FleetMaterial;
  readonly store: Store;
  readonly notices: ReadonlyArray<StoreNotice>;
  readonly memory: StateMemory;
  readonly writer: LogWriter;
  readonly readers: Readers;
  readonly cardFlows: CardFlows;
  readonly link: Link;
  readonly sync: SyncLoop;
  readonly counters: Counters = new Counters();
  readonly carried: CarriedStates;
  readonly #checkOuts: CheckOuts;
  readonly #tapPath: TapPath;
  readonly #clockWatch: ClockWatch;
  readonly #copies: CopyWatch;
  readonly #phones: PhoneResults;
  readonly #listeners = new Set<(event: GatewayEvent) => void>();
  readonly #session = toHex(randomBytes(8));
  readonly #rosters: BelievedRosters;
  #lastTap: TapReport | null = null;
  readonly #room: DiskRoom;
  readonly #bootId: Uint8Array;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #info: InfoTopic;

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
    this.#room = new DiskRoom(config.dataDir, journal);
    this.#bootId = parts.bootId;
    this.memory = start.memory;
    this.#copies = new CopyWatch(start.memory, journal);
    const onRoster = (roster: Roster): void => this.sync.onRoster(roster);
    this.#rosters = new BelievedRosters({ config, journal, onRoster }, material.believed);
    const { fleet, gateway } = config;
    const { bootId } = parts;
    const { gatewayKey } = material;
    const author = { fleet, gateway, gatewayKey, bootId, clockClass: currentClockClass };
    const onCommitted = (group: SignedGroup): void => this.sync.onOwnCommitted(group);
    this.writer = new LogWriter(
      { store, clock, journal, author, entropy: nodeEntropy, onCommitted },
      { unnamed: start.unnamed, reason: deps.openReason },
    );
    this.link = this.#createLink();
    this.sync = this.#createSync(start);
    this.#info = new InfoTopic(this.link, config, async () =>
      infoMessage(this.roster(), await this.risk(), this.alarms()),
    );
    this.#clockWatch = new ClockWatch(
      { gateway, bootId, clock, journal, writer: this.writer, signs: readClockSigns },
      start.facts,
    );
    const care = { counters: this.counters, onAlarm: (id: string) => this.#onReaderAlarm(id) };
    this.readers = createReaders({ gateway, clock, journal, ...care }, config.readers);
    this.cardFlows = new CardFlows(this.readers);
    const { roster, memory } = this;
    this.carried = new CarriedStates({ fleet, crypto: nodeCrypto, roster, memory });
    carryOnTags(this, (event) => this.#tell({ _tag: "StateCarried", ...event }));
    this.#phones = phoneResultsOf(this);
    this.#checkOuts = new CheckOuts(this, (over) => this.#tell({ _tag: "SessionOver", over }));
    this.#tapPath = this.#createTapPath(start);
  }

  #createTapPath(start: StartState): TapPath {
    const { config, clock, journal, writer, memory, carried, material } = this;
    return new TapPath(
      {
        config,
        clock,
        writer,
        cardHmac: material.cardHmac,
        memory,
        carried,
        checkOuts: this.#checkOuts,
        hasRoom: this.#room.hasRoom,
        localTime: trustedLocalTime(config.timeZone),
        isOriginal,
        readSun: sunReader(material.sunSecrets),
        show: this.readers.show,
        onReport: (report) => this.#onReport(report),
        onNotCarried: (reader, error) => {
          this.counters.count(`tag.state.${error._tag}`);
          journal.warn("tag.state-refused", { reader, ...error });
        },
        onAgain: (again) => this.#tell({ _tag: "TappedAgain", again }),
        onBounce: (sighting) => this.#phones.onBounce(sighting),
      },
      start.lastCards,
    );
  }

  #createSync(start: StartState): SyncLoop {
    const { clock, journal, counters, store, writer, link } = this;
    const { fleet, gateway } = this.config;
    const deps: SyncLoopDeps = {
      fleet,
      gateway,
      crypto: nodeCrypto,
      clock,
      journal,
      counters,
      store,
      writer,
      link,
      nextTurn: () => new Promise(setImmediate),
      rosterNote: () => this.#rosters.note(),
      takeRoster: (note, from) => this.#rosters.take(note, from),
      onAccepted: (accepted, author, isLive) =>
        this.#tell({ _tag: "PeerRecords", author, accepted, isLive }),
      onAcknowledged: () => this.#tell({ _tag: "Acknowledged" }),
      onEpochsHeard: (author, from) => this.#tell({ _tag: "EpochsHeard", author, from }),
      onAlarm: (code, author) => {
        journal.error(`alarm.${code}`, { gateway: author });
        this.#tell({ _tag: "AlarmRaised", alarm: { code, author } });
      },
      onRefolded: () => void this.memory.reload(),
    };
    const roster = this.#rosters.current;
    const { replica, forks, holes } = start;
    return new SyncLoop(deps, { self: gateway, roster, replica, forks, holes });
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
        this.#info.forget(); // a broker that is new or has forgotten is told again
        this.sync.onConnect();
      },
      onMessage: (topic, payload) => this.sync.onMessage(topic, payload),
      senderOf: (topic) => {
        const from = parseSyncTopic(topic, fleet, gateway)?.from ?? null;
        return from === gateway ? null : from;
      },
      onDropped: (code) => counters.count(`link.dropped.${code}`),
    });
  }

  start(): void {
    this.#room.start();
    this.#timers.push(
      setInterval(() => this.sync.tick(), SYNC_TICK_MS),
      setInterval(() => void this.#info.publish(), INFO_PERIOD_MS),
    );
    this.#rosters.start();
    this.sync.start();
    this.#clockWatch.start();
    this.link.start();
    this.readers.start((event) => {
      if (event._tag === "CardUnread") this.counters.count(`reader.unread.${event.error._tag}`);
      this.cardFlows.onReaderEvent(event);
      this.#tapPath.onReaderEvent(event);
      this.#tell({ _tag: "ReaderChanged", event });
    });
  }

  roster = (): Roster => this.#rosters.current;
  lastTap = (): TapReport | null => this.#lastTap;
  hasRoom = (): boolean => this.#room.hasRoom();
  alarms = (): ReadonlyArray<Alarm> => alarmsOf(this);
  risk = (): Promise<Risk> =>
    riskOf({ store: this.store, clock: this.clock, bootId: this.#bootId }, this.sync.state);

  watch = (listener: (event: GatewayEvent) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  onFolded(folded: Folded): void {
    this.memory.onFolded(folded);
    for (const alarm of this.#copies.fresh()) this.#tell({ _tag: "AlarmRaised", alarm });
    for (const fact of folded.facts) {
      if (fact._tag === "Forked") this.sync.onFork(fact.epoch, fact.size);
    }
  }

  /** A snapshot that the logs contradict: what was believed of it is read anew. */
  onNotice(notice: StoreNotice): void {
    this.journal.error("store.notice", { ...notice });
    void this.memory.reload();
  }

  #onReport(report: TapReport): void {
    this.#lastTap = report;
    this.counters.count(`tap.${report.verdict._tag.toLowerCase()}`);
    if (report.phone === "unproven") this.counters.count("tap.phone-unproven");
    if (E.isLeft(report.recorded)) this.counters.count(`tap.lost.${report.recorded.left._tag}`);
    publishTap(this.link, this.config, report);
    this.#tell({ _tag: "TapReported", report });
  }

  #onReaderAlarm(reader: string): void {
    const isOfIt = (alarm: Alarm): boolean => "reader" in alarm && alarm.reader === reader;
    for (const alarm of this.alarms().filter(isOfIt)) this.#tell({ _tag: "AlarmRaised", alarm });
  }

  #tell(event: GatewayEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  stop = async (): Promise<void> => {
    const { site, gateway } = this.config;
    this.#rosters.stop();
    for (const timer of this.#timers) clearInterval(timer);
    this.#room.stop();
    this.#clockWatch.stop();
    this.#checkOuts.stop();
    await this.readers.stop();
    this.#checkOuts.stop(); // what came meanwhile
    await this.writer.close();
    this.link.publish(stateTopic(site, gateway), stateMessage("offline", this.#session), true);
    this.sync.stop();
    await this.link.stop();
    await this.store.close();
  };
}
