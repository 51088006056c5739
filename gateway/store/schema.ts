/**
 * The tables of log.db (this gateway's epochs) and mirror.db (other gateways'), and how a file is opened.
 * Own and mirrored records are in separate files so that a tap's commit never waits for, and is never damaged
 * with, what came from peers.
 */
import { statSync } from "node:fs";
import Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";

export const LOG_PAGE_BYTES = 2_048;

/** "tapm" in ASCII: what `file` and SQLite tools show. */
const APPLICATION_ID = 0x7461706d;
export const SCHEMA_VERSION = 1;

/** Row ids of an epoch's records are `epoch number * this + seq`, so that one epoch's stay together. */
export const ROWS_PER_EPOCH: number = 2 ** 20;

const SCHEMA = `
  CREATE TABLE epoch (
    no INTEGER PRIMARY KEY,
    epoch BLOB NOT NULL UNIQUE,      -- 16 bytes
    gateway TEXT NOT NULL,
    origin TEXT NOT NULL,
    epoch_key BLOB NOT NULL,         -- Ed25519, 32 bytes
    size INTEGER NOT NULL,           -- records stored, without gaps from 0
    roots BLOB NOT NULL,             -- compact range of those records, 32 bytes each
    last_leaf BLOB NOT NULL,
    checkpoint TEXT NOT NULL,        -- newest; its size may be beyond ours, then proof leads there
    proof BLOB NOT NULL              -- RFC 6962 PROOF(size, D[checkpoint size]), 32 bytes each
  ) STRICT;
  CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    header BLOB NOT NULL,
    body BLOB                        -- NULL where erased or damaged
  ) STRICT;
  CREATE TABLE block (
    id INTEGER PRIMARY KEY,          -- epoch number * 2^20 + block number
    root BLOB NOT NULL,
    checkpoint TEXT NOT NULL         -- the first that covers the block
  ) STRICT;
`;

export type OpenFileError =
  /** Written by a later tapmesh: nothing was touched; install that version. */
  | { readonly _tag: "DatabaseNewer"; readonly path: string; readonly version: number }
  /** A SQLite file, but not one of ours: nothing was touched. */
  | { readonly _tag: "DatabaseForeign"; readonly path: string }
  /** SQLite can't read it: set it aside, copy what verifies. */
  | { readonly _tag: "DatabaseCorrupt"; readonly path: string; readonly detail: string }
  | { readonly _tag: "DatabaseUnopenable"; readonly path: string; readonly detail: string };

const CORRUPT_CODES = new Set(["SQLITE_CORRUPT", "SQLITE_NOTADB"]);

export const isCorruption = (error: unknown): boolean =>
  error instanceof Database.SqliteError &&
  [...CORRUPT_CODES].some((code) => error.code.startsWith(code));

/** What SQLite said, in words; everything that is not SQLite's is a bug and goes on being thrown. */
export const sqliteDetail = (error: unknown): string => {
  if (error instanceof Database.SqliteError) return `${error.code}: ${error.message}`;
  if (error instanceof TypeError) return error.message; // better-sqlite3: the directory doesn't exist
  throw error;
};

const pragma = (database: Database.Database, name: string): number =>
  Number(database.pragma(name, { simple: true }));

/** Whose file it is. Left: `DatabaseForeign`, `DatabaseNewer`. */
const identify = (database: Database.Database, path: string): E.Either<OpenFileError, void> => {
  const id = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (id !== APPLICATION_ID) return E.left({ _tag: "DatabaseForeign", path });
  return version > SCHEMA_VERSION
    ? E.left({ _tag: "DatabaseNewer", path, version })
    : E.right(undefined);
};

const create = (database: Database.Database): void => {
  // A lone tap dirties two pages, its record's and its epoch's: small ones, for the sake of the SD card.
  database.pragma(`page_size = ${LOG_PAGE_BYTES}`);
  database.transaction(() => {
    database.exec(SCHEMA);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
};

const isEmptyFile = (path: string): boolean =>
  (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;

const openFailure = (error: unknown, path: string): E.Either<OpenFileError, never> => {
  const detail = sqliteDetail(error);
  const tag = isCorruption(error) ? "DatabaseCorrupt" : "DatabaseUnopenable";
  return E.left({ _tag: tag, path, detail });
};

/** Opens an existing log file for reading alone: `log verify`, also while a process writes to it. */
export const openLogFileReadOnly = (path: string): E.Either<OpenFileError, Database.Database> => {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true });
    const identity = identify(database, path);
    if (E.isRight(identity)) return E.right(database);
    database.close();
    return identity;
  } catch (error) {
    database?.close();
    return openFailure(error, path);
  }
};

/**
 * Opens or makes a log file: WAL, and every commit on disk before it returns (`synchronous=FULL`). Checkpoints of
 * the WAL are the worker's to time, since they cost more than a commit. A file that is not ours, or a later
 * version's, is looked at read-only first: even closing it would write its WAL into it.
 */
export const openLogFile = (path: string): E.Either<OpenFileError, Database.Database> => {
  const isNew = isEmptyFile(path);
  if (!isNew) {
    const looked = openLogFileReadOnly(path);
    if (E.isLeft(looked)) return looked;
    looked.right.close();
  }
  let database: Database.Database | undefined;
  try {
    database = new Database(path);
    if (isNew) create(database);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma("wal_autocheckpoint = 0");
    return E.right(database);
  } catch (error) {
    database?.close();
    return openFailure(error, path);
  }
};
