/** The store's thread: answers one query after the other. Every fsync of the process happens here. */
import { parentPort, workerData } from "node:worker_threads";
import * as E from "fp-ts/lib/Either.js";
import type { Addition } from "#core/log/stored.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import type { CommitError, Folded } from "#gateway/ports.ts";
import { fileOf, forgetRaised, passes, takeMirrored } from "#gateway/store/held-epochs.ts";
import { fillHoles } from "#gateway/store/holes.ts";
import { answerFromLogs, isFromLogs } from "#gateway/store/log-answers.ts";
import type { Answers, StoreMessage, StoreQuery, StoreRequest } from "#gateway/store/messages.ts";
import {
  isAboutLogs,
  isSlow,
  type PromptQuery,
  type SlowQuery,
} from "#gateway/store/query-kinds.ts";
import { foldLogs } from "#gateway/store/fold-logs.ts";
import { openStoreFiles, type StoreFiles } from "#gateway/store/open-files.ts";
import { pastEntries } from "#gateway/store/past-entries.ts";
import { inSlices } from "#gateway/store/slices.ts";
import { isSnapshotQuery, Snapshots, type SnapshotQuery } from "#gateway/store/snapshots.ts";
import { WalEmptying } from "#gateway/store/wal-emptying.ts";
import {
  addTo,
  entriesAfter,
  foldAddition,
  knownWrites,
  reopenLog,
} from "#gateway/store/store-files.ts";

/**
 * The state is saved so often: what a crash costs is folding as much again, about a second. So many records within the
 * period there are only while a peer's history comes; each save of those would write most of the state anew.
 */
const STATE_SAVE_PERIOD_MS = 10_000;
const STATE_SAVE_RECORDS = 20_000;
/** Records that pass wait in memory for a save: 16 MB at most. */
const PASSING_ADDITIONS_UNSAVED_MAX = 256;
/**
 * Own records are folded so long after they were committed: the main thread, woken by the answer, publishes them
 * meanwhile. Folded at once, the two would compete for a processor, and the publishing lose.
 */
const OWN_FOLD_DELAY_MS = 1;

const say = (message: StoreMessage): void => parentPort?.postMessage(message);

class StoreWorker {
  #files: StoreFiles;
  readonly #directory: string;
  readonly #snapshots: Snapshots;
  readonly #wals = new WalEmptying();
  readonly #saving: NodeJS.Timeout;
  /** Own records on disk that are not folded yet. */
  readonly #pending: Addition[] = [];
  #foldingSoon: NodeJS.Timeout | undefined;
  /** The logs are being folded in slices; whoever asks about the state waits in `#deferred`. */
  #isFolding = false;
  readonly #deferred: StoreRequest[] = [];
  #isClosing = false;
  /** Folded since the last save, and kept nowhere else. */
  readonly #unsavedPassing: Addition[] = [];
  #isSaved = true;

  constructor(files: StoreFiles, directory: string) {
    this.#files = files;
    this.#directory = directory;
    this.#snapshots = new Snapshots({
      directory,
      files: () => this.#files,
      isFree: () => !this.#isFolding && !this.#isClosing,
      isClosing: () => this.#isClosing,
      say,
      save: () => this.#save(),
      foldInSlices: (isAnew) => this.#foldInSlices(isAnew),
      onFolded: () => this.#serveDeferred(),
    });
    this.#saving = setInterval(() => this.#save(), STATE_SAVE_PERIOD_MS);
  }

  /** What comes behind a close is not answered: the files are closed, or about to be. */
  receive(request: StoreRequest): void {
    if (this.#isClosing) return;
    if (request.query._tag === "Close") this.#isClosing = true;
    this.#serve(request);
  }

  #serve(request: StoreRequest): void {
    const { id, query } = request;
    if (query._tag !== "Commit") this.#foldPending();
    if (this.#isFolding && !isAboutLogs(query)) {
      this.#deferred.push(request);
      return;
    }
    if (isSlow(query)) void this.#serveInSlices(id, query);
    else this.#serveAtOnce(id, query);
  }

  async #serveInSlices(id: number, query: SlowQuery): Promise<void> {
    switch (query._tag) {
      case "Cut":
        return this.#cut(id, query.cuts);
      case "Fill":
        return this.#fill(id, query);
      case "EntriesAt":
        return this.#entriesAt(id, query);
      case "Snapshot":
        return say({ _tag: "Answer", id, answer: await this.#snapshots.make(query.scope) });
      case "Adopt":
        say({ _tag: "Answer", id, answer: await this.#snapshots.adopt() });
        return this.#serveDeferred();
    }
  }

  #serveAtOnce(id: number, query: PromptQuery): void {
    const answer = isSnapshotQuery(query) ? this.#snapshots.answer(query) : this.#answer(query);
    say({ _tag: "Answer", id, answer });
    // The answer is on its way before the fold: who waits for the disk needn't wait for the state.
    if (query._tag === "Commit" && answer === null) {
      this.#pending.push(query.addition);
      this.#foldingSoon ??= setTimeout(() => this.#foldPending(), OWN_FOLD_DELAY_MS);
    }
    if (query._tag === "Mirror" && answer === null) this.#fold(query.addition);
    if (query._tag === "Close") parentPort?.close();
  }

  #foldPending(): void {
    if (this.#isFolding) return; // it comes to the pending ones at its end
    clearTimeout(this.#foldingSoon);
    this.#foldingSoon = undefined;
    while (!this.#isFolding) {
      const addition = this.#pending.shift();
      if (addition === undefined) return;
      this.#fold(addition);
    }
  }

  #answer(query: Exclude<PromptQuery, SnapshotQuery>): Answers[keyof Answers] {
    if (isFromLogs(query)) return answerFromLogs(this.#files, this.#directory, query);
    const { log, state } = this.#files;
    switch (query._tag) {
      case "Commit":
        return addTo(log, query.addition);
      case "Mirror":
        return this.#mirror(query.addition, query.kept);
      case "Reopen":
        return this.#reopen();
      case "KnownWrites":
        return knownWrites(this.#files, query.queries);
      case "Entries":
        return [...state.entries(query.device)];
      case "EntriesAfter":
        return entriesAfter(this.#files, query.device);
      case "Digest":
        return { digest: state.digest, heads: state.heads };
      case "Facts":
        return state.facts();
      case "Close":
        return this.#close();
    }
  }

  /** Records that pass are nowhere but here until the state is saved; while it can't be, no more of them are taken. */
  #mirror(addition: Addition, kept: boolean): CommitError | null {
    const isPassing = passes(this.#files, addition.head.epoch, kept);
    if (isPassing && !this.#isSaved)
      return { _tag: "DiskFull", detail: "the state can't be saved" };
    const error = takeMirrored(this.#files, addition, kept);
    if (isPassing && error === null) this.#unsavedPassing.push(addition);
    return error;
  }

  get #isSaveDue(): boolean {
    return (
      this.#files.state.unsaved >= STATE_SAVE_RECORDS ||
      this.#unsavedPassing.length >= PASSING_ADDITIONS_UNSAVED_MAX
    );
  }

  #fold(addition: Addition): void {
    const { state } = this.#files;
    const folded = foldAddition(this.#files, addition);
    if (state.isBeyondCuts) void this.#foldAnew(folded);
    else say({ _tag: "Folded", folded });
    if (this.#isSaveDue) this.#save();
    this.#wals.onAddition(() => [this.#files.log, this.#files.mirror]);
  }

  #reopen(): Answers["Reopen"] {
    const reopened = reopenLog(this.#files.log);
    if (E.isLeft(reopened)) return reopened.left;
    this.#files = { ...this.#files, log: reopened.right.file };
    // A group whose commit seemed to fail may stand after all: then it counts like any other.
    if (!this.#isFolding) this.#catchUp();
    return reopened.right.epochs;
  }

  /** What the disk refused to save is folded again from the logs, and kept in memory until it doesn't. */
  #save(): void {
    const { state } = this.#files;
    const passing = this.#unsavedPassing.splice(0);
    this.#isSaved = state.save();
    if (this.#isSaved) return;
    this.#catchUp();
    for (const addition of passing) {
      if (!state.passing.put(addition)) continue;
      this.#unsavedPassing.push(addition);
      say({ _tag: "Folded", folded: foldAddition(this.#files, addition) });
    }
  }

  /** Folds whatever the logs have beyond the state. */
  #catchUp(): void {
    for (const folded of foldLogs(() => this.#files)) say({ _tag: "Folded", folded });
  }

  async #cut(id: number, cuts: Cuts): Promise<void> {
    const { state } = this.#files;
    state.cut(cuts);
    const isAskedAgain = forgetRaised(state);
    const isAnew = state.isBeyondCuts || isAskedAgain;
    await this.#foldInSlices(isAnew);
    say({ _tag: "Answer", id, answer: isAnew });
    this.#serveDeferred();
  }

  /** What was folded without these bodies is folded again with them. */
  async #fill(id: number, query: StoreQuery & { readonly _tag: "Fill" }): Promise<void> {
    const { epoch, bodies } = query;
    const count = fillHoles(fileOf(this.#files, epoch), epoch, bodies);
    if (count > 0) {
      this.#files.state.clear();
      await this.#foldInSlices(true);
    }
    say({ _tag: "Answer", id, answer: count });
    this.#serveDeferred();
  }

  /** A fork has turned up in what is folded already; its own addition is told of when the state is right again. */
  async #foldAnew(folded: Folded): Promise<void> {
    await this.#foldInSlices(true);
    say({ _tag: "Folded", folded: { ...folded, entries: [] } });
    this.#serveDeferred();
  }

  /** What is folded anew is not told of record by record: all that was told before may be wrong. */
  async #foldInSlices(isAnew: boolean): Promise<void> {
    this.#isFolding = true;
    if (isAnew) this.#unsavedPassing.length = 0;
    const toTell = foldLogs(() => this.#files);
    await inSlices(isAnew ? toTell : tellEach(toTell), () => !this.#isClosing);
    // A log that was reopened meanwhile may hold more; at the end, the next start goes on.
    if (!this.#isClosing) this.#catchUp();
    this.#isFolding = false;
  }

  #serveDeferred(): void {
    this.#foldPending();
    for (let next = this.#deferred.shift(); next !== undefined; next = this.#deferred.shift()) {
      this.#serve(next);
      if (this.#isFolding) return;
    }
  }

  async #entriesAt(id: number, query: StoreQuery & { readonly _tag: "EntriesAt" }): Promise<void> {
    const work = pastEntries(() => this.#files, query.moment, query.device);
    const pages = await inSlices(work, () => !this.#isClosing);
    say({ _tag: "Answer", id, answer: pages ?? [] });
  }

  #close(): CommitError | null {
    this.#wals.stop();
    clearInterval(this.#saving);
    const { log, mirror, state } = this.#files;
    this.#snapshots.close();
    state.close();
    for (const file of [log, mirror]) file.database.close(); // which moves the WAL into the file
    return null;
  }
}

function* tellEach(all: Iterable<Folded>): Generator<undefined, void, undefined> {
  for (const folded of all) {
    say({ _tag: "Folded", folded });
    yield undefined;
  }
}

const start = (): void => {
  const { directory, wallMs }: { directory: string; wallMs: number } = workerData;
  const files = openStoreFiles(directory, wallMs);
  if (E.isLeft(files)) {
    say({ _tag: "Unopenable", error: files.left });
    return;
  }
  const worker = new StoreWorker(files.right, directory);
  parentPort?.on("message", (request: StoreRequest) => worker.receive(request));
  say({ _tag: "Ready", notices: files.right.notices });
};

start();
