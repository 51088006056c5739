/**
 * state.db: the entries that the records fold to, and how far. It can be thrown away at any time; the logs make
 * it again. Everything since the last commit is in one open transaction, so entries, heads and digest always
 * belong together, on disk too.
 */
import Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { EMPTY_DIGEST, formatDigest, parseDigest } from "#core/state/digest.ts";
import { entryKeyText, type Entry, type EntryKey } from "#core/state/entry.ts";
import { factIn, forkIn, type Fact } from "#core/state/facts.ts";
import { fold, type FoldedRecord } from "#core/state/fold.ts";
import { toFoldedRecord } from "#core/state/folded-record.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import type { SnapshotError } from "#gateway/ports.ts";
import { PassingEpochs } from "#gateway/store/passing.ts";
import { sqliteDetail } from "#gateway/store/schema.ts";
import { Staging } from "#gateway/store/staging.ts";
import { StateEntries, type EntryRow } from "#gateway/store/state-entries.ts";
import { StateFacts } from "#gateway/store/state-facts.ts";
import {
  openStateDatabase,
  problemOfState,
  type StateFileError,
} from "#gateway/store/state-schema.ts";

/** Where records stand: the first of them is record `from` of the epoch. */
export interface RecordPlace {
  readonly epoch: Uint8Array;
  readonly gateway: string;
  readonly from: number;
}

/** What came of looking at records: entries as they are now, and facts. */
export interface Taken {
  readonly entries: ReadonlyArray<Entry>;
  readonly facts: ReadonlyArray<Fact>;
}

export class StateFile {
  /** Epochs whose records are folded here and kept nowhere. */
  readonly passing: PassingEpochs;
  /** A snapshot that is to take the state's place, or has. */
  readonly staging: Staging;
  /** Told of the device of each entry that is written. */
  onChange: ((device: string) => void) | undefined;
  readonly #facts: StateFacts;
  readonly #database: Database.Database;
  readonly #foldedSizes = new Map<string, number>();
  /** Epoch (hex) → records looked at, of those that are cut: what proves a fork in there is known. */
  readonly #lookedAt = new Map<string, number>();
  #unsaved = 0;
  #generation = 0;
  readonly #entries: StateEntries;
  readonly #putHead: Database.Statement<[Uint8Array, number]>;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.passing = new PassingEpochs(database, () => this.#begin());
    this.staging = new Staging(database, () => this.#begin());
    this.#facts = new StateFacts(database);
    this.#entries = new StateEntries(database);
    this.#putHead = database.prepare("INSERT OR REPLACE INTO head (epoch, size) VALUES (?, ?)");
  }

  /** Opens or makes the file. Left: `StateLocked`; `StateUnusable`, after which `path` may be deleted. */
  static open(path: string, use?: "scratch"): E.Either<StateFileError, StateFile> {
    let database: Database.Database | undefined;
    try {
      database = openStateDatabase(path);
      if (use === "scratch") database.pragma("synchronous = OFF"); // never read again after a crash
      const problem = problemOfState(database);
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

  #load(): void {
    this.#generation += 1;
    this.#foldedSizes.clear();
    const heads = this.#database.prepare<[], { epoch: Buffer; size: number }>("SELECT * FROM head");
    for (const { epoch, size } of heads.all()) this.#foldedSizes.set(toHex(epoch), size);
    const digest = this.#database.prepare<[], string>("SELECT digest FROM summary").pluck().get();
    this.#entries.reset(parseDigest(digest ?? "") ?? EMPTY_DIGEST);
    this.#facts.setAdopted(this.staging.adopted?.cuts ?? new Map());
  }

  /** Records of this epoch folded so far. */
  foldedSize(epoch: Uint8Array): number {
    return this.#foldedSizes.get(toHex(epoch)) ?? 0;
  }

  /** Where to go on: at the first record that counts and isn't folded; else where nothing was looked at yet. */
  nextSeq(epoch: Uint8Array): number {
    const name = toHex(epoch);
    const size = this.#foldedSizes.get(name) ?? 0;
    return size < this.#facts.cutOf(name) ? size : Math.max(size, this.#lookedAt.get(name) ?? 0);
  }

  /** Epoch (hex) → records folded. */
  get heads(): ReadonlyMap<string, number> {
    return this.#foldedSizes;
  }

  get digest(): string {
    return formatDigest(this.#entries.digest);
  }

  /** Another number after all that was written is replaced at once: cleared, adopted, or rolled back. */
  get generation(): number {
    return this.#generation;
  }

  /** Records folded since the last save. */
  get unsaved(): number {
    return this.#unsaved;
  }

  entry(key: EntryKey): Entry | undefined {
    return this.#entries.entry(key);
  }

  /** All entries of one device, in the order of type and key. */
  entries(device: string): Generator<Entry, void, undefined> {
    return this.#entries.ofDevice(device);
  }

  /** The entries, encoded, of all devices behind that one, in the order of device, type and key. */
  entriesAfter(device: string): IterableIterator<EntryRow> {
    return this.#entries.after(device);
  }

  /** What is written from now on belongs to the next save. */
  #begin(): void {
    if (!this.#database.inTransaction) this.#database.exec("BEGIN");
  }

  /**
   * Looks at records as they stand in their epoch. Those that were folded before are passed over; those that follow
   * and count are folded; of those beyond a cut, only what proves a fork is taken.
   */
  take(place: RecordPlace, records: Iterable<RecordBytes>): Taken {
    this.#begin();
    const { epoch, gateway } = place;
    const name = toHex(epoch);
    const changed = new Map<string, Entry>();
    const facts: Fact[] = [];
    let seq = place.from - 1;
    for (const bytes of records) {
      seq += 1;
      const size = this.#foldedSizes.get(name) ?? 0;
      if (seq < size) continue;
      const record = toFoldedRecord(bytes, { epoch, seq });
      const fork = forkIn(nodeCrypto, record.body);
      if (fork !== undefined && this.#facts.learnFork(fork)) facts.push(fork);
      if (seq > size || seq >= this.#facts.cutOf(name)) continue;
      facts.push(...this.#learn(record, gateway));
      for (const entry of this.#fold(record)) changed.set(entryKeyText(entry), entry);
      this.#foldedSizes.set(name, seq + 1);
      this.#unsaved += 1;
    }
    const size = this.foldedSize(epoch);
    if (size > 0) this.#putHead.run(epoch, size);
    if (seq >= size) this.#lookedAt.set(name, seq + 1);
    return { entries: [...changed.values()], facts };
  }

  #learn(record: FoldedRecord, gateway: string): ReadonlyArray<Fact> {
    const fact = factIn(record, gateway);
    if (fact === undefined) return [];
    this.#facts.learn(fact);
    return [fact];
  }

  #fold(record: FoldedRecord): ReadonlyArray<Entry> {
    const entries = fold(record, {
      entry: (key) => this.entry(key),
      foldedSize: (epoch) => this.foldedSize(epoch),
    });
    for (const entry of entries) this.#put(entry);
    return entries;
  }

  #put(entry: Entry): void {
    this.#entries.put(entry);
    this.onChange?.(entry.device);
  }

  /** All that records say about epochs, clocks and forks, as far as they count. */
  facts(): ReadonlyArray<Fact> {
    return this.#facts.facts();
  }

  /** Epoch (hex) → records that count, by roster and by forks. */
  get cuts(): Cuts {
    return this.#facts.cuts;
  }

  /** By roster: forks cut by themselves. */
  cut(cuts: Cuts): void {
    this.#begin();
    this.#facts.setCuts(cuts);
  }

  /** Whether more was folded than counts: only folding anew can take it out. */
  get isBeyondCuts(): boolean {
    return [...this.#facts.cuts].some(
      ([epoch, size]) => (this.#foldedSizes.get(epoch) ?? 0) > size,
    );
  }

  /** Begins a snapshot: `Staging`. */
  stage(manifest: Uint8Array): SnapshotError | null {
    return this.staging.stage(manifest, (epoch) => this.#facts.cutOf(epoch));
  }

  /** Puts the staged snapshot in place of the state; until the logs confirm it, its cuts count too. */
  adopt(): SnapshotError | null {
    const error = this.staging.adopt();
    if (error !== null) return error;
    this.passing.clear();
    this.#lookedAt.clear();
    this.#load();
    return null;
  }

  /** The logs have confirmed it. `facts`: what their records say, of which the snapshot had only the entries. */
  confirm(facts: ReadonlyArray<Fact>): void {
    this.#begin();
    this.#facts.learnAll(facts);
    this.staging.forgetAdopted();
    this.#facts.setAdopted(new Map());
  }

  /** Forgets all that folding makes again; cuts and forks stay. */
  clear(): void {
    this.#begin();
    this.#generation += 1;
    this.staging.forgetAdopted();
    this.#facts.setAdopted(new Map());
    this.#database.exec("DELETE FROM entry; DELETE FROM head");
    this.#facts.clear();
    this.passing.clear();
    this.#foldedSizes.clear();
    this.#entries.reset(EMPTY_DIGEST);
  }

  /**
   * Puts what was folded since the last save on disk. Only what durable records say may be saved. False: the disk
   * refused, and the state is what it was at the last save: fold the rest again.
   */
  save(): boolean {
    if (!this.#database.inTransaction) return true;
    this.#unsaved = 0;
    try {
      this.#entries.settle();
      this.#database.prepare("UPDATE summary SET digest = ?").run(this.digest);
      this.#database.exec("COMMIT");
      return true;
    } catch (error) {
      sqliteDetail(error); // a bug goes on
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      this.#facts.reload();
      this.staging.reload();
      this.#load();
      this.#lookedAt.clear();
      this.#begin();
      this.#facts.putCuts();
      return false;
    }
  }

  close(): void {
    this.save();
    this.#database.close();
  }
}
