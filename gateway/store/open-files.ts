/** Opens the three files of a data directory, sets a damaged one aside, and brings the state up to the logs. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { foldLogs } from "#gateway/store/fold-logs.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import type { StoreNotice, StoreOpenError } from "#gateway/store/messages.ts";
import { salvage, setAside } from "#gateway/store/salvage.ts";
import { openLogFile, sqliteDetail } from "#gateway/store/schema.ts";
import { atOnce } from "#gateway/store/slices.ts";
import { StateFile } from "#gateway/store/state-file.ts";
import type { StateFileError } from "#gateway/store/state-schema.ts";
import { checkLastBlock, verifyStoredEpoch } from "#gateway/store/verify-file.ts";

export const LOG_FILE = "log.db";
export const MIRROR_FILE = "mirror.db";
export const STATE_FILE = "state.db";
/** What the logs fold to, while a snapshot is being checked. */
export const CHECK_FILE = "check.db";

/** Epochs looked at in each start, newest first: whole if they are short, else their newest block. */
const EPOCHS_CHECKED_AT_START = 8;
const RECORDS_CHECKED_WHOLE_MAX = 512;

export interface StoreFiles {
  readonly log: LogFile;
  readonly mirror: LogFile;
  readonly state: StateFile;
  readonly notices: ReadonlyArray<StoreNotice>;
}

/** What is wrong with the newest epochs, in words; undefined if nothing. */
const damageIn = (file: LogFile): string | undefined => {
  for (const stored of file.epochs().toReversed().slice(0, EPOCHS_CHECKED_AT_START)) {
    const isShort = stored.head.range.size <= RECORDS_CHECKED_WHOLE_MAX;
    const error = isShort ? verifyStoredEpoch(file, stored).error : checkLastBlock(file, stored);
    const name = toHex(stored.head.epoch).slice(0, 8);
    if (error !== null) return `${error._tag} in epoch ${name}`;
  }
  return undefined;
};

/** The file, or in words what is wrong with its tables or its newest epochs; it is closed then. */
const soundFile = (database: Database.Database): E.Either<string, LogFile> => {
  let detail: string | undefined;
  try {
    const file = new LogFile(database);
    detail = damageIn(file);
    if (detail === undefined) return E.right(file);
  } catch (error) {
    detail = sqliteDetail(error);
  }
  database.close();
  return E.left(detail);
};

/** Sets the damaged file aside, and copies what verifies in it to a new one. */
const startAnew = (
  path: string,
  wallMs: number,
  detail: string,
): E.Either<StoreOpenError, OpenedFile> => {
  const movedTo = setAside(path, wallMs);
  const fresh = openLogFile(path);
  if (E.isLeft(fresh)) return fresh;
  const file = new LogFile(fresh.right);
  const kept = salvage(movedTo, file);
  return E.right({ file, notice: { _tag: "LogSetAside", path, movedTo, kept, detail } });
};

interface OpenedFile {
  readonly file: LogFile;
  readonly notice: StoreNotice | undefined;
}

const openSound = (path: string, wallMs: number): E.Either<StoreOpenError, OpenedFile> => {
  const opened = openLogFile(path);
  if (E.isLeft(opened)) {
    const error = opened.left;
    return error._tag === "DatabaseCorrupt" ? startAnew(path, wallMs, error.detail) : opened;
  }
  const sound = soundFile(opened.right);
  return E.isLeft(sound)
    ? startAnew(path, wallMs, sound.left)
    : E.right({ file: sound.right, notice: undefined });
};

/** Deletes a state file: the logs make it again. */
export const deleteState = (path: string): void => {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
};

/**
 * Whether the state has folded records that neither the logs, nor its own passing epochs, nor the snapshot that it was
 * taken from account for.
 */
const isAhead = (state: StateFile, epochs: ReadonlyArray<StoredEpoch>): boolean => {
  const sizes = new Map<string, number>();
  for (const { head } of [...epochs, ...state.passing.epochs()]) {
    const epoch = toHex(head.epoch);
    sizes.set(epoch, Math.max(head.range.size, sizes.get(epoch) ?? 0));
  }
  for (const [epoch, size] of state.staging.adopted?.heads ?? []) {
    sizes.set(epoch, Math.max(size, sizes.get(epoch) ?? 0));
  }
  return [...state.heads].some(([epoch, folded]) => folded > (sizes.get(epoch) ?? 0));
};

/** Why the state can't be gone on with, in words; undefined if it can. */
const misfitOf = (state: StateFile, epochs: ReadonlyArray<StoredEpoch>): string | undefined => {
  try {
    return isAhead(state, epochs) ? "it is ahead of the logs" : undefined;
  } catch (error) {
    return sqliteDetail(error);
  }
};

const describe = (error: StateFileError): string =>
  error._tag === "StateUnusable" ? error.detail : "locked";

/** The state as it was opened, if it fits the logs; otherwise a new one. */
const usableState = (
  first: E.Either<StateFileError, StateFile>,
  path: string,
  epochs: ReadonlyArray<StoredEpoch>,
): E.Either<StoreOpenError, { state: StateFile; notice: StoreNotice | undefined }> => {
  const detail = E.isLeft(first) ? describe(first.left) : misfitOf(first.right, epochs);
  if (E.isRight(first) && detail === undefined) {
    return E.right({ state: first.right, notice: undefined });
  }
  if (E.isRight(first)) first.right.close();
  deleteState(path);
  const second = StateFile.open(path);
  return E.isLeft(second)
    ? second
    : E.right({ state: second.right, notice: { _tag: "StateFoldedAnew", detail: detail ?? "" } });
};

/**
 * Left: as the files' own errors; nothing was changed on disk then, but for a damaged file that was set aside.
 * `StateLocked` comes first of all, since whoever holds the lock may be writing.
 */
export const openStoreFiles = (
  directory: string,
  wallMs: number,
): E.Either<StoreOpenError, StoreFiles> => {
  const statePath = join(directory, STATE_FILE);
  const first = StateFile.open(statePath);
  if (E.isLeft(first) && first.left._tag === "StateLocked") return first;
  deleteState(join(directory, CHECK_FILE)); // of a check that a stop has cut short
  const closeState = (): void => {
    if (E.isRight(first)) first.right.close();
  };
  const log = openSound(join(directory, LOG_FILE), wallMs);
  if (E.isLeft(log)) {
    closeState();
    return log;
  }
  const mirror = openSound(join(directory, MIRROR_FILE), wallMs);
  if (E.isLeft(mirror)) {
    closeState();
    log.right.file.database.close();
    return mirror;
  }
  const epochs = [...log.right.file.epochs(), ...mirror.right.file.epochs()];
  const state = usableState(first, statePath, epochs);
  if (E.isLeft(state)) return state;
  const files = { log: log.right.file, mirror: mirror.right.file, state: state.right.state };
  atOnce(foldLogs(() => files));
  // Where the disk is full nothing is saved, and the state is folded once more, to be kept in memory.
  if (!files.state.save()) atOnce(foldLogs(() => files));
  const notices = [log.right.notice, mirror.right.notice, state.right.notice].filter(
    (notice) => notice !== undefined,
  );
  return E.right({ ...files, notices });
};
