/** Ranges of another branch: what every store finds in them. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { verifyEvidence } from "#core/log/fork.ts";
import { encodeRange } from "#core/log/range.ts";
import type { Body } from "#core/log/body.ts";
import type { Addition } from "#core/log/stored.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import type { Examined } from "#gateway/ports.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { STORE_RIGS, type StoreRig } from "#test/contract/store-rigs.ts";

const taps = (count: number): ReadonlyArray<Body> =>
  Array.from({ length: count }, () => tapOf("cart-1"));

/** An author whose machine was cloned while it ran: `shared` records, and two that go on from there. */
const cloned = (
  shared: number,
  more: number,
): {
  readonly common: ReadonlyArray<Addition>;
  readonly here: Addition;
  readonly there: Addition;
} => {
  const maker = new EpochMaker("dock");
  const common = [maker.open(), maker.add(...taps(shared - 1))];
  const clone = maker.clone();
  return { common, here: maker.add(...taps(more)), there: clone.add(...taps(more)) };
};

const rangeOf = (additions: ReadonlyArray<Addition>, from: number, end: Addition): Uint8Array =>
  encodeRange({
    epoch: end.head.epoch,
    from,
    checkpoint: end.checkpoint,
    proof: [],
    items: additions.flatMap(({ records }) => records).slice(from),
  });

const sizeProved = (examined: Examined): unknown => {
  if (examined._tag !== "Forked") return examined._tag;
  const proved = verifyEvidence(nodeCrypto, examined.evidence);
  return E.isRight(proved) ? [examined.size, proved.right.size] : proved.left;
};

describe.each(STORE_RIGS)("store: $name", ({ rig }) => {
  const holding = async (additions: ReadonlyArray<Addition>, kept: boolean): Promise<StoreRig> => {
    const r = await rig();
    for (const addition of additions) {
      expect(E.isRight(await r.store.mirror(addition, kept))).toBe(true);
    }
    return r;
  };

  test("a fork is proved by the Range that holds the place where the branches part", async () => {
    const { common, here, there } = cloned(700, 40);
    await using r = await holding([...common, here], true);
    const other = [...common, there];
    for (const from of [600, 690, 699, 700]) {
      expect(sizeProved(await r.store.examine(rangeOf(other, from, there)))).toEqual([700, 700]);
    }
    expect(await r.store.examine(rangeOf(other, 701, there))).toEqual({
      _tag: "DiffersBefore",
      seq: 701,
    });
  });

  test("what is held, or nothing that can be compared, is no fork", async () => {
    const { common, here, there } = cloned(10, 4);
    await using r = await holding([...common, here], true);
    const examined = await r.store.examine(rangeOf([...common, here], 3, here));
    expect(examined).toEqual({ _tag: "Same" });
    await using passing = await holding([...common, here], false);
    expect(await passing.store.examine(rangeOf([...common, there], 3, there))).toEqual({
      _tag: "Same",
    });
    expect(await r.store.examine(Uint8Array.of(1, 2, 3))).toEqual({ _tag: "Same" });
  });
});
