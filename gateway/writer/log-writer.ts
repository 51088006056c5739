/**
 * Writes this gateway's own epoch: what queues up while the last commit runs becomes the next group, with one
 * checkpoint, in one transaction. The epoch's key lives here, in memory, and nowhere else.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import { CLOSE_REASON, EARLIER_COUNT_MAX, OPEN_REASON, type EarlierEpoch } from "#core/log/body.ts";
import {
  appendGroup,
  EPOCH_RECORDS_MAX,
  type Draft,
  type EpochHead,
  type SignedGroup,
} from "#core/log/epoch.ts";
import { rootOf } from "#core/log/tree.ts";
import { APPEND_QUEUE_MAX, EPOCH_AGE_MAX_MS, GROUP_RECORDS_MAX } from "#gateway/limits.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import {
  closeDraft,
  isTooMuch,
  newOwnEpoch,
  openDraft,
  problemOf,
  type Author,
  type DraftProblem,
  type OwnEpoch,
} from "#gateway/writer/drafts.ts";
import { namesToReplace, type PendingRecord } from "#gateway/writer/pending-record.ts";
import type { Clock, CommitError, Entropy, Journal, Store } from "#gateway/ports.ts";

/** Where a record stands once it is on disk. */
export interface Committed {
  readonly epoch: Uint8Array;
  readonly seq: number;
}

export type AppendError =
  /** The disk took it neither in this epoch nor in a new one: the record does not exist. */
  | { readonly _tag: "NotRecorded"; readonly cause: CommitError }
  /** The disk failed so that even reading it did: the record may turn up when the disk works again. */
  | { readonly _tag: "FateUnknown"; readonly cause: CommitError }
  | DraftProblem
  | { readonly _tag: "AppendQueueFull" }
  | { readonly _tag: "LogClosed" };

/** A commit that failed, and whether the group is known not to be on disk. */
interface FailedCommit {
  readonly cause: CommitError;
  readonly isAbsent: boolean;
}

export interface LogWriterDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly author: Author;
  readonly entropy: Entropy;
  /** A group is on disk: called in order, before those who wait for its records. */
  readonly onCommitted: (group: SignedGroup) => void;
}

/** What a writer is told of the past. */
export interface WriterStart {
  /** Own epochs that no `open` names yet. */
  readonly unnamed: ReadonlyArray<EarlierEpoch>;
  /** Why the first epoch is opened: `OPEN_REASON`. */
  readonly reason: number;
}

interface Waiting {
  readonly record: PendingRecord;
  readonly resolve: (result: E.Either<AppendError, Committed>) => void;
}

export class LogWriter {
  readonly #deps: LogWriterDeps;
  /** Own epochs that no `open` names yet, with what is known of them. */
  #unnamed: ReadonlyArray<EarlierEpoch>;
  #epoch: OwnEpoch | null = null;
  #openReason: number;
  #queue: Waiting[] = [];
  #draining: Promise<void> | null = null;
  #isClosed = false;
  #failure: CommitError | null = null;

  constructor(deps: LogWriterDeps, start: WriterStart) {
    this.#deps = deps;
    this.#unnamed = start.unnamed;
    this.#openReason = start.reason;
  }

  /** An earlier epoch of this gateway's own came back from a peer: the next `open` names it with this size. */
  noteEarlier(earlier: EarlierEpoch): void {
    const others = this.#unnamed.filter(({ epoch }) => !equalBytes(epoch, earlier.epoch));
    this.#unnamed = [...others, earlier];
  }

  /** Where the own epoch stands; null before its first record and after a failed commit. */
  get head(): EpochHead | null {
    return this.#epoch?.head ?? null;
  }

  /** Why the last commit failed; null once one has succeeded again. */
  get failure(): CommitError | null {
    return this.#failure;
  }

  /** Signs a statement with the epoch's key; undefined where no epoch is open. */
  sign(message: Uint8Array): Uint8Array | undefined {
    return this.#epoch?.key.sign(message);
  }

  /** Right: the record is on disk, fsynced, and covered by a signed checkpoint. */
  append(record: PendingRecord): Promise<E.Either<AppendError, Committed>> {
    if (this.#isClosed) return Promise.resolve(E.left({ _tag: "LogClosed" }));
    if (this.#queue.length >= APPEND_QUEUE_MAX) {
      return Promise.resolve(E.left({ _tag: "AppendQueueFull" }));
    }
    return new Promise((resolve) => {
      this.#queue.push({ record, resolve });
      this.#draining ??= this.#drain();
    });
  }

  /** Opens an epoch if none is: before the first statement that must be signed. */
  async ensureOpen(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
    if (this.#epoch !== null || this.#isClosed) return;
    this.#draining = this.#writeGroup([]).finally(() => {
      this.#draining = this.#queue.length > 0 ? this.#drain() : null;
    });
    await this.#draining;
  }

  /** Writes what waits, then the `close` record, and drops the key. Nothing can be appended afterwards. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    while (this.#draining !== null) await this.#draining;
    if (this.#epoch !== null) await this.#commit([closeDraft(this.#deps, CLOSE_REASON.stop)]);
    this.#epoch = null;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#writeGroup(this.#queue.splice(0, GROUP_RECORDS_MAX));
    }
    this.#draining = null;
  }

  /** Writes one group, or two where it is too large for one; an empty one only opens an epoch. */
  async #writeGroup(asked: ReadonlyArray<Waiting>): Promise<void> {
    if (this.#mustRotate(asked.length)) await this.#rotate();
    const drafts = await this.#drafts(asked);
    if (asked.length > 1 && isTooMuch(drafts)) {
      const half = Math.floor(asked.length / 2);
      await this.#writeGroup(asked.slice(0, half));
      await this.#writeGroup(asked.slice(half));
      return;
    }
    const refused = drafts.map(problemOf);
    for (const [index, problem] of refused.entries()) {
      if (problem !== undefined) asked[index]?.resolve(E.left(problem));
    }
    const waiting = asked.filter((_, index) => refused[index] === undefined);
    if (waiting.length === 0 && asked.length > 0) return;
    const first = await this.#commit(drafts.filter((_, index) => refused[index] === undefined));
    // Once more in a new epoch, if it surely isn't on disk; the names to replace are others there.
    const isToRepeat = E.isLeft(first) && first.left.isAbsent;
    const result = isToRepeat ? await this.#commit(await this.#drafts(waiting)) : first;
    this.#failure = E.isLeft(result) ? result.left.cause : null;
    for (const [index, { resolve }] of waiting.entries()) {
      resolve(
        E.isLeft(result)
          ? E.left(appendErrorOf(result.left))
          : E.right(placeOf(result.right, index - waiting.length)),
      );
    }
  }

  async #drafts(waiting: ReadonlyArray<Waiting>): Promise<ReadonlyArray<Draft>> {
    const queries = waiting.flatMap(({ record }) => record.queries);
    const known = queries.length > 0 ? await this.#deps.store.knownWrites(queries) : [];
    const replaced = namesToReplace(queries, known, this.#epoch?.head.epoch);
    let at = 0;
    return waiting.map(({ record }): Draft => {
      const answers = replaced.slice(at, at + record.queries.length);
      at += record.queries.length;
      const { wallMs, monoMs } = record;
      return {
        wallMs,
        monoMs,
        salt: this.#deps.entropy.randomBytes(16),
        body: record.body(answers),
      };
    });
  }

  #openDraft({ key }: OwnEpoch): Draft {
    return openDraft(this.#deps, {
      epochKey: key.publicKey,
      reason: this.#openReason,
      earlier: this.#unnamed.slice(-EARLIER_COUNT_MAX),
    });
  }

  #mustRotate(adding: number): boolean {
    if (this.#epoch === null) return false;
    // One place is kept for the `close` record.
    if (this.#epoch.head.range.size + adding + 1 > EPOCH_RECORDS_MAX) return true;
    return this.#deps.clock.monoMs() - this.#epoch.openedMonoMs > EPOCH_AGE_MAX_MS;
  }

  async #rotate(): Promise<void> {
    await this.#commit([closeDraft(this.#deps, CLOSE_REASON.rotate)]);
    // A commit that failed has left the epoch already.
    if (this.#epoch !== null) this.#leaveEpoch(this.#epoch.head, OPEN_REASON.rotate);
  }

  #leaveEpoch(head: EpochHead, reason: number): void {
    const { epoch, range } = head;
    if (range.size > 0) {
      const earlier = { epoch, size: range.size, root: rootOf(sha256, range) };
      this.#unnamed = [...this.#unnamed, earlier];
    }
    this.#epoch = null;
    this.#openReason = reason;
  }

  /** Commits the drafts, behind an `open` if no epoch is open. Left: the epoch has been dropped. */
  async #commit(drafts: ReadonlyArray<Draft>): Promise<E.Either<FailedCommit, SignedGroup>> {
    const { store, author, journal } = this.#deps;
    const epoch = this.#epoch ?? newOwnEpoch(this.#deps);
    const opening = epoch.head.range.size === 0 ? [this.#openDraft(epoch)] : [];
    const deps = { sha256, signWithEpochKey: epoch.key.sign };
    const group = appendGroup(deps, epoch.head, [...opening, ...drafts]);
    const committed = await store.commit({ ...group, gateway: author.gateway, proof: [] });
    if (E.isRight(committed)) {
      this.#epoch = { ...epoch, head: group.head };
      this.#noteNamed(group);
      this.#deps.onCommitted(group);
      return E.right(group);
    }
    journal.error("log.commit-failed", { detail: committed.left.detail });
    return this.#recover(epoch.head, group, committed.left);
  }

  /**
   * Whether a failed commit is on disk is not known: the key is dropped, so that nobody can continue the epoch,
   * and the reopened log says which it is.
   */
  async #recover(
    before: EpochHead,
    group: SignedGroup,
    cause: CommitError,
  ): Promise<E.Either<FailedCommit, SignedGroup>> {
    const { store, journal } = this.#deps;
    const reopened = await store.reopen();
    if (E.isLeft(reopened)) {
      this.#leaveEpoch(before, OPEN_REASON.fault);
      journal.error("log.out-of-order", { detail: reopened.left.detail });
      return E.left({ cause: reopened.left, isAbsent: false });
    }
    const stored = reopened.right.find(({ head }) => equalBytes(head.epoch, before.epoch));
    const stands = stored?.head.range.size === group.head.range.size;
    if (stands) this.#noteNamed(group);
    this.#leaveEpoch(stands ? group.head : before, OPEN_REASON.fault);
    journal.warn("log.epoch-dropped", { groupStands: stands });
    if (!stands) return E.left({ cause, isAbsent: true });
    this.#deps.onCommitted(group);
    return E.right(group);
  }

  /** The epochs that a group's `open` has named need no naming any more. */
  #noteNamed(group: SignedGroup): void {
    if (group.from === 0) this.#unnamed = this.#unnamed.slice(0, -EARLIER_COUNT_MAX);
  }
}

const appendErrorOf = ({ cause, isAbsent }: FailedCommit): AppendError => ({
  _tag: isAbsent ? "NotRecorded" : "FateUnknown",
  cause,
});

const placeOf = (group: SignedGroup, offsetFromEnd: number): Committed => ({
  epoch: group.epoch,
  seq: group.head.range.size + offsetFromEnd,
});
