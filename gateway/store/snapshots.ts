/** The store's side of snapshots: making them for peers, taking over a peer's, and checking what was taken over. */
import { join } from "node:path";
import { equalBytes } from "#core/bytes.ts";
import type { Manifest } from "#core/state/snapshot.ts";
import type { SnapshotScope } from "#gateway/ports.ts";
import type { Answers, StoreMessage, StoreQuery } from "#gateway/store/messages.ts";
import { CHECK_FILE, type StoreFiles } from "#gateway/store/open-files.ts";
import { inSlices } from "#gateway/store/slices.ts";
import { buildSnapshot, type Snapshot } from "#gateway/store/snapshot-build.ts";
import {
  canBeChecked,
  checkSnapshot,
  type SnapshotVerdict,
} from "#gateway/store/snapshot-check.ts";

const CHUNKS_FILE = "snapshot.tmp";
const CHECK_PERIOD_MS = 1_000;
/** Between slices of the check, which nobody waits for: a quarter of the thread at most. */
const CHECK_PAUSE_MS = 24;
/** Between slices of making one: half of the thread is left to taps and peers. */
const MAKE_PAUSE_MS = 8;

export type SnapshotQuery = StoreQuery & {
  readonly _tag: "SnapshotChunk" | "Stage" | "StageChunk";
};

export const isSnapshotQuery = (query: StoreQuery): query is SnapshotQuery =>
  query._tag === "SnapshotChunk" || query._tag === "Stage" || query._tag === "StageChunk";

export interface SnapshotsDeps {
  readonly directory: string;
  readonly files: () => StoreFiles;
  /** False while the state is being folded, or the store is closed. */
  readonly isFree: () => boolean;
  readonly isClosing: () => boolean;
  readonly say: (message: StoreMessage) => void;
  readonly save: () => void;
  /** Folds what the logs have beyond the state; `isAnew`: all that was told of it before may be wrong. */
  readonly foldInSlices: (isAnew: boolean) => Promise<void>;
  /** Whoever waited for that can be served. */
  readonly onFolded: () => void;
}

const isSystemError = (error: unknown): boolean => error instanceof Error && "syscall" in error;

export class Snapshots {
  readonly #deps: SnapshotsDeps;
  readonly #checking: NodeJS.Timeout;
  #current: Snapshot | undefined;
  #building: Promise<Answers["Snapshot"]> | undefined;
  #isChecking = false;

  constructor(deps: SnapshotsDeps) {
    this.#deps = deps;
    this.#checking = setInterval(() => void this.#check(), CHECK_PERIOD_MS);
  }

  /** Whoever asks while one is being made gets that one. */
  make(scope: SnapshotScope): Promise<Answers["Snapshot"]> {
    this.#building ??= this.#make(scope).finally(() => {
      this.#building = undefined;
    });
    return this.#building;
  }

  async #make(scope: SnapshotScope): Promise<Answers["Snapshot"]> {
    const { directory, files, isClosing } = this.#deps;
    const { state } = files();
    if (state.staging.adopted !== undefined) return null;
    try {
      const work = buildSnapshot(state, scope, join(directory, CHUNKS_FILE));
      const made = await inSlices(work, () => !isClosing(), MAKE_PAUSE_MS);
      if (made === undefined || made === null) return null;
      this.#current?.file[Symbol.dispose]();
      this.#current = made;
      return { manifest: made.manifest };
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return null;
    }
  }

  answer(query: SnapshotQuery): Answers["SnapshotChunk"] | Answers["Stage"] {
    const { state } = this.#deps.files();
    switch (query._tag) {
      case "SnapshotChunk":
        return this.#chunk(query.root, query.index);
      case "Stage":
        return state.stage(query.manifest);
      case "StageChunk": {
        const error = state.staging.stageChunk(query.index, query.bytes);
        if (error === null) this.#deps.say({ _tag: "Staged", entries: query.bytes });
        return error;
      }
    }
  }

  #chunk(root: Uint8Array, index: number): Uint8Array | null {
    const current = this.#current;
    if (current === undefined || !equalBytes(current.root, root)) return null;
    const chunk = current.chunks[index];
    return chunk === undefined ? null : current.file.read(chunk);
  }

  /** The snapshot is on disk before anybody relies on it: where the disk refuses, the state is as it was. */
  async adopt(): Promise<Answers["Adopt"]> {
    const { files, save, foldInSlices } = this.#deps;
    const { state } = files();
    const error = state.adopt();
    if (error !== null) return error;
    save();
    const isAdopted = state.staging.adopted !== undefined;
    await foldInSlices(true);
    return isAdopted ? null : { _tag: "NotStaged" };
  }

  /** Once the logs hold what the adopted snapshot was folded from. */
  async #check(): Promise<void> {
    const { files, isFree } = this.#deps;
    const { adopted } = files().state.staging;
    if (adopted === undefined || this.#isChecking || !isFree()) return;
    if (!canBeChecked(files(), adopted)) return;
    this.#isChecking = true;
    const verdict = await this.#verdictOn(adopted);
    this.#isChecking = false;
    // It may have been thrown away meanwhile, because of a cut.
    if (verdict === undefined || files().state.staging.adopted !== adopted) return;
    await this.#conclude(verdict);
  }

  /** What the snapshot's records say beside entries is known now; if they say other entries, theirs count. */
  async #conclude({ isRight, facts }: SnapshotVerdict): Promise<void> {
    const { files, foldInSlices, onFolded, say } = this.#deps;
    const { state } = files();
    if (isRight) state.confirm(facts);
    else state.clear();
    await foldInSlices(!isRight);
    const detail = "its entries are not what the records say";
    if (!isRight) say({ _tag: "Notice", notice: { _tag: "SnapshotWrong", detail } });
    say({ _tag: "Folded", folded: { epoch: new Uint8Array(16), size: 0, entries: [], facts } });
    onFolded();
  }

  async #verdictOn(adopted: Manifest): Promise<SnapshotVerdict | undefined> {
    const { directory, files, isFree, isClosing } = this.#deps;
    const work = checkSnapshot(files, adopted, join(directory, CHECK_FILE));
    const verdict = await inSlices(work, () => !isClosing(), CHECK_PAUSE_MS);
    while (!isFree() && !isClosing()) {
      await new Promise((resolve) => void setTimeout(resolve, CHECK_PAUSE_MS));
    }
    return isClosing() ? undefined : verdict;
  }

  close(): void {
    clearInterval(this.#checking);
    this.#current?.file[Symbol.dispose]();
  }
}
