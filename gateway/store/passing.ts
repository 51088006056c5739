/**
 * Epochs whose records are folded and not kept: in large fleets a gateway keeps its own records and those it mirrors.
 * Of the others it has the head, so that it can verify and fold what comes next, and the `open`, so that it knows
 * whose they are. This stands in the state file and is saved with it: heads and entries belong together.
 */
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

export const PASSING_SCHEMA = `
  CREATE TABLE passing (
    epoch BLOB PRIMARY KEY,
    gateway TEXT NOT NULL,
    origin TEXT NOT NULL,
    epoch_key BLOB NOT NULL,
    size INTEGER NOT NULL,           -- records that came by, whether they counted or were cut
    roots BLOB NOT NULL,
    last_leaf BLOB NOT NULL,
    checkpoint TEXT NOT NULL,
    proof BLOB NOT NULL,
    open_header BLOB NOT NULL,       -- the record at 0
    open_body BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

interface OpenRow {
  readonly open_header: Buffer;
  readonly open_body: Buffer;
}

export class PassingEpochs {
  readonly #database: Database.Database;
  readonly #begin: () => void;
  readonly #insert: Database.Statement;
  readonly #update: Database.Statement;
  readonly #select: Database.Statement<[Uint8Array], EpochRow>;

  /** `begin` opens the transaction of the next save, if it isn't open. */
  constructor(database: Database.Database, begin: () => void) {
    this.#database = database;
    this.#begin = begin;
    this.#insert = database.prepare(
      `INSERT INTO passing (size, roots, last_leaf, checkpoint, proof, epoch, gateway, origin, epoch_key,
         open_header, open_body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#update = database.prepare(
      "UPDATE passing SET size = ?, roots = ?, last_leaf = ?, checkpoint = ?, proof = ? WHERE epoch = ?",
    );
    this.#select = database.prepare(`SELECT ${EPOCH_COLUMNS} FROM passing WHERE epoch = ?`);
  }

  /**
   * Notes where the epoch stands behind the addition. False, and nothing noted, if the addition doesn't follow what
   * came by, or an epoch would begin without its `open`.
   */
  put(addition: Addition): boolean {
    const { head, gateway, from, records } = addition;
    const known = this.epoch(head.epoch);
    if (from !== (known?.head.range.size ?? 0)) return false;
    const growth = growthOf(addition);
    const [first] = records;
    if (known === undefined && (first === undefined || first.body === null)) return false;
    this.#begin();
    if (known !== undefined) this.#update.run(...growth, head.epoch);
    else {
      const { epoch, origin, epochKey } = head;
      this.#insert.run(...growth, epoch, gateway, origin, epochKey, first?.header, first?.body);
    }
    return true;
  }

  epoch(id: Uint8Array): StoredEpoch | undefined {
    const row = this.#select.get(id);
    return row === undefined ? undefined : toStoredEpoch(row);
  }

  epochs(): ReadonlyArray<StoredEpoch> {
    return this.#database
      .prepare<[], EpochRow>(`SELECT ${EPOCH_COLUMNS} FROM passing ORDER BY epoch`)
      .all()
      .map(toStoredEpoch);
  }

  /** The record at 0. */
  open(id: Uint8Array): RecordBytes | undefined {
    const row = this.#database
      .prepare<[Uint8Array], OpenRow>("SELECT open_header, open_body FROM passing WHERE epoch = ?")
      .get(id);
    return row && { header: plain(row.open_header), body: plain(row.open_body) };
  }

  /** The epoch is kept in a log file by now, or has to be asked for again. */
  forget(id: Uint8Array): void {
    if (this.epoch(id) === undefined) return;
    this.#begin();
    this.#database.prepare("DELETE FROM passing WHERE epoch = ?").run(id);
  }

  /** What was folded of them is forgotten: all of them have to be asked for again. */
  clear(): void {
    this.#begin();
    this.#database.exec("DELETE FROM passing");
  }
}
