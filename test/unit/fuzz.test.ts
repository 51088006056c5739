import { describe, expect, test } from "vitest";
import { fuzz } from "#test/fuzz/target.ts";
import { TARGETS } from "#test/fuzz/targets.ts";
import { rounds } from "#test/long.ts";

describe("whatever bytes come", () => {
  test.each(TARGETS)("$name neither throws nor makes up output", (target) => {
    expect(fuzz(target, 1, rounds(1_000, 20_000))).toBeUndefined();
  });
});

test("a decoder that throws, or that makes up output, is found", () => {
  const samples = [new Uint8Array(8)];
  const thrower = {
    name: "thrower",
    samples,
    run: (bytes: Uint8Array): number => {
      if (bytes[3] === 0xff) throw new RangeError("out of range");
      return 0;
    },
  };
  expect(fuzz(thrower, 1, 5_000)).toMatch(/^thrower, input [0-9a-f]+: it threw RangeError/);
  const inventor = {
    name: "inventor",
    samples,
    run: (bytes: Uint8Array): Uint8Array => new Uint8Array((bytes[0] ?? 0) * 1_000),
  };
  expect(fuzz(inventor, 1, 5_000)).toMatch(/its result has \d+ bytes/);
});
