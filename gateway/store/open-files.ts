/** Opens the three files of a data directory, sets a damaged one aside, and brings the state up to the logs. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import type { StoreNotice, StoreOpenError } from "#gateway/store/messages.ts";
import { salvage, setAside } from "#gateway/store/salvage.ts";
import { isCorruption, openLogFile, sqliteDetail } from "#gateway/store/schema.ts";
import { StateFile, type StateFileError } from "#gateway/store/state-file.ts";
import { verifyStoredEpoch } from "#gateway/store/verify-file.ts";

export const LOG_FILE = "log.db";
export const MIRROR_FILE = "mirror.db";
export const STATE_FILE = "state.db";

/** Epochs checked whole at each start, newest first, as long as they are short; the rest is a scrub's work. */
const EPOCHS_CHECKED_AT_START = 8;
const RECORDS_CHECKED_AT_START_MAX = 2_048;

export interface StoreFiles {
  readonly log: LogFile;
  readonly mirror: LogFile;
  readonly state: StateFile;
  readonly notices: ReadonlyArray<StoreNotice>;
}

/** What is wrong with the newest epochs, in words; undefined if nothing. */
const damageIn = (file: LogFile): string | undefined => {
  try {
    let records = 0;
    for (const stored of file.epochs().toReversed().slice(0, EPOCHS_CHECKED_AT_START)) {
      records += stored.head.range.size;
      if (records > RECORDS_CHECKED_AT_START_MAX) return undefined;
      const { error, sound } = verifyStoredEpoch(file, stored);
      const name = toHex(stored.head.epoch).slice(0, 8);
      if (error !== null) return `${error._tag} in epoch ${name} after ${sound} records`;
    }
    return undefined;
  } catch (error) {
    if (isCorruption(error)) return sqliteDetail(error);
    throw error;
  }
};

const openSound = (
  path: string,
  wallMs: number,
): E.Either<StoreOpenError, { file: LogFile; notice: StoreNotice | undefined }> => {
  const opened = openLogFile(path);
  let detail: string | undefined;
  if (E.isRight(opened)) {
    const file = new LogFile(opened.right);
    detail = damageIn(file);
    if (detail === undefined) return E.right({ file, notice: undefined });
    opened.right.close();
  } else if (opened.left._tag === "DatabaseCorrupt") ({ detail } = opened.left);
  else return opened;
  const movedTo = setAside(path, wallMs);
  const fresh = openLogFile(path);
  if (E.isLeft(fresh)) return fresh;
  const file = new LogFile(fresh.right);
  const kept = salvage(movedTo, file);
  return E.right({ file, notice: { _tag: "LogSetAside", path, movedTo, kept, detail } });
};

/** Deletes a state file: the logs make it again. */
const deleteState = (path: string): void => {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
};

const isAhead = (state: StateFile, epochs: ReadonlyArray<StoredEpoch>): boolean => {
  const sizes = new Map(epochs.map(({ head }) => [toHex(head.epoch), head.range.size]));
  return [...state.heads].some(([epoch, folded]) => folded > (sizes.get(epoch) ?? 0));
};

const describe = (error: StateFileError): string =>
  error._tag === "StateUnusable" ? error.detail : "locked";

/** The state as it was opened, if it fits the logs; otherwise a new one. */
const usableState = (
  first: E.Either<StateFileError, StateFile>,
  path: string,
  epochs: ReadonlyArray<StoredEpoch>,
): E.Either<StoreOpenError, { state: StateFile; notice: StoreNotice | undefined }> => {
  if (E.isRight(first) && !isAhead(first.right, epochs)) {
    return E.right({ state: first.right, notice: undefined });
  }
  if (E.isRight(first)) first.right.close();
  const detail = E.isLeft(first) ? describe(first.left) : "it is ahead of the logs";
  deleteState(path);
  const second = StateFile.open(path);
  return E.isLeft(second)
    ? second
    : E.right({ state: second.right, notice: { _tag: "StateFoldedAnew", detail } });
};

/** Folds what the file has beyond the state, epoch by epoch. */
const catchUp = (state: StateFile, file: LogFile): void => {
  for (const { head } of file.epochs()) {
    const folded = state.foldedSize(head.epoch);
    if (folded >= head.range.size) continue;
    state.fold(head.epoch, file.records(head.epoch, folded, head.range.size));
  }
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
  const log = openSound(join(directory, LOG_FILE), wallMs);
  if (E.isLeft(log)) return log;
  const mirror = openSound(join(directory, MIRROR_FILE), wallMs);
  if (E.isLeft(mirror)) return mirror;
  const epochs = [...log.right.file.epochs(), ...mirror.right.file.epochs()];
  const state = usableState(first, statePath, epochs);
  if (E.isLeft(state)) return state;
  catchUp(state.right.state, log.right.file);
  catchUp(state.right.state, mirror.right.file);
  state.right.state.save();
  const notices = [log.right.notice, mirror.right.notice, state.right.notice].filter(
    (notice) => notice !== undefined,
  );
  return E.right({
    log: log.right.file,
    mirror: mirror.right.file,
    state: state.right.state,
    notices,
  });
};
