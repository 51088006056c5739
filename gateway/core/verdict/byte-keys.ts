/** Byte strings of at most 255 bytes, packed one behind the other; each has a row number, from 0 on, which it keeps. */
import { bytes, counts, grownTo } from "#core/verdict/columns.ts";
import { RowTable } from "#core/verdict/row-table.ts";

/** Where a key begins is known for every 16th; the lengths between lead to the others. A start each would take 4 bytes. */
const GROUP_ROWS = 16;

/** FNV-1a, stirred once more so that the upper bits are worth as much as the lower. */
const hashOf = (key: Uint8Array): number => {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};

export class ByteKeys {
  #heap: Uint8Array = bytes(0);
  #heapEnd = 0;
  #lengths: Uint8Array = bytes(0);
  #groupStarts: Uint32Array = counts(0);
  #size = 0;
  readonly #table = new RowTable((row) => hashOf(this.key(row)));

  get size(): number {
    return this.#size;
  }

  /** The key of a row, which is one of those given out. */
  key(row: number): Uint8Array {
    let start = this.#groupStarts[Math.floor(row / GROUP_ROWS)] ?? 0;
    for (let before = row - (row % GROUP_ROWS); before < row; before += 1) {
      start += this.#lengths[before] ?? 0;
    }
    return this.#heap.subarray(start, start + (this.#lengths[row] ?? 0));
  }

  #isAt(row: number, key: Uint8Array): boolean {
    if (this.#lengths[row] !== key.length) return false;
    const kept = this.key(row);
    return key.every((byte, index) => byte === kept[index]);
  }

  find(key: Uint8Array): number | undefined {
    return this.#table.find(hashOf(key), (row) => this.#isAt(row, key));
  }

  /** The row that the key has, or has from now on. */
  add(key: Uint8Array): number {
    const known = this.find(key);
    if (known !== undefined) return known;
    const row = this.#size;
    this.#heap = grownTo(this.#heap, this.#heapEnd + key.length, bytes);
    this.#heap.set(key, this.#heapEnd);
    this.#lengths = grownTo(this.#lengths, row + 1, bytes);
    this.#lengths[row] = key.length;
    if (row % GROUP_ROWS === 0) {
      this.#groupStarts = grownTo(this.#groupStarts, row / GROUP_ROWS + 1, counts);
      this.#groupStarts[row / GROUP_ROWS] = this.#heapEnd;
    }
    this.#heapEnd += key.length;
    this.#size += 1;
    this.#table.add(row);
    return row;
  }
}
