/** What a chip calls itself by GET_VERSION. Source: NXP NTAG213/215/216 rev. 3.2, 10.1; MF0ULx1 rev. 3.3, 10.1. */

const NXP = 0x04;

/** Product and size of the answer. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["4 15", "NTAG213"],
  ["4 17", "NTAG215"],
  ["4 19", "NTAG216"],
  ["3 11", "Ultralight EV1 (48 bytes)"],
  ["3 14", "Ultralight EV1 (128 bytes)"],
]);

/** Null for a chip that gives no version, or one that is not known here. */
export const chipName = (version: Uint8Array | null): string | null => {
  if (version === null || version[1] !== NXP) return null;
  return NAMES.get(`${version[2]} ${version[6]}`) ?? null;
};
