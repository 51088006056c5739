/** The store as the main thread sees it: a `Store` whose work is done in the worker thread. */
import { Worker } from "node:worker_threads";
import * as E from "fp-ts/lib/Either.js";
import type { Entry } from "#core/state/entry.ts";
import type { Folded, Store } from "#gateway/ports.ts";
import { unpackEntries } from "#core/state/packed-entries.ts";
import type {
  Answers,
  StoreMessage,
  StoreNotice,
  StoreOpenError,
  StoreQuery,
  StoreRequest,
} from "#gateway/store/messages.ts";

export interface StoreOptions {
  /** Folder of log.db, mirror.db and state.db; it exists. */
  readonly directory: string;
  readonly wallMs: number;
  /** Called for each fold, in order, after the records are on disk. */
  readonly onFolded: (folded: Folded) => void;
  /** Called for each chunk of a snapshot that is staged: verdicts can rely on its entries, the log doesn't yet. */
  readonly onStaged?: (entries: ReadonlyArray<Entry>) => void;
  /** Something was wrong while the store ran. After `SnapshotWrong` all that is kept of the state must be read again. */
  readonly onNotice?: (notice: StoreNotice) => void;
  /** The thread ended by itself: a bug or a dead disk. The process can't go on without it. */
  readonly onDeath: (error: Error) => void;
}

/** A release is bundled, and then has the worker as one file beside its main one. */
const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./store-worker.js",
  import.meta.url,
);

export interface OpenedStore {
  readonly store: Store;
  readonly notices: ReadonlyArray<StoreNotice>;
}

class StoreClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (answer: Answers[keyof Answers]) => void>();
  #nextId = 1;

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  ask<Tag extends StoreQuery["_tag"]>(
    query: StoreQuery & { readonly _tag: Tag },
  ): Promise<Answers[Tag]> {
    const id = this.#nextId;
    this.#nextId += 1;
    const request: StoreRequest = { id, query };
    return new Promise((resolve) => {
      // The worker answers a query of this tag with this tag's answer: `Answers` is the contract of both.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      this.#waiting.set(id, resolve as (answer: Answers[keyof Answers]) => void);
      this.#worker.postMessage(request);
    });
  }

  settle(id: number, answer: Answers[keyof Answers]): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}

/** A page a turn: all devices' entries at once would keep a tap waiting for its verdict. */
const unpackPages = async (pages: ReadonlyArray<Uint8Array>): Promise<ReadonlyArray<Entry>> => {
  const entries: Entry[] = [];
  for (const page of pages) {
    entries.push(...unpackEntries(page));
    await new Promise(setImmediate);
  }
  return entries;
};

const done = <Failure>(error: Failure | null): E.Either<Failure, void> =>
  error === null ? E.right(undefined) : E.left(error);

const storeOver = (client: StoreClient, ended: Promise<void>): Store => ({
  commit: async (addition) => done(await client.ask({ _tag: "Commit", addition })),
  mirror: async (addition, kept) => done(await client.ask({ _tag: "Mirror", addition, kept })),
  reopen: async () => {
    const answer = await client.ask({ _tag: "Reopen" });
    return "_tag" in answer ? E.left(answer) : E.right(answer);
  },
  knownWrites: (queries) => client.ask({ _tag: "KnownWrites", queries }),
  entries: (device) => client.ask({ _tag: "Entries", device }),
  entriesAfter: async (device) => unpackEntries(await client.ask({ _tag: "EntriesAfter", device })),
  range: (epoch, from) => client.ask({ _tag: "Range", epoch, from }),
  records: (epoch, from, to) => client.ask({ _tag: "Records", epoch, from, to }),
  epochs: () => client.ask({ _tag: "Epochs" }),
  digest: () => client.ask({ _tag: "Digest" }),
  facts: () => client.ask({ _tag: "Facts" }),
  cut: (cuts) => client.ask({ _tag: "Cut", cuts }),
  examine: (range) => client.ask({ _tag: "Examine", range }),
  holes: () => client.ask({ _tag: "Holes" }),
  fill: (epoch, bodies) => client.ask({ _tag: "Fill", epoch, bodies }),
  entriesAt: async (moment, device) =>
    unpackPages(await client.ask({ _tag: "EntriesAt", moment, device })),
  snapshot: (scope) => client.ask({ _tag: "Snapshot", scope }),
  snapshotChunk: (root, index) => client.ask({ _tag: "SnapshotChunk", root, index }),
  stage: async (manifest) => done(await client.ask({ _tag: "Stage", manifest })),
  stageChunk: async (index, bytes) => done(await client.ask({ _tag: "StageChunk", index, bytes })),
  adopt: async () => done(await client.ask({ _tag: "Adopt" })),
  close: async () => {
    await client.ask({ _tag: "Close" });
    await ended;
  },
});

/** Starts the thread and opens the files. Left: as the files' own errors; the thread has ended then. */
export const openStore = (options: StoreOptions): Promise<E.Either<StoreOpenError, OpenedStore>> =>
  new Promise((resolve) => {
    const { directory, wallMs } = options;
    const worker = new Worker(ENTRY, {
      workerData: { directory, wallMs },
    });
    const client = new StoreClient(worker);
    const ended = new Promise<void>((resolveEnded) => {
      worker.once("exit", () => resolveEnded());
    });
    worker.once("error", (error) => {
      options.onDeath(error);
      const detail = error.message;
      resolve(E.left({ _tag: "DatabaseUnopenable", path: directory, detail }));
    });
    worker.on("message", (message: StoreMessage) => {
      switch (message._tag) {
        case "Ready":
          resolve(E.right({ store: storeOver(client, ended), notices: message.notices }));
          break;
        case "Unopenable":
          resolve(E.left(message.error));
          break;
        case "Answer":
          client.settle(message.id, message.answer);
          break;
        case "Folded":
          options.onFolded(message.folded);
          break;
        case "Staged":
          options.onStaged?.(unpackEntries(message.entries));
          break;
        case "Notice":
          options.onNotice?.(message.notice);
          break;
      }
    });
  });
