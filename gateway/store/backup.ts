/**
 * Backups: all epochs of a data directory, own and mirrored, in one file of the same form as mirror.db, which
 * `tapmesh log verify` proves. It is read from the files by whoever wants it, while the gateway goes on or is down:
 * no query of the gateway waits for it, and it may be written where the gateway itself may not write.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { BLOCK_RECORDS } from "#core/log/epoch.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { LOG_FILE, MIRROR_FILE, STATE_FILE } from "#gateway/store/open-files.ts";
import {
  isCorruption,
  openLogFile,
  openLogFileReadOnly,
  ROWS_PER_EPOCH,
  sqliteDetail,
  type OpenFileError,
} from "#gateway/store/schema.ts";
import { verifyStoredEpoch } from "#gateway/store/verify-file.ts";

export type BackupError =
  | OpenFileError
  /** Nothing is ever written over. */
  | { readonly _tag: "BackupExists"; readonly path: string }
  | { readonly _tag: "BackupNothing"; readonly path: string }
  | { readonly _tag: "BackupUnwritable"; readonly path: string; readonly detail: string }
  | { readonly _tag: "BackupMissing"; readonly path: string }
  /** An epoch in it doesn't verify: nothing of it is used. */
  | { readonly _tag: "BackupDamaged"; readonly path: string; readonly detail: string }
  | { readonly _tag: "BackupForeign"; readonly path: string; readonly fleet: string }
  /** There are records in that place already. */
  | { readonly _tag: "DirectoryNotBlank"; readonly path: string };

export interface BackupReport {
  readonly records: number;
  readonly epochs: number;
  /** Epochs (hex) that don't verify here any more, and so are not in it. */
  readonly leftOut: ReadonlyArray<string>;
}

/** What is written before it is put on disk: little, so that no commit of the gateway has to wait behind it. */
const RECORDS_PER_SYNC = 2_048;
const SUFFIXES = ["", "-wal", "-shm"] as const;

const discard = (path: string): void => {
  for (const suffix of SUFFIXES) rmSync(path + suffix, { force: true });
};

const syncPath = (path: string): void => {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
};

/** The file is whole and has its name, or isn't there at all, whenever the power goes. */
const putInPlace = (from: string, to: string): void => {
  syncPath(from);
  renameSync(from, to);
  syncPath(dirname(to));
};

class BackupWriter {
  readonly file: LogFile;
  readonly #path: string;
  readonly #insertRecord: Database.Statement;
  readonly #insertBlock: Database.Statement;
  #unsynced = 0;

  constructor(database: Database.Database, path: string) {
    database.pragma("synchronous = OFF"); // put on disk piece by piece, below
    this.file = new LogFile(database);
    this.#path = path;
    this.#insertRecord = database.prepare("INSERT INTO record (id, header, body) VALUES (?, ?, ?)");
    this.#insertBlock = database.prepare(
      "INSERT INTO block (id, root, checkpoint) VALUES (?, ?, ?)",
    );
  }

  /** Copies an epoch as it was when `stored` was read. False, and nothing copied, if it can't be read or doesn't verify. */
  copy(source: LogFile, stored: StoredEpoch): boolean {
    const no = this.#putEpoch(stored);
    if (this.#copyRows(source, stored, no)) return true;
    const { database } = this.file;
    const [first, last] = [no * ROWS_PER_EPOCH, (no + 1) * ROWS_PER_EPOCH];
    for (const table of ["record", "block"]) {
      database.prepare(`DELETE FROM ${table} WHERE id >= ? AND id < ?`).run(first, last);
    }
    database.prepare("DELETE FROM epoch WHERE no = ?").run(no);
    return false;
  }

  #copyRows(source: LogFile, stored: StoredEpoch, no: number): boolean {
    const { size } = stored.head.range;
    try {
      for (let from = 0; from < size; from += BLOCK_RECORDS) {
        const to = Math.min(from + BLOCK_RECORDS, size);
        this.file.database.transaction(() => this.#copyBlock(source, stored, { no, from, to }))();
        this.#sync(to - from);
      }
      return verifyStoredEpoch(this.file, stored).error === null;
    } catch (error) {
      if (isCorruption(error)) return false;
      throw error;
    }
  }

  #copyBlock(
    source: LogFile,
    { head: { epoch } }: StoredEpoch,
    { no, from, to }: { readonly no: number; readonly from: number; readonly to: number },
  ): void {
    let id = no * ROWS_PER_EPOCH + from;
    for (const { header, body } of source.records(epoch, from, to)) {
      this.#insertRecord.run(id, header, body);
      id += 1;
    }
    const block = from / BLOCK_RECORDS;
    const isWhole = to - from === BLOCK_RECORDS;
    for (const { root, checkpoint } of isWhole ? source.blocks(epoch, block, block + 1) : []) {
      this.#insertBlock.run(no * ROWS_PER_EPOCH + block, root, checkpoint);
    }
  }

  #putEpoch(stored: StoredEpoch): number {
    this.file.add({ ...stored, from: 0, records: [], blocks: [] });
    const select = this.file.database.prepare<[Uint8Array], number>(
      "SELECT no FROM epoch WHERE epoch = ?",
    );
    return select.pluck().get(stored.head.epoch) ?? 0;
  }

  #sync(records: number): void {
    this.#unsynced += records;
    if (this.#unsynced < RECORDS_PER_SYNC) return;
    this.#unsynced = 0;
    this.file.emptyWal("TRUNCATE");
    syncPath(this.#path);
  }

  /** One file without a WAL, which can be carried away. */
  close(): void {
    this.file.emptyWal("TRUNCATE");
    this.file.database.pragma("journal_mode = DELETE");
    this.file.database.close();
  }
}

/** The log files that there are in the directory; whoever gets them closes them. */
const openSources = (directory: string): E.Either<OpenFileError, ReadonlyArray<LogFile>> => {
  const sources: LogFile[] = [];
  for (const name of [LOG_FILE, MIRROR_FILE]) {
    const path = join(directory, name);
    if (!existsSync(path)) continue;
    const opened = openLogFileReadOnly(path);
    if (E.isLeft(opened)) {
      for (const { database } of sources) database.close();
      return opened;
    }
    sources.push(new LogFile(opened.right));
  }
  return E.right(sources);
};

const copyAll = (writer: BackupWriter, sources: ReadonlyArray<LogFile>): BackupReport => {
  // All heads first: epochs only grow, so up to these they are of one moment, whatever is recorded meanwhile.
  const all = sources.flatMap((source) => source.epochs().map((stored) => ({ source, stored })));
  const report = { records: 0, epochs: 0, leftOut: new Array<string>() };
  for (const { source, stored } of all) {
    const { epoch, range } = stored.head;
    if (writer.file.epoch(epoch) !== undefined) continue;
    if (writer.copy(source, stored)) {
      report.records += range.size;
      report.epochs += 1;
    } else report.leftOut.push(toHex(epoch));
  }
  return report;
};

const failureOf = (error: unknown, path: string): BackupError => {
  const isSystem = error instanceof Error && "syscall" in error;
  const detail = isSystem ? error.message : sqliteDetail(error);
  if (isCorruption(error)) return { _tag: "DatabaseCorrupt", path, detail };
  return { _tag: "BackupUnwritable", path, detail };
};

/**
 * Writes all records of a data directory, whether its gateway runs or not, to a file that must not exist yet. Left:
 * `BackupExists`, `BackupNothing` (no log there), `BackupUnwritable`, or why a log can't be read. Keys are not in it.
 */
export const writeBackup = (
  directory: string,
  path: string,
): E.Either<BackupError, BackupReport> => {
  if (existsSync(path)) return E.left({ _tag: "BackupExists", path });
  const sources = openSources(directory);
  if (E.isLeft(sources)) return sources;
  if (sources.right.length === 0) return E.left({ _tag: "BackupNothing", path: directory });
  const unfinished = `${path}.unfinished`;
  try {
    discard(unfinished);
    const opened = openLogFile(unfinished);
    if (E.isLeft(opened)) return opened;
    const writer = new BackupWriter(opened.right, unfinished);
    const report = copyAll(writer, sources.right);
    writer.close();
    putInPlace(unfinished, path);
    return E.right(report);
  } catch (error) {
    return E.left(failureOf(error, path));
  } finally {
    for (const { database } of sources.right) database.close();
    discard(unfinished);
  }
};

/** What is wrong with a backup, of that fleet; null if nothing. */
const problemIn = (
  file: LogFile,
  { path, fleet }: { readonly path: string; readonly fleet: string },
): BackupError | null => {
  for (const stored of file.epochs()) {
    const [ofFleet = ""] = stored.head.origin.split("/");
    if (ofFleet !== fleet) return { _tag: "BackupForeign", path, fleet: ofFleet };
    const { error } = verifyStoredEpoch(file, stored);
    if (error === null) continue;
    const detail = `${error._tag} in epoch ${toHex(stored.head.epoch).slice(0, 8)} of ${stored.gateway}`;
    return { _tag: "BackupDamaged", path, detail };
  }
  return null;
};

/** Reads and verifies the copy that is to be used. */
const verifyCopy = (
  copy: string,
  about: { readonly path: string; readonly fleet: string },
): E.Either<BackupError, BackupReport> => {
  const opened = openLogFileReadOnly(copy);
  if (E.isLeft(opened)) return E.left({ ...opened.left, path: about.path });
  try {
    const file = new LogFile(opened.right);
    const problem = problemIn(file, about);
    if (problem !== null) return E.left(problem);
    const epochs = file.epochs();
    const records = epochs.reduce((sum, { head }) => sum + head.range.size, 0);
    return E.right({ records, epochs: epochs.length, leftOut: [] });
  } catch (error) {
    if (!isCorruption(error)) throw error;
    return E.left({ _tag: "BackupDamaged", path: about.path, detail: sqliteDetail(error) });
  } finally {
    opened.right.close();
  }
};

/**
 * Puts a backup's epochs into a blank data directory, each verified. They all go to mirror.db: the keys of this
 * gateway's own ones are gone, so they are what peers' are. Left, and nothing changed: `BackupMissing`, `BackupDamaged`,
 * `BackupForeign` (another fleet's), `DirectoryNotBlank`, `BackupUnwritable`, or why the file can't be read.
 */
export const restoreBackup = (
  path: string,
  { dataDir, fleet }: { readonly dataDir: string; readonly fleet: string },
): E.Either<BackupError, BackupReport> => {
  if (!existsSync(path)) return E.left({ _tag: "BackupMissing", path });
  const present = [LOG_FILE, MIRROR_FILE, STATE_FILE].find((name) =>
    existsSync(join(dataDir, name)),
  );
  if (present !== undefined) return E.left({ _tag: "DirectoryNotBlank", path: dataDir });
  const target = join(dataDir, MIRROR_FILE);
  const unfinished = `${target}.unfinished`;
  try {
    discard(unfinished);
    copyFileSync(path, unfinished);
    const verified = verifyCopy(unfinished, { path, fleet });
    if (E.isRight(verified)) putInPlace(unfinished, target);
    return verified;
  } catch (error) {
    return E.left(failureOf(error, target));
  } finally {
    discard(unfinished);
  }
};
