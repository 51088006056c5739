/** Chance from a seed: the same numbers for the same seed, on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995;
  }

  /** 32 bits (mulberry32). */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From 0 up to, but not, 1. */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<Item>(items: ReadonlyArray<Item>): Item {
    const item = items[Math.floor(this.fraction() * items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  bytes(byteCount: number): Uint8Array {
    const bytes = new Uint8Array(byteCount);
    for (let at = 0; at < byteCount; at += 4) {
      const word = this.word();
      for (let i = at; i < Math.min(at + 4, byteCount); i += 1) bytes[i] = word >>> (8 * (i - at));
    }
    return bytes;
  }

  /** A stream of its own, so that what one part draws leaves the others' draws alone. */
  fork(): Random {
    return new Random(this.word());
  }
}
