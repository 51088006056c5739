/** Every store there is, ready for a test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import type { RecordBytes } from "#core/log/record.ts";
import { valueOf, type Entry } from "#core/state/entry.ts";
import type { Folded, Store } from "#gateway/ports.ts";
import { openStore } from "#gateway/store/client.ts";
import { MemoryStore } from "#test/contract/memory-store.ts";

export interface StoreRig extends AsyncDisposable {
  readonly store: Store;
  readonly folds: ReadonlyArray<Folded>;
}

const memoryRig = (): Promise<StoreRig> => {
  const folds: Folded[] = [];
  const store = new MemoryStore((folded) => void folds.push(folded));
  return Promise.resolve({ store, folds, [Symbol.asyncDispose]: store.close });
};

const sqliteRig = async (): Promise<StoreRig> => {
  const directory = mkdtempSync(join(tmpdir(), "tapmesh-store-"));
  const folds: Folded[] = [];
  const opened = await openStore({
    directory,
    wallMs: 0,
    onFolded: (folded) => void folds.push(folded),
    onDeath: (error) => {
      throw error;
    },
  });
  if (E.isLeft(opened)) throw new Error(opened.left._tag);
  const { store } = opened.right;
  return {
    store,
    folds,
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
  Object.fromEntries(entries.map((entry) => [`${entry.device}.${entry.key}`, valueOf(entry)]));

export const STORE_RIGS: ReadonlyArray<{
  readonly name: string;
  readonly rig: () => Promise<StoreRig>;
}> = [
  { name: "memory", rig: memoryRig },
  { name: "SQLite in its worker", rig: sqliteRig },
];
