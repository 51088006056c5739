/** The SQL over one log file: epochs, their records, their blocks. Decides nothing. */
import type Database from "better-sqlite3";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import {
  EPOCH_COLUMNS,
  growthOf,
  plain,
  toStoredEpoch,
  type EpochRow,
} from "#gateway/store/epoch-row.ts";
import { LOG_PAGE_BYTES, ROWS_PER_EPOCH } from "#gateway/store/schema.ts";

interface NumberedRow extends EpochRow {
  readonly no: number;
}

interface RecordRow {
  readonly header: Buffer;
  readonly body: Buffer | null;
}

/** A whole block: its root, and the first checkpoint that covers it. */
export interface StoredBlock {
  readonly root: Uint8Array;
  readonly checkpoint: string;
}

/** The page of the epoch's row, and the one on which the records begin. */
const PAGES_PER_ADDITION = 2;

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
  const epochs = database.prepare<[number], NumberedRow>(
    `SELECT no, ${EPOCH_COLUMNS} FROM epoch WHERE no = ?`,
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
  readonly #selectEpoch: Database.Statement<[Uint8Array], NumberedRow>;
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
    this.#selectEpoch = database.prepare(`SELECT no, ${EPOCH_COLUMNS} FROM epoch WHERE epoch = ?`);
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
    const { head, gateway } = addition;
    const known = this.#selectEpoch.get(head.epoch);
    const growth = growthOf(addition);
    if (known !== undefined) {
      this.#updateEpoch.run(...growth, known.no);
      return known.no;
    }
    const inserted = this.#insertEpoch.run(
      gateway,
      head.origin,
      head.epochKey,
      ...growth,
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
      .prepare<[], NumberedRow>(`SELECT no, ${EPOCH_COLUMNS} FROM epoch ORDER BY no`)
      .all()
      .map(toStoredEpoch);
  }

  epoch(id: Uint8Array): StoredEpoch | undefined {
    const row = this.#selectEpoch.get(id);
    return row === undefined ? undefined : toStoredEpoch(row);
  }

  /** The roots of the epoch's blocks [from, to), as far as the file has them. */
  blockRoots(epoch: Uint8Array, from: number, to: number): ReadonlyArray<Uint8Array> {
    return this.blocks(epoch, from, to).map(({ root }) => root);
  }

  /** The blocks [from, to) of an epoch, as far as the file has them. */
  blocks(epoch: Uint8Array, from: number, to: number): ReadonlyArray<StoredBlock> {
    const no = this.#selectEpoch.get(epoch)?.no;
    if (no === undefined) return [];
    const first = no * ROWS_PER_EPOCH;
    return this.database
      .prepare<[number, number], { root: Buffer; checkpoint: string }>(
        "SELECT root, checkpoint FROM block WHERE id >= ? AND id < ? ORDER BY id",
      )
      .all(first + from, first + to)
      .map(({ root, checkpoint }) => ({ root: plain(root), checkpoint }));
  }

  /** Records whose bodies are missing, so many at most; looks through the whole file. */
  bodiless(countMax: number): ReadonlyArray<{ readonly epoch: Uint8Array; readonly seq: number }> {
    const epochs = new Map(
      this.database
        .prepare<[], { no: number; epoch: Buffer }>("SELECT no, epoch FROM epoch")
        .all()
        .map(({ no, epoch }) => [no, new Uint8Array(epoch)] as const),
    );
    const ids = this.database
      .prepare<[number], number>("SELECT id FROM record WHERE body IS NULL ORDER BY id LIMIT ?")
      .pluck()
      .all(countMax);
    return ids.flatMap((id) => {
      const epoch = epochs.get(Math.floor(id / ROWS_PER_EPOCH));
      return epoch === undefined ? [] : [{ epoch, seq: id % ROWS_PER_EPOCH }];
    });
  }

  /** Puts a missing body in; on disk when it returns. */
  fill(epoch: Uint8Array, seq: number, body: Uint8Array): void {
    const no = this.#selectEpoch.get(epoch)?.no;
    if (no === undefined) return;
    this.database
      .prepare("UPDATE record SET body = ? WHERE id = ? AND body IS NULL")
      .run(body, no * ROWS_PER_EPOCH + seq);
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
