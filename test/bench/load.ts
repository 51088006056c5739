/** Rows of ten gateways that tap at once, through one broker, seen by an eleventh. */
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { TAPPED_DEVICES } from "#test/bench/bench-gateway.ts";
import { startBenchBroker, type BrokerName } from "#test/bench/broker-engine.ts";
import { until } from "#test/bench/clock.ts";
import { makeFleet, type BenchConfig } from "#test/bench/fleet.ts";
import { BareCommit, WorkerRoundTrip } from "#test/bench/floors.ts";
import { MqttHop } from "#test/bench/mqtt-hop.ts";
import { hasArrived, latencies, PeerChild } from "#test/bench/peer-child.ts";
import { peerLatencyRows } from "#test/bench/peer.ts";
import { busyShares } from "#test/bench/proc.ts";
import { rowOf, type Row } from "#test/bench/row.ts";

const GATEWAYS = 10;
const PROCESSES = 2;
const TAPS_PER_SECOND = 100;
const SECONDS = 20;
const WARM_UP_SECONDS = 2;
const FLOOR_PERIOD_MS = 100;
const PERIOD_MS = (1_000 * GATEWAYS) / TAPS_PER_SECOND;

interface Floors {
  readonly commit: number[];
  readonly trip: number[];
  readonly hop: number[];
}

/** The floors, measured beside the load that they are compared with. */
const measureFloors = async (
  tools: {
    readonly bareCommit: BareCommit;
    readonly roundTrip: WorkerRoundTrip;
    readonly hop: MqttHop;
  },
  isOver: () => boolean,
): Promise<Floors> => {
  const floors: Floors = { commit: [], trip: [], hop: [] };
  while (!isOver()) {
    floors.hop.push(await tools.hop.measure(0));
    await sleep(FLOOR_PERIOD_MS / 2);
    floors.commit.push(tools.bareCommit.measure());
    floors.trip.push(await tools.roundTrip.measure());
    await sleep(FLOOR_PERIOD_MS / 2);
  }
  return floors;
};

/** A fleet whose gateways all know the cards; those that tap are dealt out to a few processes. */
const startFleet = async (
  configs: ReadonlyArray<BenchConfig>,
  parts: AsyncDisposableStack,
): Promise<{ readonly observer: PeerChild; readonly authors: ReadonlyArray<PeerChild> }> => {
  const [first, ...others] = configs.map(({ file }) => file);
  if (first === undefined) throw new Error("no configuration");
  const observer = parts.use(await PeerChild.start(first));
  await observer.enrol();
  const authors: PeerChild[] = [];
  for (let at = 0; at < PROCESSES; at += 1) {
    const files = others.filter((_, index) => index % PROCESSES === at);
    authors.push(parts.use(await PeerChild.start(...files)));
  }
  for (const author of authors) {
    await until("the cards", async () => (await author.cards()) >= TAPPED_DEVICES);
  }
  return { observer, authors };
};

const tapFor = async (authors: ReadonlyArray<PeerChild>, seconds: number): Promise<void> => {
  const count = (seconds * TAPS_PER_SECOND) / GATEWAYS;
  await Promise.all(authors.map((author) => author.load({ count, periodMs: PERIOD_MS })));
};

export const loadRows = async (
  folder: string,
  brokerName: BrokerName,
): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  await using parts = new AsyncDisposableStack();
  const { port } = parts.use(await startBenchBroker(brokerName));
  const names = ["observer", ...Array.from({ length: GATEWAYS }, (_, at) => `author-${at}`)];
  const configs = makeFleet(
    folder,
    names.map((name) => ({ name, linkPort: port })),
  );
  const { observer, authors } = await startFleet(configs, parts);
  await tapFor(authors, WARM_UP_SECONDS);
  const bareCommit = parts.use(new BareCommit(folder));
  const roundTrip = parts.use(new WorkerRoundTrip());
  await roundTrip.start();
  const hop = parts.use(await MqttHop.through(port));
  let isOver = false;
  const measuring = measureFloors({ bareCommit, roundTrip, hop }, () => isOver);
  const busy = await busyShares(() => tapFor(authors, SECONDS)).finally(() => {
    isOver = true;
  });
  const floors = await measuring;
  const visible: number[] = [];
  const durable: number[] = [];
  for (const author of authors) {
    await until("the last taps at the peer", () => hasArrived(author, observer));
    const taps = (await author.times()).taps.slice((-SECONDS * TAPS_PER_SECOND) / PROCESSES);
    const { durableMs, visibleMs } = await observer.times();
    visible.push(...latencies(taps, visibleMs));
    durable.push(...latencies(taps, durableMs));
  }
  const name = `${TAPS_PER_SECOND} taps/s, ${brokerName}`;
  return [
    ...peerLatencyRows(
      { hop: `${name}: bare MQTT hop`, tap: `${name}: tap`, isLone: false },
      { visible, durable },
      floors,
    ),
    rowOf({ name: `${name}: CPU used by it`, unit: "%", samples: [busy.bench] }),
    rowOf({ name: `${name}: CPU used in all`, unit: "%", samples: [busy.machine] }),
  ];
};
