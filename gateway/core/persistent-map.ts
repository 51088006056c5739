/**
 * A map that is never changed: `with` gives another one. A thousand gateways have tens of thousands of epochs, and copying
 * all of them for every record would cost more than checking its signature; so the last few changes stand apart.
 */

/** Changes that stand apart; then they are merged, which is one copy for so many changes. */
const APART_COUNT_MAX = 256;

export class PersistentMap<V> implements Iterable<readonly [string, V]> {
  readonly #merged: ReadonlyMap<string, V>;
  readonly #apart: ReadonlyMap<string, V>;

  private constructor(merged: ReadonlyMap<string, V>, apart: ReadonlyMap<string, V>) {
    this.#merged = merged;
    this.#apart = apart;
  }

  static from<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    return new PersistentMap(new Map(entries), new Map());
  }

  get(key: string): V | undefined {
    return this.#apart.get(key) ?? this.#merged.get(key);
  }

  has(key: string): boolean {
    return this.#apart.has(key) || this.#merged.has(key);
  }

  get size(): number {
    let size = this.#merged.size;
    for (const key of this.#apart.keys()) if (!this.#merged.has(key)) size += 1;
    return size;
  }

  with(key: string, value: V): PersistentMap<V> {
    const apart = new Map(this.#apart).set(key, value);
    return apart.size <= APART_COUNT_MAX
      ? new PersistentMap(this.#merged, apart)
      : new PersistentMap(new Map([...this.#merged, ...apart]), new Map());
  }

  *[Symbol.iterator](): Generator<readonly [string, V], void, undefined> {
    for (const [key, value] of this.#merged) yield [key, this.#apart.get(key) ?? value];
    for (const entry of this.#apart) if (!this.#merged.has(entry[0])) yield entry;
  }

  *keys(): Generator<string, void, undefined> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<V, void, undefined> {
    for (const [, value] of this) yield value;
  }
}
