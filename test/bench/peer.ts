/** Rows of two gateways: how long until a peer knows of a tap, and until it has it on its disk. */
import { mkdirSync } from "node:fs";
import { rest, SAMPLES, until, WARM_UP } from "#test/bench/clock.ts";
import { freePort, makeFleet } from "#test/bench/fleet.ts";
import { BareCommit, WorkerRoundTrip } from "#test/bench/floors.ts";
import { MqttHop } from "#test/bench/mqtt-hop.ts";
import { hasArrived, latencies, PeerChild } from "#test/bench/peer-child.ts";
import { median, rowOf, timesFloor, type Bound, type Row } from "#test/bench/row.ts";

const DURABLE_FACTOR = 1.5;
const VISIBLE_BOUND: Bound = { text: "p50 < 1, p99 < 3", p50Max: 1, p99Max: 3 };

interface FloorSamples {
  readonly commit: number[];
  readonly trip: number[];
  readonly qos0: number[];
  readonly qos1: number[];
}

/** The rows of one path to a peer: its bare hop, and both latencies beside what they can't do without. */
export const peerLatencyRows = (
  names: { readonly hop: string; readonly tap: string; readonly isLone: boolean },
  samples: { readonly visible: ReadonlyArray<number>; readonly durable: ReadonlyArray<number> },
  floors: {
    readonly commit: ReadonlyArray<number>;
    readonly trip: ReadonlyArray<number>;
    readonly hop: ReadonlyArray<number>;
  },
): ReadonlyArray<Row> => {
  const [commitMs, tripMs, hopMs] = [floors.commit, floors.trip, floors.hop].map(median);
  if (commitMs === undefined || tripMs === undefined || hopMs === undefined) return [];
  const durableFloor = 2 * commitMs + 2 * tripMs + hopMs;
  return [
    rowOf({ name: names.hop, unit: "ms", samples: floors.hop }),
    rowOf({
      name: `${names.tap} -> visible at a peer`,
      unit: "ms",
      samples: samples.visible,
      floor: commitMs + tripMs + hopMs,
      ...(names.isLone ? { bound: VISIBLE_BOUND } : {}),
    }),
    rowOf({
      name: `${names.tap} -> durable at a peer`,
      unit: "ms",
      samples: samples.durable,
      floor: durableFloor,
      bound: timesFloor(DURABLE_FACTOR, durableFloor),
    }),
  ];
};

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
  const { durableMs, visibleMs } = await peer.times();
  const { qos0, qos1, ...local } = floors;
  const taps = (await author.times()).taps.slice(-SAMPLES);
  const [hopRow, ...rows] = peerLatencyRows(
    { hop: "bare MQTT hop, QoS 0", tap: "tap", isLone: true },
    { visible: latencies(taps, visibleMs), durable: latencies(taps, durableMs) },
    { ...local, hop: qos0 },
  );
  return [
    ...(hopRow === undefined ? [] : [hopRow]),
    rowOf({ name: "bare MQTT hop, QoS 1", unit: "ms", samples: qos1 }),
    ...rows,
  ];
};
