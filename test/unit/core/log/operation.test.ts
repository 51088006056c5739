import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CborValue } from "#core/log/cbor.ts";
import {
  COUNTER_STEP_MAX,
  decodeOperation,
  decodeOperations,
  encodeOperation,
  KEY_LENGTH_MAX,
  OPERATIONS_COUNT_MAX,
  REPLACES_COUNT_MAX,
  TYPE,
  VALUE_LENGTH_MAX,
} from "#core/log/operation.ts";
import { operation } from "#test/unit/core/log/arbitraries.ts";

test("an operation decodes to what was encoded, also with fields of a later version", () => {
  fc.assert(
    fc.property(operation, (value) => {
      const encoded = encodeOperation(value);
      expect(decodeOperation(encoded)).toEqual(value);
      const longer = Array.isArray(encoded) ? [...encoded, "later"] : null;
      expect(decodeOperation(longer)).toEqual(value);
    }),
  );
});

const name = [new Uint8Array(16), 0];
const REGISTER = TYPE.register;

describe("no operation", () => {
  const cases: ReadonlyArray<readonly [string, CborValue]> = [
    ["null", null],
    ["too few fields", ["place", REGISTER, 1]],
    ["too many fields", ["place", REGISTER, 1, [], ...Array.from({ length: 13 }, () => 0)]],
    ["an empty key", ["", REGISTER, 1, []]],
    ["a key that is too long", ["k".repeat(KEY_LENGTH_MAX + 1), REGISTER, 1, []]],
    ["a key of bytes", [new Uint8Array(4), REGISTER, 1, []]],
    ["a negative type", ["place", -1, 1, []]],
    ["a value that is a list", ["place", REGISTER, [], []]],
    ["a text that is too long", ["place", REGISTER, "x".repeat(VALUE_LENGTH_MAX + 1), []]],
    ["bytes that are too long", ["place", REGISTER, new Uint8Array(VALUE_LENGTH_MAX + 1), []]],
    ["a safety beyond revoked", ["safety", TYPE.safety, 4, []]],
    ["a safety below active", ["safety", TYPE.safety, -1, []]],
    ["a safety of text", ["safety", TYPE.safety, "lost", []]],
    ["a counter's step that is too long", ["n", TYPE.counter, COUNTER_STEP_MAX + 1, []]],
    ["a counter's step that is too long, down", ["n", TYPE.counter, -COUNTER_STEP_MAX - 1, []]],
    ["a counter's step of text", ["n", TYPE.counter, "1", []]],
    ["a maximum of nothing", ["best", TYPE.max, null, []]],
    ["a minimum of bytes", ["best", TYPE.min, new Uint8Array(1), []]],
    ["names that are no list", ["place", REGISTER, 1, null]],
    [
      "too many names",
      ["place", REGISTER, 1, Array.from({ length: REPLACES_COUNT_MAX + 1 }, () => name)],
    ],
    ["a name without seq", ["place", REGISTER, 1, [[new Uint8Array(16)]]]],
    ["a name with a short epoch", ["place", REGISTER, 1, [[new Uint8Array(15), 0]]]],
    ["a name with a negative seq", ["place", REGISTER, 1, [[new Uint8Array(16), -1]]]],
    ["a name of three", ["place", REGISTER, 1, [[new Uint8Array(16), 0, 0]]]],
    ["a name that is a number", ["place", REGISTER, 1, [7]]],
  ];
  test.each(cases)("%s", (_, value) => {
    expect(decodeOperation(value)).toBeUndefined();
  });
});

test("the limits themselves are allowed", () => {
  for (const value of [
    ["k".repeat(KEY_LENGTH_MAX), REGISTER, "x".repeat(VALUE_LENGTH_MAX), []],
    ["n", TYPE.counter, COUNTER_STEP_MAX, []],
    ["n", TYPE.counter, -COUNTER_STEP_MAX, []],
    ["s", TYPE.safety, 3, Array.from({ length: REPLACES_COUNT_MAX }, () => name)],
  ] as const) {
    expect(decodeOperation(value)).toBeDefined();
  }
});

const good = (key: string): CborValue => [key, REGISTER, 1, []];

test("one bad operation, one too many or two on one key spoil them all", () => {
  expect(decodeOperations([good("a"), good("b")])).toHaveLength(2);
  expect(decodeOperations([good("a"), null])).toBeUndefined();
  expect(decodeOperations([good("a"), good("a")])).toBeUndefined();
  // Two types under one key are two entries.
  expect(decodeOperations([good("a"), ["a", TYPE.counter, 1, []]])).toHaveLength(2);
  const all = Array.from({ length: OPERATIONS_COUNT_MAX }, (_, i) => good(`k${i}`));
  expect(decodeOperations(all)).toHaveLength(OPERATIONS_COUNT_MAX);
  expect(decodeOperations([...all, good("more")])).toBeUndefined();
  expect(decodeOperations(undefined)).toBeUndefined();
  expect(decodeOperations("a")).toBeUndefined();
});
