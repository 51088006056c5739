/**
 * An empty gateway in a process of its own, rebuilt from its peer: says when so many records of others were on its disk, and
 * when all of them were folded.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BenchGateway } from "#test/bench/bench-gateway.ts";
import { nowMs } from "#test/bench/clock.ts";
import { readConfigFile } from "#test/bench/fleet.ts";
import { foldedCount } from "#test/bench/history.ts";

/** Both from the call that starts the gateway, ms. */
export interface RebuildTimes {
  readonly durableMs: number;
  readonly foldedMs: number;
}

const FOLD_POLL_MS = 20;

const [, , configFile = "", countText = ""] = process.argv;
const count = Number(countText);
// Left behind.
process.on("disconnect", () => process.exit());
const startMs = nowMs();
const { gateway } = await BenchGateway.start(readConfigFile(configFile));
await new Promise<void>((resolve) => {
  let durable = 0;
  gateway.watch((event) => {
    if (event._tag !== "PeerRecords") return;
    durable += event.accepted.records.length;
    if (durable >= count) resolve();
  });
});
const durableMs = nowMs() - startMs;
while ((await foldedCount(gateway.store)) < count) await sleep(FOLD_POLL_MS);
const times: RebuildTimes = { durableMs, foldedMs: nowMs() - startMs };
process.send?.(times);
