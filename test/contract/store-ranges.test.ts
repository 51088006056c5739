/** Ranges out of every store: whoever gets them can check them. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import type { EpochHead } from "#core/log/epoch.ts";
import { decodeRange, verifyRange } from "#core/log/range.ts";
import { NO_RECORD_BEFORE, type RecordBytes } from "#core/log/record.ts";
import type { Addition } from "#core/log/stored.ts";
import { EMPTY_RANGE } from "#core/log/tree.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import type { Store } from "#gateway/ports.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { plain, STORE_RIGS } from "#test/contract/store-rigs.ts";

/** Where an epoch of that maker stands before its first record. */
const nothingOf = (maker: EpochMaker): EpochHead => ({
  ...maker.head,
  range: EMPTY_RANGE,
  lastLeaf: NO_RECORD_BEFORE,
});

/** Fetches an epoch as a peer does, Range by Range, each verified; returns how many it took. */
const fetchAll = async (
  store: Store,
  maker: EpochMaker,
): Promise<{ readonly ranges: number; readonly records: ReadonlyArray<RecordBytes> }> => {
  let head = nothingOf(maker);
  const records: RecordBytes[] = [];
  for (let ranges = 0; ; ranges += 1) {
    const bytes = await store.range(maker.id, head.range.size);
    if (bytes === null) return { ranges, records };
    expect(bytes.length).toBeLessThanOrEqual(64 * 1024);
    const range = decodeRange(bytes);
    if (E.isLeft(range)) throw new Error(range.left._tag);
    const known = { head, knownLeaf: (): undefined => undefined };
    const accepted = verifyRange(nodeCrypto, known, range.right);
    if (E.isLeft(accepted)) throw new Error(JSON.stringify(accepted.left));
    ({ head } = accepted.right);
    records.push(...plain(accepted.right.records));
  }
};

describe.each(STORE_RIGS)("store: $name", ({ rig }) => {
  test("a peer can fetch any epoch by Ranges, each of which proves itself", async () => {
    await using r = await rig();
    const maker = new EpochMaker("lobby");
    const additions = [maker.open()];
    for (let i = 0; i < 25; i += 1) {
      additions.push(maker.add(...Array.from({ length: 43 }, () => tapOf("cart-1"))));
    }
    for (const addition of additions) await r.store.commit(addition);
    const fetched = await fetchAll(r.store, maker);
    expect(fetched.ranges).toBeGreaterThan(2);
    expect(fetched.records).toEqual(plain(additions.flatMap(({ records }) => records)));
    expect(await r.store.range(maker.id, maker.head.range.size)).toBeNull();
    expect(await r.store.range(new Uint8Array(16), 0)).toBeNull();
  });

  test("a part that takes several Ranges is served whole, each proved under a checkpoint beyond its end", async () => {
    await using author = await rig();
    await using r = await rig();
    const maker = new EpochMaker("dock");
    const taps = Array.from({ length: 1_100 }, () => tapOf("cart-1"));
    for (const addition of [maker.open(), maker.add(...taps)]) await author.store.commit(addition);
    let head = nothingOf(maker);
    const held: RecordBytes[] = [];
    for (let pieces = 0; pieces < 3; pieces += 1) {
      const range = decodeRange(
        (await author.store.range(maker.id, head.range.size)) ?? new Uint8Array(0),
      );
      if (E.isLeft(range)) throw new Error(range.left._tag);
      const known = { head, knownLeaf: (): undefined => undefined };
      const accepted = verifyRange(nodeCrypto, known, range.right);
      if (E.isLeft(accepted)) throw new Error(accepted.left._tag);
      const { checkpointText, from, blocks } = accepted.right;
      const records = plain(accepted.right.records);
      const { proof } = range.right;
      ({ head } = accepted.right);
      const gateway = "dock";
      const checkpoint = checkpointText;
      await r.store.mirror({ gateway, head, checkpoint, proof, from, records, blocks }, true);
      held.push(...records);
    }
    expect(head.range.size).toBeLessThan(maker.head.range.size);
    const fetched = await fetchAll(r.store, maker);
    expect(fetched.ranges).toBeGreaterThan(2);
    expect(fetched.records).toEqual(held);
  });

  test("a mirrored part is served up to its end, under the later checkpoint that proves it", async () => {
    await using author = await rig();
    await using r = await rig();
    const maker = new EpochMaker("dock");
    const all = [maker.open(), maker.add(...Array.from({ length: 400 }, () => tapOf("cart-1")))];
    for (const addition of all) await author.store.commit(addition);
    const bytes = await author.store.range(maker.id, 0);
    const range = decodeRange(bytes ?? new Uint8Array(0));
    if (E.isLeft(range)) throw new Error(range.left._tag);
    const known = { head: nothingOf(maker), knownLeaf: (): undefined => undefined };
    const accepted = verifyRange(nodeCrypto, known, range.right);
    if (E.isLeft(accepted)) throw new Error(accepted.left._tag);
    const part: Addition = {
      gateway: "dock",
      head: accepted.right.head,
      checkpoint: accepted.right.checkpointText,
      proof: range.right.proof,
      from: 0,
      records: plain(accepted.right.records),
      blocks: accepted.right.blocks,
    };
    expect(part.head.range.size).toBeLessThan(maker.head.range.size);
    await r.store.mirror(part, true);
    const size = part.head.range.size;
    const tail = decodeRange((await r.store.range(maker.id, size - 5)) ?? new Uint8Array(0));
    expect(E.isRight(tail) && tail.right.items).toEqual(plain(part.records.slice(-5)));
    expect(await r.store.range(maker.id, 0)).toEqual(bytes);
    expect(await r.store.range(maker.id, size)).toBeNull();
  });
});
