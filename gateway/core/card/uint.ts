/** Whole numbers in the byte order that cards write. */

/**
 * Reads up to 4 bytes, most significant first. The caller has checked that they are there: a
 * missing byte counts as 0.
 */
export const uintBe = (bytes: Uint8Array, at: number, byteCount: 1 | 2 | 3 | 4): number => {
  let value = 0;
  // Multiplied, not shifted: a shift would make a length of 0x80000000 negative.
  for (let i = 0; i < byteCount; i += 1) value = value * 0x100 + (bytes[at + i] ?? 0);
  return value;
};

/** Two digits a byte, upper case: how status words and file ids are written in the standards. */
export const hexOf = (value: number, byteCount: 1 | 2): string =>
  value
    .toString(16)
    .toUpperCase()
    .padStart(2 * byteCount, "0");
