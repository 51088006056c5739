/**
 * Finds rows by the hash of a key that is stored elsewhere: one number a row, without objects. Rows of equal hash may be
 * many, so whoever asks compares the keys themselves; a hash alone decides nothing.
 */

const HASHES = 2 ** 32;
const SLOTS_MIN = 64;
/** Fuller than this, a search passes too many others. */
const LOAD_MAX = 0.9;
const GROWTH = 1.1;

export class RowTable {
  readonly #hashOf: (row: number) => number;
  /** 0 for none, else row + 1. A row stands where its hash points, or behind that, with no empty slot between. */
  #slots = new Uint32Array(SLOTS_MIN);
  #count = 0;

  /** `hashOf`: of a row that was added, as it was then; a whole number below 2^32. */
  constructor(hashOf: (row: number) => number) {
    this.#hashOf = hashOf;
  }

  #home(hash: number): number {
    return Math.floor((hash * this.#slots.length) / HASHES);
  }

  #next(slot: number): number {
    return slot + 1 === this.#slots.length ? 0 : slot + 1;
  }

  /** The first row of this hash for which `isIt` holds; undefined for none. */
  find(hash: number, isIt: (row: number) => boolean): number | undefined {
    for (let slot = this.#home(hash); ; slot = this.#next(slot)) {
      const row = (this.#slots[slot] ?? 0) - 1;
      if (row < 0) return undefined;
      if (isIt(row)) return row;
    }
  }

  add(row: number): void {
    if (this.#count + 1 > this.#slots.length * LOAD_MAX) this.#grow();
    this.#put(row);
    this.#count += 1;
  }

  #put(row: number): void {
    let slot = this.#home(this.#hashOf(row));
    while (this.#slots[slot] !== 0) slot = this.#next(slot);
    this.#slots[slot] = row + 1;
  }

  #grow(): void {
    const rows = this.#slots;
    this.#slots = new Uint32Array(Math.ceil(rows.length * GROWTH));
    for (const found of rows) if (found !== 0) this.#put(found - 1);
  }

  /** Takes a row out; those behind it move up, so that no search ends before them. */
  remove(row: number): void {
    let hole = this.#home(this.#hashOf(row));
    while (this.#slots[hole] !== row + 1) {
      if (this.#slots[hole] === 0) return; // it isn't there
      hole = this.#next(hole);
    }
    for (let slot = this.#next(hole); this.#slots[slot] !== 0; slot = this.#next(slot)) {
      const moving = this.#slots[slot] ?? 0;
      const home = this.#home(this.#hashOf(moving - 1));
      if (this.#distance(home, slot) < this.#distance(hole, slot)) continue;
      this.#slots[hole] = moving;
      hole = slot;
    }
    this.#slots[hole] = 0;
    this.#count -= 1;
  }

  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.#slots.length;
  }
}
