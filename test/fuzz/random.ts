/** Random bytes from a seed, and bytes that are nearly right. */

export interface Random {
  /** A whole number from 0 to below `end`. */
  readonly below: (end: number) => number;
}

/** mulberry32: small, and good enough to choose mistakes. */
export const randomOf = (seed: number): Random => {
  let state = seed >>> 0;
  return {
    below: (end) => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
    },
  };
};

const BYTES_MAX = 300;
const MISTAKES_MAX = 4;
/** Lengths, flags and counts go wrong at their ends. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

const byteOf = (random: Random): number =>
  random.below(2) === 0 ? random.below(256) : (EDGES[random.below(EDGES.length)] ?? 0);

const bytesOf = (random: Random): Uint8Array =>
  Uint8Array.from({ length: random.below(BYTES_MAX) }, () => byteOf(random));

/** One byte altered, some taken out, some put in, or the end cut off. */
const spoilt = (random: Random, bytes: ReadonlyArray<number>): ReadonlyArray<number> => {
  const at = random.below(bytes.length + 1);
  const count = 1 + random.below(4);
  switch (random.below(4)) {
    case 0:
      return bytes.toSpliced(at, 1, byteOf(random));
    case 1:
      return bytes.toSpliced(at, count);
    case 2:
      return bytes.toSpliced(at, 0, ...Array.from({ length: count }, () => byteOf(random)));
    default:
      return bytes.slice(0, at);
  }
};

/** Mostly one of the samples with a few mistakes in it; sometimes anything at all. */
export const inputFrom = (random: Random, samples: ReadonlyArray<Uint8Array>): Uint8Array => {
  const sample = samples[random.below(samples.length + 1)];
  if (sample === undefined) return bytesOf(random);
  let bytes: ReadonlyArray<number> = [...sample];
  for (let count = random.below(MISTAKES_MAX + 1); count > 0; count -= 1) {
    bytes = spoilt(random, bytes);
  }
  return Uint8Array.from(bytes);
};
