/** Every store there is, ready for a test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import type { RecordBytes } from "#core/log/record.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import type { Entry } from "#core/state/entry.ts";
import { valueOf } from "#core/state/reading.ts";
import type { Folded, Store } from "#gateway/ports.ts";
import { openStore } from "#gateway/store/client.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import { MemoryStore } from "#test/contract/memory-store.ts";
import { SimDisk } from "#test/simulation/disk.ts";
import { Random } from "#test/simulation/random.ts";
import { SimStore } from "#test/simulation/store.ts";

export interface StoreRig extends AsyncDisposable {
  readonly store: Store;
  readonly folds: ReadonlyArray<Folded>;
  /** Entries of the snapshot that is being staged, as they were told of. */
  readonly staged: ReadonlyArray<Entry>;
}

const memoryRig = (): Promise<StoreRig> => {
  const folds: Folded[] = [];
  const staged: Entry[] = [];
  const store = new MemoryStore((folded) => void folds.push(folded));
  store.onStaged = (entries) => void staged.push(...entries);
  return Promise.resolve({ store, folds, staged, [Symbol.asyncDispose]: store.close });
};

/** The simulator's, on a card without faults, in real time. */
const simulatedRig = (): Promise<StoreRig> => {
  const folds: Folded[] = [];
  const staged: Entry[] = [];
  const store = new SimStore({
    name: "store",
    later: {
      nowMs: 0,
      after: (_delayMs, _what, run) => void setImmediate(run),
    },
    random: new Random(1),
    disk: new SimDisk(),
    crypto: nodeCrypto,
    rangeCountMax: Number.POSITIVE_INFINITY,
    onFolded: (folded) => void folds.push(folded),
    onStaged: (entries) => void staged.push(...entries),
    onWrite: () => undefined,
    onDurable: () => undefined,
  });
  return Promise.resolve({ store, folds, staged, [Symbol.asyncDispose]: store.close });
};

const sqliteRig = async (): Promise<StoreRig> => {
  const directory = mkdtempSync(join(tmpdir(), "tapmesh-store-"));
  const folds: Folded[] = [];
  const staged: Entry[] = [];
  const opened = await openStore({
    directory,
    wallMs: 0,
    onFolded: (folded) => void folds.push(folded),
    onStaged: (entries) => void staged.push(...entries),
    onDeath: (error) => {
      throw error;
    },
  });
  if (E.isLeft(opened)) throw new Error(opened.left._tag);
  const { store } = opened.right;
  return {
    store,
    folds,
    staged,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** The same bytes as plain Uint8Arrays: cborg makes some of them Buffers. */
export const plain = (records: ReadonlyArray<RecordBytes>): ReadonlyArray<RecordBytes> =>
  records.map(({ header, body }) => ({
    header: new Uint8Array(header),
    body: body && new Uint8Array(body),
  }));

export const values = (entries: ReadonlyArray<Entry>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    entries.map((entry) => [`${entry.device}.${entry.key}`, valueOf(entry, recordedTime)]),
  );

export const STORE_RIGS: ReadonlyArray<{
  readonly name: string;
  readonly rig: () => Promise<StoreRig>;
}> = [
  { name: "memory", rig: memoryRig },
  { name: "simulated", rig: simulatedRig },
  { name: "SQLite in its worker", rig: sqliteRig },
];
