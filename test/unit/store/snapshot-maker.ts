/** Snapshots for tests, honest and otherwise. */
import * as E from "fp-ts/lib/Either.js";
import { EMPTY_DIGEST, formatDigest, updateDigest } from "#core/state/digest.ts";
import { encodeEntry, encodeForDigest } from "#core/state/entry-codec.ts";
import type { Entry } from "#core/state/entry.ts";
import { packEntries } from "#core/state/packed-entries.ts";
import {
  decodeManifest,
  encodeManifest,
  openChunk,
  snapshotRoot,
  type Manifest,
} from "#core/state/snapshot.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { SnapshotScope, Store } from "#gateway/ports.ts";

export const SCOPE: SnapshotScope = { fleet: "acme", rosterVersion: 1, siteOf: new Map() };

export interface MadeSnapshot {
  readonly manifest: Uint8Array;
  readonly chunks: ReadonlyArray<Uint8Array>;
}

export const decoded = ({ manifest }: MadeSnapshot): Manifest => {
  const read = decodeManifest(manifest);
  if (E.isLeft(read)) throw new Error(read.left._tag);
  return read.right;
};

export const snapshotOf = async (store: Store): Promise<MadeSnapshot> => {
  const made = await store.snapshot(SCOPE);
  if (made === null) throw new Error("no snapshot");
  const { manifest } = made;
  const root = snapshotRoot(sha256, manifest);
  const chunks: Uint8Array[] = [];
  for (let index = 0; ; index += 1) {
    const chunk = await store.snapshotChunk(root, index);
    if (chunk === null) return { manifest, chunks };
    chunks.push(chunk);
  }
};

/** The same with other entries, and right in itself: what a gateway could sign that lies or has a bug. */
export const withEntries = (
  honest: MadeSnapshot,
  change: (entry: Entry) => ReadonlyArray<Entry>,
): MadeSnapshot => {
  const manifest = decoded(honest);
  let digest = EMPTY_DIGEST;
  const chunks = manifest.chunks.map((chunk, index) => {
    const entries = openChunk(sha256, chunk, honest.chunks[index] ?? new Uint8Array(0)) ?? [];
    const changed = entries.flatMap(change);
    for (const entry of changed) {
      digest = updateDigest(sha256, digest, { before: undefined, after: encodeForDigest(entry) });
    }
    return packEntries(changed.map(encodeEntry));
  });
  const named = chunks.map((bytes, index) => ({
    class: manifest.chunks[index]?.class ?? 1,
    hash: sha256(bytes),
    byteCount: bytes.length,
  }));
  const lying = { ...manifest, digest: formatDigest(digest), chunks: named };
  return { manifest: encodeManifest(lying), chunks };
};

/** Stages all of it; Left: the first error. */
export const stageAll = async (
  store: Store,
  { manifest, chunks }: MadeSnapshot,
): Promise<string> => {
  const begun = await store.stage(manifest);
  if (E.isLeft(begun)) return begun.left._tag;
  for (const [index, chunk] of chunks.entries()) {
    const staged = await store.stageChunk(index, chunk);
    if (E.isLeft(staged)) return staged.left._tag;
  }
  return "Staged";
};

export const adoptAll = async (store: Store, snapshot: MadeSnapshot): Promise<string> => {
  const staged = await stageAll(store, snapshot);
  if (staged !== "Staged") return staged;
  const adopted = await store.adopt();
  return E.isLeft(adopted) ? adopted.left._tag : "Adopted";
};
