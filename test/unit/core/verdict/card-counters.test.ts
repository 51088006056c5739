import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { KEY_LENGTH_MAX, TYPE } from "#core/log/operation.ts";
import type { Entry } from "#core/state/entry.ts";
import { CardCounters } from "#core/verdict/card-counters.ts";
import {
  COUNT_MAX,
  countsIn,
  decodeMark,
  encodeMark,
  markAfter,
  markKey,
  markNameOf,
  SEEN_BITS,
} from "#core/verdict/counter-mark.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";

const CARD = new Uint8Array(16).fill(0xca);
const OTHER_CARD = new Uint8Array(16).fill(0xcb);
const GATEWAYS = ["lobby", "dock", "yard"];

const entryOf = (card: Uint8Array, gateway: string, value: number): Entry => {
  const write = { epoch: epochOf(0), seq: 0, value, wallMs: 0, monoMs: 0 };
  const key = markKey({ card, gateway });
  return { device: "cart-7", key, type: TYPE.max, content: { _tag: "Extreme", write } };
};

/** Gateways that hear of one another when a test says so: each with the marks (as `max`) that have reached it. */
class Site {
  readonly #counters = new CardCounters();
  readonly #marks = new Map<string, number>();
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether it lets the card pass. */
  tap(count: number, between: ReadonlyArray<number> = []): boolean {
    const tap = { card: CARD, gateway: this.name, count };
    const { isRepeated } = this.#counters.find(tap, false);
    this.#marks.set(this.name, this.#counters.take(tap, isRepeated, between));
    return !isRepeated;
  }

  hear(other: Site): void {
    for (const [gateway, value] of other.#marks) {
      const greatest = Math.max(this.#marks.get(gateway) ?? 0, value);
      this.#marks.set(gateway, greatest);
      this.#counters.apply(entryOf(CARD, gateway, greatest));
    }
  }

  unlogged(count: number): number {
    return this.#counters.find({ card: CARD, gateway: this.name, count }, false).unlogged;
  }

  get copiedAt(): ReadonlyArray<string> {
    return this.#counters.copied()[0]?.seenAt ?? [];
  }
}

const sitesOf = (): ReadonlyArray<Site> => GATEWAYS.map((name) => new Site(name));
const at = (sites: ReadonlyArray<Site>, index: number): Site => {
  const site = sites[index % sites.length];
  if (site === undefined) throw new Error("no such site");
  return site;
};

/** A tap somewhere after that many counts, or one gateway hearing another. */
const happening = fc.oneof(
  fc.record({ site: fc.nat(2), step: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ from: fc.nat(2), to: fc.nat(2) }),
);

const playCard = (
  sites: ReadonlyArray<Site>,
  happenings: ReadonlyArray<{ site?: number; step?: number; from?: number; to?: number }>,
): { readonly isLet: boolean; readonly counts: ReadonlyArray<readonly [number, number]> } => {
  let count = 0;
  let isLet = true;
  const counts: Array<readonly [number, number]> = [];
  for (const { site, step, from, to } of happenings) {
    if (site !== undefined && step !== undefined) {
      count += step;
      isLet = at(sites, site).tap(count) && isLet;
      counts.push([site, count]);
    } else at(sites, to ?? 0).hear(at(sites, from ?? 0));
  }
  return { isLet, counts };
};

const hearAll = (sites: ReadonlyArray<Site>): void => {
  for (const site of sites) for (const other of sites) site.hear(other);
};

describe("a card and its copies", () => {
  test("one card is never held to be copied, and never refused, whoever was cut off from whom", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const sites = sitesOf();
        const { isLet } = playCard(sites, happenings);
        hearAll(sites);
        expect(isLet).toBe(true);
        expect(sites.map((site) => site.copiedAt)).toEqual(sites.map(() => []));
      }),
      { numRuns: 300 },
    );
  });

  test("a count that two gateways saw is found by all, once all have heard of it", () => {
    fc.assert(
      fc.property(
        fc.array(happening, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.nat(1),
        (happenings, which, elsewhere) => {
          const sites = sitesOf();
          const { counts } = playCard(sites, happenings);
          const copied = counts[which % Math.max(1, counts.length)];
          fc.pre(copied !== undefined);
          const [site, count] = copied;
          const thief = at(sites, site + 1 + elsewhere);
          thief.tap(count);
          hearAll(sites);
          for (const { copiedAt } of sites) expect(copiedAt).toContain(thief.name);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("two that were cut off and saw 5 and 6 are fine; both saw 5 and went on: found", () => {
    const [lobby, dock] = [new Site("lobby"), new Site("dock")];
    lobby.tap(4);
    dock.hear(lobby);
    expect([lobby.tap(5), dock.tap(6)]).toEqual([true, true]);
    dock.hear(lobby);
    expect(dock.copiedAt).toEqual([]);
    const yard = new Site("yard");
    expect([yard.tap(5), yard.tap(9)]).toEqual([true, true]);
    dock.hear(yard);
    expect(dock.copiedAt).toEqual(["lobby", "yard"]);
  });

  test("a count that comes back is refused where it is known, the same one and older ones", () => {
    const lobby = new Site("lobby");
    expect([5, 6, 6, 5, 7].map((count) => lobby.tap(count))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(lobby.copiedAt).toEqual(["lobby"]);
    const dock = new Site("dock");
    dock.hear(lobby);
    expect([dock.copiedAt, dock.tap(7), dock.tap(8)]).toEqual([["lobby"], false, true]);
    expect(dock.copiedAt).toEqual(["dock", "lobby"]);
  });

  test("a gap says how many were missed; what was seen in passing is none", () => {
    const lobby = new Site("lobby");
    expect(lobby.unlogged(1_000)).toBe(0);
    lobby.tap(10);
    expect([lobby.unlogged(11), lobby.unlogged(14), lobby.unlogged(3)]).toEqual([0, 3, 0]);
  });

  test("a card that lay there may show the count of its last tap here, and of no other", () => {
    const counters = new CardCounters();
    const tap = { card: CARD, gateway: "lobby", count: 5 };
    counters.take(tap, false);
    expect(counters.find(tap, true).isRepeated).toBe(false);
    expect(counters.find(tap, false).isRepeated).toBe(true);
    expect(counters.find({ ...tap, count: 4 }, true).isRepeated).toBe(true);
    expect(counters.find({ ...tap, gateway: "dock" }, true).isRepeated).toBe(true);
  });

  test("cards have nothing to do with one another", () => {
    const counters = new CardCounters();
    counters.apply(entryOf(OTHER_CARD, "dock", encodeMark(markAfter(undefined, 9))));
    expect(counters.find({ card: CARD, gateway: "lobby", count: 1 }, false).isRepeated).toBe(false);
    counters.take({ card: OTHER_CARD, gateway: "lobby", count: 9 }, true);
    expect(counters.copied().map(({ card }) => card)).toEqual([toHex(OTHER_CARD)]);
  });
});

describe("marks", () => {
  const mark = fc.record({
    count: fc.nat(COUNT_MAX),
    seen: fc.nat(2 ** SEEN_BITS - 1),
    cameBack: fc.boolean(),
  });

  test("are numbers that a record can hold, and are read as they were written", () => {
    fc.assert(
      fc.property(mark, (one) => {
        expect(Number.isSafeInteger(encodeMark(one))).toBe(true);
        expect(decodeMark(encodeMark(one))).toEqual(one);
      }),
    );
  });

  test("grow with each tap, so that the newest is the greatest, and keep what was seen", () => {
    fc.assert(
      fc.property(mark, fc.integer({ min: 1, max: 40 }), (before, step) => {
        fc.pre(before.count + step <= COUNT_MAX);
        const after = markAfter(before, before.count + step);
        expect(encodeMark(after)).toBeGreaterThan(encodeMark(before));
        const inReach = (one: number): boolean => after.count - one < SEEN_BITS;
        expect(countsIn(after)).toEqual([after.count, ...countsIn(before).filter(inReach)]);
        expect(after.cameBack).toBe(before.cameBack);
      }),
    );
  });

  test.each([["text"], [null], [-1], [1.5], [2 ** 60], [new Uint8Array(1)]])(
    "%j is none",
    (value) => {
      expect(decodeMark(value)).toBeUndefined();
    },
  );

  test("have a key that fits a record and names card and gateway", () => {
    const longest = "g".repeat(32);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (card) => {
        const key = markKey({ card, gateway: longest });
        expect(key.length).toBeLessThanOrEqual(KEY_LENGTH_MAX);
        expect(markNameOf({ key, type: TYPE.max })).toEqual({ card, gateway: longest });
        expect(markNameOf({ key, type: TYPE.min })).toBeUndefined();
      }),
    );
    for (const key of [
      "counter",
      "counter/",
      "counter/lobby",
      "visits",
      markKey({ card: CARD, gateway: "" }),
    ]) {
      expect(markNameOf({ key, type: TYPE.max })).toBeUndefined();
    }
  });
});
