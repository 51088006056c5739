/** What is said of devices and records, from the records of several gateways with several clocks. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { Body } from "#core/log/body.ts";
import { TYPE, type Operation, type Scalar } from "#core/log/operation.ts";
import type { Store } from "#gateway/ports.ts";
import { deviceRows, deviceView, type DeviceValue } from "#gateway/queries/devices.ts";
import { findRecord, pastEntries } from "#gateway/queries/moments.ts";
import { newestRecords } from "#gateway/queries/records.ts";
import { changeOf, EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { MemoryStore } from "#test/contract/memory-store.ts";
import { rightOf } from "#test/unit/core/log/either.ts";

const DEVICE = "cart-1";
const place = (value: Scalar): Operation => ({
  key: "place",
  type: TYPE.register,
  value,
  replaces: [],
});

/** Two gateways, each with an open epoch in a boot of its own. */
const rig = async (): Promise<{ store: Store; lobby: EpochMaker; dock: EpochMaker }> => {
  const store: Store = new MemoryStore();
  const [lobby, dock] = [new EpochMaker("lobby"), new EpochMaker("dock")];
  lobby.bootId = new Uint8Array(16).fill(1);
  dock.bootId = new Uint8Array(16).fill(2);
  await store.commit(lobby.open());
  await store.mirror(dock.open(), true);
  return { store, lobby, dock };
};

const valueOf = async (store: Store, key: string): Promise<DeviceValue | undefined> =>
  rightOf(await deviceView(store, DEVICE, null)).values.find((value) => value.key === key);

const clockFix = (maker: EpochMaker, wallAtBootMs: number): Body => ({
  _tag: "ClockFix",
  actor: { kind: 0, name: maker.gateway },
  bootId: maker.bootId,
  wallAtBootMs,
  plusMinusMs: 5,
});

describe("clocks", () => {
  test("a fix shows the corrected time beside the recorded one, and turns what clocks decided", async () => {
    const { store, lobby, dock } = await rig();
    lobby.setClocks(5_000, 5_000); // in 1970
    await store.commit(lobby.add(changeOf(DEVICE, [place("lobby")])));
    await store.mirror(dock.add(changeOf(DEVICE, [place("dock")])), true);
    const before = await valueOf(store, "place");
    expect(before).toMatchObject({ value: "dock", inDoubt: true });
    expect(before?.survivors.map(({ value }) => value)).toEqual(["lobby", "dock"]);
    const bootMs = 1_900_000_000_000;
    await store.commit(lobby.add(clockFix(lobby, bootMs)));
    expect(await valueOf(store, "place")).toMatchObject({
      value: "lobby",
      inDoubt: true,
      why: { gateway: "lobby", wallMs: 5_000, trueMs: bootMs + 5_000 },
    });
    const records = await newestRecords(store, { gateway: null, epoch: null, count: 100 });
    const change = records.find(({ summary }) => summary.includes("place=lobby"));
    expect(change).toMatchObject({ wallMs: 5_000, trueMs: bootMs + 5_000 });
  });

  test("two who wrote the same are not in doubt", async () => {
    const { store, lobby, dock } = await rig();
    await store.commit(lobby.add(changeOf(DEVICE, [place("here")])));
    await store.mirror(dock.add(changeOf(DEVICE, [place("here")])), true);
    expect(await valueOf(store, "place")).toMatchObject({ value: "here", inDoubt: false });
  });
});

test("a void marks its record, in the log and where its value still stands", async () => {
  const { store, lobby } = await rig();
  const best = { key: "best", type: TYPE.max, value: 9, replaces: [] };
  await store.commit(lobby.add(changeOf(DEVICE, [best])));
  const target = { epoch: lobby.id, seq: 1 };
  const actor = { kind: 3, name: "tester" };
  const marks = { _tag: "Void", actor, target, device: DEVICE, operations: [] } as const;
  await store.commit(lobby.add(marks));
  const voidedBy = { epoch: toHex(lobby.id), seq: 2 };
  expect(await valueOf(store, "best")).toMatchObject({ value: 9, why: { seq: 1, voidedBy } });
  const records = await newestRecords(store, { gateway: "lobby", epoch: null, count: 9 });
  expect(records.map((record) => record.voidedBy)).toEqual([null, voidedBy, null]);
});

describe("rows", () => {
  test("tell one key under two types apart, name conflicts, and say whose taps were simulated", async () => {
    const { store, lobby, dock } = await rig();
    const two = { key: "place", type: TYPE.counter, value: 3, replaces: [] };
    const holder = (value: string): Operation => ({ ...place(value), key: "holder", type: 1 });
    await store.commit(lobby.add(changeOf(DEVICE, [place("here"), two, holder("ann")])));
    await store.mirror(dock.add(changeOf(DEVICE, [holder("bob")])), true);
    await store.commit(lobby.add(tapOf("cart-2")));
    expect(await deviceRows(store, "")).toEqual([
      {
        device: DEVICE,
        values: { "place:register": "here", holder: ["ann", "bob"], "place:counter": 3 },
        conflicts: ["holder"],
        simulated: false,
      },
      {
        device: "cart-2",
        values: { location: "lobby", visits: 1 },
        conflicts: [],
        simulated: true,
      },
    ]);
  });
});

describe("records are found by the first digits of their epoch", () => {
  test("and refused where that is none, several, or not that long", async () => {
    const { store, lobby } = await rig();
    const epoch = toHex(lobby.id);
    expect(await findRecord(store, { epoch: epoch.slice(0, 8).toUpperCase(), seq: 0 })).toEqual(
      E.right({ held: expect.objectContaining({ gateway: "lobby" }), seq: 0 }),
    );
    expect(await findRecord(store, { epoch, seq: 1 })).toEqual(
      E.left({ _tag: "RecordUnknown", epoch, size: 1 }),
    );
    expect(await findRecord(store, { epoch: "", seq: 0 })).toEqual(
      E.left({ _tag: "EpochAmbiguous", epoch: "", count: 2 }),
    );
    const none = epoch.startsWith("0") ? "ffffffffff" : "0000000000";
    expect(await findRecord(store, { epoch: none, seq: 0 })).toEqual(
      E.left({ _tag: "EpochUnknown", epoch: none }),
    );
  });
});

describe("the past", () => {
  test("of a device that is not known at all is refused, and of one that was not known then is empty", async () => {
    const { store, lobby } = await rig();
    await store.commit(lobby.add(changeOf(DEVICE, [place("here")])));
    const at = { trueMs: 1 };
    expect(await deviceView(store, "nobody", at)).toEqual(
      E.left({ _tag: "DeviceUnknown", device: "nobody" }),
    );
    expect(await deviceView(store, DEVICE, at)).toEqual(
      E.right({ device: DEVICE, values: [], brought: [] }),
    );
  });

  test("can't be told by a gateway that does not keep all records", async () => {
    const { store, lobby, dock } = await rig();
    await store.commit(lobby.add(changeOf(DEVICE, [place("here")])));
    const yard = new EpochMaker("yard");
    await store.mirror(yard.open(), false);
    expect(dock.head.range.size).toBe(1);
    const past = await pastEntries(store, { trueMs: Date.now() }, DEVICE);
    expect(past).toEqual(E.left({ _tag: "PastNotKept" }));
    expect(await deviceView(store, DEVICE, { epoch: toHex(lobby.id), seq: 1 })).toEqual(past);
  });
});
