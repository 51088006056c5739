/** Columns of numbers that grow: a typed array costs its values alone, an object a hundred bytes more. */

interface Column {
  readonly length: number;
  set(values: this): void;
}

/** Room for so many, and a thirtieth beyond: copying is cheap, and little of it stays empty. */
const roomFor = (count: number): number => count + Math.max(64, Math.ceil(count / 30));

/** The column itself, or a larger one with the same values and zeros behind them. */
export const grownTo = <A extends Column>(
  column: A,
  count: number,
  make: (length: number) => A,
): A => {
  if (count <= column.length) return column;
  const grown = make(roomFor(count));
  grown.set(column);
  return grown;
};

export const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length);
export const words = (length: number): Uint16Array<ArrayBuffer> => new Uint16Array(length);
export const counts = (length: number): Uint32Array<ArrayBuffer> => new Uint32Array(length);
export const steps = (length: number): Int32Array<ArrayBuffer> => new Int32Array(length);
export const doubles = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length);
