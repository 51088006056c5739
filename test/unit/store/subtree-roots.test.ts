/** Roots and Ranges out of a log file, against RFC 6962 over all leaves. */
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { decodeRange } from "#core/log/range.ts";
import { leafOf } from "#core/log/record.ts";
import { consistencyProof } from "#core/log/tree.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { rangeFrom } from "#gateway/store/provable.ts";
import { REMEMBERED_RECORDS, subtreeRootOf } from "#gateway/store/subtree-roots.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { naiveProof, naiveRoot } from "#test/unit/core/log/naive-tree.ts";
import { DataFolder } from "#test/unit/store/data-folder.ts";

/** Not a multiple of anything: whole blocks, a whole part behind them, and some records more. */
const SIZE = 2 * 256 + 64 + 37;
const MORE = 100;

const folder = new DataFolder();
const maker = new EpochMaker("lobby");
folder.write(maker, SIZE - 1);
const files = folder.open();
const { log } = files;
const leaves = Array.from(log.records(maker.id, 0, SIZE), ({ header }) => leafOf(sha256, header));

afterAll(() => {
  folder.close(files);
  folder[Symbol.dispose]();
});

test("proofs of every size are RFC 6962's, also while records are added", () => {
  const all = [...leaves];
  const check = (oldSize: number): void => {
    const proof = consistencyProof(oldSize, all.length, subtreeRootOf(log, maker.id));
    expect(proof).toEqual(naiveProof(oldSize, all));
  };
  const place = fc.oneof(
    fc.integer({ min: 1, max: SIZE - 1 }),
    fc.integer({ min: 1, max: Math.floor((SIZE - 1) / 64) }).map((part) => part * 64),
  );
  fc.assert(fc.property(place, check));
  for (let more = 0; more < MORE; more += 20) {
    const addition = maker.add(...Array.from({ length: 20 }, () => tapOf("cart-1")));
    log.add(addition);
    all.push(...addition.records.map(({ header }) => leafOf(sha256, header)));
    fc.assert(fc.property(place, check), { numRuns: 20 });
  }
  expect(subtreeRootOf(log, maker.id)(0, all.length)).toEqual(naiveRoot(all));
});

test("what the file hasn't got yet is not remembered as if it were all", () => {
  const other = new EpochMaker("dock");
  log.add(other.open());
  const short = subtreeRootOf(log, other.id)(0, 2);
  const addition = other.add(tapOf("cart-1"));
  log.add(addition);
  const whole = subtreeRootOf(log, other.id)(0, 2);
  expect(whole).not.toEqual(short);
  const both = Array.from(log.records(other.id, 0, 2), ({ header }) => leafOf(sha256, header));
  expect(whole).toEqual(naiveRoot(both));
});

test("a Range ends where its proof is cheap, or at the epoch's end", () => {
  const size = log.epoch(maker.id)?.head.range.size ?? 0;
  for (const from of [0, 1, 63, 64, 65, 200, 255, 256, 300, size - 2]) {
    const bytes = rangeFrom(log, maker.id, from) ?? new Uint8Array(0);
    const range = decodeRange(bytes);
    if (E.isLeft(range)) throw new Error(range.left._tag);
    const to = from + range.right.items.length;
    expect(to).toBeGreaterThan(from);
    expect(to === size || to % REMEMBERED_RECORDS === 0).toBe(true);
  }
});
