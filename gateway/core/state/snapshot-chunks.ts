/** Cutting the entries of a state into the chunks of a snapshot, device by device. */
import type { Sha256 } from "#core/log/crypto.ts";
import type { WriteName } from "#core/log/operation.ts";
import { encodeEntry } from "#core/state/entry-codec.ts";
import { compareNames, type Entry, type Write } from "#core/state/entry.ts";
import { settle } from "#core/state/fold.ts";
import { packedByteCount, packEntries } from "#core/state/packed-entries.ts";
import {
  CHUNK_BYTES_MAX,
  compareClasses,
  REST_CLASS,
  VERDICT_CLASS,
  type ChunkClass,
  type SnapshotChunk,
} from "#core/state/snapshot.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import { MARK_PREFIX } from "#core/verdict/counter-mark.ts";

/** What decides on a tap at any reader, which a newcomer gets first. What a reader's policy asks for is its own affair. */
const decidesOnTaps = ({ key }: Entry): boolean =>
  key === CARD_KEY || key === SAFETY_KEY || key.startsWith(MARK_PREFIX);

const writesOf = ({ content }: Entry): ReadonlyArray<Write> => {
  switch (content._tag) {
    case "Survivors":
      return content.writes;
    case "Counter":
      return [content.newest];
    case "Extreme":
      return [content.write];
  }
};

/** By the clocks as they were: fixes may come to one gateway later than to another. */
const lastOf = (entries: ReadonlyArray<Entry>): Write | undefined =>
  entries
    .flatMap(writesOf)
    .reduce<Write | undefined>(
      (last, write) =>
        last === undefined || (write.wallMs - last.wallMs || compareNames(write, last)) > 0
          ? write
          : last,
      undefined,
    );

/** What says where an entry belongs: the same on every gateway with this state and roster. */
export interface ChunkScope {
  readonly foldedSize: (epoch: Uint8Array) => number;
  /** The site of the gateway that wrote the record. */
  readonly siteOf: (record: WriteName) => string | undefined;
}

/** A chunk, and where it was put. */
export interface PackedChunk extends SnapshotChunk {
  readonly bytes: Uint8Array;
}

interface Bucket {
  readonly entries: Uint8Array[];
  byteCount: number;
}

/** Takes devices in the order of their names; gives chunks as they become full. */
export class ChunkPacker {
  readonly #sha256: Sha256;
  readonly #scope: ChunkScope;
  readonly #buckets = new Map<ChunkClass, Bucket>();

  constructor(sha256: Sha256, scope: ChunkScope) {
    this.#sha256 = sha256;
    this.#scope = scope;
  }

  /** All entries of one device, in the order of type and key. Undefined if one of them is too large for any chunk. */
  addDevice(entries: ReadonlyArray<Entry>): ReadonlyArray<PackedChunk> | undefined {
    const last = lastOf(entries);
    const site = (last && this.#scope.siteOf(last)) ?? REST_CLASS;
    const full: PackedChunk[] = [];
    for (const entry of entries) {
      // What an entry awaits depends on when it was last written, until it is settled.
      const bytes = encodeEntry(settle(entry, this.#scope.foldedSize));
      if (packedByteCount(bytes.length) > CHUNK_BYTES_MAX) return undefined;
      const kind = decidesOnTaps(entry) ? VERDICT_CLASS : site;
      const chunk = this.#add(kind, bytes);
      if (chunk !== undefined) full.push(chunk);
    }
    return full;
  }

  #add(kind: ChunkClass, bytes: Uint8Array): PackedChunk | undefined {
    let bucket = this.#buckets.get(kind);
    let full: PackedChunk | undefined;
    const byteCount = packedByteCount(bytes.length);
    if (bucket !== undefined && bucket.byteCount + byteCount > CHUNK_BYTES_MAX) {
      full = this.#pack(kind, bucket);
      bucket = undefined;
    }
    bucket ??= { entries: [], byteCount: 0 };
    bucket.entries.push(bytes);
    bucket.byteCount += byteCount;
    this.#buckets.set(kind, bucket);
    return full;
  }

  #pack(kind: ChunkClass, { entries }: Bucket): PackedChunk {
    const bytes = packEntries(entries);
    return { class: kind, hash: this.#sha256(bytes), byteCount: bytes.length, bytes };
  }

  /** The chunks that are not full. */
  end(): ReadonlyArray<PackedChunk> {
    return [...this.#buckets].map(([kind, bucket]) => this.#pack(kind, bucket));
  }
}

/** In the order of the manifest: by class, and within a class as they became full. */
export const inManifestOrder = <Chunk extends SnapshotChunk>(
  chunks: ReadonlyArray<Chunk>,
): ReadonlyArray<Chunk> => chunks.toSorted((a, b) => compareClasses(a.class, b.class));
