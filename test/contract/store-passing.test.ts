/** Epochs that pass: folded, not kept; and what becomes of them when they are to be kept after all. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { Addition } from "#core/log/stored.ts";
import type { Store } from "#gateway/ports.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { plain, STORE_RIGS, values } from "#test/contract/store-rigs.ts";

const HELD = ({ gateway, head, checkpoint, proof }: Addition, kept: boolean): object => ({
  gateway,
  head,
  checkpoint,
  proof,
  kept,
});

/** An epoch of three taps on cart-1, in three additions. */
const threeTaps = (): { maker: EpochMaker; additions: readonly [Addition, Addition, Addition] } => {
  const maker = new EpochMaker("dock");
  const additions = [
    maker.open(),
    maker.add(tapOf("cart-1"), tapOf("cart-1")),
    maker.add(tapOf("cart-1")),
  ] as const;
  return { maker, additions };
};

const visits = async (store: Store): Promise<unknown> =>
  values(await store.entries("cart-1"))["cart-1.visits"];

describe.each(STORE_RIGS)("store: $name", ({ rig }) => {
  test("a passing epoch is folded, and nothing but its head and its open is held", async () => {
    await using r = await rig();
    const { maker, additions } = threeTaps();
    for (const addition of additions) {
      expect(await r.store.mirror(addition, false)).toEqual(E.right(undefined));
    }
    expect(await visits(r.store)).toBe(3);
    expect(await r.store.epochs()).toEqual([HELD(additions[2], false)]);
    expect(await r.store.records(maker.id, 0, 1)).toEqual(plain(additions[0].records));
    expect(await r.store.records(maker.id, 0, 9)).toEqual(plain(additions[0].records));
    expect(await r.store.records(maker.id, 1, 9)).toEqual([]);
    expect(await r.store.range(maker.id, 0)).toBeNull();
    expect((await r.store.digest()).heads).toEqual(new Map([[toHex(maker.id), 4]]));
  });

  test("the state is the same whether an epoch passed or was kept", async () => {
    await using passed = await rig();
    await using kept = await rig();
    const { additions } = threeTaps();
    for (const addition of additions) {
      await passed.store.mirror(addition, false);
      await kept.store.mirror(addition, true);
    }
    expect(await passed.store.digest()).toEqual(await kept.store.digest());
  });

  test("records that don't follow those that came by are refused, and change nothing", async () => {
    await using r = await rig();
    const { maker, additions } = threeTaps();
    const refused = async (addition: Addition, kept: boolean): Promise<void> => {
      const result = await r.store.mirror(addition, kept);
      expect(E.isLeft(result) && result.left._tag).toBe("IoFailed");
    };
    await refused(additions[1], false);
    expect(await r.store.epochs()).toEqual([]);
    await r.store.mirror(additions[0], false);
    await refused(additions[0], false);
    await refused(additions[2], false);
    await refused(additions[1], true);
    expect(await r.store.epochs()).toEqual([HELD(additions[0], false)]);
    expect((await r.store.digest()).heads).toEqual(new Map([[toHex(maker.id), 1]]));
  });

  test("to be kept, a passing epoch comes again from its start, and no record counts twice", async () => {
    await using r = await rig();
    const { maker, additions } = threeTaps();
    const [open, two, three] = additions;
    for (const addition of additions) await r.store.mirror(addition, false);
    const { digest } = await r.store.digest();
    expect(await r.store.mirror(open, true)).toEqual(E.right(undefined));
    expect(await r.store.epochs()).toEqual([HELD(open, true)]);
    await r.store.mirror(two, true);
    await r.store.mirror(three, true);
    expect(await r.store.epochs()).toEqual([HELD(three, true)]);
    expect((await r.store.digest()).digest).toBe(digest);
    expect(await r.store.records(maker.id, 0, 9)).toHaveLength(4);
    expect(await r.store.range(maker.id, 0)).not.toBeNull();
    await r.store.mirror(maker.add(tapOf("cart-1")), true);
    expect(await visits(r.store)).toBe(4);
  });

  test("an epoch that is kept goes on being kept", async () => {
    await using r = await rig();
    const { maker, additions } = threeTaps();
    const [open, two, three] = additions;
    await r.store.mirror(open, true);
    await r.store.mirror(two, false);
    await r.store.mirror(three, false);
    expect(await r.store.epochs()).toEqual([HELD(three, true)]);
    expect(await r.store.records(maker.id, 0, 9)).toHaveLength(4);
  });
});
