import { expect, test } from "vitest";
import { atOnce, inSlices } from "#gateway/store/slices.ts";

/** Work of that many steps, each of a few milliseconds. */
function* work(steps: number, done: number[]): Generator<undefined, string, undefined> {
  for (let step = 0; step < steps; step += 1) {
    const endMs = performance.now() + 3;
    while (performance.now() < endMs);
    done.push(step);
    yield undefined;
  }
  return "done";
}

test("long work lets others have their turn between its slices, and comes to its end", async () => {
  const done: number[] = [];
  const turns: number[] = [];
  const timer = setInterval(() => turns.push(done.length), 1);
  expect(await inSlices(work(20, done), () => true)).toBe("done");
  clearInterval(timer);
  expect(done).toHaveLength(20);
  expect(turns.some((count) => count > 0 && count < 20)).toBe(true);
});

test("work that is given up ends at the next slice, without a result", async () => {
  const done: number[] = [];
  let isWanted = true;
  setImmediate(() => {
    isWanted = false;
  });
  expect(await inSlices(work(1_000, done), () => isWanted)).toBeUndefined();
  expect(done.length).toBeGreaterThan(0);
  expect(done.length).toBeLessThan(1_000);
});

test("the same work at once", () => {
  const done: number[] = [];
  atOnce(work(3, done));
  expect(done).toEqual([0, 1, 2]);
});
