/**
 * Many entries on their way between the threads: each as its encoded bytes behind a length of 4 bytes, most
 * significant first, all in one array. As objects, ten thousand of them would be copied piece by piece.
 */
import { concatBytes } from "#core/bytes.ts";
import { decodeEntry } from "#core/state/entry-codec.ts";
import type { Entry } from "#core/state/entry.ts";

const LENGTH_BYTES = 4;

export const packEntries = (encoded: ReadonlyArray<Uint8Array>): Uint8Array =>
  concatBytes(
    ...encoded.flatMap((bytes) => {
      const length = new Uint8Array(LENGTH_BYTES);
      new DataView(length.buffer).setUint32(0, bytes.length);
      return [length, bytes];
    }),
  );

export const unpackEntries = (packed: Uint8Array): ReadonlyArray<Entry> => {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const entries: Entry[] = [];
  for (let at = 0; at < packed.length;) {
    const from = at + LENGTH_BYTES;
    at = from + view.getUint32(at);
    const entry = decodeEntry(packed.subarray(from, at));
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
};
