/**
 * A snapshot: the whole state, for a newcomer that has no logs yet. A shortcut, never a truth: it is folded again from
 * the logs and thrown away if it was wrong.
 *   manifest = [1, fleet, fold version, roster version, [[epoch(16), records folded]…], [[epoch(16), cut]…],
 *               digest(32), [[class, SHA-256(32), bytes]…]]
 * Heads and cuts are sorted by epoch. A chunk is packed entries, sorted by device, type and key; chunks are sorted by
 * class, so that a newcomer gets first what verdicts need, then what was written last at its own site, then the rest:
 *   class 0 | a site's name, in the order of names | 1
 * Gateways with the same state and roster make the same bytes. What is signed and asked for is the root:
 * SHA-256 of "tapmesh/snapshot/v1\n" and the manifest.
 */
import * as E from "fp-ts/lib/Either.js";
import { compareBytes, concatBytes, fromHex, toHex, utf8 } from "#core/bytes.ts";
import {
  decodeCbor,
  encodeCbor,
  isBytes,
  isCount,
  isList,
  isText,
  type CborValue,
} from "#core/log/cbor.ts";
import type { Sha256 } from "#core/log/crypto.ts";
import type { Entry } from "#core/state/entry.ts";
import { unpackWhole } from "#core/state/packed-entries.ts";
import type { Cuts } from "#core/trust/cuts.ts";

/** Entries that decide on a tap. */
export const VERDICT_CLASS = 0;
/** Entries of devices last written by a gateway of no known site. */
export const REST_CLASS = 1;
/** What a chunk is for; text is the name of a site. */
export type ChunkClass = typeof VERDICT_CLASS | typeof REST_CLASS | string;

export interface SnapshotChunk {
  readonly class: ChunkClass;
  readonly hash: Uint8Array;
  readonly byteCount: number;
}

/** The state that a snapshot holds, beside its entries. */
export interface SnapshotState {
  readonly fleet: string;
  readonly foldVersion: number;
  readonly rosterVersion: number;
  /** Epoch (hex) → records folded. */
  readonly heads: ReadonlyMap<string, number>;
  readonly cuts: Cuts;
  /** 64 hex digits. */
  readonly digest: string;
}

export interface Manifest extends SnapshotState {
  readonly chunks: ReadonlyArray<SnapshotChunk>;
}

export type ManifestError =
  | { readonly _tag: "ManifestMalformed"; readonly detail: string }
  | { readonly _tag: "ManifestVersionUnknown"; readonly version: number };

/** So that a chunk fits a message of 64 KiB. */
export const CHUNK_BYTES_MAX: number = 60 * 1024;
/** 1 GiB of entries. */
export const CHUNKS_COUNT_MAX = 16_384;
/** Epochs of a fleet in years of restarts. */
export const SNAPSHOT_HEADS_MAX = 131_072;
const NAME_LENGTH_MAX = 64;
const VERSION = 1;
/** Arrays grow at their ends. */
const FIELDS_COUNT_MAX = 16;
const DOMAIN = utf8("tapmesh/snapshot/v1\n");

/** What is signed, and what a chunk is asked for by. */
export const snapshotRoot = (sha256: Sha256, manifest: Uint8Array): Uint8Array =>
  sha256(concatBytes(DOMAIN, manifest));

const encodeSizes = (sizes: ReadonlyMap<string, number>): CborValue =>
  [...sizes]
    .map(([epoch, size]) => ({ epoch: fromHex(epoch) ?? new Uint8Array(0), size }))
    .toSorted((a, b) => compareBytes(a.epoch, b.epoch))
    .map(({ epoch, size }) => [epoch, size]);

export const encodeManifest = (manifest: Manifest): Uint8Array =>
  encodeCbor([
    VERSION,
    manifest.fleet,
    manifest.foldVersion,
    manifest.rosterVersion,
    encodeSizes(manifest.heads),
    encodeSizes(manifest.cuts),
    fromHex(manifest.digest) ?? new Uint8Array(0),
    manifest.chunks.map((chunk) => [chunk.class, chunk.hash, chunk.byteCount]),
  ]);

const decodeSizes = (value: CborValue | undefined): ReadonlyMap<string, number> | undefined => {
  if (value === undefined || !isList(value, SNAPSHOT_HEADS_MAX)) return undefined;
  const sizes = new Map<string, number>();
  let last = "";
  for (const item of value) {
    if (!isList(item, 2)) return undefined;
    const [epoch, size] = item;
    if (!isBytes(epoch, 16) || !isCount(size)) return undefined;
    const name = toHex(epoch);
    if (name <= last) return undefined;
    sizes.set(name, size);
    last = name;
  }
  return sizes;
};

/** Verdicts first, then sites by name, then the rest. */
export const compareClasses = (a: ChunkClass, b: ChunkClass): number => {
  const rank = (kind: ChunkClass): number => (typeof kind === "string" ? 0.5 : kind);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return a === b ? 0 : a < b ? -1 : 1;
};

const isChunkClass = (value: CborValue | undefined): value is ChunkClass =>
  value === VERDICT_CLASS ||
  value === REST_CLASS ||
  (isText(value, NAME_LENGTH_MAX) && value !== "");

const decodeChunk = (value: CborValue): SnapshotChunk | undefined => {
  if (!isList(value, 3)) return undefined;
  const [kind, hash, byteCount] = value;
  if (!isChunkClass(kind) || !isBytes(hash, 32) || !isCount(byteCount)) return undefined;
  return byteCount > 0 && byteCount <= CHUNK_BYTES_MAX
    ? { class: kind, hash, byteCount }
    : undefined;
};

const decodeChunks = (value: CborValue | undefined): ReadonlyArray<SnapshotChunk> | undefined => {
  if (value === undefined || !isList(value, CHUNKS_COUNT_MAX)) return undefined;
  const chunks = value.map(decodeChunk).filter((chunk) => chunk !== undefined);
  const inOrder = chunks.every((chunk, index) => {
    const before = chunks[index - 1];
    return before === undefined || compareClasses(before.class, chunk.class) <= 0;
  });
  return inOrder && chunks.length === value.length ? chunks : undefined;
};

const malformed = (detail: string): E.Either<ManifestError, never> =>
  E.left({ _tag: "ManifestMalformed", detail });

/** Left: `ManifestMalformed`, `ManifestVersionUnknown`. Never throws; verifies no signature. */
export const decodeManifest = (bytes: Uint8Array): E.Either<ManifestError, Manifest> => {
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded)) return malformed(decoded.left._tag);
  if (!isList(decoded.right, FIELDS_COUNT_MAX)) return malformed("fields");
  const [version, fleet, foldVersion, rosterVersion, headList, cutList, digest] = decoded.right;
  if (version !== VERSION) {
    return isCount(version)
      ? E.left({ _tag: "ManifestVersionUnknown", version })
      : malformed("version");
  }
  if (!isText(fleet, NAME_LENGTH_MAX)) return malformed("fleet");
  if (!isCount(foldVersion) || !isCount(rosterVersion)) return malformed("versions");
  const [heads, cuts] = [decodeSizes(headList), decodeSizes(cutList)];
  if (heads === undefined || cuts === undefined) return malformed("heads or cuts");
  if (!isBytes(digest, 32)) return malformed("digest");
  const chunks = decodeChunks(decoded.right[7]);
  if (chunks === undefined) return malformed("chunks");
  return E.right({
    fleet,
    foldVersion,
    rosterVersion,
    heads,
    cuts,
    digest: toHex(digest),
    chunks,
  });
};

/** The entries of a chunk; undefined if it is not the one that the manifest names. Never throws. */
export const openChunk = (
  sha256: Sha256,
  chunk: SnapshotChunk,
  bytes: Uint8Array,
): ReadonlyArray<Entry> | undefined =>
  bytes.length === chunk.byteCount && compareBytes(sha256(bytes), chunk.hash) === 0
    ? unpackWhole(bytes)
    : undefined;
