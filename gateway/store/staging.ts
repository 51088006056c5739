/**
 * A snapshot on its way into the state: its entries wait beside the state's own until all are there, and then take
 * their place together with the heads that they belong to. What was so adopted is remembered until the logs have
 * confirmed it: until then the state is ahead of them.
 */
import Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import { fromHex } from "#core/bytes.ts";
import { EMPTY_DIGEST, formatDigest, updateDigest } from "#core/state/digest.ts";
import { encodeEntry, encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText } from "#core/state/entry.ts";
import { FOLD_VERSION } from "#core/state/fold.ts";
import { decodeManifest, openChunk, type Manifest } from "#core/state/snapshot.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { SnapshotError } from "#gateway/ports.ts";

const STAGED_TABLE: string =
  "staged (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID";

export const STAGING_SCHEMA: string = `
  CREATE TABLE ${STAGED_TABLE};
  CREATE TABLE adopted (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    manifest BLOB NOT NULL           -- of a snapshot that the logs have not confirmed yet
  ) STRICT;
`;

interface Staged {
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  /** Chunks still to come. */
  readonly missing: Set<number>;
  digest: bigint;
}

const unfit = (detail: string): SnapshotError => ({ _tag: "SnapshotUnfit", detail });

export class Staging {
  readonly #database: Database.Database;
  readonly #begin: () => void;
  #staged: Staged | undefined;
  #adopted: Manifest | undefined;

  /** `begin` opens the transaction of the next save, if it isn't open. */
  constructor(database: Database.Database, begin: () => void) {
    this.#database = database;
    this.#begin = begin;
    this.reload();
  }

  /** After a rollback, and at the start: what was staged is lost, what was adopted is as the file says. */
  reload(): void {
    this.#staged = undefined;
    const bytes = this.#database.prepare<[], Buffer>("SELECT manifest FROM adopted").pluck().get();
    const manifest = bytes === undefined ? undefined : decodeManifest(bytes);
    this.#adopted = manifest !== undefined && E.isRight(manifest) ? manifest.right : undefined;
  }

  /** The snapshot that the state was taken from and that is not confirmed. */
  get adopted(): Manifest | undefined {
    return this.#adopted;
  }

  /** The logs have confirmed it, or it is thrown away. */
  forgetAdopted(): void {
    if (this.#adopted === undefined) return;
    this.#begin();
    this.#database.exec("DELETE FROM adopted");
    this.#adopted = undefined;
  }

  /** Begins a snapshot; one that was begun before is dropped. `cutOf`: records of an epoch that count here. */
  stage(bytes: Uint8Array, cutOf: (epoch: string) => number): SnapshotError | null {
    const manifest = decodeManifest(bytes);
    if (E.isLeft(manifest)) return manifest.left;
    const { foldVersion, heads, chunks } = manifest.right;
    if (foldVersion !== FOLD_VERSION) return unfit(`fold version ${foldVersion}`);
    const beyond = [...heads].find(([epoch, size]) => size > cutOf(epoch));
    if (beyond !== undefined) return unfit(`records of epoch ${beyond[0]} that don't count here`);
    this.#begin();
    this.#database.exec("DELETE FROM staged");
    const missing = new Set(chunks.keys());
    this.#staged = { bytes, manifest: manifest.right, missing, digest: EMPTY_DIGEST };
    return null;
  }

  /** Puts a chunk's entries beside the state. */
  stageChunk(index: number, bytes: Uint8Array): SnapshotError | null {
    const staged = this.#staged;
    const chunk = staged?.manifest.chunks[index];
    if (staged === undefined || chunk === undefined) return { _tag: "NotStaged" };
    if (!staged.missing.has(index)) return null;
    const entries = openChunk(sha256, chunk, bytes);
    if (entries === undefined) return { _tag: "ChunkWrong", index };
    const insert = this.#database.prepare("INSERT INTO staged VALUES (?, ?)");
    try {
      for (const entry of entries) {
        insert.run(entryKeyText(entry), encodeEntry(entry));
        const change = { before: undefined, after: encodeForDigest(entry) };
        staged.digest = updateDigest(sha256, staged.digest, change);
      }
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      this.#drop();
      return { _tag: "SnapshotFalse", detail: `chunk ${index}: ${error.message}` };
    }
    staged.missing.delete(index);
    return null;
  }

  #drop(): void {
    this.#staged = undefined;
    this.#database.exec("DELETE FROM staged");
  }

  /**
   * Puts what was staged in the place of all entries and heads. Null: the tables hold it, and whoever keeps some of them
   * in memory must read them again.
   */
  adopt(): SnapshotError | null {
    const staged = this.#staged;
    if (staged === undefined || staged.missing.size > 0) return { _tag: "NotStaged" };
    const { manifest, bytes } = staged;
    if (formatDigest(staged.digest) !== manifest.digest) {
      this.#drop();
      return { _tag: "SnapshotFalse", detail: "its entries have another digest" };
    }
    this.#begin();
    // Renamed, not copied: however large, it takes no time in which a tap would wait.
    this.#database.exec(`
      DROP TABLE entry; ALTER TABLE staged RENAME TO entry; CREATE TABLE ${STAGED_TABLE};
      DELETE FROM head; DELETE FROM adopted;
    `);
    const putHead = this.#database.prepare("INSERT INTO head (epoch, size) VALUES (?, ?)");
    for (const [epoch, size] of manifest.heads) putHead.run(fromHex(epoch), size);
    this.#database.prepare("UPDATE summary SET digest = ?").run(manifest.digest);
    this.#database.prepare("INSERT INTO adopted VALUES (1, ?)").run(bytes);
    this.#staged = undefined;
    this.#adopted = manifest;
    return null;
  }
}
