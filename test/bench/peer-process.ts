/**
 * Gateways in a process of their own, told by their parent when to tap. What happened when is kept here and handed over at
 * the end: on the way of a tap there is only the tap. What peers did is noted at the first gateway.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { toHex } from "#core/bytes.ts";
import {
  BenchGateway,
  recordName,
  TAPPED_DEVICES,
  type TapTimes,
} from "#test/bench/bench-gateway.ts";
import { nowMs } from "#test/bench/clock.ts";
import { readConfigFile } from "#test/bench/fleet.ts";

export interface LoadSpec {
  /** Taps of each gateway, and how far apart they begin. */
  readonly count: number;
  readonly periodMs: number;
}

export type PeerRequest =
  | { readonly _tag: "Enrol" | "Tap" | "Cards" | "Times" | "Stop" }
  | ({ readonly _tag: "Load" } & LoadSpec);

/** When records were seen here, ms by their names. */
export interface PeerTimes {
  readonly taps: ReadonlyArray<TapTimes>;
  /** On disk here. */
  readonly durableMs: ReadonlyMap<string, number>;
  /** Folded: the verdict index, in the thread that decides, was told of it. */
  readonly visibleMs: ReadonlyMap<string, number>;
}

export type PeerAnswer =
  | { readonly _tag: "Ready" | "Enrolled" | "Loaded" }
  | { readonly _tag: "Cards"; readonly count: number }
  | ({ readonly _tag: "Times" } & PeerTimes);

const say = (answer: PeerAnswer): void => {
  process.send?.(answer);
};

/** Gateways in one process begin with cards that lie so far apart: no two tap the same one at a time. */
const CARDS_APART = 6;

const [, , ...configFiles] = process.argv;
const configs = configFiles.map(readConfigFile);
const benches: BenchGateway[] = [];
for (const config of configs) {
  const number = Number(/\d+$/.exec(config.gateway)?.[0] ?? 0);
  benches.push(await BenchGateway.start(config, (number * CARDS_APART) % TAPPED_DEVICES));
}
const [first] = benches;
if (first === undefined) throw new Error("no configuration");

const taps: TapTimes[] = [];
const durableMs = new Map<string, number>();
const visibleMs = new Map<string, number>();

first.gateway.watch((event) => {
  if (event._tag !== "PeerRecords") return;
  const ms = nowMs();
  const { head, from, records } = event.accepted;
  for (let seq = from; seq < from + records.length; seq += 1) {
    durableMs.set(recordName({ epoch: head.epoch, seq }), ms);
  }
});

const foldedSizes = new Map<string, number>();
const { memory } = first.gateway;
const onFolded = memory.onFolded.bind(memory);
memory.onFolded = (folded): void => {
  onFolded(folded);
  const ms = nowMs();
  const { epoch, size } = folded;
  const id = toHex(epoch);
  // By place, not by entry: a write that another one replaces before it comes is never seen in an entry.
  for (let seq = foldedSizes.get(id) ?? 0; seq < size; seq += 1) {
    visibleMs.set(recordName({ epoch, seq }), ms);
  }
  foldedSizes.set(id, size);
};

/** One tap after the other, each at its time, or as soon as the one before is over. */
const load = async (bench: BenchGateway, { count, periodMs }: LoadSpec): Promise<void> => {
  const startMs = nowMs() + (benches.indexOf(bench) / benches.length) * periodMs;
  for (let at = 0; at < count; at += 1) {
    await sleep(Math.max(0, startMs + at * periodMs - nowMs()));
    taps.push(await bench.tap());
  }
};

const serve = async (request: PeerRequest): Promise<void> => {
  switch (request._tag) {
    case "Enrol":
      await first.enrol();
      say({ _tag: "Enrolled" });
      return;
    case "Cards":
      say({
        _tag: "Cards",
        count: Math.min(...benches.map(({ gateway }) => gateway.memory.index.size)),
      });
      return;
    case "Tap":
      taps.push(await first.tap());
      return;
    case "Load":
      await Promise.all(benches.map((bench) => load(bench, request)));
      say({ _tag: "Loaded" });
      return;
    case "Times":
      say({ _tag: "Times", taps, durableMs, visibleMs });
      return;
    case "Stop":
      for (const bench of benches.toReversed()) await bench[Symbol.asyncDispose]();
      process.disconnect();
  }
};

// Told to stop, or left behind.
process.on("disconnect", () => process.exit());
process.on("message", (request: PeerRequest) => void serve(request));
say({ _tag: "Ready" });
