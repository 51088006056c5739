/** What every store makes of facts, cuts and forks. */
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import { CLOCK_CLASS } from "#core/log/body.ts";
import type { ClockFixBody } from "#core/log/correction.ts";
import type { Addition } from "#core/log/stored.ts";
import type { Store } from "#gateway/ports.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { forkBody } from "#test/contract/fork-evidence.ts";
import { STORE_RIGS, values } from "#test/contract/store-rigs.ts";

const BOOT_ID = new Uint8Array(16).fill(0xb0);

const clockFix = (bootId: Uint8Array, wallAtBootMs: number): ClockFixBody => ({
  _tag: "ClockFix",
  actor: { kind: ACTOR.gateway, name: "dock" },
  bootId,
  wallAtBootMs,
  plusMinusMs: 1_000,
});

const opened = (maker: EpochMaker): object => ({
  _tag: "Opened",
  epoch: toHex(maker.id),
  gateway: maker.gateway,
  bootId: toHex(maker.bootId),
  clockClass: CLOCK_CLASS.ntp,
});

const visits = async (store: Store): Promise<unknown> =>
  values(await store.entries("cart-1"))["cart-1.visits"];

/** An epoch of that many taps on cart-1, one record an addition. */
const tapped = (
  gateway: string,
  taps: number,
): { maker: EpochMaker; additions: ReadonlyArray<Addition> } => {
  const maker = new EpochMaker(gateway);
  const additions = [
    maker.open(),
    ...Array.from({ length: taps }, () => maker.add(tapOf("cart-1", gateway))),
  ];
  return { maker, additions };
};

const mirrorAll = async (store: Store, additions: ReadonlyArray<Addition>): Promise<void> => {
  for (const addition of additions) await store.mirror(addition, true);
};

const cutAt = (...sizes: ReadonlyArray<readonly [EpochMaker, number]>): Map<string, number> =>
  new Map(sizes.map(([maker, size]) => [toHex(maker.id), size]));

describe.each(STORE_RIGS)("store: $name", ({ rig }) => {
  test("epochs and clock fixes are told of when they are folded, and known ever after", async () => {
    await using r = await rig();
    const maker = new EpochMaker("dock");
    maker.bootId = BOOT_ID;
    await r.store.mirror(maker.open(), true);
    maker.setClocks(5_000, 7_000);
    await r.store.mirror(maker.add(tapOf("cart-1"), clockFix(BOOT_ID, 99)), true);
    const fixed = {
      _tag: "ClockFixed",
      gateway: "dock",
      bootId: toHex(BOOT_ID),
      monoMs: 8_000,
      wallAtBootMs: 99,
      plusMinusMs: 1_000,
    };
    expect(await r.store.facts()).toEqual([opened(maker), fixed]);
    expect(r.folds.map(({ facts }) => facts)).toEqual([[opened(maker)], [fixed]]);
  });

  test("who says so is the epoch's gateway, whatever the record's actor is called", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    await r.store.commit(maker.open());
    await r.store.commit(maker.add(clockFix(BOOT_ID, 99)));
    expect(await r.store.facts()).toContainEqual(expect.objectContaining({ gateway: "lobby" }));
    expect(await r.store.facts()).not.toContainEqual(expect.objectContaining({ gateway: "dock" }));
  });

  test("a cut below what is folded takes out what lies beyond, and says so; the records stay", async () => {
    await using r = await rig();
    const { maker, additions } = tapped("dock", 5);
    await mirrorAll(r.store, additions);
    expect(await r.store.cut(cutAt([maker, 3]))).toBe(true);
    expect(await visits(r.store)).toBe(2);
    expect((await r.store.digest()).heads).toEqual(new Map([[toHex(maker.id), 3]]));
    expect(await r.store.records(maker.id, 0, 9)).toHaveLength(6);
    expect(await r.store.range(maker.id, 3)).not.toBeNull();
    expect(await r.store.cut(cutAt([maker, 3]))).toBe(false);
  });

  test("what comes beyond a cut is stored and not folded; a cut that rises lets the fold go on", async () => {
    await using r = await rig();
    const { maker, additions } = tapped("dock", 5);
    expect(await r.store.cut(cutAt([maker, 3]))).toBe(false);
    await mirrorAll(r.store, additions);
    expect(await visits(r.store)).toBe(2);
    expect(r.folds.at(-1)).toMatchObject({ size: 3, entries: [] });
    expect(await r.store.cut(cutAt([maker, 5]))).toBe(false);
    expect(await visits(r.store)).toBe(4);
    expect(await r.store.cut(new Map())).toBe(false);
    expect(await visits(r.store)).toBe(5);
  });

  test("a whole epoch can be cut, and leaves no trace in the state", async () => {
    await using r = await rig();
    await using without = await rig();
    const { maker, additions } = tapped("dock", 2);
    const other = tapped("lobby", 2);
    await mirrorAll(r.store, [...additions, ...other.additions]);
    expect(await r.store.cut(cutAt([maker, 0]))).toBe(true);
    await mirrorAll(without.store, other.additions);
    expect(await r.store.digest()).toEqual(await without.store.digest());
  });

  test("a clock fix beyond a cut counts as little as the rest", async () => {
    await using r = await rig();
    const maker = new EpochMaker("dock");
    await r.store.mirror(maker.open(), true);
    await r.store.mirror(maker.add(clockFix(BOOT_ID, 99)), true);
    await r.store.cut(cutAt([maker, 1]));
    expect(await r.store.facts()).toEqual([opened(maker)]);
    await r.store.cut(new Map());
    expect(await r.store.facts()).toHaveLength(2);
  });

  test("a passing epoch that is cut, or admitted again, has to be asked for anew", async () => {
    await using r = await rig();
    const { maker, additions } = tapped("dock", 5);
    for (const addition of additions) await r.store.mirror(addition, false);
    expect(await r.store.cut(cutAt([maker, 3]))).toBe(true);
    expect(await r.store.epochs()).toEqual([]);
    for (const addition of additions) await r.store.mirror(addition, false);
    expect(await visits(r.store)).toBe(2);
    expect(await r.store.cut(new Map())).toBe(true);
    expect(await r.store.epochs()).toEqual([]);
    for (const addition of additions) await r.store.mirror(addition, false);
    expect(await visits(r.store)).toBe(5);
  });
});

/** Two branches behind three records, and the record that proves it, in an epoch of its own. */
const forked = (): {
  maker: EpochMaker;
  additions: ReadonlyArray<Addition>;
  witness: ReadonlyArray<Addition>;
} => {
  const { maker, additions } = tapped("dock", 2);
  const clone = maker.clone();
  const branches = [
    maker.add(tapOf("cart-1", "one")),
    clone.add(tapOf("cart-1", "other")),
  ] as const;
  const witness = new EpochMaker("lobby");
  const open = witness.open();
  const proof = witness.add(forkBody(additions, branches), tapOf("cart-1", "lobby"));
  return { maker, additions: [...additions, branches[0]], witness: [open, proof] };
};

describe.each(STORE_RIGS)("store with a forked epoch: $name", ({ rig }) => {
  test("evidence cuts at once what is folded already, and says so", async () => {
    await using r = await rig();
    const { maker, additions, witness } = forked();
    await mirrorAll(r.store, [...additions, ...witness]);
    const fact = { _tag: "Forked", epoch: toHex(maker.id), size: 3 };
    expect(await r.store.facts()).toContainEqual(fact);
    expect(r.folds.at(-1)).toMatchObject({ facts: [fact], entries: [] });
    expect((await r.store.digest()).heads.get(toHex(maker.id))).toBe(3);
    expect(await visits(r.store)).toBe(3);
    expect(await r.store.cut(new Map())).toBe(false);
    expect((await r.store.digest()).heads.get(toHex(maker.id))).toBe(3);
  });

  test("whichever comes first, and however it is cut meanwhile, the state is the same", async () => {
    await using first = await rig();
    await using second = await rig();
    const { maker, additions, witness } = forked();
    await mirrorAll(first.store, [...additions, ...witness]);
    await second.store.cut(cutAt([maker, 1]));
    await mirrorAll(second.store, [...witness, ...additions]);
    expect(await visits(second.store)).toBe(1);
    await second.store.cut(cutAt([maker, 9]));
    expect(await second.store.digest()).toEqual(await first.store.digest());
  });

  test("evidence counts also where its own record doesn't", async () => {
    await using r = await rig();
    const { maker, additions, witness } = forked();
    const author = witness[0]?.head.epoch ?? new Uint8Array(0);
    await r.store.cut(new Map([[toHex(author), 1]]));
    await mirrorAll(r.store, [...additions, ...witness]);
    expect((await r.store.digest()).heads).toEqual(
      new Map([
        [toHex(maker.id), 3],
        [toHex(author), 1],
      ]),
    );
    expect(await visits(r.store)).toBe(2);
  });

  test("evidence that proves nothing changes nothing", async () => {
    await using r = await rig();
    const { additions } = tapped("dock", 3);
    const actor = { kind: ACTOR.gateway, name: "lobby" };
    const witness = new EpochMaker("lobby");
    await mirrorAll(r.store, additions);
    const evidence = new Uint8Array(100);
    const body = { _tag: "Fork", actor, evidence } as const;
    await mirrorAll(r.store, [witness.open(), witness.add(body)]);
    expect(await visits(r.store)).toBe(3);
    expect((await r.store.facts()).map(({ _tag }) => _tag)).toEqual(["Opened", "Opened"]);
  });
});
