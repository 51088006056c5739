/**
 * state.db: the entries that the records fold to, and how far. It can be thrown away at any time; the logs make
 * it again. Everything since the last commit is in one open transaction, so entries, heads and digest always
 * belong together, on disk too.
 */
import Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { decodeBody } from "#core/log/body.ts";
import { decodeHeader, type RecordBytes } from "#core/log/record.ts";
import { EMPTY_DIGEST, formatDigest, parseDigest, updateDigest } from "#core/state/digest.ts";
import { decodeEntry, encodeEntry, encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry, type EntryKey } from "#core/state/entry.ts";
import { fold, FOLD_VERSION } from "#core/state/fold.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { sqliteDetail } from "#gateway/store/schema.ts";

const APPLICATION_ID = 0x74617073; // "taps"

/** Sorts behind every character of a key. */
const LAST_CHARACTER = "\u{10FFFF}";

const SCHEMA = `
  CREATE TABLE entry (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE head (epoch BLOB PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE summary (one INTEGER PRIMARY KEY CHECK (one = 1), digest TEXT NOT NULL) STRICT;
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

interface EntryRow {
  readonly device: string;
  readonly bytes: Buffer;
}

const open = (path: string): Database.Database => {
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
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

export class StateFile {
  readonly #database: Database.Database;
  readonly #foldedSizes = new Map<string, number>();
  #digest = EMPTY_DIGEST;
  #unsaved = 0;
  readonly #selectEntry: Database.Statement<[string], Buffer>;
  readonly #selectBetween: Database.Statement<[string, string], EntryRow>;
  readonly #putEntry: Database.Statement<[string, Uint8Array]>;
  readonly #putHead: Database.Statement<[Uint8Array, number]>;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#selectEntry = database
      .prepare<[string], Buffer>("SELECT bytes FROM entry WHERE key = ?")
      .pluck();
    this.#selectBetween = database.prepare<[string, string], EntryRow>(
      `SELECT substr(key, 1, instr(key, ' ') - 1) AS device, bytes FROM entry
       WHERE key >= ? AND key < ? ORDER BY key`,
    );
    this.#putEntry = database.prepare("INSERT OR REPLACE INTO entry (key, bytes) VALUES (?, ?)");
    this.#putHead = database.prepare("INSERT OR REPLACE INTO head (epoch, size) VALUES (?, ?)");
  }

  /** Opens or makes the file. Left: `StateLocked`; `StateUnusable`, after which `path` may be deleted. */
  static open(path: string): E.Either<StateFileError, StateFile> {
    let database: Database.Database | undefined;
    try {
      database = open(path);
      const tables = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
      if (tables === 0) StateFile.#create(database);
      const problem = StateFile.#problemOf(database);
      if (problem !== undefined) {
        database.close();
        return E.left({ _tag: "StateUnusable", path, detail: problem });
      }
      const file = new StateFile(database);
      file.#load();
      return E.right(file);
    } catch (error) {
      database?.close();
      if (!(error instanceof Database.SqliteError)) throw error;
      return error.code.startsWith("SQLITE_BUSY")
        ? E.left({ _tag: "StateLocked", path })
        : E.left({ _tag: "StateUnusable", path, detail: `${error.code}: ${error.message}` });
    }
  }

  static #create(database: Database.Database): void {
    database.transaction(() => {
      database.exec(SCHEMA);
      database.prepare("INSERT INTO summary VALUES (1, ?)").run(formatDigest(EMPTY_DIGEST));
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${FOLD_VERSION}`);
    })();
  }

  static #problemOf(database: Database.Database): string | undefined {
    const id = database.pragma("application_id", { simple: true });
    const version = database.pragma("user_version", { simple: true });
    if (id !== APPLICATION_ID) return "not a tapmesh state file";
    return version === FOLD_VERSION ? undefined : `fold version ${String(version)}`;
  }

  #load(): void {
    this.#foldedSizes.clear();
    const heads = this.#database.prepare<[], { epoch: Buffer; size: number }>("SELECT * FROM head");
    for (const { epoch, size } of heads.all()) this.#foldedSizes.set(toHex(epoch), size);
    const digest = this.#database.prepare<[], string>("SELECT digest FROM summary").pluck().get();
    this.#digest = parseDigest(digest ?? "") ?? EMPTY_DIGEST;
  }

  /** Records of this epoch folded so far. */
  foldedSize(epoch: Uint8Array): number {
    return this.#foldedSizes.get(toHex(epoch)) ?? 0;
  }

  /** Epoch (hex) → records folded. */
  get heads(): ReadonlyMap<string, number> {
    return this.#foldedSizes;
  }

  get digest(): string {
    return formatDigest(this.#digest);
  }

  /** Records folded since the last save. */
  get unsaved(): number {
    return this.#unsaved;
  }

  entry(key: EntryKey): Entry | undefined {
    const bytes = this.#selectEntry.get(entryKeyText(key));
    return bytes === undefined ? undefined : decodeEntry(bytes);
  }

  /** All entries of one device, in the order of type and key. */
  *entries(device: string): Generator<Entry, void, undefined> {
    const rows = this.#selectBetween.iterate(`${device} `, `${device} ${LAST_CHARACTER}`);
    for (const { bytes } of rows) {
      const entry = decodeEntry(bytes);
      if (entry !== undefined) yield entry;
    }
  }

  /** The entries, encoded, of all devices behind that one, in the order of device, type and key. */
  entriesAfter(device: string): Iterable<{ readonly device: string; readonly bytes: Uint8Array }> {
    const first = device === "" ? "" : `${device} ${LAST_CHARACTER}`;
    return this.#selectBetween.iterate(first, LAST_CHARACTER);
  }

  /** Folds the next records of an epoch, in order; returns the entries that changed, as they are now. */
  fold(epoch: Uint8Array, records: Iterable<RecordBytes>): ReadonlyArray<Entry> {
    if (!this.#database.inTransaction) this.#database.exec("BEGIN");
    const changed = new Map<string, Entry>();
    let size = this.foldedSize(epoch);
    for (const record of records) {
      for (const entry of this.#foldOne(record, { epoch, seq: size })) {
        changed.set(entryKeyText(entry), entry);
      }
      size += 1;
      this.#foldedSizes.set(toHex(epoch), size);
      this.#unsaved += 1;
    }
    this.#putHead.run(epoch, size);
    return [...changed.values()];
  }

  #foldOne(
    record: RecordBytes,
    name: { readonly epoch: Uint8Array; readonly seq: number },
  ): ReadonlyArray<Entry> {
    const header = decodeHeader(record.header);
    if (E.isLeft(header) || record.body === null) return [];
    const body = decodeBody(header.right.kind, record.body);
    const { wallMs, monoMs } = header.right;
    const entries = fold(
      { ...name, wallMs, monoMs, body: E.isRight(body) ? body.right : undefined },
      {
        entry: (key) => this.entry(key),
        foldedSize: (epoch) => this.foldedSize(epoch),
      },
    );
    for (const entry of entries) this.#put(entry);
    return entries;
  }

  #put(entry: Entry): void {
    const key = entryKeyText(entry);
    const known = this.entry(entry);
    const before = known && encodeForDigest(known);
    const after = encodeForDigest(entry);
    this.#digest = updateDigest(sha256, this.#digest, { before, after });
    this.#putEntry.run(key, encodeEntry(entry));
  }

  /**
   * Puts what was folded since the last save on disk. Only what durable records say may be saved. False: the disk
   * refused, and the state is what it was at the last save: fold the rest again.
   */
  save(): boolean {
    if (!this.#database.inTransaction) return true;
    this.#unsaved = 0;
    try {
      this.#database.prepare("UPDATE summary SET digest = ?").run(this.digest);
      this.#database.exec("COMMIT");
      return true;
    } catch (error) {
      sqliteDetail(error); // a bug goes on
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      this.#load();
      return false;
    }
  }

  close(): void {
    this.save();
    this.#database.close();
  }
}
