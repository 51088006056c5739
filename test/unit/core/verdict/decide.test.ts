import { describe, expect, test } from "vitest";
import { parseUid, type Uid } from "#core/card/uid.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import { decide } from "#core/verdict/decide.ts";
import { keysReplacedBy, operationsFor, type TapRule } from "#core/verdict/on-tap.ts";
import { rightOf } from "#test/unit/core/log/either.ts";

const uid = (text: string): Uid => rightOf(parseUid(text));
const LASTING = uid("04A1B2C3D4E5F6");

describe("a card that is enrolled for no device is unknown", () => {
  test.each([
    ["04A1B2C3D4E5F6", "not-enrolled"],
    ["A1B2C3D4", "not-enrolled"],
    ["01020305", "not-enrolled"],
    ["08A1B2C3", "uid-random"],
    // Only the four-byte UIDs that begin with 08 are random.
    ["08A1B2C3D4E5F6", "not-enrolled"],
    ["01020304", "uid-shared"],
  ])("%s: %s", (text, reason) => {
    expect(decide(uid(text), undefined, null)).toEqual({ _tag: "Unknown", reason });
  });
});

describe("the device's safety decides", () => {
  test.each([
    [SAFETY.active, { _tag: "Accepted", device: "cart-1" }],
    [SAFETY.suspended, { _tag: "Refused", device: "cart-1", reason: "device-suspended" }],
    [SAFETY.lost, { _tag: "Refused", device: "cart-1", reason: "device-lost" }],
    [SAFETY.revoked, { _tag: "Refused", device: "cart-1", reason: "device-revoked" }],
    // What a later version may say, or what is no safety at all, is never harmless.
    [4, { _tag: "Refused", device: "cart-1", reason: "device-revoked" }],
    [-1, { _tag: "Refused", device: "cart-1", reason: "device-revoked" }],
    [Number.NaN, { _tag: "Refused", device: "cart-1", reason: "device-revoked" }],
  ])("%i", (safety, verdict) => {
    expect(decide(LASTING, { device: "cart-1", safety }, null)).toEqual(verdict);
  });
});

describe("a phone with the app", () => {
  const CART = { device: "cart-1", safety: SAFETY.active };
  const CHANGING = uid("08A1B2C3");

  test("counts by its key, whatever its UID, once it has proven that it has it", () => {
    expect(decide(CHANGING, CART, "proven")).toEqual({ _tag: "Accepted", device: "cart-1" });
    expect(decide(CHANGING, undefined, "proven")).toMatchObject({ reason: "not-enrolled" });
    const lost = { ...CART, safety: SAFETY.lost };
    expect(decide(CHANGING, lost, "proven")).toMatchObject({ reason: "device-lost" });
  });

  test("is refused while it has not, before anything else is said of the device", () => {
    const refused = { _tag: "Refused", device: "cart-1", reason: "phone-unproven" };
    expect(decide(CHANGING, CART, "unproven")).toEqual(refused);
    expect(decide(CHANGING, { ...CART, safety: SAFETY.lost }, "unproven")).toEqual(refused);
    expect(decide(CHANGING, undefined, "unproven")).toMatchObject({
      _tag: "Unknown",
      reason: "phone-unproven",
    });
  });

  test("that speaks another version is told so", () => {
    const verdict = { _tag: "Unknown", reason: "phone-version" };
    expect(decide(CHANGING, undefined, "other-version")).toEqual(verdict);
  });
});

describe("what an accepted tap does", () => {
  const PLACE = { gateway: "lobby", site: "hq", reader: "door", time: 1_790_000_000_000 };
  const known = [{ epoch: new Uint8Array(16), seq: 3 }];
  const written = (...rules: ReadonlyArray<TapRule>): ReturnType<typeof operationsFor> =>
    operationsFor(rules, PLACE, ({ key, type, value }) =>
      key === "place" && (type !== TYPE.set || value === "hq") ? known : [],
    );

  test.each(["gateway", "site", "reader", "time"] as const)("sets a key to the tap's %s", (of) => {
    expect(written({ _tag: "Set", key: "place", to: { _tag: "Place", of } })).toEqual([
      { key: "place", type: TYPE.register, value: PLACE[of], replaces: known },
    ]);
  });

  test("sets literals, counts and keeps the greatest, in the order of the rules", () => {
    const rules: ReadonlyArray<TapRule> = [
      { _tag: "Set", key: "state", to: { _tag: "Literal", value: true } },
      { _tag: "Add", key: "place", by: -2 },
      { _tag: "Max", key: "seen", to: { _tag: "Place", of: "time" } },
      { _tag: "Max", key: "best", to: { _tag: "Literal", value: 7 } },
    ];
    expect(written(...rules)).toEqual([
      { key: "state", type: TYPE.register, value: true, replaces: [] },
      // A sum and a greatest value replace nothing, even where the key has a register too.
      { key: "place", type: TYPE.counter, value: -2, replaces: [] },
      { key: "seen", type: TYPE.max, value: PLACE.time, replaces: [] },
      { key: "best", type: TYPE.max, value: 7, replaces: [] },
    ]);
  });

  test("claims and collects, each naming what stands there by its type, and keeps the least", () => {
    const site = { _tag: "Place", of: "site" } as const;
    const other = { _tag: "Literal", value: "elsewhere" } as const;
    expect(
      written(
        { _tag: "Claim", key: "place", to: site },
        { _tag: "Collect", key: "place", to: site },
        { _tag: "Collect", key: "place", to: other },
        { _tag: "Min", key: "place", to: { _tag: "Place", of: "time" } },
      ),
    ).toEqual([
      { key: "place", type: TYPE.exclusive, value: "hq", replaces: known },
      { key: "place", type: TYPE.set, value: "hq", replaces: known },
      { key: "place", type: TYPE.set, value: "elsewhere", replaces: [] },
      { key: "place", type: TYPE.min, value: PLACE.time, replaces: [] },
    ]);
  });

  test("replaces only what it sets, claims or collects", () => {
    const to = { _tag: "Literal", value: 1 } as const;
    const rules: ReadonlyArray<TapRule> = [
      { _tag: "Set", key: "a", to },
      { _tag: "Claim", key: "b", to },
      { _tag: "Collect", key: "c", to },
      { _tag: "Add", key: "d", by: 1 },
      { _tag: "Max", key: "e", to },
      { _tag: "Min", key: "f", to },
    ];
    expect(keysReplacedBy(rules)).toEqual([
      { key: "a", type: TYPE.register },
      { key: "b", type: TYPE.exclusive },
      { key: "c", type: TYPE.set },
    ]);
  });

  test("does nothing without rules", () => {
    expect(written()).toEqual([]);
  });
});
