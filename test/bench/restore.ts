/** Rows of a restore: from the spawn of an empty gateway to the verdicts that only its peer's records can give. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { askGateway } from "#gateway/control/client.ts";
import { GROUP_RECORDS_MAX } from "#gateway/limits.ts";
import { bundleGateway } from "#test/bench/bundle.ts";
import { nowMs } from "#test/bench/clock.ts";
import {
  freePort,
  makeFleet,
  SIMULATED_READERS,
  uidOf,
  type BenchConfig,
} from "#test/bench/fleet.ts";
import { GatewayProcess } from "#test/bench/gateway-process.ts";
import { writeHistory } from "#test/bench/history.ts";
import { PeerChild } from "#test/bench/peer-child.ts";
import { median, rowOf, type Row } from "#test/bench/row.ts";

const TAGS = 10_000;
const RECORDS = 100_000;
const AUTHORS = ["author-1", "author-2", "author-3", "author-4"] as const;
const NEWCOMERS = ["newcomer-1", "newcomer-2", "newcomer-3"] as const;
/** Longer than a card lies on a simulated reader, so that each finds its reader free. */
const TAP_PERIOD_MS = 20;
const TIMEOUT_MS = 120_000;
/** As many that none is back at a reader within the debounce time. */
const CARDS_OF_AUTHOR = 16;

/** A card of the author's last enrolments; authors take turns a group each. */
const cardOf = (author: number, tap: number): string =>
  uidOf(TAGS - 1 - author * GROUP_RECORDS_MAX - (tap % CARDS_OF_AUTHOR));

/** When each author's cards were first accepted, ms from the call of spawn. */
interface Restored {
  readonly readyMs: number;
  readonly acceptedMs: ReadonlyArray<number>;
}

/** Taps cards of the authors in turn until one of each was accepted. */
const restore = async (mainFile: string, { file, config }: BenchConfig): Promise<Restored> => {
  const startMs = nowMs();
  await using gateway = await GatewayProcess.start(mainFile, file);
  const acceptedMs: number[] = [];
  const waiting = AUTHORS.map((_, author) => author);
  for (let tap = 0; waiting.length > 0; tap += 1) {
    if (nowMs() - startMs > TIMEOUT_MS) throw new Error("the cards were not accepted in time");
    const author = waiting[tap % waiting.length] ?? 0;
    const reader = SIMULATED_READERS[tap % SIMULATED_READERS.length] ?? "";
    const answer = await askGateway<"tap">(config.controlSocket, {
      verb: "tap",
      card: "ntag215",
      uid: cardOf(author, tap),
      reader,
    });
    if (E.isRight(answer) && answer.right.verdict === "accepted") {
      acceptedMs.push(nowMs() - startMs);
      waiting.splice(waiting.indexOf(author), 1);
    }
    await sleep(TAP_PERIOD_MS);
  }
  return { readyMs: gateway.readyMs, acceptedMs };
};

export const restoreRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  const mainFile = await bundleGateway(join(folder, "bundle"));
  const port = await freePort();
  const [peer, ...others] = makeFleet(folder, [
    { name: "peer", brokerPort: port },
    ...NEWCOMERS.map((name) => ({ name, linkPort: port })),
    ...AUTHORS.map((name) => ({ name })),
  ]);
  if (peer === undefined) throw new Error("no configuration");
  const authors = others.slice(NEWCOMERS.length);
  writeHistory(join(peer.config.dataDir, "mirror.db"), authors, { tags: TAGS, records: RECORDS });
  await using _peer = await PeerChild.start(peer.file);
  const restored: Restored[] = [];
  for (const newcomer of others.slice(0, NEWCOMERS.length)) {
    restored.push(await restore(mainFile, newcomer));
  }
  const floor = median(restored.map(({ readyMs }) => readyMs));
  const row = (name: string, of: (acceptedMs: ReadonlyArray<number>) => number): Row =>
    rowOf({ name, unit: "ms", samples: restored.map((times) => of(times.acceptedMs)), floor });
  return [
    row("restore: spawn -> first card accepted", (acceptedMs) => Math.min(...acceptedMs)),
    row("restore: spawn -> a card of each author accepted", (acceptedMs) =>
      Math.max(...acceptedMs),
    ),
  ];
};
