/** A small soak, and that a leak would show; `make soak` has the large one, and PC/SC. */
import { expect, test } from "vitest";
import { problemsOfSoak, soak } from "#test/soak/soak.ts";

test.concurrent("2,000 taps at simulated readers leave nothing behind", async () => {
  const run = await soak({ kind: "simulated", taps: 2_000, leaks: false });
  expect(problemsOfSoak(run)).toEqual([]);
});

test.concurrent("a leak of some hundred bytes a tap would show", async () => {
  const run = await soak({ kind: "simulated", taps: 2_000, leaks: true });
  expect(problemsOfSoak(run).join()).toContain("the heap rose");
});
