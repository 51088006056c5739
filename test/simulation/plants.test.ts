/** The simulator can fail: bugs that are planted into the product are found, each by some seed. */
import { describe, expect, test } from "vitest";
import { NAMED_PLANTS, OTHER_PLANTS, type Plant } from "#test/simulation/plants.ts";
import { Simulator, type SeedOutcome } from "#test/simulation/run-seeds.ts";
import { IS_LONG } from "#test/long.ts";

const SEEDS = { from: 1, to: 200 };

/** The first violation that the seeds show with the bug planted. */
const found = async ({ edits }: Plant): Promise<SeedOutcome | undefined> => {
  await using simulator = await Simulator.build(edits);
  const outcomes = await simulator.run(SEEDS, 1);
  return outcomes.find(({ violations }) => violations.length > 0);
};

describe("planted, and found within 200 seeds", () => {
  test.each(IS_LONG ? [...NAMED_PLANTS, ...OTHER_PLANTS] : NAMED_PLANTS)("$name", async (plant) => {
    const outcome = await found(plant);
    expect(outcome?.violations).not.toEqual([]);
    const seed = outcome?.seed ?? 0;
    // It is the plant that this seed finds, and not something that was there before.
    await using sound = await Simulator.build();
    const [unplanted] = await sound.run({ from: seed, to: seed }, 1);
    expect(unplanted?.violations).toEqual([]);
  });
});

test("a plant that fits nowhere any more is noticed", async () => {
  const edit = { file: "gateway/tap-path.ts", find: "no such text", replace: "" };
  await expect(Simulator.build([edit])).rejects.toThrow("no such text");
  const elsewhere = { file: "gateway/run.ts", find: "x", replace: "y" };
  await expect(Simulator.build([elsewhere])).rejects.toThrow("no part of the simulator");
});
