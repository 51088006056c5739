/** The process of a simulated gateway: the product's own parts, put together as gateway/running-gateway.ts does. */
import * as E from "fp-ts/lib/Either.js";
import { fromUtf8, utf8 } from "#core/bytes.ts";
import { classifyClock } from "#core/clock/clock-class.ts";
import { OPEN_REASON } from "#core/log/body.ts";
import type { SignedGroup } from "#core/log/epoch.ts";
import { ClockWatch } from "#gateway/clock-watch.ts";
import { Counters } from "#gateway/counters.ts";
import { loadStartState, type StartState } from "#gateway/start-state.ts";
import type { StateMemory } from "#gateway/state-memory.ts";
import { SyncLoop, type SyncLoopDeps } from "#gateway/sync/sync-loop.ts";
import { TapPath } from "#gateway/tap-path.ts";
import { LogWriter } from "#gateway/writer/log-writer.ts";
import { configOf } from "#test/simulation/config.ts";
import type { SimGateway } from "#test/simulation/gateway.ts";
import { entropyFrom } from "#test/simulation/keys.ts";
import { isOfOldVersion } from "#test/simulation/old-version.ts";
import { SimStore, type SimStoreDeps } from "#test/simulation/store.ts";
import type { World } from "#test/simulation/world.ts";
import { CarriedStates } from "#gateway/carried/carried-states.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";

/** What a process has in memory; gone with it. */
export interface Process {
  readonly store: SimStore;
  readonly writer: LogWriter;
  readonly sync: SyncLoop;
  readonly taps: TapPath;
  readonly memory: StateMemory;
  readonly clockWatch: ClockWatch;
  readonly counters: Counters;
  clockCheckDueMs: number;
  /** Its readers have stopped; what was tapped before is still recorded. */
  isStopping: boolean;
  /** Null while it runs. */
  endedAtMs: number | null;
}

const openStore = (
  world: World,
  { machine, name, disk, random }: SimGateway,
  hears: Pick<SimStoreDeps, "onFolded" | "onStaged">,
): SimStore => {
  const { scheduler, ledger, settings, keys } = world;
  const before = disk.image;
  const store = new SimStore({
    name: machine,
    later: scheduler,
    random,
    disk,
    crypto: keys.crypto,
    rangeCountMax: settings.rangeCountMax,
    onFolded: hears.onFolded,
    onStaged: hears.onStaged,
    onWrite: (addition, isOwn) =>
      isOwn ? ledger.made(name, addition, true) : ledger.mirrored(machine, addition),
    onDurable: (epoch, size) => ledger.durable(machine, epoch, size),
  });
  ledger.diskChanged(machine, before, disk.image);
  return store;
};

const createWriter = (
  world: World,
  { name: gateway, clock, gatewayKey, bootId, random }: SimGateway,
  parts: {
    readonly store: SimStore;
    readonly start: StartState;
    readonly onCommitted: (group: SignedGroup) => void;
  },
): LogWriter => {
  const { fleet, keys, journal } = world;
  const { store, start, onCommitted } = parts;
  const clockClass = (): number => classifyClock(clock.signs());
  const author = { fleet, gateway, gatewayKey, bootId, clockClass };
  return new LogWriter(
    { store, clock, journal, author, entropy: entropyFrom(random, keys), onCommitted },
    { unnamed: start.unnamed, reason: OPEN_REASON.boot },
  );
};

/** Undefined: the machine was switched off again before the process was up. */
export const startProcess = async (
  world: World,
  machine: SimGateway,
  isCurrent: () => boolean,
): Promise<Process | undefined> => {
  const { fleet, keys, scheduler, journal, cardHmac } = world;
  const { name: gateway, clock, client } = machine;
  const link: SyncLoopDeps["link"] = {
    isConnected: client.isConnected,
    relays: client.relays,
    publish: (topic, payload, retained) => {
      if (machine.isOldVersion && !isOfOldVersion(topic, payload)) return;
      client.publish(topic, payload, retained);
    },
  };
  let sync: SyncLoop | undefined;
  let memory: StateMemory | undefined;
  const store = openStore(world, machine, {
    onFolded: (folded) => {
      memory?.onFolded(folded);
      for (const fact of folded.facts) {
        if (fact._tag === "Forked") sync?.onFork(fact.epoch, fact.size);
      }
    },
    onStaged: (entries) => memory?.onStaged(entries),
  });
  const config = configOf(fleet, gateway);
  const start = await loadStartState(store, config, machine.bootId);
  if (!isCurrent()) return undefined;
  ({ memory } = start);
  const counters = new Counters();
  const onCommitted = (group: SignedGroup): void => sync?.onOwnCommitted(group);
  const writer = createWriter(world, machine, { store, start, onCommitted });
  sync = new SyncLoop(
    {
      fleet,
      gateway,
      clock,
      journal,
      counters,
      store,
      writer,
      link,
      crypto: keys.crypto,
      nextTurn: () =>
        new Promise((resolve) => scheduler.after(0, `${machine.machine} turn`, resolve)),
      rosterNote: () => utf8(machine.believed.note),
      takeRoster: (note) => machine.offerRoster(fromUtf8(note) ?? ""),
      onAccepted: () => undefined,
      onAcknowledged: () => world.onAcknowledged(machine),
      onEpochsHeard: () => undefined,
      onAlarm: (code, author) => world.onAlarm(machine, code, author),
      onRefolded: () => world.watch(start.memory.reload()),
    },
    {
      self: gateway,
      roster: machine.believed.roster,
      replica: start.replica,
      forks: start.forks,
      holes: start.holes,
    },
  );
  const taps = new TapPath(
    {
      config,
      clock,
      writer,
      cardHmac,
      memory,
      carried: new CarriedStates({
        fleet: config.fleet,
        crypto: nodeCrypto,
        roster: () => machine.believed.roster,
        memory,
      }),
      onNotCarried: () => undefined,
      checkOuts: { take: () => null, settle: () => undefined },
      hasRoom: () => !machine.disk.isFull,
      localTime: () => null,
      isOriginal: () => false,
      readSun: () => E.left({ _tag: "SunMissing" }),
      show: () => undefined,
      onReport: (report) => world.onReport(machine, report),
      onAgain: () => undefined,
      onBounce: () => undefined,
    },
    start.lastCards,
  );
  const { bootId } = machine;
  const clockWatch = new ClockWatch(
    { gateway, bootId, clock, signs: clock.signs, writer, journal },
    await store.facts(),
  );
  if (!isCurrent()) return undefined;
  sync.start();
  return {
    store,
    writer,
    sync,
    taps,
    memory,
    clockWatch,
    counters,
    clockCheckDueMs: 0,
    isStopping: false,
    endedAtMs: null,
  };
};
