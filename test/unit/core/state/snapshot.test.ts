import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "#core/bytes.ts";
import { decodeCbor, encodeCbor, type CborValue } from "#core/log/cbor.ts";
import { TYPE, type Scalar } from "#core/log/operation.ts";
import { encodeEntry } from "#core/state/entry-codec.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { packEntries } from "#core/state/packed-entries.ts";
import {
  CHUNK_BYTES_MAX,
  decodeManifest,
  encodeManifest,
  openChunk,
  REST_CLASS,
  snapshotRoot,
  VERDICT_CLASS,
  type ChunkClass,
  type Manifest,
  type SnapshotChunk,
} from "#core/state/snapshot.ts";
import { ChunkPacker, inManifestOrder, type PackedChunk } from "#core/state/snapshot-chunks.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { bytes, mutation } from "#test/unit/core/log/arbitraries.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";

const hex = (length: number): fc.Arbitrary<string> => bytes(length).map(toHex);
const sizes = fc
  .uniqueArray(fc.tuple(hex(16), fc.nat()), { selector: ([epoch]) => epoch, maxLength: 8 })
  .map((pairs) => new Map(pairs));

const rank = (kind: ChunkClass): string => (typeof kind === "string" ? `0${kind}` : `${kind}`);
const kind = fc.oneof(
  fc.constantFrom<ChunkClass>(VERDICT_CLASS, REST_CLASS),
  fc.stringMatching(/^[a-z]{1,9}$/),
);
const manifest: fc.Arbitrary<Manifest> = fc.record({
  fleet: fc.stringMatching(/^[a-z]{1,9}$/),
  foldVersion: fc.nat(),
  rosterVersion: fc.nat(),
  heads: sizes,
  cuts: sizes,
  digest: hex(32),
  chunks: fc
    .array(
      fc.record({
        class: kind,
        hash: bytes(32),
        byteCount: fc.integer({ min: 1, max: CHUNK_BYTES_MAX }),
      }),
      { maxLength: 8 },
    )
    .map((chunks) => chunks.toSorted((a, b) => (rank(a.class) < rank(b.class) ? -1 : 1))),
});

const SAMPLE: Manifest = {
  fleet: "acme",
  foldVersion: 2,
  rosterVersion: 7,
  heads: new Map([["ab".repeat(16), 9]]),
  cuts: new Map([["ab".repeat(16), 9]]),
  digest: "0f".repeat(32),
  chunks: [{ class: VERDICT_CLASS, hash: new Uint8Array(32), byteCount: 5 }],
};

describe("a manifest", () => {
  test("reads as it was written, in whichever order its heads were learnt", () => {
    fc.assert(
      fc.property(manifest, (value) => {
        const written = encodeManifest(value);
        const read = rightOf(decodeManifest(written));
        expect({ ...read, heads: null, cuts: null }).toEqual({ ...value, heads: null, cuts: null });
        expect(read.heads).toEqual(value.heads);
        expect(read.cuts).toEqual(value.cuts);
        const turned = { ...value, heads: new Map([...value.heads].toReversed()) };
        expect(encodeManifest(turned)).toEqual(written);
      }),
    );
  });

  test("that was changed is refused, or is another one with another root; nothing throws", () => {
    fc.assert(
      fc.property(manifest, mutation, (value, mutate) => {
        const written = encodeManifest(value);
        const changed = mutate(written);
        fc.pre(toHex(changed) !== toHex(written));
        const read = decodeManifest(changed);
        expect(["ManifestMalformed", "ManifestVersionUnknown", "Right"]).toContain(leftTag(read));
        expect(snapshotRoot(sha256, changed)).not.toEqual(snapshotRoot(sha256, written));
      }),
      { numRuns: 500 },
    );
  });

  test("of any other form is refused", () => {
    const fields = rightOf(decodeCbor(encodeManifest(SAMPLE)));
    if (!Array.isArray(fields)) throw new Error("not an array");
    const withField = (index: number, value: CborValue): string =>
      leftTag(decodeManifest(encodeCbor([...fields].with(index, value))));
    const chunk = ["lobby", new Uint8Array(32), 5];
    const bad: ReadonlyArray<readonly [number, CborValue]> = [
      [0, "1"],
      [1, "f".repeat(65)],
      [1, 4],
      [2, -1],
      [3, null],
      [4, [[new Uint8Array(15), 1]]],
      [4, [[new Uint8Array(16), -1]]],
      [
        4,
        [
          [new Uint8Array(16), 1],
          [new Uint8Array(16), 2],
        ],
      ],
      [
        4,
        [
          [new Uint8Array(16).fill(1), 1],
          [new Uint8Array(16), 2],
        ],
      ],
      [5, 0],
      [6, new Uint8Array(31)],
      [7, [[2, new Uint8Array(32), 5]]],
      [7, [["", new Uint8Array(32), 5]]],
      [7, [["s".repeat(65), new Uint8Array(32), 5]]],
      [7, [["lobby", new Uint8Array(31), 5]]],
      [7, [["lobby", new Uint8Array(32), 0]]],
      [7, [["lobby", new Uint8Array(32), CHUNK_BYTES_MAX + 1]]],
      [7, [chunk, [VERDICT_CLASS, new Uint8Array(32), 5]]],
      [7, [chunk, ["dock", new Uint8Array(32), 5]]],
      [7, [[REST_CLASS, new Uint8Array(32), 5], chunk]],
    ];
    for (const [index, value] of bad) expect(withField(index, value)).toBe("ManifestMalformed");
    expect(withField(0, 2)).toBe("ManifestVersionUnknown");
    expect(leftTag(decodeManifest(encodeCbor(fields.slice(0, 7))))).toBe("ManifestMalformed");
    expect(leftTag(decodeManifest(new Uint8Array(0)))).toBe("ManifestMalformed");
    expect(withField(7, [chunk])).toBe("Right");
  });

  test("has a root of its own domain", () => {
    const written = encodeManifest(SAMPLE);
    const text = utf8("tapmesh/snapshot/v1\n");
    expect(snapshotRoot(sha256, written)).toEqual(sha256(Uint8Array.from([...text, ...written])));
  });
});

const EPOCH = new Uint8Array(16).fill(3);
const write = (value: Scalar, wallMs: number, seq: number): Write => ({
  epoch: EPOCH,
  seq,
  value,
  wallMs,
  monoMs: 0,
});
const register = (key: string, ...writes: ReadonlyArray<Write>): Entry => ({
  device: "cart-1",
  key,
  type: TYPE.register,
  content: { _tag: "Survivors", writes, awaited: [{ epoch: EPOCH, seq: 5 }] },
});

const chunkOf = (content: Uint8Array): SnapshotChunk => ({
  class: REST_CLASS,
  hash: sha256(content),
  byteCount: content.length,
});

describe("a chunk", () => {
  const entries = [register("location", write("a", 1, 1)), register("note", write("b", 2, 2))];
  const packed = packEntries(entries.map(encodeEntry));
  const named = chunkOf(packed);

  test("opens to its entries, and only as the manifest names it", () => {
    expect(openChunk(sha256, named, packed)).toEqual(entries);
    const changed = packed.with(9, packed.at(9) === 0 ? 1 : 0);
    expect(openChunk(sha256, named, changed)).toBeUndefined();
    expect(openChunk(sha256, { ...named, byteCount: 3 }, packed)).toBeUndefined();
  });

  test("of anything but entries from first to last is none, whatever its hash", () => {
    fc.assert(
      fc.property(mutation, (mutate) => {
        const content = mutate(packed);
        const opened = openChunk(sha256, chunkOf(content), content);
        if (opened === undefined) return;
        expect(packEntries(opened.map(encodeEntry)).length).toBeLessThanOrEqual(content.length);
      }),
      { numRuns: 300 },
    );
    for (const content of [
      packed.slice(0, -1),
      packed.slice(0, 3),
      Uint8Array.of(255, 255, 255, 255),
    ]) {
      expect(openChunk(sha256, chunkOf(content), content)).toBeUndefined();
    }
  });
});

const SCOPE = {
  foldedSize: () => 6,
  siteOf: ({ seq }: { readonly seq: number }) => (seq === 7 ? "north" : undefined),
};

/** The chunks of these devices, in the manifest's order. */
const chunksOf = (...devices: ReadonlyArray<ReadonlyArray<Entry>>): ReadonlyArray<PackedChunk> => {
  const packer = new ChunkPacker(sha256, SCOPE);
  const full = devices.flatMap((entries) => packer.addDevice(entries) ?? []);
  return inManifestOrder([...full, ...packer.end()]);
};

const keysIn = (chunk: PackedChunk): ReadonlyArray<string> =>
  (openChunk(sha256, chunk, chunk.bytes) ?? []).map((entry) => entry.key);

const note = (index: number): Entry => ({
  ...register("note", write("n".repeat(900), 1, 1)),
  device: `cart-${String(index).padStart(4, "0")}`,
});

describe("chunks", () => {
  test("what verdicts need comes first, the rest with the site that wrote the device last", () => {
    const card = register("card", write("x", 1, 1));
    const location = register("location", write("a", 1, 9), write("b", 5, 7), write("c", 3, 8));
    const later = register("note", write("d", 9, 2));
    const chunks = chunksOf(
      [card, location],
      [later],
      [card, register("counter/AAAA/dock"), location, later],
      [register("empty")],
    );
    expect(chunks.map((chunk) => [chunk.class, keysIn(chunk)])).toEqual([
      [VERDICT_CLASS, ["card", "card", "counter/AAAA/dock"]],
      ["north", ["location"]],
      [REST_CLASS, ["note", "location", "note", "empty"]],
    ]);
  });

  test("of writes of one time the name decides, not the order in which they stand", () => {
    const both = [register("a", write("x", 5, 7)), register("b", write("y", 5, 6))];
    expect(chunksOf(both).map((chunk) => chunk.class)).toEqual(["north"]);
    expect(chunksOf(both.toReversed()).map((chunk) => chunk.class)).toEqual(["north"]);
  });

  test("entries are settled: what they still await depends on when they were written", () => {
    const [chunk] = chunksOf([register("location", write("a", 1, 1))]);
    const [entry] = chunk === undefined ? [] : (openChunk(sha256, chunk, chunk.bytes) ?? []);
    expect(entry?.content).toEqual({ _tag: "Survivors", writes: [write("a", 1, 1)], awaited: [] });
  });

  test("each fits its bound, and all together hold every entry once, in order", () => {
    const devices = Array.from({ length: 300 }, (_, index) => [note(index)]);
    const chunks = chunksOf(...devices);
    expect(chunks.length).toBeGreaterThan(3);
    for (const { byteCount } of chunks) expect(byteCount).toBeLessThanOrEqual(CHUNK_BYTES_MAX);
    const opened = chunks.flatMap((chunk) => openChunk(sha256, chunk, chunk.bytes) ?? []);
    expect(opened.map(({ device }) => device)).toEqual(devices.map(([entry]) => entry?.device));
  });

  test("an entry that fits no chunk is said to", () => {
    const packer = new ChunkPacker(sha256, SCOPE);
    const members = Array.from({ length: 80 }, (_, seq) => write("n".repeat(900), 1, seq));
    expect(packer.addDevice([register("huge", ...members)])).toBeUndefined();
  });
});
