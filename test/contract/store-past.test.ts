/** What every store says about the past. */
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import type { Moment, Store } from "#gateway/ports.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { STORE_RIGS, values } from "#test/contract/store-rigs.ts";

const BOOT_ID = new Uint8Array(16).fill(0xb0);

const atTime = (trueMs: number): Moment => ({ _tag: "AtTime", trueMs });
const atRecord = (maker: EpochMaker, seq: number): Moment => ({
  _tag: "AtRecord",
  epoch: maker.id,
  seq,
});

const visitsAt = async (store: Store, moment: Moment, device = "cart-1"): Promise<unknown> =>
  values(await store.entriesAt(moment, device))[`${device}.visits`];

describe.each(STORE_RIGS)("store: $name", ({ rig }) => {
  test("a device as it was at a time, over all epochs, the moment included", async () => {
    await using r = await rig();
    const [own, peer] = [new EpochMaker("lobby"), new EpochMaker("dock")];
    own.setClocks(1_000, 0);
    peer.setClocks(1_500, 0);
    await r.store.commit(own.open()); // 1000
    await r.store.mirror(peer.open(), true); // 1500
    await r.store.commit(own.add(tapOf("cart-1"), tapOf("cart-1"))); // 2000, 3000
    await r.store.mirror(peer.add(tapOf("cart-1", "dock"), tapOf("cart-2", "dock")), true); // 2500, 3500
    const times = [0, 1_999, 2_000, 2_500, 2_999, 3_000, 9_000];
    const seen = [];
    for (const time of times) seen.push(await visitsAt(r.store, atTime(time)));
    expect(seen).toEqual([undefined, undefined, 1, 2, 2, 3, 3]);
    expect(values(await r.store.entriesAt(atTime(2_700), "cart-1"))).toEqual({
      "cart-1.visits": 2,
      "cart-1.location": "dock",
    });
    expect(await r.store.entriesAt(atTime(9_000), "cart-1")).toEqual(
      await r.store.entries("cart-1"),
    );
    expect(await r.store.entriesAt(atTime(9_000), null)).toEqual(await r.store.entriesAfter(""));
    expect(values(await r.store.entriesAt(atTime(3_400), null))).not.toHaveProperty(
      "cart-2.visits",
    );
  });

  test("a record's moment: its own epoch up to it, whatever its clock said, the others by true time", async () => {
    await using r = await rig();
    const [own, peer] = [new EpochMaker("lobby"), new EpochMaker("dock")];
    own.setClocks(1_000, 0);
    peer.setClocks(1_000, 0);
    await r.store.commit(own.open());
    await r.store.mirror(peer.open(), true);
    own.setClocks(9_000, 10);
    await r.store.commit(own.add(tapOf("cart-1")));
    own.setClocks(5_000, 20); // the clock went back
    await r.store.commit(own.add(tapOf("cart-1"), tapOf("cart-1")));
    peer.setClocks(4_000, 10);
    await r.store.mirror(peer.add(tapOf("cart-1"), tapOf("cart-1")), true); // 4000, 5000
    expect(await visitsAt(r.store, atRecord(own, 2))).toBe(4);
    expect(await visitsAt(r.store, atRecord(own, 1))).toBe(3);
    expect(await visitsAt(r.store, atRecord(peer, 1))).toBe(1);
    expect(await r.store.entriesAt(atRecord(own, 9), "cart-1")).toEqual([]);
    expect(await r.store.entriesAt(atRecord(new EpochMaker("x"), 0), null)).toEqual([]);
  });

  test("an epoch stops at its first record that is later, though one behind it says an earlier time", async () => {
    await using r = await rig();
    const own = new EpochMaker("lobby");
    own.setClocks(1_000, 0);
    await r.store.commit(own.open());
    own.setClocks(9_000, 10);
    await r.store.commit(own.add(tapOf("cart-1")));
    own.setClocks(2_000, 20);
    await r.store.commit(own.add(tapOf("cart-1")));
    expect(await visitsAt(r.store, atTime(3_000))).toBeUndefined();
  });

  test("clocks are as they are known now: a fix moves what was recorded before it", async () => {
    await using r = await rig();
    const peer = new EpochMaker("dock");
    peer.bootId = BOOT_ID;
    peer.setClocks(10, 10);
    await r.store.mirror(peer.open(), true);
    await r.store.mirror(peer.add(tapOf("cart-1")), true); // monoMs 1010
    expect(await visitsAt(r.store, atTime(2_000))).toBe(1);
    const actor = { kind: ACTOR.gateway, name: "dock" };
    const fix = { wallAtBootMs: 50_000, plusMinusMs: 1, bootId: BOOT_ID } as const;
    await r.store.mirror(peer.add({ _tag: "ClockFix", actor, ...fix }), true);
    expect(await visitsAt(r.store, atTime(2_000))).toBeUndefined();
    expect(await visitsAt(r.store, atTime(51_009))).toBeUndefined();
    expect(await visitsAt(r.store, atTime(51_010))).toBe(1);
  });

  test("what is cut is not in the past either", async () => {
    await using r = await rig();
    const peer = new EpochMaker("dock");
    await r.store.mirror(peer.open(), true);
    await r.store.mirror(peer.add(tapOf("cart-1"), tapOf("cart-1")), true);
    await r.store.cut(new Map([[toHex(peer.id), 2]]));
    expect(await visitsAt(r.store, atTime(Number.MAX_SAFE_INTEGER))).toBe(1);
    expect(await r.store.entriesAt(atRecord(peer, 2), "cart-1")).toEqual([]);
  });

  test("a long past is folded beside the commits, which it doesn't see", async () => {
    await using r = await rig();
    const [own, peer] = [new EpochMaker("lobby"), new EpochMaker("dock")];
    await r.store.commit(own.open());
    await r.store.mirror(peer.open(), true);
    const taps = Array.from({ length: 600 }, (_, i) => tapOf(`cart-${i}`));
    for (let i = 0; i < 4; i += 1) await r.store.mirror(peer.add(...taps), true);
    const past = r.store.entriesAt(atTime(Number.MAX_SAFE_INTEGER), null);
    const counts = r.store.entriesAt(atTime(Number.MAX_SAFE_INTEGER), "cart-7");
    await r.store.commit(own.add(tapOf("cart-7")));
    expect(values(await counts)).toMatchObject({ "cart-7.visits": 4 });
    expect(await past).toHaveLength(1_200);
    expect(values(await r.store.entries("cart-7"))).toMatchObject({ "cart-7.visits": 5 });
  });
});
