/** Rows of the whole process: how soon it is ready, and how much memory it keeps when nothing happens. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { askGateway } from "#gateway/control/client.ts";
import type { StatusView } from "#gateway/control/protocol.ts";
import { nowMs, until } from "#test/bench/clock.ts";
import { bundleGateway, CHECKOUT } from "#test/bench/bundle.ts";
import { freePort, importRows, makeFleet, type BenchConfig } from "#test/bench/fleet.ts";
import { GatewayProcess } from "#test/bench/gateway-process.ts";
import { childrenOf, residentMb } from "#test/bench/proc.ts";
import { median, rowOf, type Row } from "#test/bench/row.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";

const TAGS = 10_000;
/** Fewer than the gateway lets wait for the disk. */
const TAGS_PER_IMPORT = 1_000;
const STARTS = 11;
const READY_MAX_MS = 500;
const GATEWAY_MAX_MB = 90;
const PCSC_CHILD_MAX_MB = 75;
/** What starting up left behind is given back by then, the state is saved and the WAL emptied. */
const SETTLE_MS = 12_000;
const MEMORY_SAMPLES = 8;
const MEMORY_PERIOD_MS = 500;

const enrolTags = async (mainFile: string, { file, config }: BenchConfig): Promise<void> => {
  await using _gateway = await GatewayProcess.start(mainFile, file);
  for (let from = 0; from < TAGS; from += TAGS_PER_IMPORT) {
    const imported = await askGateway(config.controlSocket, {
      verb: "import",
      rows: importRows(from, from + TAGS_PER_IMPORT),
      dryRun: false,
      user: "bench",
    });
    if (E.isLeft(imported)) throw new Error(JSON.stringify(imported.left));
  }
};

/** A Node process that does nothing, from spawn to its end, ms. */
const bareStart = async (): Promise<number> => {
  const startMs = nowMs();
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit");
  return nowMs() - startMs;
};

const startRows = async (bundled: string, { file }: BenchConfig): Promise<ReadonlyArray<Row>> => {
  const samples = { bare: [] as number[], bundled: [] as number[], source: [] as number[] };
  for (let at = 0; at < STARTS; at += 1) {
    samples.bare.push(await bareStart());
    samples.bundled.push(await startOnce(bundled, file));
    samples.source.push(await startOnce(join(CHECKOUT, "gateway/main.ts"), file));
  }
  const floor = median(samples.bare);
  return [
    rowOf({
      name: "start to ready, bundled",
      unit: "ms",
      samples: samples.bundled,
      floor,
      bound: { text: `<= ${READY_MAX_MS}`, p50Max: READY_MAX_MS },
    }),
    rowOf({ name: "start to ready, from source", unit: "ms", samples: samples.source, floor }),
  ];
};

const startOnce = async (mainFile: string, configFile: string): Promise<number> => {
  await using gateway = await GatewayProcess.start(mainFile, configFile);
  return gateway.readyMs;
};

const isPcscUp = (status: E.Either<unknown, StatusView>): boolean =>
  E.isRight(status) && status.right.readers.some(({ driver, up }) => driver === "pcsc" && up);

const memoryRows = async (
  bundled: string,
  { file, config }: BenchConfig,
): Promise<ReadonlyArray<Row>> => {
  await using pcscd = await TestPcscd.started(["ACS ACR122U PICC Interface"]);
  await using gateway = await GatewayProcess.start(bundled, file, {
    PCSCLITE_CSOCK_NAME: pcscd.socketPath,
  });
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  try {
    await until("the PC/SC reader", async () =>
      isPcscUp(await askGateway(config.controlSocket, { verb: "status" })),
    );
    await sleep(SETTLE_MS);
    const [pcscChild] = childrenOf(gateway.pid);
    const samples = { bare: [] as number[], gateway: [] as number[], pcsc: [] as number[] };
    for (let at = 0; at < MEMORY_SAMPLES; at += 1) {
      samples.bare.push(residentMb(bare.pid ?? 0));
      samples.gateway.push(residentMb(gateway.pid));
      samples.pcsc.push(residentMb(pcscChild ?? 0));
      await sleep(MEMORY_PERIOD_MS);
    }
    const memoryRow = (name: string, megabytes: ReadonlyArray<number>, maxMb: number): Row =>
      rowOf({
        name,
        unit: "MB",
        samples: megabytes,
        floor: median(samples.bare),
        bound: { text: `<= ${maxMb}`, p50Max: maxMb },
      });
    return [
      memoryRow("memory, gateway with broker, 10,000 tags", samples.gateway, GATEWAY_MAX_MB),
      memoryRow("memory, PC/SC child with a reader", samples.pcsc, PCSC_CHILD_MAX_MB),
    ];
  } finally {
    bare.kill("SIGKILL");
  }
};

export const processRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  const bundled = await bundleGateway(join(folder, "bundle"));
  const [full] = makeFleet(folder, [
    { name: "full", brokerPort: await freePort(), hasPcscReader: true },
  ]);
  if (full === undefined) throw new Error("no configuration");
  await enrolTags(bundled, full);
  return [...(await startRows(bundled, full)), ...(await memoryRows(bundled, full))];
};
