/** Rows of a rebuild: an empty gateway gets everything from the one peer that has it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openStore } from "#gateway/store/client.ts";
import { nowMs } from "#test/bench/clock.ts";
import { freePort, makeFleet, rightOrThrow } from "#test/bench/fleet.ts";
import { NODE_FLAGS } from "#test/bench/gateway-process.ts";
import { foldedCount, writeHistory } from "#test/bench/history.ts";
import { growthInSecondHalf, watchMemory } from "#test/bench/proc.ts";
import { PeerChild } from "#test/bench/peer-child.ts";
import type { RebuildTimes } from "#test/bench/rebuild-process.ts";
import { rowOf, type Bound, type Row } from "#test/bench/row.ts";

const RECORDS = Number(process.env["RECORDS"] ?? 1_000_000);
const TAGS = 10_000;
const AUTHORS = ["author-1", "author-2", "author-3", "author-4"] as const;
const DURABLE_MIN = 50_000;
const FOLD_MIN = 20_000;
/** What a straight line may rise by in the second half of a rebuild that counts as flat. */
const GROWTH_MAX_MB = 16;
/** About what a Range holds. */
const ROWS_PER_TRANSACTION = 256;
const TIMEOUT_MS = 300_000;

const atLeast = (min: number): Bound => ({ text: `>= ${min}`, p50Min: min });

const perSecond = (ms: number): number => (RECORDS / ms) * 1_000;

/** The same bytes from file to file, as many to a transaction as a Range holds, and nothing else. */
const bareCopy = (source: string, folder: string): number => {
  const database = new Database(join(folder, "bare-copy.db"));
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec("CREATE TABLE record (id INTEGER PRIMARY KEY, header BLOB, body BLOB) STRICT");
  database.prepare("ATTACH ? AS source").run(source);
  const insert = database.prepare("INSERT INTO record VALUES (?, ?, ?)");
  const select = database.prepare<[number], { id: number; header: Buffer; body: Buffer }>(
    `SELECT id, header, body FROM source.record WHERE id > ? ORDER BY id LIMIT ${ROWS_PER_TRANSACTION}`,
  );
  const copy = database.transaction((after: number): number | undefined => {
    const rows = select.all(after);
    for (const { id, header, body } of rows) insert.run(id, header, body);
    return rows.at(-1)?.id;
  });
  const startMs = nowMs();
  for (let last = copy(0); last !== undefined; last = copy(last));
  const ms = nowMs() - startMs;
  database.close();
  return ms;
};

/** A store opened without its state folds all that it has. Leaves the state behind, for the peer to start with. */
const foldAlone = async (directory: string): Promise<number> => {
  const startMs = nowMs();
  const { store } = rightOrThrow(
    await openStore({
      directory,
      wallMs: Date.now(),
      onFolded: () => undefined,
      onDeath: (error) => {
        throw error;
      },
    }),
  );
  while ((await foldedCount(store)) < RECORDS);
  const ms = nowMs() - startMs;
  await store.close();
  return ms;
};

// written by rebuild-process.ts on the other end of the same channel
const isTimes = (message: unknown): message is RebuildTimes =>
  typeof message === "object" && message !== null && "durableMs" in message;

interface Rebuilt extends RebuildTimes {
  readonly residentMb: ReadonlyArray<number>;
}

const rebuild = async (configFile: string, peer: PeerChild): Promise<Rebuilt> => {
  const script = new URL("./rebuild-process.ts", import.meta.url);
  const child = fork(script, [configFile, String(RECORDS)], { execArgv: [...NODE_FLAGS] });
  const exited = once(child, "exit");
  try {
    const memory = watchMemory(child.pid ?? 0);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const times: unknown = await Promise.race([
      once(child, "message", { signal }).then(([message]: unknown[]) => message),
      exited.then(([code]: unknown[]) => `it ended with ${String(code)}`),
      peer.ended.then(() => "its peer ended"),
    ]).finally(() => memory.stop());
    if (!isTimes(times)) throw new Error(`the newcomer: ${String(times)}`);
    return { ...times, residentMb: memory.stop() };
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
};

export const rebuildRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  const port = await freePort();
  const [peer, newcomer, ...authors] = makeFleet(folder, [
    { name: "peer", brokerPort: port },
    { name: "newcomer", linkPort: port },
    ...AUTHORS.map((name) => ({ name })),
  ]);
  if (peer === undefined || newcomer === undefined) throw new Error("no configuration");
  const { dataDir } = peer.config;
  writeHistory(join(dataDir, "mirror.db"), authors, { tags: TAGS, records: RECORDS });
  const bareMs = bareCopy(join(dataDir, "mirror.db"), folder);
  const foldMs = await foldAlone(dataDir);
  await using peerChild = await PeerChild.start(peer.file);
  const { durableMs, foldedMs, residentMb } = await rebuild(newcomer.file, peerChild);
  const rate = (name: string, ms: number, more: { floor?: number; bound?: Bound } = {}): Row =>
    rowOf({ name, unit: "records/s", samples: [perSecond(ms)], ...more });
  const floor = perSecond(bareMs);
  return [
    rate("bare copy of the records", bareMs),
    rate("rebuild: verified and durable", durableMs, { floor, bound: atLeast(DURABLE_MIN) }),
    rate("rebuild: folded too", foldedMs),
    rate("fold alone, from the log", foldMs, { bound: atLeast(FOLD_MIN) }),
    rowOf({
      name: "rebuild: resident memory, peak",
      unit: "MB",
      samples: [Math.max(...residentMb)],
    }),
    rowOf({
      name: "rebuild: its growth in the second half",
      unit: "MB",
      samples: [growthInSecondHalf(residentMb)],
      bound: { text: `<= ${GROWTH_MAX_MB}`, p50Max: GROWTH_MAX_MB },
    }),
  ];
};
