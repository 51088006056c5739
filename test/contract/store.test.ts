/** What every store keeps to: one suite, run against SQLite in its worker and against plain memory. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { TYPE } from "#core/log/operation.ts";
import { changeOf, EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { plain, STORE_RIGS, values } from "#test/contract/store-rigs.ts";

describe.each(STORE_RIGS)("store: $name", ({ rig }) => {
  test("what was committed is there, byte for byte, and nothing else", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    const open = maker.open();
    const taps = maker.add(tapOf("cart-1"), tapOf("cart-2"));
    expect(await r.store.commit(open)).toEqual(E.right(undefined));
    expect(await r.store.commit(taps)).toEqual(E.right(undefined));
    const written = [...open.records, ...taps.records];
    expect(await r.store.records(maker.id, 0, 10)).toEqual(plain(written));
    expect(await r.store.records(maker.id, 1, 2)).toEqual(plain(taps.records.slice(0, 1)));
    expect(await r.store.records(new Uint8Array(16), 0, 10)).toEqual([]);
    expect(await r.store.epochs()).toEqual([
      { gateway: "lobby", head: maker.head, checkpoint: taps.checkpoint, proof: [], kept: true },
    ]);
  });

  test("bytes come out as plain Uint8Arrays: a Buffer is not equal to one", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    await r.store.commit(maker.open());
    const [record] = await r.store.records(maker.id, 0, 1);
    expect(record?.header.constructor).toBe(Uint8Array);
    expect(record?.body?.constructor).toBe(Uint8Array);
    expect((await r.store.range(maker.id, 0))?.constructor).toBe(Uint8Array);
  });

  test("commits that are not waited for stand in their order", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    const additions = [
      maker.open(),
      ...Array.from({ length: 20 }, () => maker.add(tapOf("cart-1"))),
    ];
    const results = await Promise.all(additions.map((addition) => r.store.commit(addition)));
    expect(results.every((result) => E.isRight(result))).toBe(true);
    expect(await r.store.records(maker.id, 0, 100)).toEqual(
      plain(additions.flatMap(({ records }) => records)),
    );
    expect(values(await r.store.entries("cart-1"))).toMatchObject({ "cart-1.visits": 20 });
  });

  test("a record that is there already is refused, whole, and changes nothing", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    await r.store.commit(maker.open());
    const tap = maker.add(tapOf("cart-1"));
    await r.store.commit(tap);
    const before = await r.store.digest();
    const again = await r.store.commit({ ...tap, checkpoint: "other" });
    expect(E.isLeft(again) && again.left._tag).toBe("IoFailed");
    expect(await r.store.digest()).toEqual(before);
    expect((await r.store.epochs())[0]?.checkpoint).toBe(tap.checkpoint);
    expect(await r.store.records(maker.id, 0, 9)).toHaveLength(2);
  });

  test("each record is folded once, and told of, in order", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    await r.store.commit(maker.open());
    await r.store.commit(maker.add(tapOf("cart-1"), tapOf("cart-1"), tapOf("cart-2")));
    await r.store.commit(maker.add(tapOf("cart-1", "dock")));
    expect(values(await r.store.entries("cart-1"))).toEqual({
      "cart-1.location": "dock",
      "cart-1.visits": 3,
    });
    expect(r.folds.map(({ size }) => size)).toEqual([1, 4, 5]);
    expect(values(r.folds[1]?.entries ?? [])).toEqual({
      "cart-1.location": "lobby",
      "cart-1.visits": 2,
      "cart-2.location": "lobby",
      "cart-2.visits": 1,
    });
    expect(await r.store.digest()).toMatchObject({ heads: new Map([[toHex(maker.id), 5]]) });
  });

  test("mirrored records are kept, folded and listed behind own ones", async () => {
    await using r = await rig();
    const peer = new EpochMaker("dock");
    const own = new EpochMaker("lobby");
    await r.store.mirror(peer.open(), true);
    await r.store.mirror(peer.add(tapOf("cart-1", "dock")), true);
    await r.store.commit(own.open());
    expect((await r.store.epochs()).map(({ gateway }) => gateway)).toEqual(["lobby", "dock"]);
    expect(values(await r.store.entries("cart-1"))).toMatchObject({ "cart-1.visits": 1 });
    expect(await r.store.records(peer.id, 0, 9)).toHaveLength(2);
    const reopened = await r.store.reopen();
    expect(E.isRight(reopened) && reopened.right.map(({ gateway }) => gateway)).toEqual(["lobby"]);
  });

  test("own or mirrored, early or late: the same records make the same digest", async () => {
    const a = new EpochMaker("a");
    const b = new EpochMaker("b");
    const ofA = [a.open(), a.add(tapOf("cart-1", "a"), tapOf("cart-2", "a"))];
    const ofB = [b.open(), b.add(tapOf("cart-1", "b")), b.add(tapOf("cart-1", "b2"))];
    await using first = await rig();
    await using second = await rig();
    for (const addition of ofA) await first.store.commit(addition);
    for (const addition of ofB) await first.store.mirror(addition, true);
    for (const [x, y] of [
      [ofB[0], ofA[0]],
      [ofB[1], ofA[1]],
      [ofB[2], undefined],
    ] as const) {
      if (x !== undefined) await second.store.commit(x);
      if (y !== undefined) await second.store.mirror(y, true);
    }
    expect(await first.store.digest()).toEqual(await second.store.digest());
    expect((await first.store.digest()).digest).toMatch(/^[0-9a-f]{64}$/);
    expect((await first.store.digest()).digest).not.toMatch(/^0*$/);
  });

  test("known writes answer each query in its place, with what stands now", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    const peer = new EpochMaker("dock");
    await r.store.commit(maker.open());
    await r.store.mirror(peer.open(), true);
    await r.store.commit(maker.add(tapOf("cart-1"), tapOf("cart-1")));
    await r.store.mirror(peer.add(tapOf("cart-1", "dock")), true);
    const query = { device: "cart-1", key: "location", type: TYPE.register };
    const [none, known, counter] = await r.store.knownWrites([
      { ...query, device: "cart-9" },
      query,
      { ...query, key: "visits", type: TYPE.counter },
    ]);
    expect(none).toEqual([]);
    expect(counter).toEqual([]);
    expect(new Set(known?.map(({ epoch, seq }) => `${toHex(epoch)}/${seq}`))).toEqual(
      new Set([`${toHex(maker.id)}/2`, `${toHex(peer.id)}/1`]),
    );
    await r.store.commit(maker.add(tapOf("cart-1", "lobby", known)));
    const [after] = await r.store.knownWrites([query]);
    expect(after).toEqual([{ epoch: maker.id, seq: 3 }]);
  });

  test("a listing gives every device once, whole, page by page", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    await r.store.commit(maker.open());
    const devices = Array.from({ length: 1_200 }, (_, n) => `cart-${n}`);
    for (let from = 0; from < devices.length; from += 60) {
      await r.store.commit(maker.add(...devices.slice(from, from + 60).map((name) => tapOf(name))));
    }
    const seen: string[] = [];
    const pages: number[] = [];
    for (let after = ""; ;) {
      const page = await r.store.entriesAfter(after);
      const names = [...new Set(page.map(({ device }) => device))];
      if (names.length === 0) break;
      expect(page).toHaveLength(names.length * 2);
      seen.push(...names);
      pages.push(page.length);
      after = names.at(-1) ?? "";
    }
    expect(seen).toEqual(devices.toSorted());
    expect(pages.length).toBeGreaterThan(1);
  });

  test("a body that is gone is kept as gone, and folded as nothing", async () => {
    await using r = await rig();
    const maker = new EpochMaker("dock");
    await r.store.mirror(maker.open(), true);
    const tap = maker.add(tapOf("cart-1"));
    const bodyless = plain(tap.records.map(({ header }) => ({ header, body: null })));
    await r.store.mirror({ ...tap, records: bodyless }, true);
    expect(await r.store.records(maker.id, 1, 2)).toEqual(bodyless);
    expect(await r.store.entries("cart-1")).toEqual([]);
    expect(await r.store.digest()).toMatchObject({ heads: new Map([[toHex(maker.id), 2]]) });
  });

  test("what this version doesn't know is kept, and folded as nothing", async () => {
    await using r = await rig();
    const maker = new EpochMaker("dock");
    await r.store.mirror(maker.open(), true);
    const unknown = { key: "x", type: 99, value: 1, replaces: [] };
    await r.store.mirror(maker.add(changeOf("cart-1", [unknown])), true);
    expect(await r.store.entries("cart-1")).toEqual([]);
    expect(await r.store.records(maker.id, 0, 9)).toHaveLength(2);
  });

  test("a reopened log holds what it held, and goes on", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    await r.store.commit(maker.open());
    const reopened = await r.store.reopen();
    expect(E.isRight(reopened) && reopened.right.map(({ head }) => head)).toEqual([maker.head]);
    expect(await r.store.commit(maker.add(tapOf("cart-1")))).toEqual(E.right(undefined));
    expect(values(await r.store.entries("cart-1"))).toMatchObject({ "cart-1.visits": 1 });
  });
});
