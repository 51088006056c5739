/** Rows of two gateways: how long until a peer knows of a tap, and until it has it on its disk. */
import { mkdirSync } from "node:fs";
import { rest, SAMPLES, until, WARM_UP } from "#test/bench/clock.ts";
import { freePort, makeFleet } from "#test/bench/fleet.ts";
import { BareCommit, WorkerRoundTrip } from "#test/bench/floors.ts";
import { MqttHop } from "#test/bench/mqtt-hop.ts";
import { PeerChild } from "#test/bench/peer-child.ts";
import { median, rowOf, timesFloor, type Row } from "#test/bench/row.ts";

const DURABLE_FACTOR = 1.5;
const VISIBLE_P50_MAX_MS = 1;
const VISIBLE_P99_MAX_MS = 3;

interface FloorSamples {
  readonly commit: number[];
  readonly trip: number[];
  readonly qos0: number[];
  readonly qos1: number[];
}

/** One tap after the other, and between two taps one sample of each floor. */
const tapAndMeasureFloors = async (author: PeerChild, folder: string): Promise<FloorSamples> => {
  using bareCommit = new BareCommit(folder);
  await using roundTrip = new WorkerRoundTrip();
  await roundTrip.start();
  await using hop = await MqttHop.start();
  const samples: FloorSamples = { commit: [], trip: [], qos0: [], qos1: [] };
  for (let at = -WARM_UP; at < SAMPLES; at += 1) {
    author.tap();
    await rest();
    const commitMs = bareCommit.measure();
    await rest();
    const tripMs = await roundTrip.measure();
    await rest();
    const qos0Ms = await hop.measure(0);
    await rest();
    const qos1Ms = await hop.measure(1);
    await rest();
    if (at < 0) continue;
    samples.commit.push(commitMs);
    samples.trip.push(tripMs);
    samples.qos0.push(qos0Ms);
    samples.qos1.push(qos1Ms);
  }
  return samples;
};

/** From the sighting until the moment that the peer noted for its record; without the first taps. */
const latencies = (
  taps: ReadonlyArray<{ readonly seq: number; readonly sightedMs: number }>,
  notedMs: ReadonlyMap<number, number>,
): ReadonlyArray<number> =>
  taps.slice(-SAMPLES).map(({ seq, sightedMs }) => {
    const ms = notedMs.get(seq);
    if (ms === undefined) throw new Error(`record ${seq} did not reach the peer`);
    return ms - sightedMs;
  });

const hasArrived = async (author: PeerChild, peer: PeerChild): Promise<boolean> => {
  const last = (await author.times()).taps.at(-1);
  return last !== undefined && (await peer.times()).visibleMs.has(last.seq);
};

export const peerRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  const port = await freePort();
  const [a, b] = makeFleet(folder, [
    { name: "author", brokerPort: port },
    { name: "peer", linkPort: port },
  ]);
  if (a === undefined || b === undefined) throw new Error("no configuration");
  await using author = await PeerChild.start(a.file);
  await author.enrol();
  await using peer = await PeerChild.start(b.file);
  author.tap();
  await until("a first tap at the peer", () => hasArrived(author, peer));
  const floors = await tapAndMeasureFloors(author, folder);
  await until("the last tap at the peer", () => hasArrived(author, peer));
  const { taps } = await author.times();
  const { durableMs, visibleMs } = await peer.times();
  const { commit, trip, qos0, qos1 } = floors;
  const knownFloor = median(commit) + median(trip) + median(qos0);
  const durableFloor = 2 * median(commit) + 2 * median(trip) + median(qos0);
  return [
    rowOf({ name: "bare MQTT hop, QoS 0", unit: "ms", samples: qos0 }),
    rowOf({ name: "bare MQTT hop, QoS 1", unit: "ms", samples: qos1 }),
    rowOf({
      name: "tap -> visible at a peer",
      unit: "ms",
      samples: latencies(taps, visibleMs),
      floor: knownFloor,
      bound: { text: "p50 < 1, p99 < 3", p50Max: VISIBLE_P50_MAX_MS, p99Max: VISIBLE_P99_MAX_MS },
    }),
    rowOf({
      name: "tap -> durable at a peer",
      unit: "ms",
      samples: latencies(taps, durableMs),
      floor: durableFloor,
      bound: timesFloor(DURABLE_FACTOR, durableFloor),
    }),
  ];
};
