/** Snapshots: made by one store, taken over by another, and never more than what the records say. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { TYPE } from "#core/log/operation.ts";
import { decodeManifest, snapshotRoot, VERDICT_CLASS } from "#core/state/snapshot.ts";
import type { Addition } from "#core/log/stored.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { SnapshotScope, Store } from "#gateway/ports.ts";
import { leftTag } from "#test/unit/core/log/either.ts";
import { changeOf, EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { STORE_RIGS, values } from "#test/contract/store-rigs.ts";

const SCOPE: SnapshotScope = {
  fleet: "acme",
  rosterVersion: 3,
  siteOf: new Map([
    ["lobby", "north"],
    ["dock", "south"],
  ]),
};

const SAFETY = { key: "safety", type: TYPE.safety, value: 1, replaces: [] };

const note = (index: number): ReturnType<typeof changeOf> =>
  changeOf(`note-${index}`, [
    { key: "text", type: TYPE.register, value: "n".repeat(900), replaces: [] },
  ]);

/** Two gateways' epochs: carts seen at both, one of them suspended, and notes enough for more than one chunk. */
const history = (): { readonly all: ReadonlyArray<Addition>; readonly lobby: EpochMaker } => {
  const lobby = new EpochMaker("lobby");
  const dock = new EpochMaker("dock");
  const all = [
    lobby.open(),
    dock.open(),
    lobby.add(tapOf("cart-1"), tapOf("cart-2"), changeOf("cart-1", [SAFETY])),
    dock.add(tapOf("cart-3"), tapOf("cart-3", "dock", [{ epoch: lobby.id, seq: 90 }])),
    ...[0, 1, 2].map((part) =>
      lobby.add(...Array.from({ length: 60 }, (_, index) => note(part * 60 + index))),
    ),
  ];
  return { all, lobby };
};

const mirrorAll = async (store: Store, additions: ReadonlyArray<Addition>): Promise<void> => {
  for (const addition of additions) await store.mirror(addition, true);
};

const manifestOf = async (store: Store): Promise<Uint8Array> =>
  (await store.snapshot(SCOPE))?.manifest ?? new Uint8Array(0);

/** Each chunk of the store's newest snapshot, by index. */
const chunksOf = async (store: Store, bytes: Uint8Array): Promise<ReadonlyArray<Uint8Array>> => {
  const manifest = decodeManifest(bytes);
  if (E.isLeft(manifest)) throw new Error(manifest.left._tag);
  const root = snapshotRoot(sha256, bytes);
  return Promise.all(
    manifest.right.chunks.map(
      async (_, index) => (await store.snapshotChunk(root, index)) ?? new Uint8Array(0),
    ),
  );
};

/** Stages all chunks, the last first: any order will do. */
const stageAll = async (from: Store, to: Store): Promise<void> => {
  const manifest = await manifestOf(from);
  expect(await to.stage(manifest)).toEqual(E.right(undefined));
  const chunks = await chunksOf(from, manifest);
  for (const [index, chunk] of [...chunks.entries()].toReversed()) {
    expect(await to.stageChunk(index, chunk)).toEqual(E.right(undefined));
  }
};

test("stores with the same state and roster make the same bytes, however they came by it", async () => {
  const { all } = history();
  const made: string[] = [];
  for (const { rig } of STORE_RIGS) {
    await using early = await rig();
    await using late = await rig();
    await mirrorAll(early.store, all);
    const first = all.filter(({ gateway }) => gateway === "lobby");
    await mirrorAll(late.store, [...first, ...all.filter((one) => !first.includes(one))]);
    for (const { store } of [early, late]) made.push(toHex(await manifestOf(store)));
  }
  expect(made[0]?.length).toBeGreaterThan(200);
  expect(new Set(made).size).toBe(1);
});

describe.each(STORE_RIGS)("store: $name", ({ rig }) => {
  test("a snapshot says what the state is, and what verdicts need comes first", async () => {
    await using r = await rig();
    await mirrorAll(r.store, history().all);
    const bytes = await manifestOf(r.store);
    const manifest = decodeManifest(bytes);
    if (E.isLeft(manifest)) throw new Error(manifest.left._tag);
    const { digest, heads } = await r.store.digest();
    expect(manifest.right).toMatchObject({ fleet: "acme", rosterVersion: 3, digest });
    expect(manifest.right.heads).toEqual(heads);
    expect(manifest.right.chunks.map((chunk) => chunk.class)).toEqual([
      VERDICT_CLASS,
      "north",
      "north",
      "north",
      "south",
    ]);
    expect(await r.store.snapshotChunk(snapshotRoot(sha256, bytes), 99)).toBeNull();
    expect(await r.store.snapshotChunk(new Uint8Array(32), 0)).toBeNull();
  });

  test("taken over, it is the state; its entries are told of as they come", async () => {
    await using giver = await rig();
    await using taker = await rig();
    const { all, lobby } = history();
    await mirrorAll(giver.store, all);
    await stageAll(giver.store, taker.store);
    expect(values(taker.staged)).toMatchObject({ "cart-1.safety": 1, "cart-3.visits": 2 });
    expect(await taker.store.entries("cart-1")).toEqual([]);
    expect(await taker.store.adopt()).toEqual(E.right(undefined));
    expect(await taker.store.digest()).toEqual(await giver.store.digest());
    expect(await taker.store.entries("cart-1")).toEqual(await giver.store.entries("cart-1"));
    // The logs come behind it, and no record counts twice.
    await mirrorAll(taker.store, all);
    expect(await taker.store.digest()).toEqual(await giver.store.digest());
    const next = lobby.add(tapOf("cart-1"));
    for (const { store } of [giver, taker]) await store.mirror(next, true);
    expect(await taker.store.digest()).toEqual(await giver.store.digest());
    expect(values(await taker.store.entries("cart-1"))).toMatchObject({ "cart-1.visits": 2 });
  });

  test("what the taker has recorded meanwhile is folded on top", async () => {
    await using giver = await rig();
    await using taker = await rig();
    await mirrorAll(giver.store, history().all);
    const own = new EpochMaker("gate");
    for (const addition of [own.open(), own.add(tapOf("cart-1", "gate"))]) {
      await taker.store.commit(addition);
      await giver.store.mirror(addition, true);
    }
    await mirrorAll(taker.store, []);
    await stageAll(giver.store, taker.store);
    const tap = own.add(tapOf("cart-1", "gate"));
    await taker.store.commit(tap);
    expect(await taker.store.adopt()).toEqual(E.right(undefined));
    await giver.store.mirror(tap, true);
    expect(await taker.store.digest()).toEqual(await giver.store.digest());
    expect(values(await taker.store.entries("cart-1"))).toMatchObject({ "cart-1.visits": 3 });
  });

  test("a wrong chunk is refused, and the right one can still come; nothing is adopted without all", async () => {
    await using giver = await rig();
    await using taker = await rig();
    await mirrorAll(giver.store, history().all);
    const manifest = await manifestOf(giver.store);
    const chunks = await chunksOf(giver.store, manifest);
    const [first = new Uint8Array(0)] = chunks;
    expect(leftTag(await taker.store.stageChunk(0, first))).toBe("NotStaged");
    expect(leftTag(await taker.store.adopt())).toBe("NotStaged");
    expect(leftTag(await taker.store.stage(manifest.slice(1)))).toBe("ManifestMalformed");
    expect(leftTag(await taker.store.stage(manifest))).toBe("Right");
    expect(leftTag(await taker.store.stageChunk(1, first))).toBe("ChunkWrong");
    expect(leftTag(await taker.store.stageChunk(99, first))).toBe("NotStaged");
    for (const [index, chunk] of chunks.slice(1).entries()) {
      expect(leftTag(await taker.store.stageChunk(index + 1, chunk))).toBe("Right");
    }
    expect(leftTag(await taker.store.adopt())).toBe("NotStaged");
    expect((await taker.store.digest()).heads.size).toBe(0);
    expect(leftTag(await taker.store.stageChunk(0, first))).toBe("Right");
    expect(leftTag(await taker.store.stageChunk(0, first))).toBe("Right");
    expect(leftTag(await taker.store.adopt())).toBe("Right");
    expect(await taker.store.digest()).toEqual(await giver.store.digest());
  });

  test("a snapshot with records that don't count here is not begun", async () => {
    await using giver = await rig();
    await using taker = await rig();
    const { all, lobby } = history();
    await mirrorAll(giver.store, all);
    await taker.store.cut(new Map([[toHex(lobby.id), 2]]));
    const refused = await taker.store.stage(await manifestOf(giver.store));
    expect(E.isLeft(refused) && refused.left._tag).toBe("SnapshotUnfit");
  });
});
