import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import {
  LEVELS,
  OPEN_POLICY,
  refusalBy,
  scopeOf,
  type Circumstances,
  type DeviceCondition,
  type PlainValue,
  type ReaderPolicy,
} from "#core/verdict/reader-policy.ts";

const FINE = { isRepeated: false, unlogged: 0 };
const NOON = { day: 0, minute: 720 };

const PLAIN = {
  device: "cart-7",
  counter: null,
  isOriginal: null,
  isSunRight: null,
  isProvenPhone: false,
  localTime: NOON,
};

const tapOf = (
  values: Readonly<Record<string, ReadonlyArray<PlainValue>>>,
  more: Partial<Circumstances> = {},
): Circumstances => {
  const has = (key: string, value: PlainValue): boolean => values[key]?.includes(value) ?? false;
  return { ...PLAIN, has, mayHave: has, ...more };
};

const policy = (more: Partial<ReaderPolicy>): ReaderPolicy => ({ ...OPEN_POLICY, ...more });
const MORNING = [{ days: [0], fromMinute: 0, toMinute: 720 }];

describe("who may tap", () => {
  const tool = { kind: ["tool"], zone: [3, 4] };
  test.each([
    ["nothing is asked", {}, undefined],
    ["one of the values", { allow: [{ key: "kind", values: ["cart", "tool"] }] }, undefined],
    ["another value", { allow: [{ key: "kind", values: ["cart"] }] }, "not-allowed-here"],
    ['7 is not "7"', { allow: [{ key: "zone", values: ["3"] }] }, "not-allowed-here"],
    ["a member of a set", { allow: [{ key: "zone", values: [4] }] }, undefined],
    [
      "all keys must hold",
      {
        allow: [
          { key: "kind", values: ["tool"] },
          { key: "zone", values: [9] },
        ],
      },
      "not-allowed-here",
    ],
    ["by its name", { allow: [{ key: "device", values: ["cart-7"] }] }, undefined],
    ["by another name", { allow: [{ key: "device", values: ["cart-8"] }] }, "not-allowed-here"],
    ["denied by one value", { deny: [{ key: "zone", values: [9, 4] }] }, "not-allowed-here"],
    ["not denied", { deny: [{ key: "zone", values: [9] }] }, undefined],
    [
      "deny counts more than allow",
      { allow: [{ key: "kind", values: ["tool"] }], deny: [{ key: "device", values: ["cart-7"] }] },
      "not-allowed-here",
    ],
  ])("%s", (_, more, reason) => {
    expect(refusalBy(policy(more), tapOf(tool))).toBe(reason);
  });
});

describe("when and how", () => {
  const afternoon = { localTime: { day: 0, minute: 720 } };
  test.each<[string, Partial<ReaderPolicy>, Partial<Circumstances>, string | undefined]>([
    ["open", { schedules: MORNING }, { localTime: { day: 0, minute: 719 } }, undefined],
    ["closed", { schedules: MORNING }, afternoon, "outside-schedule"],
    ["no clock, allowed", { schedules: MORNING }, { localTime: null }, undefined],
    [
      "no clock, refused",
      { schedules: MORNING, whenTimeUnknown: "refuse" },
      { localTime: null },
      "time-unknown",
    ],
    ["no schedule needs no clock", { whenTimeUnknown: "refuse" }, { localTime: null }, undefined],
    ["a count", { level: "counter" }, { counter: FINE }, undefined],
    ["no count", { level: "counter" }, {}, "counter-missing"],
    [
      "a count again",
      { level: "counter" },
      { counter: { ...FINE, isRepeated: true } },
      "counter-repeated",
    ],
    [
      "a count again where none is asked for",
      {},
      { counter: { ...FINE, isRepeated: true } },
      "counter-repeated",
    ],
    ["a gap is no reason", { level: "counter" }, { counter: { ...FINE, unlogged: 9 } }, undefined],
    ["an original", { level: "originality" }, { isOriginal: true }, undefined],
    ["no original", { level: "originality" }, { isOriginal: false }, "signature-wrong"],
    ["no signature", { level: "originality" }, {}, "signature-missing"],
    ["a link of its own", { level: "sun" }, { isSunRight: true }, undefined],
    ["somebody else's link", { level: "sun" }, { isSunRight: false }, "sun-wrong"],
    ["no link", { level: "sun" }, {}, "sun-missing"],
    [
      "a link's count again",
      { level: "sun" },
      { counter: { ...FINE, isRepeated: true }, isSunRight: true },
      "counter-repeated",
    ],
    [
      "what the level doesn't ask for is no reason",
      { level: "counter" },
      { counter: FINE, isSunRight: false, isOriginal: false },
      undefined,
    ],
    [
      "a copy counts more than all else",
      { level: "originality", schedules: MORNING, deny: [{ key: "device", values: ["cart-7"] }] },
      { counter: { ...FINE, isRepeated: true }, isOriginal: false, ...afternoon },
      "counter-repeated",
    ],
  ])("%s", (...[, more, tap, reason]) => {
    expect(refusalBy(policy(more), tapOf({}, tap))).toBe(reason);
  });

  test("what has to be read follows from the level and is added to what is read anyway", () => {
    expect(LEVELS.map((level) => scopeOf(SCOPE_UID, policy({ level })))).toEqual([
      SCOPE_UID,
      { ...SCOPE_UID, counter: true },
      { ...SCOPE_UID, signature: true },
      SCOPE_NDEF,
    ]);
    expect(scopeOf(SCOPE_NDEF, policy({ level: "counter" }))).toEqual({
      ...SCOPE_NDEF,
      counter: true,
    });
  });
});

const KEYS = ["kind", "zone", "device"];
const value = fc.constantFrom<PlainValue>("a", "b", 1, true);
const conditions = fc.array(
  fc.record({
    key: fc.constantFrom(...KEYS),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  { maxLength: 3 },
);

/** The rule in one sentence: all of allow, none of deny. */
const isLet = (
  { allow, deny }: Pick<ReaderPolicy, "allow" | "deny">,
  values: ReadonlyMap<string, ReadonlySet<PlainValue>>,
): boolean => {
  const hits = ({ key, values: wanted }: DeviceCondition): boolean =>
    [...(values.get(key) ?? [])].some((one) => wanted.includes(one));
  return !allow.some((one) => !hits(one)) && deny.filter(hits).length === 0;
};

test("allow and deny do what one sentence says", () => {
  fc.assert(
    fc.property(
      conditions,
      conditions,
      fc.tuple(fc.array(value), fc.array(value)),
      (...[allow, deny, [a, b]]) => {
        const values = new Map([
          ["kind", new Set(a)],
          ["zone", new Set(b)],
          ["device", new Set<PlainValue>(["b"])],
        ]);
        const has = (key: string, one: PlainValue): boolean => values.get(key)?.has(one) ?? false;
        const refused = refusalBy(
          policy({ allow, deny }),
          tapOf({}, { device: "b", has, mayHave: has }),
        );
        expect(refused).toBe(isLet({ allow, deny }, values) ? undefined : "not-allowed-here");
      },
    ),
  );
});

describe("a phone that has proven itself", () => {
  test.each(LEVELS)("shows at level %s what that asks for: that it is no copy", (level) => {
    expect(refusalBy(policy({ level }), tapOf({}, { isProvenPhone: true }))).toBeUndefined();
  });

  test("is asked for all else as any card", () => {
    const closed = policy({ level: "sun", schedules: MORNING });
    const proven = { isProvenPhone: true };
    expect(refusalBy(closed, tapOf({}, proven))).toBe("outside-schedule");
    const tools = policy({ level: "sun", allow: [{ key: "kind", values: ["tool"] }] });
    expect(refusalBy(tools, tapOf({}, proven))).toBe("not-allowed-here");
  });
});
