/**
 * Many entries in one array, on their way between threads or in a chunk of a snapshot: each as its encoded bytes
 * behind a length of 4 bytes, most significant first. As objects, ten thousand of them would be copied piece by piece.
 */
import { concatBytes } from "#core/bytes.ts";
import { decodeEntry } from "#core/state/entry-codec.ts";
import type { Entry } from "#core/state/entry.ts";

const LENGTH_BYTES = 4;

/** What an entry of so many bytes takes. */
export const packedByteCount = (byteCount: number): number => LENGTH_BYTES + byteCount;

export const packEntries = (encoded: ReadonlyArray<Uint8Array>): Uint8Array =>
  concatBytes(
    ...encoded.flatMap((bytes) => {
      const length = new Uint8Array(LENGTH_BYTES);
      new DataView(length.buffer).setUint32(0, bytes.length);
      return [length, bytes];
    }),
  );

function* eachEntry(packed: Uint8Array): Generator<Entry | undefined, void, undefined> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  for (let at = 0; at < packed.length;) {
    const from = at + LENGTH_BYTES;
    const to = from <= packed.length ? from + view.getUint32(at) : Number.POSITIVE_INFINITY;
    yield to <= packed.length ? decodeEntry(packed.subarray(from, to)) : undefined;
    at = to;
  }
}

/** Of this gateway's own state; what is damaged in it is passed over. Never throws. */
export const unpackEntries = (packed: Uint8Array): ReadonlyArray<Entry> =>
  [...eachEntry(packed)].filter((entry) => entry !== undefined);

/** Of a peer's: undefined unless the bytes are entries from first to last. Never throws. */
export const unpackWhole = (packed: Uint8Array): ReadonlyArray<Entry> | undefined => {
  const entries: Entry[] = [];
  for (const entry of eachEntry(packed)) {
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  return entries;
};
