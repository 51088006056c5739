/** The tables of state.db, and how the file is opened. */
import Database from "better-sqlite3";
import { EMPTY_DIGEST, formatDigest } from "#core/state/digest.ts";
import { FOLD_VERSION } from "#core/state/fold.ts";
import { PASSING_SCHEMA } from "#gateway/store/passing.ts";
import { STAGING_SCHEMA } from "#gateway/store/staging.ts";

const APPLICATION_ID = 0x74617073; // "taps"

const SCHEMA = `
  CREATE TABLE entry (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE head (epoch BLOB PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE summary (one INTEGER PRIMARY KEY CHECK (one = 1), digest TEXT NOT NULL) STRICT;
  CREATE TABLE opened (
    epoch TEXT PRIMARY KEY,          -- hex, as in facts
    gateway TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    clock_class INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE clock_fix (
    gateway TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    wall_at_boot_ms INTEGER NOT NULL,
    plus_minus_ms INTEGER NOT NULL,
    PRIMARY KEY (gateway, boot_id, mono_ms, wall_at_boot_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE voided (
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    by_epoch TEXT NOT NULL,
    by_seq INTEGER NOT NULL,
    PRIMARY KEY (epoch, seq, by_epoch, by_seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE fork (epoch TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE cut (epoch TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  ${PASSING_SCHEMA}
  ${STAGING_SCHEMA}
`;

/** Another process has this data directory: a second gateway, or one that has not ended yet. */
export interface StateLocked {
  readonly _tag: "StateLocked";
  readonly path: string;
}

/** Unreadable, or of another fold version: delete it and fold anew. */
export interface StateUnusable {
  readonly _tag: "StateUnusable";
  readonly path: string;
  readonly detail: string;
}

export type StateFileError = StateLocked | StateUnusable;

const create = (database: Database.Database): void => {
  database.transaction(() => {
    database.exec(SCHEMA);
    database.prepare("INSERT INTO summary VALUES (1, ?)").run(formatDigest(EMPTY_DIGEST));
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${FOLD_VERSION}`);
  })();
};

/** Opens or makes the file, and locks it. Throws what SQLite throws. */
export const openStateDatabase = (path: string): Database.Database => {
  const database = new Database(path, { timeout: 0 });
  try {
    // Held for the life of the process: the lock that keeps a second gateway out of this data directory.
    database.pragma("locking_mode = EXCLUSIVE");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = NORMAL");
    database.pragma("cache_size = -4096");
    // Nothing is written before a save, so that a full disk can be met there alone.
    database.pragma("cache_spill = OFF");
    database.exec("BEGIN IMMEDIATE; COMMIT");
    const tables = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
    if (tables === 0) create(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** Why the file can't be used, in words. */
export const problemOfState = (database: Database.Database): string | undefined => {
  const id = database.pragma("application_id", { simple: true });
  const version = database.pragma("user_version", { simple: true });
  if (id !== APPLICATION_ID) return "not a tapmesh state file";
  return version === FOLD_VERSION ? undefined : `fold version ${String(version)}`;
};
