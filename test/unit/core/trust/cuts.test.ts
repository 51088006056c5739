import * as fc from "fast-check";
import { expect, test } from "vitest";
import { leastCuts, type Cuts } from "#core/trust/cuts.ts";

const cuts: fc.Arbitrary<Cuts> = fc
  .array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(9)))
  .map((all) => new Map(all));

test("the least of each epoch counts, in whatever order the cuts come", () => {
  fc.assert(
    fc.property(cuts, cuts, (one, two) => {
      const least = leastCuts(one, two);
      expect(least).toEqual(leastCuts(two, one));
      expect(leastCuts(least, one)).toEqual(least);
      for (const epoch of ["a", "b", "c"]) {
        const sizes = [one.get(epoch), two.get(epoch)].filter((size) => size !== undefined);
        expect(least.get(epoch)).toBe(sizes.length === 0 ? undefined : Math.min(...sizes));
      }
    }),
  );
});
