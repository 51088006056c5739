/** Rows of one gateway alone: what an append costs beside the disk and the thread that it needs. */
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { BenchGateway } from "#test/bench/bench-gateway.ts";
import { rest, SAMPLES, WARM_UP } from "#test/bench/clock.ts";
import { makeFleet } from "#test/bench/fleet.ts";
import { BareCommit, WorkerRoundTrip } from "#test/bench/floors.ts";
import { median, rowOf, timesFloor, type Row } from "#test/bench/row.ts";

const APPEND_FACTOR = 1.5;

export const localRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  const [lone] = makeFleet(folder, [{ name: "lone" }]);
  if (lone === undefined) throw new Error("no configuration");
  await using gateway = await BenchGateway.start(lone.config);
  await gateway.enrol();
  using bareCommit = new BareCommit(join(folder, "lone"));
  await using roundTrip = new WorkerRoundTrip();
  await roundTrip.start();
  const samples = {
    commit: [] as number[],
    trip: [] as number[],
    append: [] as number[],
    tap: [] as number[],
  };
  for (let at = -WARM_UP; at < SAMPLES; at += 1) {
    await rest();
    const commitMs = bareCommit.measure();
    await rest();
    const tripMs = await roundTrip.measure();
    await rest();
    const tap = await gateway.tap();
    if (at < 0) continue;
    samples.commit.push(commitMs);
    samples.trip.push(tripMs);
    samples.append.push(tap.appendedMs - tap.appendCalledMs);
    samples.tap.push(tap.reportedMs - tap.sightedMs);
  }
  const floor = median(samples.commit) + median(samples.trip);
  return [
    rowOf({ name: "bare commit", unit: "ms", samples: samples.commit }),
    rowOf({ name: "worker round trip", unit: "ms", samples: samples.trip }),
    rowOf({
      name: "append",
      unit: "ms",
      samples: samples.append,
      floor,
      bound: timesFloor(APPEND_FACTOR, floor),
    }),
    rowOf({ name: "card event -> commit", unit: "ms", samples: samples.tap, floor }),
  ];
};
