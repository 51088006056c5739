/** The state of a `MemoryStore`: what its records fold to, what they say, and where they are cut. */
import { toHex } from "#core/bytes.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { EMPTY_DIGEST, formatDigest, updateDigest } from "#core/state/digest.ts";
import { encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import { factIn, forkIn, type Fact } from "#core/state/facts.ts";
import { toFoldedRecord } from "#core/state/folded-record.ts";
import { MapState } from "#core/state/map-state.ts";
import { leastCuts, type Cuts } from "#core/trust/cuts.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import type { Folded } from "#gateway/ports.ts";

export interface Place {
  readonly epoch: Uint8Array;
  readonly gateway: string;
  readonly from: number;
}

export class MemoryState {
  #state = new MapState();
  #facts: Fact[] = [];
  #given: Cuts = new Map();
  readonly #forks = new Map<string, number>();

  foldedSize(epoch: Uint8Array): number {
    return this.#state.foldedSize(epoch);
  }

  get heads(): ReadonlyMap<string, number> {
    return this.#state.heads;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#state.entries;
  }

  sorted(): ReadonlyArray<Entry> {
    return this.#state.sorted();
  }

  /** Worked out when asked for, from nothing. */
  get digest(): string {
    let digest = EMPTY_DIGEST;
    for (const entry of this.entries.values()) {
      digest = updateDigest(sha256, digest, { before: undefined, after: encodeForDigest(entry) });
    }
    return formatDigest(digest);
  }

  get facts(): ReadonlyArray<Fact> {
    const forks = [...this.#forks].map(([epoch, size]): Fact => ({ _tag: "Forked", epoch, size }));
    return [...this.#facts, ...forks];
  }

  get cuts(): Cuts {
    return leastCuts(this.#given, this.#forks);
  }

  cut(given: Cuts): void {
    this.#given = new Map(given);
  }

  get isBeyondCuts(): boolean {
    return [...this.cuts].some(([epoch, size]) => (this.heads.get(epoch) ?? 0) > size);
  }

  /** What a snapshot says, in place of all that was folded. */
  adopt(heads: ReadonlyMap<string, number>, entries: ReadonlyArray<Entry>): void {
    this.#state = new MapState(heads, entries);
  }

  clear(): void {
    this.#state = new MapState();
    this.#facts = [];
  }

  take({ epoch, gateway, from }: Place, records: ReadonlyArray<RecordBytes>): Folded {
    const changed = new Map<string, Entry>();
    const facts: Fact[] = [];
    for (const [index, bytes] of records.entries()) {
      const record = toFoldedRecord(bytes, { epoch, seq: from + index });
      const fork = forkIn(nodeCrypto, record.body);
      if (fork !== undefined && fork.size < (this.#forks.get(fork.epoch) ?? Infinity)) {
        this.#forks.set(fork.epoch, fork.size);
        facts.push(fork);
      }
      const counts = record.seq < (this.cuts.get(toHex(epoch)) ?? Infinity);
      if (!counts || record.seq !== this.foldedSize(epoch)) continue;
      const fact = factIn(record, gateway);
      if (fact !== undefined) {
        facts.push(fact);
        this.#facts.push(fact);
      }
      for (const entry of this.#state.fold(record)) changed.set(entryKeyText(entry), entry);
    }
    return { epoch, size: this.foldedSize(epoch), entries: [...changed.values()], facts };
  }
}
