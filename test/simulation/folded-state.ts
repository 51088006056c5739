/** The state file of a simulated gateway: what the records fold to, how far they count, and what was saved of it. */
import { toHex } from "#core/bytes.ts";
import type { Crypto } from "#core/log/crypto.ts";
import type { WriteName } from "#core/log/operation.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { EMPTY_DIGEST, formatDigest, updateDigest } from "#core/state/digest.ts";
import { encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry, type EntryKey } from "#core/state/entry.ts";
import { factIn, forkIn, type Fact, type FoldedFact } from "#core/state/facts.ts";
import { fold } from "#core/state/fold.ts";
import { toFoldedRecord } from "#core/state/folded-record.ts";
import { leastCuts, type Cuts } from "#core/trust/cuts.ts";
import { sha256 } from "#gateway/node-crypto.ts";

/** What is new in the state. */
export interface Taken {
  readonly entries: ReadonlyArray<Entry>;
  readonly facts: ReadonlyArray<Fact>;
}

const ENTRIES_PER_PAGE = 1_000;

export class FoldedState {
  #entries = new Map<string, Entry>();
  /** Epoch (hex) → records folded, and records looked at for forks. */
  #sizes = new Map<string, number>();
  #looked = new Map<string, number>();
  /** Each once, by its text. */
  #facts = new Map<string, FoldedFact>();
  #forks: Cuts = new Map();
  #given: Cuts = new Map();
  #cuts: Cuts = new Map();

  /** As it stands, for the disk: entries are never changed in place. */
  copy(): FoldedState {
    const copy = new FoldedState();
    copy.#entries = new Map(this.#entries);
    copy.#sizes = new Map(this.#sizes);
    copy.#looked = new Map(this.#looked);
    copy.#facts = new Map(this.#facts);
    copy.#forks = this.#forks;
    copy.#given = this.#given;
    copy.#cuts = this.#cuts;
    return copy;
  }

  foldedSize = (epoch: Uint8Array): number => this.#sizes.get(toHex(epoch)) ?? 0;

  /** What a snapshot says, in place of all that was folded. */
  adopt(heads: ReadonlyMap<string, number>, entries: ReadonlyArray<Entry>): void {
    this.#sizes = new Map(heads);
    this.#entries = new Map(entries.map((entry) => [entryKeyText(entry), entry]));
  }

  get heads(): ReadonlyMap<string, number> {
    return this.#sizes;
  }

  /** Epoch (hex) → records folded. */
  get sizes(): ReadonlyMap<string, number> {
    return this.#sizes;
  }

  /** By roster and by forks: epoch (hex) → records that count. */
  get cuts(): Cuts {
    return this.#cuts;
  }

  get facts(): ReadonlyArray<Fact> {
    const forks = [...this.#forks].map(([epoch, size]): Fact => ({ _tag: "Forked", epoch, size }));
    return [...this.#facts.values(), ...forks];
  }

  entry = (key: EntryKey): Entry | undefined => this.#entries.get(entryKeyText(key));

  /** In the order of device, type and key. */
  sorted(): ReadonlyArray<Entry> {
    return [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }

  ofDevice(device: string): ReadonlyArray<Entry> {
    return this.sorted().filter((entry) => entry.device === device);
  }

  /** The names of the writes that stand in an entry now. */
  standing(key: EntryKey): ReadonlyArray<WriteName> {
    const content = this.entry(key)?.content;
    return content?._tag === "Survivors"
      ? content.writes.map(({ epoch, seq }) => ({ epoch, seq }))
      : [];
  }

  /** Whole devices behind that one, as many as one answer holds. */
  pageAfter(device: string): ReadonlyArray<Entry> {
    const page: Entry[] = [];
    for (const entry of this.sorted()) {
      if (entry.device <= device) continue;
      if (page.length >= ENTRIES_PER_PAGE && entry.device !== page.at(-1)?.device) break;
      page.push(entry);
    }
    return page;
  }

  /** Worked out only when asked for: what it is, not how it is kept up to date, matters here. */
  get digest(): string {
    let digest = EMPTY_DIGEST;
    for (const entry of this.#entries.values()) {
      digest = updateDigest(sha256, digest, { before: undefined, after: encodeForDigest(entry) });
    }
    return formatDigest(digest);
  }

  cut(given: Cuts): void {
    this.#given = given;
    this.#cuts = leastCuts(given, this.#forks);
  }

  /** More was folded than counts: only folding anew can take it out. */
  get isBeyondCuts(): boolean {
    return [...this.#cuts].some(([epoch, size]) => (this.#sizes.get(epoch) ?? 0) > size);
  }

  /** Forgets what folding makes again; cuts and forks stay. */
  clear(): void {
    this.#entries.clear();
    this.#sizes.clear();
    this.#facts.clear();
  }

  /** The next record of the epoch that may have something new to say, of so many. */
  nextSeq(id: string): number {
    const folded = this.#sizes.get(id) ?? 0;
    const looked = this.#looked.get(id) ?? 0;
    const cut = this.#cuts.get(id) ?? Number.POSITIVE_INFINITY;
    // A snapshot may say more than was looked at.
    return folded < cut ? Math.min(folded, looked) : looked;
  }

  /** Looks at records from `nextSeq` on: those that count are folded, of the others only what proves a fork is taken. */
  take(
    crypto: Crypto,
    place: { readonly epoch: Uint8Array; readonly author: string; readonly from: number },
    records: ReadonlyArray<RecordBytes>,
  ): Taken {
    const { epoch, author } = place;
    const id = toHex(epoch);
    const changed = new Map<string, Entry>();
    const facts: Fact[] = [];
    for (const [index, bytes] of records.entries()) {
      const seq = place.from + index;
      const record = toFoldedRecord(bytes, { epoch, seq });
      const fork = forkIn(crypto, record.body);
      if (fork !== undefined && this.#learnFork(fork)) facts.push(fork);
      const size = this.#sizes.get(id) ?? 0;
      if (seq > size || seq >= (this.#cuts.get(id) ?? Number.POSITIVE_INFINITY)) continue;
      facts.push(...this.#learn(factIn(record, author)));
      if (seq < size) continue;
      for (const entry of fold(record, { entry: this.entry, foldedSize: this.foldedSize })) {
        this.#entries.set(entryKeyText(entry), entry);
        changed.set(entryKeyText(entry), entry);
      }
      this.#sizes.set(id, seq + 1);
    }
    this.#looked.set(id, Math.max(place.from + records.length, this.#looked.get(id) ?? 0));
    return { entries: [...changed.values()], facts };
  }

  #learn(fact: FoldedFact | undefined): ReadonlyArray<Fact> {
    const text = JSON.stringify(fact);
    if (fact === undefined || this.#facts.has(text)) return [];
    this.#facts.set(text, fact);
    return [fact];
  }

  #learnFork({ epoch, size }: Fact & { readonly _tag: "Forked" }): boolean {
    if (size >= (this.#forks.get(epoch) ?? Number.POSITIVE_INFINITY)) return false;
    this.#forks = new Map(this.#forks).set(epoch, size);
    this.#cuts = leastCuts(this.#given, this.#forks);
    return true;
  }
}
