/** The SQL over one log file: epochs, their records, their blocks. Decides nothing. */
import type Database from "better-sqlite3";
import { concatBytes } from "#core/bytes.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import { LOG_PAGE_BYTES, ROWS_PER_EPOCH } from "#gateway/store/schema.ts";

interface EpochRow {
  readonly no: number;
  readonly epoch: Buffer;
  readonly gateway: string;
  readonly origin: string;
  readonly epoch_key: Buffer;
  readonly size: number;
  readonly roots: Buffer;
  readonly last_leaf: Buffer;
  readonly checkpoint: string;
  readonly proof: Buffer;
}

/** By name: where damage has renamed a column, SQLite says so, and no value is silently missing. */
const EPOCH_COLUMNS =
  "no, epoch, gateway, origin, epoch_key, size, roots, last_leaf, checkpoint, proof";

interface RecordRow {
  readonly header: Buffer;
  readonly body: Buffer | null;
}

const HASH_BYTES = 32;
/** The page of the epoch's row, and the one on which the records begin. */
const PAGES_PER_ADDITION = 2;

/**
 * Plain Uint8Arrays leave the store: a Buffer doesn't survive the way between threads as one. A damaged file may give
 * another type for a blob; that becomes no bytes, which verify as nothing.
 */
const plain = (bytes: unknown): Uint8Array =>
  bytes instanceof Uint8Array ? new Uint8Array(bytes) : new Uint8Array(0);

const splitHashes = (value: unknown): Uint8Array[] => {
  const joined = plain(value);
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < joined.length; at += HASH_BYTES) {
    hashes.push(joined.slice(at, at + HASH_BYTES));
  }
  return hashes;
};

const toStoredEpoch = (row: EpochRow): StoredEpoch => ({
  gateway: row.gateway,
  head: {
    epoch: plain(row.epoch),
    origin: row.origin,
    epochKey: plain(row.epoch_key),
    range: { size: row.size, roots: splitHashes(row.roots) },
    lastLeaf: plain(row.last_leaf),
  },
  checkpoint: row.checkpoint,
  proof: splitHashes(row.proof),
});

const toRecord = (row: RecordRow): RecordBytes => ({
  header: plain(row.header),
  body: row.body === null ? null : plain(row.body),
});

/** Reads a file row by row: a damaged one may give some rows and throw a SqliteError for others. */
export interface RowReader {
  readonly epochNumbers: () => ReadonlyArray<number>;
  readonly epoch: (no: number) => StoredEpoch | undefined;
  readonly record: (no: number, seq: number) => RecordBytes | undefined;
  /** The header alone, which can be read where the body can't. */
  readonly bodiless: (no: number, seq: number) => RecordBytes | undefined;
  readonly blockCheckpoint: (no: number, block: number) => string | undefined;
}

export const rowReader = (database: Database.Database): RowReader => {
  const epochs = database.prepare<[number], EpochRow>(
    `SELECT ${EPOCH_COLUMNS} FROM epoch WHERE no = ?`,
  );
  const records = database.prepare<[number], RecordRow>(
    "SELECT header, body FROM record WHERE id = ?",
  );
  const headers = database
    .prepare<[number], Buffer>("SELECT header FROM record WHERE id = ?")
    .pluck();
  return {
    epochNumbers: () =>
      database.prepare<[], number>("SELECT no FROM epoch ORDER BY no").pluck().all(),
    epoch: (no) => {
      const row = epochs.get(no);
      return row === undefined ? undefined : toStoredEpoch(row);
    },
    record: (no, seq) => {
      const row = records.get(no * ROWS_PER_EPOCH + seq);
      return row === undefined ? undefined : toRecord(row);
    },
    bodiless: (no, seq) => {
      const header = headers.get(no * ROWS_PER_EPOCH + seq);
      return header === undefined ? undefined : toRecord({ header, body: null });
    },
    blockCheckpoint: (no, block) =>
      database
        .prepare<[number], string>("SELECT checkpoint FROM block WHERE id = ?")
        .pluck()
        .get(no * ROWS_PER_EPOCH + block),
  };
};

export class LogFile {
  readonly database: Database.Database;
  readonly #insertRecord: Database.Statement<[number, Uint8Array, Uint8Array | null]>;
  readonly #insertBlock: Database.Statement<[number, Uint8Array, string]>;
  readonly #insertEpoch: Database.Statement;
  readonly #updateEpoch: Database.Statement;
  readonly #selectEpoch: Database.Statement<[Uint8Array], EpochRow>;
  readonly #selectRecords: Database.Statement<[number, number], RecordRow>;
  readonly #add: (addition: Addition) => void;
  #walBytes = 0;

  constructor(database: Database.Database) {
    this.database = database;
    this.#insertRecord = database.prepare("INSERT INTO record (id, header, body) VALUES (?, ?, ?)");
    this.#insertBlock = database.prepare(
      "INSERT INTO block (id, root, checkpoint) VALUES (?, ?, ?)",
    );
    this.#insertEpoch = database.prepare(
      `INSERT INTO epoch (gateway, origin, epoch_key, size, roots, last_leaf, checkpoint, proof, epoch)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#updateEpoch = database.prepare(
      "UPDATE epoch SET size = ?, roots = ?, last_leaf = ?, checkpoint = ?, proof = ? WHERE no = ?",
    );
    this.#selectEpoch = database.prepare(`SELECT ${EPOCH_COLUMNS} FROM epoch WHERE epoch = ?`);
    this.#selectRecords = database.prepare(
      "SELECT header, body FROM record WHERE id >= ? AND id < ? ORDER BY id",
    );
    this.#add = database.transaction((addition: Addition) => {
      const no = this.#putEpoch(addition);
      let id = no * ROWS_PER_EPOCH + addition.from;
      for (const { header, body } of addition.records) {
        this.#insertRecord.run(id, header, body);
        id += 1;
      }
      for (const { block, root } of addition.blocks) {
        this.#insertBlock.run(no * ROWS_PER_EPOCH + block, root, addition.checkpoint);
      }
    });
  }

  #putEpoch(addition: Addition): number {
    const { head, gateway, checkpoint } = addition;
    const roots = concatBytes(...head.range.roots);
    const proof = concatBytes(...addition.proof);
    const known = this.#selectEpoch.get(head.epoch);
    const state = [head.range.size, roots, head.lastLeaf, checkpoint, proof];
    if (known !== undefined) {
      this.#updateEpoch.run(...state, known.no);
      return known.no;
    }
    const inserted = this.#insertEpoch.run(
      gateway,
      head.origin,
      head.epochKey,
      ...state,
      head.epoch,
    );
    return Number(inserted.lastInsertRowid);
  }

  /** One transaction; when it returns, all of it is on disk. Throws what SQLite throws, and then all or nothing is. */
  add(addition: Addition): void {
    this.#add(addition);
    this.#walBytes += PAGES_PER_ADDITION * LOG_PAGE_BYTES;
    for (const { header, body } of addition.records) {
      this.#walBytes += header.length + (body?.length ?? 0);
    }
  }

  /**
   * Bytes in the WAL since it was last moved into the file, as far as additions make them: asked after every commit, so
   * counted and not looked up.
   */
  get walBytes(): number {
    return this.#walBytes;
  }

  /**
   * Moves the WAL into the file. It is written over from its start afterwards, not cut off: a file that grows costs the
   * next commits a journal entry each.
   */
  emptyWal(mode: "RESTART" | "TRUNCATE"): void {
    this.database.pragma(`wal_checkpoint(${mode})`);
    this.#walBytes = 0;
  }

  epochs(): ReadonlyArray<StoredEpoch> {
    return this.database
      .prepare<[], EpochRow>(`SELECT ${EPOCH_COLUMNS} FROM epoch ORDER BY no`)
      .all()
      .map(toStoredEpoch);
  }

  epoch(id: Uint8Array): StoredEpoch | undefined {
    const row = this.#selectEpoch.get(id);
    return row === undefined ? undefined : toStoredEpoch(row);
  }

  /** The roots of the epoch's blocks [from, to), as far as the file has them. */
  blockRoots(epoch: Uint8Array, from: number, to: number): ReadonlyArray<Uint8Array> {
    const no = this.#selectEpoch.get(epoch)?.no;
    if (no === undefined) return [];
    const first = no * ROWS_PER_EPOCH;
    return this.database
      .prepare<[number, number], Buffer>(
        "SELECT root FROM block WHERE id >= ? AND id < ? ORDER BY id",
      )
      .pluck()
      .all(first + from, first + to)
      .map(plain);
  }

  /** Records [from, to) of an epoch, as far as the file has them. */
  *records(epoch: Uint8Array, from: number, to: number): Generator<RecordBytes, void, undefined> {
    const no = this.#selectEpoch.get(epoch)?.no;
    if (no === undefined) return;
    const first = no * ROWS_PER_EPOCH;
    for (const row of this.#selectRecords.iterate(first + from, first + to)) {
      yield toRecord(row);
    }
  }
}
