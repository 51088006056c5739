import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import type { Entry } from "#core/state/entry.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import type { Store } from "#gateway/ports.ts";
import { StateMemory } from "#gateway/state-memory.ts";
import { changeOf, EpochMaker } from "#test/contract/epoch-maker.ts";
import { MemoryStore } from "#test/contract/memory-store.ts";

const CARD = new Uint8Array(16).fill(0xca);
const BOOT_ID = new Uint8Array(16).fill(0xb0);
const LOCATION = { key: "location", type: TYPE.register };

const claim = (device: string): ReturnType<typeof changeOf> =>
  changeOf(device, [{ key: CARD_KEY, type: TYPE.register, value: CARD, replaces: [] }]);

/** A store, and the memory that follows it. */
const rig = (): { store: MemoryStore; memory: StateMemory } => {
  const store = new MemoryStore((folded) => memory.onFolded(folded));
  const memory: StateMemory = new StateMemory(store, [LOCATION]);
  return { store, memory };
};

const owner = (memory: StateMemory): string | undefined =>
  memory.index.enrolled(toHex(CARD))?.device;

describe("what the main thread keeps of the state", () => {
  test("is what the store says at the start, and follows what is folded", async () => {
    const { store, memory } = rig();
    const peer = new EpochMaker("dock");
    await store.mirror(peer.open(), true);
    await store.mirror(peer.add(claim("cart-1")), true);
    const late = new StateMemory(store, [LOCATION]);
    expect(owner(late)).toBeUndefined();
    await late.reload();
    expect([owner(late), owner(memory)]).toEqual(["cart-1", "cart-1"]);
    const moved = changeOf("cart-1", [{ ...LOCATION, value: "dock", replaces: [] }]);
    await store.mirror(peer.add(moved), true);
    const next = { ...LOCATION, value: "lobby" };
    expect(memory.registers.replacedBy("cart-1", next, undefined)).toEqual([
      { epoch: peer.id, seq: 2 },
    ]);
  });

  test("a clock fix that comes later moves a card to the device that had it last", async () => {
    const { store, memory } = rig();
    const [wrong, right] = [new EpochMaker("dock"), new EpochMaker("lobby")];
    wrong.bootId = BOOT_ID;
    wrong.setClocks(Date.UTC(2099), 1_000);
    right.setClocks(Date.UTC(2026, 5), 1_000);
    await store.mirror(wrong.open(), true);
    await store.mirror(right.open(), true);
    await store.mirror(wrong.add(claim("cart-1")), true);
    await store.mirror(right.add(claim("cart-2")), true);
    expect(owner(memory)).toBe("cart-1");
    const fix = { bootId: BOOT_ID, wallAtBootMs: Date.UTC(2026, 4), plusMinusMs: 1 };
    const actor = { kind: ACTOR.gateway, name: "dock" };
    await store.mirror(wrong.add({ _tag: "ClockFix", actor, ...fix }), true);
    await memory.reload();
    expect(owner(memory)).toBe("cart-2");
    expect(memory.trueTime({ epoch: wrong.id, wallMs: 0, monoMs: 5 })).toBe(Date.UTC(2026, 4) + 5);
  });

  test("a fix is read by itself, without being asked to", async () => {
    const { store, memory } = rig();
    const maker = new EpochMaker("dock");
    maker.bootId = BOOT_ID;
    await store.mirror(maker.open(), true);
    await store.mirror(maker.add(claim("cart-1")), true);
    const { index } = memory;
    const actor = { kind: ACTOR.gateway, name: "dock" };
    const fix = { bootId: BOOT_ID, wallAtBootMs: 9, plusMinusMs: 1 };
    await store.mirror(maker.add({ _tag: "ClockFix", actor, ...fix }), true);
    await new Promise(setImmediate);
    expect(memory.index).not.toBe(index);
    expect(owner(memory)).toBe("cart-1");
  });

  test("what was cut is forgotten when it is read anew", async () => {
    const { store, memory } = rig();
    const maker = new EpochMaker("dock");
    await store.mirror(maker.open(), true);
    await store.mirror(maker.add(claim("cart-1")), true);
    expect(await store.cut(new Map([[toHex(maker.id), 1]]))).toBe(true);
    expect(owner(memory)).toBe("cart-1");
    await memory.reload();
    expect(owner(memory)).toBeUndefined();
  });

  test("who asks for it to be read anew while it is being read gets one more reading, all together", async () => {
    const { store } = rig();
    let reads = 0;
    const facts = (): ReturnType<Store["facts"]> => {
      reads += 1;
      return store.facts();
    };
    const memory = new StateMemory(
      { facts, entriesAfter: store.entriesAfter, digest: store.digest },
      [LOCATION],
    );
    await Promise.all([memory.reload(), memory.reload(), memory.reload()]);
    expect(reads).toBe(2);
  });

  test("what is folded while it is being read counts, and until then the old goes on being used", async () => {
    const { store } = rig();
    const maker = new EpochMaker("dock");
    await store.mirror(maker.open(), true);
    await store.mirror(maker.add(claim("cart-1")), true);
    let release: (() => void) | undefined;
    let isSlow = false;
    const slow: Pick<Store, "entriesAfter" | "facts" | "digest"> = {
      facts: store.facts,
      digest: store.digest,
      entriesAfter: async (device): Promise<ReadonlyArray<Entry>> => {
        const page = await store.entriesAfter(device);
        if (device === "" || !isSlow) return page;
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return page;
      },
    };
    const memory = new StateMemory(slow, [LOCATION]);
    await memory.reload();
    isSlow = true;
    const reading = memory.reload();
    await new Promise(setImmediate);
    const lost = { key: SAFETY_KEY, type: TYPE.safety, value: SAFETY.lost, replaces: [] };
    await store.mirror(maker.add(changeOf("cart-1", [lost])), true);
    const entry = (await store.entries("cart-1")).find(({ key }) => key === SAFETY_KEY);
    memory.onFolded({ epoch: maker.id, size: 3, entries: entry ? [entry] : [], facts: [] });
    expect(memory.index.enrolled(toHex(CARD))?.safety).toBe(SAFETY.lost);
    isSlow = false;
    release?.();
    await reading;
    expect(memory.index.enrolled(toHex(CARD))?.safety).toBe(SAFETY.lost);
  });
});
