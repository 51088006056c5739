import * as fc from "fast-check";
import { expect, test } from "vitest";
import { recordedTime } from "#core/clock/true-time.ts";
import { TYPE, type Scalar } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { DeviceTraits } from "#core/verdict/device-traits.ts";
import type { PlainValue } from "#core/verdict/reader-policy.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";

const DEVICES = ["cart-1", "cart-2", "cart-3"];
const KEYS = ["kind", "zone", "other"];
const VALUES: ReadonlyArray<PlainValue> = ["tool", "cart", "3", 3, true, "far away"];
const ASKED = [
  { key: "kind", values: ["tool", "cart", true] },
  { key: "zone", values: [3, "3"] },
  { key: "kind", values: ["tool", "far away"] },
  { key: "device", values: ["cart-1"] },
];

const entry = fc
  .record({
    device: fc.constantFrom(...DEVICES),
    key: fc.constantFrom(...KEYS),
    type: fc.constantFrom(TYPE.register, TYPE.exclusive, TYPE.set, TYPE.safety),
    values: fc.array(fc.constantFrom<Scalar>(...VALUES, null), { maxLength: 3 }),
  })
  .map(({ values, ...key }): Entry => {
    const writes = values.map((value, at) => ({
      epoch: epochOf(at),
      seq: at,
      value,
      wallMs: at,
      monoMs: 0,
    }));
    return { ...key, content: { _tag: "Survivors", writes, awaited: [] } };
  });

/** What the entries say at the end, read anew for each question. */
const plainHas = (entries: ReadonlyArray<Entry>, device: string, key: string): unknown[] =>
  [TYPE.register, TYPE.exclusive, TYPE.set].flatMap((type) => {
    const last = entries.findLast((e) => e.device === device && e.key === key && e.type === type);
    const writes = last?.content._tag === "Survivors" ? last.content.writes : [];
    return writes.slice(type === TYPE.set ? 0 : -1).map(({ value }) => value);
  });

test("a device has the values that its registers and sets say now, whatever they said before", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
      const traits = new DeviceTraits(recordedTime, ASKED);
      for (const one of entries) traits.apply(one);
      for (const { key, values } of ASKED.slice(0, 3)) {
        for (const device of [...DEVICES, "nobody"]) {
          const has = plainHas(entries, device, key);
          expect(values.map((value) => traits.has(device, key, value))).toEqual(
            values.map((value) => has.includes(value)),
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});

const writeOf = (value: number): Write => ({
  epoch: epochOf(0),
  seq: value,
  value,
  wallMs: 0,
  monoMs: 0,
});

test("more values than one byte of bits", () => {
  const values = Array.from({ length: 40 }, (_, at) => at);
  const traits = new DeviceTraits(recordedTime, [{ key: "zone", values }]);
  const odd = values.filter((at) => at % 2 === 1);
  for (const device of ["a", "b"]) {
    const writes = (device === "a" ? odd : []).map(writeOf);
    const content = { _tag: "Survivors", writes, awaited: [] } as const;
    traits.apply({ device, key: "zone", type: TYPE.set, content });
  }
  expect(values.filter((at) => traits.has("a", "zone", at))).toEqual(odd);
  expect(values.filter((at) => traits.has("b", "zone", at))).toEqual([]);
});
