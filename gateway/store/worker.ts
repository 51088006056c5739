/** The store's thread: answers one query after the other. Every fsync of the process happens here. */
import { parentPort, workerData } from "node:worker_threads";
import * as E from "fp-ts/lib/Either.js";
import type { Addition } from "#core/log/stored.ts";
import type { CommitError } from "#gateway/ports.ts";
import type { LogFile } from "#gateway/store/log-file.ts";
import type { Answers, StoreMessage, StoreQuery, StoreRequest } from "#gateway/store/messages.ts";
import { catchUp, openStoreFiles, type StoreFiles } from "#gateway/store/open-files.ts";
import { rangeFrom } from "#gateway/store/provable.ts";
import { sqliteDetail } from "#gateway/store/schema.ts";
import {
  addTo,
  entriesAfter,
  foldAddition,
  knownWrites,
  reopenLog,
} from "#gateway/store/store-files.ts";

/** The state is saved so often: what a crash costs is folding as much again, a fraction of a second. */
const STATE_SAVE_PERIOD_MS = 10_000;
const STATE_SAVE_RECORDS = 500;
/** A WAL is moved into its file when it is this large, or when larger than the second and nothing happens. */
const WAL_BYTES_MAX = 16 * 1024 * 1024;
const WAL_BYTES_IDLE = 1024 * 1024;
const IDLE_MS = 2_000;
/**
 * Own records are folded so long after they were committed: the main thread, woken by the answer, publishes them
 * meanwhile. Folded at once, the two would compete for a processor, and the publishing lose.
 */
const OWN_FOLD_DELAY_MS = 1;

const say = (message: StoreMessage): void => parentPort?.postMessage(message);

class StoreWorker {
  #files: StoreFiles;
  #idle: NodeJS.Timeout | undefined;
  readonly #saving: NodeJS.Timeout;
  /** Own records on disk that are not folded yet. */
  readonly #pending: Addition[] = [];
  #folding: NodeJS.Timeout | undefined;

  constructor(files: StoreFiles) {
    this.#files = files;
    this.#saving = setInterval(() => this.#save(), STATE_SAVE_PERIOD_MS);
  }

  serve(request: StoreRequest): void {
    const { query } = request;
    if (query._tag !== "Commit") this.#foldPending();
    const answer = this.#answer(query);
    say({ _tag: "Answer", id: request.id, answer });
    // The answer is on its way before the fold: who waits for the disk needn't wait for the state.
    if (query._tag === "Commit" && answer === null) {
      this.#pending.push(query.addition);
      this.#folding ??= setTimeout(() => this.#foldPending(), OWN_FOLD_DELAY_MS);
    }
    if (query._tag === "Mirror" && answer === null) this.#fold(query.addition);
    if (query._tag === "Close") parentPort?.close();
  }

  #foldPending(): void {
    clearTimeout(this.#folding);
    this.#folding = undefined;
    for (const addition of this.#pending.splice(0)) this.#fold(addition);
  }

  #answer(query: StoreQuery): Answers[keyof Answers] {
    const { log, mirror, state } = this.#files;
    switch (query._tag) {
      case "Commit":
        return addTo(log, query.addition);
      case "Mirror":
        return addTo(this.#fileOf(query.addition.head.epoch), query.addition);
      case "Reopen":
        return this.#reopen();
      case "KnownWrites":
        return knownWrites(this.#files, query.queries);
      case "Entries":
        return [...state.entries(query.device)];
      case "EntriesAfter":
        return entriesAfter(this.#files, query.device);
      case "Range":
        return rangeFrom(this.#fileOf(query.epoch), query.epoch, query.from);
      case "Records":
        return [...this.#fileOf(query.epoch).records(query.epoch, query.from, query.to)];
      case "Epochs":
        return [...log.epochs(), ...mirror.epochs()];
      case "Digest":
        return { digest: state.digest, heads: state.heads };
      case "Close":
        return this.#close();
    }
  }

  #fileOf(epoch: Uint8Array): LogFile {
    const { log, mirror } = this.#files;
    return log.epoch(epoch) === undefined ? mirror : log;
  }

  #fold(addition: Addition): void {
    const { log, mirror, state } = this.#files;
    say({ _tag: "Folded", folded: foldAddition(this.#files, addition) });
    if (state.unsaved >= STATE_SAVE_RECORDS) this.#save();
    for (const file of [log, mirror]) emptyWal(file, WAL_BYTES_MAX);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      for (const file of [log, mirror]) emptyWal(file, WAL_BYTES_IDLE);
    }, IDLE_MS);
  }

  #reopen(): Answers["Reopen"] {
    const reopened = reopenLog(this.#files.log);
    if (E.isLeft(reopened)) return reopened.left;
    this.#files = { ...this.#files, log: reopened.right.file };
    // A group whose commit seemed to fail may stand after all: then it counts like any other.
    this.#catchUp();
    return reopened.right.epochs;
  }

  /** What the disk refused to save is folded again from the logs, and kept in memory until it doesn't. */
  #save(): void {
    if (!this.#files.state.save()) this.#catchUp();
  }

  /** Folds whatever the logs have beyond the state. */
  #catchUp(): void {
    const { log, mirror, state } = this.#files;
    for (const file of [log, mirror]) {
      for (const folded of catchUp(state, file)) say({ _tag: "Folded", folded });
    }
  }

  #close(): CommitError | null {
    clearTimeout(this.#idle);
    clearInterval(this.#saving);
    const { log, mirror, state } = this.#files;
    state.close();
    for (const file of [log, mirror]) file.database.close(); // which moves the WAL into the file
    return null;
  }
}

/** Moves a WAL into its file once there is more than so much in it. A full disk only postpones it. */
const emptyWal = (file: LogFile, bytesMax: number): void => {
  if (file.walBytes <= bytesMax) return;
  try {
    file.emptyWal("RESTART");
  } catch (error) {
    sqliteDetail(error); // the WAL keeps every commit meanwhile, and the next one tries again; a bug goes on
  }
};

const start = (): void => {
  const { directory, wallMs }: { directory: string; wallMs: number } = workerData;
  const files = openStoreFiles(directory, wallMs);
  if (E.isLeft(files)) {
    say({ _tag: "Unopenable", error: files.left });
    return;
  }
  const worker = new StoreWorker(files.right);
  parentPort?.on("message", (request: StoreRequest) => worker.serve(request));
  say({ _tag: "Ready", notices: files.right.notices });
};

start();
