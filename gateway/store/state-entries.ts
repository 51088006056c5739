/**
 * The entries of state.db. Those that are folded stay decoded in memory until the state is saved: a busy device's are
 * read and written many times between two saves, and in the table only once.
 */
import type Database from "better-sqlite3";
import { EMPTY_DIGEST, exchangeHashes } from "#core/state/digest.ts";
import { decodeEntry, encodeEntry, encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry, type EntryKey } from "#core/state/entry.ts";
import { sha256 } from "#gateway/node-crypto.ts";

/** Sorts behind every character of a key. */
const LAST_CHARACTER = "\u{10FFFF}";

/** About 1 KB each: the memory that a long fold may take. Beyond, all go to the table, whose pages are much smaller. */
const ENTRIES_IN_MEMORY_MAX = 32_768;

export interface EntryRow {
  readonly device: string;
  readonly bytes: Buffer;
}

interface Held {
  /** As it is now; undefined for one that isn't. */
  entry: Entry | undefined;
  /** SHA-256 of what the table has and the digest counts; undefined where the table has nothing. */
  countedHash: Uint8Array | undefined;
  /** The table has an older one. */
  isAhead: boolean;
}

/** Of what the digest covers; `bytes`: the whole entry, which mostly is the same. */
const hashOf = (entry: Entry, bytes: Uint8Array): Uint8Array => {
  const { content } = entry;
  const isAwaiting = content._tag === "Survivors" && content.awaited.length > 0;
  return sha256(isAwaiting ? encodeForDigest(entry) : bytes);
};

export class StateEntries {
  readonly #held = new Map<string, Held>();
  /** Of what the table has. */
  #digest = EMPTY_DIGEST;
  readonly #selectOne: Database.Statement<[string], Buffer>;
  readonly #selectBetween: Database.Statement<[string, string], EntryRow>;
  readonly #put: Database.Statement<[string, Uint8Array]>;

  readonly #heldMax: number;

  constructor(database: Database.Database, heldMax: number = ENTRIES_IN_MEMORY_MAX) {
    this.#heldMax = heldMax;
    this.#selectOne = database
      .prepare<[string], Buffer>("SELECT bytes FROM entry WHERE key = ?")
      .pluck();
    this.#selectBetween = database.prepare<[string, string], EntryRow>(
      `SELECT substr(key, 1, instr(key, ' ') - 1) AS device, bytes FROM entry
       WHERE key >= ? AND key < ? ORDER BY key`,
    );
    this.#put = database.prepare("INSERT OR REPLACE INTO entry (key, bytes) VALUES (?, ?)");
  }

  /** The table was emptied, replaced or rolled back, and has this digest: what is in memory belongs to it no more. */
  reset(digest: bigint): void {
    this.#held.clear();
    this.#digest = digest;
  }

  /** Of all entries as they are now. */
  get digest(): bigint {
    this.#write();
    return this.#digest;
  }

  entry(key: EntryKey): Entry | undefined {
    return this.#hold(entryKeyText(key)).entry;
  }

  /** All entries of one device, in the order of type and key. */
  *ofDevice(device: string): Generator<Entry, void, undefined> {
    this.#write();
    const rows = this.#selectBetween.iterate(`${device} `, `${device} ${LAST_CHARACTER}`);
    for (const { bytes } of rows) {
      const entry = decodeEntry(bytes);
      if (entry !== undefined) yield entry;
    }
  }

  /** The entries, encoded, of all devices behind that one, in the order of device, type and key. */
  after(device: string): IterableIterator<EntryRow> {
    this.#write();
    const first = device === "" ? "" : `${device} ${LAST_CHARACTER}`;
    return this.#selectBetween.iterate(first, LAST_CHARACTER);
  }

  put(entry: Entry): void {
    const held = this.#hold(entryKeyText(entry));
    held.entry = entry;
    held.isAhead = true;
  }

  /** How many are in memory. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** Puts all into the table, and the memory is free again. */
  settle(): void {
    this.#write();
    this.#held.clear();
  }

  #hold(key: string): Held {
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    if (this.#held.size >= this.#heldMax) this.settle();
    const bytes = this.#selectOne.get(key);
    const entry = bytes && decodeEntry(bytes);
    const countedHash = bytes && entry && hashOf(entry, bytes);
    const held = { entry, countedHash, isAhead: false };
    this.#held.set(key, held);
    return held;
  }

  #write(): void {
    for (const [key, held] of this.#held) {
      const { entry, countedHash } = held;
      if (!held.isAhead || entry === undefined) continue;
      const bytes = encodeEntry(entry);
      const hash = hashOf(entry, bytes);
      this.#put.run(key, bytes);
      this.#digest = exchangeHashes(this.#digest, countedHash, hash);
      held.countedHash = hash;
      held.isAhead = false;
    }
  }
}
