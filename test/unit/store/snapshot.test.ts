/** Snapshots in the real store: across restarts, under load, and found out where they lie. */
import { readdirSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import { afterEach, describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { Addition } from "#core/log/stored.ts";
import type { Folded, Store } from "#gateway/ports.ts";
import { openStore } from "#gateway/store/client.ts";
import type { StoreNotice } from "#gateway/store/messages.ts";
import { unpackEntries } from "#core/state/packed-entries.ts";
import { encodeManifest } from "#core/state/snapshot.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { MemoryState } from "#test/contract/memory-state.ts";
import { values } from "#test/contract/store-rigs.ts";
import { DataFolder } from "#test/unit/store/data-folder.ts";
import {
  adoptAll,
  decoded,
  SCOPE,
  snapshotOf,
  withEntries,
  type MadeSnapshot,
} from "#test/unit/store/snapshot-maker.ts";

/** For a machine that does other things too. */
const LONG = { timeout: 30_000 };

const opened: Store[] = [];
const folders: DataFolder[] = [];

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  for (const folder of folders.splice(0)) folder[Symbol.dispose]();
});

interface Running {
  readonly store: Store;
  readonly folder: DataFolder;
  readonly notices: StoreNotice[];
  readonly folds: Folded[];
  /** Opens the folder again, as after a stop. */
  readonly restart: () => Promise<Running>;
}

const run = async (folder: DataFolder = new DataFolder()): Promise<Running> => {
  folders.push(folder);
  const notices: StoreNotice[] = [];
  const folds: Folded[] = [];
  const result = await openStore({
    directory: folder.path,
    wallMs: 0,
    onFolded: (folded) => void folds.push(folded),
    onNotice: (notice) => void notices.push(notice),
    onDeath: (error) => {
      throw error;
    },
  });
  if (E.isLeft(result)) throw new Error(result.left._tag);
  const { store } = result.right;
  notices.push(...result.right.notices);
  opened.push(store);
  const restart = async (): Promise<Running> => {
    opened.splice(opened.indexOf(store), 1);
    await store.close();
    return run(folder);
  };
  return { store, folder, notices, folds, restart };
};

const mirrorAll = async (
  store: Store,
  all: ReadonlyArray<Addition>,
  kept: boolean,
): Promise<void> => {
  for (const addition of all) {
    expect(await store.mirror(addition, kept)).toEqual(E.right(undefined));
  }
};

/** An epoch of so many taps behind its open, on ten carts. */
const epochOf = (maker: EpochMaker, taps: number): ReadonlyArray<Addition> => {
  const all = [maker.open()];
  for (let at = 0; at < taps; at += 50) {
    const group = Array.from({ length: 50 }, (_, index) => tapOf(`cart-${(at + index) % 10}`));
    all.push(maker.add(...group));
  }
  return all;
};

/** A peer's snapshot, and the logs that it was made from. */
const peer = async (): Promise<{
  readonly snapshot: MadeSnapshot;
  readonly all: ReadonlyArray<Addition>;
  readonly maker: EpochMaker;
  readonly store: Store;
}> => {
  const maker = new EpochMaker("dock");
  const all = epochOf(maker, 100);
  const { store } = await run();
  await mirrorAll(store, all, true);
  return { snapshot: await snapshotOf(store), all, maker, store };
};

/** Waits until the check has spoken: only then can the state be given to others again. */
const checked = async ({ store }: Running): Promise<void> => {
  await expect.poll(() => store.snapshot(SCOPE), { timeout: 10_000, interval: 100 }).not.toBeNull();
};

describe("a snapshot that was adopted", () => {
  test(
    "survives a restart before the logs have come, and isn't given to others before they have",
    LONG,
    async () => {
      const { snapshot, all, store: author } = await peer();
      const first = await run();
      expect(await adoptAll(first.store, snapshot)).toBe("Adopted");
      const again = await first.restart();
      expect(again.notices).toEqual([]);
      expect(await again.store.digest()).toEqual(await author.digest());
      expect(await again.store.snapshot(SCOPE)).toBeNull();
      await mirrorAll(again.store, all, true);
      await checked(again);
      expect(again.notices).toEqual([]);
      expect(await again.store.digest()).toEqual(await author.digest());
      expect(await again.store.facts()).toEqual(await author.facts());
      expect(readdirSync(again.folder.path).filter((name) => name.startsWith("check"))).toEqual([]);
      const last = await again.restart();
      expect(last.notices).toEqual([]);
      expect(decoded(await snapshotOf(last.store))).toEqual(decoded(snapshot));
    },
  );

  test(
    "takes passing epochs into the logs until it is confirmed, since they must confirm it",
    LONG,
    async () => {
      const { snapshot, all, maker } = await peer();
      const r = await run();
      await mirrorAll(r.store, [new EpochMaker("gate").open()], false);
      expect(await adoptAll(r.store, snapshot)).toBe("Adopted");
      expect(await r.store.epochs()).toEqual([]);
      await mirrorAll(r.store, all, false);
      expect((await r.store.epochs()).map(({ kept }) => kept)).toEqual([true]);
      await checked(r);
      await mirrorAll(r.store, [maker.add(tapOf("cart-1"))], false);
      const other = new EpochMaker("gate");
      await mirrorAll(r.store, [other.open()], false);
      expect((await r.store.epochs()).map(({ kept }) => kept)).toEqual([true, false]);
    },
  );

  test(
    "and is wrong in one entry is found out: thrown away, folded anew, and said",
    LONG,
    async () => {
      const { snapshot, all, store: author } = await peer();
      const lying = withEntries(snapshot, (entry) =>
        entry.device === "cart-3" && entry.content._tag === "Counter"
          ? [{ ...entry, content: { ...entry.content, sum: entry.content.sum + 1 } }]
          : [entry],
      );
      const r = await run();
      expect(await adoptAll(r.store, lying)).toBe("Adopted");
      expect(values(await r.store.entries("cart-3"))).toMatchObject({ "cart-3.visits": 11 });
      await mirrorAll(r.store, all, true);
      await checked(r);
      expect(r.notices.map(({ _tag }) => _tag)).toEqual(["SnapshotWrong"]);
      expect(await r.store.digest()).toEqual(await author.digest());
      expect(values(await r.store.entries("cart-3"))).toMatchObject({ "cart-3.visits": 10 });
      const again = await r.restart();
      expect(again.notices).toEqual([]);
      expect(await again.store.digest()).toEqual(await author.digest());
    },
  );

  test("an entry left out is found out too", LONG, async () => {
    const { snapshot, all, store: author } = await peer();
    const lying = withEntries(snapshot, (entry) => (entry.device === "cart-7" ? [] : [entry]));
    const r = await run();
    expect(await adoptAll(r.store, lying)).toBe("Adopted");
    await mirrorAll(r.store, all, true);
    await checked(r);
    expect(r.notices.map(({ _tag }) => _tag)).toEqual(["SnapshotWrong"]);
    expect(await r.store.digest()).toEqual(await author.digest());
  });

  test("goes on with records that come while it is being checked", LONG, async () => {
    const { snapshot, all, maker, store: author } = await peer();
    const r = await run();
    expect(await adoptAll(r.store, snapshot)).toBe("Adopted");
    await mirrorAll(r.store, all, true);
    for (let round = 0; round < 20; round += 1) {
      const more = maker.add(tapOf("cart-1"), tapOf(`late-${round}`));
      await mirrorAll(author, [more], true);
      await mirrorAll(r.store, [more], true);
      await new Promise((resolve) => void setTimeout(resolve, 80));
    }
    await checked(r);
    expect(r.notices).toEqual([]);
    expect(await r.store.digest()).toEqual(await author.digest());
  });
});

describe("a snapshot that contradicts itself", () => {
  test("is refused: another digest, or an entry twice", async () => {
    const { snapshot } = await peer();
    const r = await run();
    const twice = withEntries(snapshot, (entry) =>
      entry.device === "cart-3" ? [entry, entry] : [entry],
    );
    expect(await adoptAll(r.store, twice)).toBe("SnapshotFalse");
    const without = withEntries(snapshot, (entry) => (entry.device === "cart-3" ? [] : [entry]));
    const { digest } = decoded(snapshot);
    const manifest = encodeManifest({ ...decoded(without), digest });
    expect(await adoptAll(r.store, { ...without, manifest })).toBe("SnapshotFalse");
    expect((await r.store.digest()).heads.size).toBe(0);
    expect(await adoptAll(r.store, snapshot)).toBe("Adopted");
  });
});

const DEVICES = 2_500;

describe("made under load", () => {
  test("is of one moment, however many records are folded while it is made", LONG, async () => {
    const maker = new EpochMaker("dock");
    const own = new EpochMaker("lobby");
    const giver = await run();
    await mirrorAll(giver.store, [maker.open()], true);
    for (let at = 0; at < DEVICES; at += 250) {
      const group = Array.from({ length: 250 }, (_, index) => tapOf(`cart-${at + index}`));
      await mirrorAll(giver.store, [maker.add(...group)], true);
    }
    await giver.store.commit(own.open());
    const making = snapshotOf(giver.store);
    let commits = 0;
    const state = { isMade: false };
    void making.finally(() => {
      state.isMade = true;
    });
    for (let round = 0; !state.isMade; round += 1) {
      const cart = `cart-${(round * 37) % DEVICES}`;
      expect(await giver.store.commit(own.add(tapOf(cart), tapOf(`a-new-${round}`)))).toEqual(
        E.right(undefined),
      );
      commits += 1;
    }
    expect(commits).toBeGreaterThan(10);
    const snapshot = await making;
    const { heads, digest } = decoded(snapshot);
    const folded = new MemoryState();
    for (const { id, gateway } of [maker, own]) {
      const records = await giver.store.records(id, 0, heads.get(toHex(id)) ?? 0);
      folded.take({ epoch: id, gateway, from: 0 }, records);
    }
    expect(heads.get(toHex(own.id))).toBeGreaterThan(1);
    expect(folded.digest).toBe(digest);
    const devices = snapshot.chunks.flatMap(unpackEntries).map(({ device }) => device);
    expect(devices.filter((device, index) => device < (devices[index - 1] ?? ""))).toEqual([]);
    expect(devices[0]).toMatch(/^a-new-/);
    const taker = await run();
    expect(await adoptAll(taker.store, snapshot)).toBe("Adopted");
    expect((await taker.store.digest()).digest).toBe(digest);
  });
});
