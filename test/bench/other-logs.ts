/** Rows beside hypercore: appending, and handing everything to an empty peer, in equal modes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { decodeRange, verifyRange } from "#core/log/range.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { headFromOpen, verifyOpen } from "#core/log/verify-epoch.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import type { Store } from "#gateway/ports.ts";
import { openStore } from "#gateway/store/client.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { openLogFile } from "#gateway/store/schema.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { nowMs, rest } from "#test/bench/clock.ts";
import { makeFleet, rightOrThrow } from "#test/bench/fleet.ts";
import { writeHistory } from "#test/bench/history.ts";
import type { Packages } from "#test/bench/other-packages.ts";
import { median, rowOf, type Row } from "#test/bench/row.ts";

const APPENDS = 500;
const WARM_UP = 100;
/** One epoch's. */
const REPLICATED = 50_000;
const TAGS = 1_000;
const BLOCKS_PER_APPEND = 64;

/** FULL: a commit is on the disk when it returns. NORMAL: it is written, and lost with the power; hypercore has only that. */
type Synchronous = "FULL" | "NORMAL";

const openLog = (path: string, synchronous: Synchronous): LogFile => {
  const database = rightOrThrow(openLogFile(path));
  database.pragma(`synchronous = ${synchronous}`);
  return new LogFile(database);
};

/** Ours is all of it but the thread: body, chain, tree, signed checkpoint, transaction. */
const appendRows = async (folder: string, { Hypercore }: Packages): Promise<ReadonlyArray<Row>> => {
  const core = new Hypercore(join(folder, "hypercore-append"));
  await core.ready();
  const logs = (["FULL", "NORMAL"] as const).map((synchronous) => {
    const log = openLog(join(folder, `append-${synchronous}.db`), synchronous);
    const epoch = new EpochMaker("author");
    log.add(epoch.open());
    return { append: async (): Promise<void> => log.add(epoch.add(tapOf("device"))), log };
  });
  const { header, body } = new EpochMaker("author").open().records[0] ?? {};
  if (header === undefined || body === null || body === undefined) throw new Error("no record");
  const block = concatBytes(header, body).slice(0, 217);
  const samples: [number[], number[], number[]] = [[], [], []];
  const appends = [async () => core.append(block), ...logs.map(({ append }) => append)];
  for (let at = -WARM_UP; at < APPENDS; at += 1) {
    for (const [of, append] of appends.entries()) {
      await rest();
      const startMs = nowMs();
      await append();
      if (at >= 0) samples[of]?.push(nowMs() - startMs);
    }
  }
  await core.close();
  for (const { log } of logs) log.database.close();
  const [theirs, full, normal] = samples;
  const unit = "ms";
  return [
    rowOf({ name: "append: hypercore, not synced", unit, samples: theirs }),
    rowOf({ name: "append: ours, not synced", unit, samples: normal, floor: median(theirs) }),
    rowOf({ name: "append: ours, synced", unit, samples: full }),
  ];
};

/** The same blocks in a core, and all of them in another, ms. */
const replicateHypercore = async (
  folder: string,
  { Hypercore }: Packages,
  blocks: ReadonlyArray<Uint8Array>,
): Promise<number> => {
  const full = new Hypercore(join(folder, "hypercore-full"));
  await full.ready();
  for (let at = 0; at < blocks.length; at += BLOCKS_PER_APPEND) {
    await full.append(blocks.slice(at, at + BLOCKS_PER_APPEND));
  }
  const empty = new Hypercore(join(folder, "hypercore-empty"), full.key);
  await empty.ready();
  const startMs = nowMs();
  const [one, other] = [full.replicate(true), empty.replicate(false)];
  one.pipe(other).pipe(one);
  await empty.download({ start: 0, end: blocks.length }).done();
  const ms = nowMs() - startMs;
  if ((await empty.get(blocks.length - 1)).length === 0) throw new Error("the last block is empty");
  one.destroy();
  other.destroy();
  await empty.close();
  await full.close();
  return ms;
};

/** From Range to Range: made by the one store, verified, put into the other's log file, ms. */
const replicateOurs = async (
  source: Store,
  { head: { epoch, range: whole }, gateway }: StoredEpoch,
  log: LogFile,
): Promise<number> => {
  const startMs = nowMs();
  let head: StoredEpoch["head"] | undefined;
  while ((head?.range.size ?? 0) < whole.size) {
    const bytes = await source.range(epoch, head?.range.size ?? 0);
    const range = rightOrThrow(decodeRange(bytes ?? new Uint8Array(0)));
    const [first] = range.items;
    if (first === undefined) throw new Error("an empty Range");
    head ??= headFromOpen(nodeCrypto, rightOrThrow(verifyOpen(nodeCrypto, first, epoch)));
    const known = { head, knownLeaf: () => undefined };
    const accepted = rightOrThrow(verifyRange(nodeCrypto, known, range));
    const { checkpointText: checkpoint, from, records, blocks } = accepted;
    head = accepted.head;
    log.add({ gateway, head, checkpoint, proof: range.proof, from, records, blocks });
  }
  return nowMs() - startMs;
};

const openSource = async (folder: string): Promise<Store> => {
  const [source, author] = makeFleet(folder, [{ name: "source" }, { name: "author" }]);
  if (source === undefined || author === undefined) throw new Error("no configuration");
  const directory = source.config.dataDir;
  const spec = { tags: TAGS, records: REPLICATED };
  writeHistory(join(directory, "mirror.db"), [author], spec);
  const opened = await openStore({
    directory,
    wallMs: Date.now(),
    onFolded: () => undefined,
    onDeath: (error) => {
      throw error;
    },
  });
  if (E.isLeft(opened)) throw new Error(opened.left._tag);
  return opened.right.store;
};

const replicateRows = async (folder: string, packages: Packages): Promise<ReadonlyArray<Row>> => {
  const source = await openSource(folder);
  const [stored] = await source.epochs();
  if (stored === undefined) throw new Error("no epoch");
  const records = await source.records(stored.head.epoch, 0, REPLICATED);
  const blocks = records.map(({ header, body }) => concatBytes(header, body ?? new Uint8Array(0)));
  const perSecond = (ms: number): number => (REPLICATED / ms) * 1_000;
  const theirs = perSecond(await replicateHypercore(folder, packages, blocks));
  const ours = async (synchronous: Synchronous): Promise<number> => {
    const log = openLog(join(folder, `replicated-${synchronous}.db`), synchronous);
    const ms = await replicateOurs(source, stored, log);
    log.database.close();
    return perSecond(ms);
  };
  const [normal, full] = [await ours("NORMAL"), await ours("FULL")];
  await source.close();
  const unit = "records/s";
  return [
    rowOf({ name: "cold replicate: hypercore, not synced", unit, samples: [theirs] }),
    rowOf({ name: "cold replicate: ours, not synced", unit, samples: [normal], floor: theirs }),
    rowOf({ name: "cold replicate: ours, synced", unit, samples: [full] }),
  ];
};

export const logRows = async (folder: string, packages: Packages): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  return [...(await appendRows(folder, packages)), ...(await replicateRows(folder, packages))];
};
