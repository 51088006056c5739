/** What a tag has brought holds until something newer is known, and no longer. */
import * as E from "fp-ts/lib/Either.js";
import { beforeEach, describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { AwaitedNames } from "#core/carried/awaited-names.ts";
import { type CarriedEntry, signCarried, signerOf } from "#core/carried/carried-state.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import type { GatewayStatus, Roster } from "#core/trust/roster.ts";
import { CarriedStates } from "#gateway/carried/carried-states.ts";
import { nodeCrypto, sha256, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";

const KEY = signingKeyFromSeed(new Uint8Array(32).fill(7));
const OTHER = signingKeyFromSeed(new Uint8Array(32).fill(8));
const CARD = new Uint8Array(16).fill(0xca);
const NEW_CARD = new Uint8Array(16).fill(0xcb);

let status: GatewayStatus;
let otherStatus: GatewayStatus;
let cuts: ReadonlyMap<string, number>;
let folded: number;
let states: CarriedStates;
beforeEach(() => {
  status = "active";
  otherStatus = "active";
  cuts = new Map();
  folded = 0;
  states = new CarriedStates({
    fleet: "demo",
    crypto: nodeCrypto,
    memory: { foldedSize: () => folded, awaited: new AwaitedNames() },
    roster: (): Roster => ({
      fleet: "demo",
      version: 1,
      previous: null,
      successor: null,
      fleetKeys: [],
      gateways: [
        { name: "lobby", site: "main", key: KEY.publicKey, status },
        { name: "yard", site: "main", key: OTHER.publicKey, status: otherStatus },
      ],
      cuts,
    }),
  });
});

const said = (key: string, value: CarriedEntry["value"], seq: number): CarriedEntry => ({
  key,
  type: key === "safety" ? TYPE.safety : TYPE.register,
  value,
  write: { epoch: epochOf(1), seq, wallMs: seq * 1_000 },
  through: new Uint8Array(0),
});

const bring = (card: Uint8Array, ...entries: ReadonlyArray<CarriedEntry>): boolean => {
  const state = { device: "drill-7", statedMs: 9_000, entries };
  const carried = signCarried(sha256, KEY, { state, to: { fleet: "demo", card } });
  return E.isRight(states.take(card, carried));
};
const deviceOf = (card: Uint8Array): string | undefined =>
  states.enrolled(toHex(card), undefined)?.device;

/** Whether it opens, and whether it refuses; `known`: what records here say. */
const ask = (value: string, known: boolean | null): readonly [boolean, boolean] => [
  states.has("drill-7", { key: "role", value }, known),
  states.mayHave("drill-7", { key: "role", value }, known === true),
];

describe("what a tag brings", () => {
  test("makes its card known, until the record is here", () => {
    expect(bring(CARD, said("card", null, 1), said("location", "hall", 2))).toBe(true);
    expect(deviceOf(CARD)).toBe("drill-7");
    expect(states.has("drill-7", { key: "location", value: "hall" }, null)).toBe(true);
    folded = 2;
    expect(states.newsOf("drill-7").map(({ key }) => key)).toEqual(["location"]);
    expect(deviceOf(CARD)).toBeUndefined(); // the index knows it by now
  });

  test("is passed over where an old image is put back on the tag", () => {
    bring(CARD, said("card", null, 1), said("location", "yard", 5));
    bring(CARD, said("card", null, 1), said("location", "hall", 2));
    expect(states.has("drill-7", { key: "location", value: "yard" }, null)).toBe(true);
    expect(states.has("drill-7", { key: "location", value: "hall" }, null)).toBe(false);
    expect(states.has("drill-7", { key: "floor", value: 3 }, null)).toBe(false);
  });

  test("can make a device less safe, and never safer", () => {
    const known = { device: "drill-7", safety: SAFETY.active };
    bring(CARD, said("card", null, 1), said("safety", SAFETY.lost, 3));
    expect(states.enrolled(toHex(CARD), known)?.safety).toBe(SAFETY.lost);
    bring(CARD, said("card", null, 1), said("safety", SAFETY.active, 4));
    expect(states.enrolled(toHex(CARD), known)?.safety).toBe(SAFETY.lost);
    expect(states.enrolled(toHex(CARD), { ...known, safety: SAFETY.revoked })?.safety).toBe(
      SAFETY.revoked,
    );
  });

  test("says whose card it is, until a record does", () => {
    bring(CARD, said("card", null, 1));
    expect([states.saysOwner(CARD, "drill-7"), states.saysOwner(NEW_CARD, "drill-7")]).toEqual([
      true,
      false,
    ]);
    folded = 2;
    expect(states.saysOwner(CARD, "drill-7")).toBe(false);
  });

  test("counts no more of a card that another has replaced", () => {
    bring(NEW_CARD, said("card", null, 6));
    bring(CARD, said("card", null, 1));
    expect(deviceOf(CARD)).toBeUndefined();
    expect(deviceOf(NEW_CARD)).toBe("drill-7");
  });

  test("opens only what both say where records here say something, and refuses by either", () => {
    expect([ask("admin", true), ask("admin", false)]).toEqual([
      [true, true],
      [false, false],
    ]);
    bring(CARD, said("card", null, 1), said("role", "admin", 2));
    expect(ask("admin", null)).toEqual([true, true]);
    expect(ask("admin", false)).toEqual([false, true]);
    expect(ask("guest", true)).toEqual([false, true]);
  });

  test("of one epoch is ordered by it, though its clock was set back; a tap replaces all of it", () => {
    const late = { ...said("role", "new", 9), write: { epoch: epochOf(1), seq: 9, wallMs: 1 } };
    bring(CARD, said("card", null, 1), said("role", "old", 5));
    bring(CARD, late);
    expect(states.has("drill-7", { key: "role", value: "new" }, null)).toBe(true);
    expect(states.replacedBy("drill-7", late)).toEqual([
      { epoch: epochOf(1), seq: 9 },
      { epoch: epochOf(1), seq: 5 },
    ]);
  });

  test("is not driven out by tags that bring no news", () => {
    bring(CARD, said("card", null, 5), said("safety", SAFETY.lost, 6));
    folded = 5;
    for (let tag = 0; tag < 1_200; tag += 1) {
      const card = new Uint8Array(16).fill(tag & 0xff, 0, 8).fill(tag >> 8, 8);
      const state = { device: `cart-${tag}`, statedMs: 1, entries: [said("card", null, 1)] };
      const carried = signCarried(sha256, KEY, { state, to: { fleet: "demo", card } });
      expect(E.isRight(states.take(card, carried))).toBe(true);
    }
    expect(states.newsOf("drill-7").map(({ key }) => key)).toContain("safety");
  });

  test("an old image takes no card back from the device that it went to", () => {
    const state = { device: "drill-1", statedMs: 1, entries: [said("card", null, 2)] };
    const carried = signCarried(sha256, KEY, { state, to: { fleet: "demo", card: CARD } });
    expect(E.isRight(states.take(CARD, carried))).toBe(true);
    expect(deviceOf(CARD)).toBe("drill-1");
    bring(CARD, said("card", null, 9));
    expect(E.isRight(states.take(CARD, carried))).toBe(true);
    expect(deviceOf(CARD)).toBe("drill-7");
  });

  test("counts for as long as all through whom it came are believed", () => {
    const through = signerOf(sha256, OTHER.publicKey);
    bring(CARD, { ...said("card", null, 1), through });
    expect(deviceOf(CARD)).toBe("drill-7");
    otherStatus = "revoked";
    expect(deviceOf(CARD)).toBeUndefined();
  });

  test("counts no more once the gateway that stated it is revoked, or the record cut off", () => {
    bring(CARD, said("card", null, 1));
    cuts = new Map([[toHex(epochOf(1)), 1]]);
    expect(deviceOf(CARD)).toBeUndefined();
    cuts = new Map();
    status = "revoked";
    expect(deviceOf(CARD)).toBeUndefined();
  });
});
