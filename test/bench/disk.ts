/** Rows of the disk: what a lone tap writes into log.db, and what it keeps there. */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { BenchGateway } from "#test/bench/bench-gateway.ts";
import { rest, SAMPLES, WARM_UP } from "#test/bench/clock.ts";
import { makeFleet } from "#test/bench/fleet.ts";
import { BareCommit } from "#test/bench/floors.ts";
import { mean, rowOf, type Row } from "#test/bench/row.ts";

const DIRTIED_MAX_BYTES = 9 * 1024;
const RECORD_MAX_BYTES = 250;
const RECORDS = 6_000;

/** Bytes of the page cache that this process has made dirty; each page counts anew after it was synced. */
const dirtiedBytes = (): number => {
  const match = /^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"));
  if (match?.[1] === undefined) throw new Error("no write_bytes in /proc/self/io");
  return Number(match[1]);
};

interface FileSizes {
  readonly walBytes: number;
  /** Changes with anything but an append to log.db's WAL. */
  readonly others: string;
}

const OTHER_FILES = ["log.db", "state.db", "state.db-wal", "mirror.db", "mirror.db-wal"];

const sizesIn = (folder: string): FileSizes => {
  const textOf = (name: string): string => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return `${stat?.size} ${stat?.mtimeMs}`;
  };
  return {
    walBytes: statSync(join(folder, "log.db-wal")).size,
    others: OTHER_FILES.map(textOf).join(),
  };
};

interface Written {
  readonly dirtied: number[];
  readonly wal: number[];
}

/** Taps in whose time the state was saved or a WAL emptied are left out. */
const writtenByTaps = async (
  gateway: BenchGateway,
  folder: string,
  bare: number[],
): Promise<Written> => {
  using bareCommit = new BareCommit(folder);
  const written: Written = { dirtied: [], wal: [] };
  while (written.dirtied.length < SAMPLES) {
    const bareBefore = dirtiedBytes();
    bareCommit.measure();
    bare.push(dirtiedBytes() - bareBefore);
    const before = sizesIn(folder);
    const dirtiedBefore = dirtiedBytes();
    await gateway.tap();
    await rest(); // the fold comes after the answer
    const dirtied = dirtiedBytes() - dirtiedBefore;
    const after = sizesIn(folder);
    if (after.others !== before.others) continue;
    written.dirtied.push(dirtied);
    written.wal.push(after.walBytes - before.walBytes);
  }
  return written;
};

/** Taps until so many records are there, and closes: then the WAL is empty. Returns the bytes of their content. */
const fillLog = async (
  config: GatewayConfig,
): Promise<{ records: number; contentBytes: number }> => {
  await using gateway = await BenchGateway.start(config);
  await gateway.enrol();
  let seq = 0;
  while (seq < RECORDS - 1) ({ seq } = await gateway.tap());
  const epoch = gateway.gateway.writer.head?.epoch ?? new Uint8Array(0);
  const records = await gateway.gateway.store.records(epoch, 0, RECORDS);
  const contentBytes = records.reduce(
    (sum, { header, body }) => sum + header.length + (body?.length ?? 0),
    0,
  );
  return { records: records.length, contentBytes };
};

export const diskRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  const [lone, filled] = makeFleet(folder, [{ name: "lone" }, { name: "filled" }]);
  if (lone === undefined || filled === undefined) throw new Error("no configuration");
  const bare: number[] = [];
  const written = await (async () => {
    await using gateway = await BenchGateway.start(lone.config);
    await gateway.enrol();
    for (let at = 0; at < WARM_UP; at += 1) await gateway.tap();
    return await writtenByTaps(gateway, lone.config.dataDir, bare);
  })();
  const { records, contentBytes } = await fillLog(filled.config);
  const logBytes = statSync(join(filled.config.dataDir, "log.db")).size;
  return [
    rowOf({
      name: "dirtied in log.db by a lone tap, mean",
      unit: "bytes",
      samples: [mean(written.dirtied)],
      floor: mean(bare),
      bound: { text: `<= ${DIRTIED_MAX_BYTES}`, p50Max: DIRTIED_MAX_BYTES },
    }),
    rowOf({
      name: "written to log.db's WAL by a lone tap",
      unit: "bytes",
      samples: written.wal,
    }),
    rowOf({
      name: "log.db by a record",
      unit: "bytes",
      samples: [logBytes / records],
      floor: contentBytes / records,
      bound: { text: `<= ${RECORD_MAX_BYTES}`, p50Max: RECORD_MAX_BYTES },
    }),
  ];
};
