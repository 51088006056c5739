/**
 * One gateway in a process of its own, told by its parent when to tap. What happened when is kept here and handed over at
 * the end: on the way of a tap there is only the tap.
 */
import { decidingWrite } from "#core/state/entry.ts";
import { BenchGateway, type TapTimes } from "#test/bench/bench-gateway.ts";
import { nowMs } from "#test/bench/clock.ts";
import { readConfigFile } from "#test/bench/fleet.ts";

export type PeerRequest = "enrol" | "tap" | "times" | "stop";

/** When records of the peer were seen here, ms by sequence number. */
export interface PeerTimes {
  readonly taps: ReadonlyArray<TapTimes>;
  /** On disk here. */
  readonly durableMs: ReadonlyMap<number, number>;
  /** Folded: the verdict index, in the thread that decides, was told of it. */
  readonly visibleMs: ReadonlyMap<number, number>;
}

export type PeerAnswer =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Enrolled" }
  | ({ readonly _tag: "Times" } & PeerTimes);

const say = (answer: PeerAnswer): void => {
  process.send?.(answer);
};

const taps: TapTimes[] = [];
const durableMs = new Map<number, number>();
const visibleMs = new Map<number, number>();
const bench = await BenchGateway.start(readConfigFile(process.argv[2] ?? ""));
const { gateway } = bench;

gateway.watch((event) => {
  if (event._tag !== "PeerRecords") return;
  const ms = nowMs();
  const { from, records } = event.accepted;
  for (let seq = from; seq < from + records.length; seq += 1) durableMs.set(seq, ms);
});

const apply = gateway.index.apply.bind(gateway.index);
gateway.index.apply = (entry): void => {
  apply(entry);
  const seq = decidingWrite(entry)?.seq;
  if (seq !== undefined && !visibleMs.has(seq)) visibleMs.set(seq, nowMs());
};

const serve = async (request: PeerRequest): Promise<void> => {
  switch (request) {
    case "enrol":
      await bench.enrol();
      say({ _tag: "Enrolled" });
      return;
    case "tap":
      taps.push(await bench.tap());
      return;
    case "times":
      say({ _tag: "Times", taps, durableMs, visibleMs });
      return;
    case "stop":
      await bench[Symbol.asyncDispose]();
      process.disconnect();
  }
};

// Told to stop, or left behind.
process.on("disconnect", () => process.exit());
process.on("message", (request: PeerRequest) => void serve(request));
say({ _tag: "Ready" });
