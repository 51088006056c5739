/** Rows of two brokers, the embedded one and Mosquitto: lone taps, one a second, and many gateways at once. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startBenchBroker, type BrokerName } from "#test/bench/broker-engine.ts";
import { nowMs, until } from "#test/bench/clock.ts";
import { freePort, makeFleet } from "#test/bench/fleet.ts";
import { BareCommit, WorkerRoundTrip } from "#test/bench/floors.ts";
import { loadRows } from "#test/bench/load.ts";
import { MqttHop } from "#test/bench/mqtt-hop.ts";
import { hasArrived, latencies, PeerChild } from "#test/bench/peer-child.ts";
import { peerLatencyRows } from "#test/bench/peer.ts";
import type { Row } from "#test/bench/row.ts";

const SAMPLES = 60;
const WARM_UP = 3;
const PERIOD_MS = 1_000;

/** Two gateways, one of which taps, and bare messages through the same kind of broker. */
class Pair implements AsyncDisposable {
  readonly name: string;
  readonly author: PeerChild;
  readonly peer: PeerChild;
  readonly hop: MqttHop;
  readonly hopMs: number[] = [];
  readonly #parts: AsyncDisposableStack;

  private constructor(
    name: string,
    gateways: { readonly author: PeerChild; readonly peer: PeerChild },
    rest: { readonly hop: MqttHop; readonly parts: AsyncDisposableStack },
  ) {
    this.name = name;
    this.author = gateways.author;
    this.peer = gateways.peer;
    this.hop = rest.hop;
    this.#parts = rest.parts;
  }

  /** The embedded broker is in the author's process; Mosquitto in its own. */
  static async start(folder: string, broker: BrokerName): Promise<Pair> {
    mkdirSync(folder);
    await using parts = new AsyncDisposableStack();
    const isEmbedded = broker === "aedes";
    const port = isEmbedded
      ? await freePort()
      : parts.use(await startBenchBroker("mosquitto")).port;
    const [a, b] = makeFleet(folder, [
      { name: "author", ...(isEmbedded ? { brokerPort: port } : { linkPort: port }) },
      { name: "peer", linkPort: port },
    ]);
    if (a === undefined || b === undefined) throw new Error("no configuration");
    const author = parts.use(await PeerChild.start(a.file));
    await author.enrol();
    const peer = parts.use(await PeerChild.start(b.file));
    const hop = parts.use(isEmbedded ? await MqttHop.start() : await MqttHop.through(port));
    author.tap();
    await until("a first tap at the peer", () => hasArrived(author, peer));
    return new Pair(broker, { author, peer }, { hop, parts: parts.move() });
  }

  async rows(floors: {
    readonly commit: ReadonlyArray<number>;
    readonly trip: ReadonlyArray<number>;
  }): Promise<ReadonlyArray<Row>> {
    await until("the last tap at the peer", () => hasArrived(this.author, this.peer));
    const taps = (await this.author.times()).taps.slice(-SAMPLES);
    const { durableMs, visibleMs } = await this.peer.times();
    const name = `1 tap/s, ${this.name}`;
    return peerLatencyRows(
      { hop: `${name}: bare MQTT hop`, tap: `${name}: tap`, isLone: true },
      { visible: latencies(taps, visibleMs), durable: latencies(taps, durableMs) },
      { ...floors, hop: this.hopMs.slice(-SAMPLES) },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Both brokers' taps and all floors have their own moment in each second, so all stand alone. */
const loneRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  using bareCommit = new BareCommit(folder);
  await using roundTrip = new WorkerRoundTrip();
  await roundTrip.start();
  await using aedes = await Pair.start(join(folder, "aedes"), "aedes");
  await using mosquitto = await Pair.start(join(folder, "mosquitto"), "mosquitto");
  const pairs = [aedes, mosquitto];
  const [commit, trip]: [number[], number[]] = [[], []];
  const moments: ReadonlyArray<() => Promise<unknown>> = [
    ...pairs.flatMap((pair) => [
      async (): Promise<unknown> => pair.author.tap(),
      async (): Promise<unknown> => pair.hopMs.push(await pair.hop.measure(0)),
    ]),
    async () => commit.push(bareCommit.measure()),
    async () => trip.push(await roundTrip.measure()),
  ];
  const startMs = nowMs();
  for (let at = 0; at < (WARM_UP + SAMPLES) * moments.length; at += 1) {
    await moments[at % moments.length]?.();
    const dueMs = startMs + ((at + 1) * PERIOD_MS) / moments.length;
    await sleep(Math.max(0, dueMs - nowMs()));
  }
  const floors = { commit: commit.slice(-SAMPLES), trip: trip.slice(-SAMPLES) };
  return [...(await aedes.rows(floors)), ...(await mosquitto.rows(floors))];
};

export const brokerRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  return [
    ...(await loneRows(join(folder, "lone"))),
    ...(await loadRows(join(folder, "aedes"), "aedes")),
    ...(await loadRows(join(folder, "mosquitto"), "mosquitto")),
  ];
};
