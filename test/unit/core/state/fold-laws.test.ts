import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TYPE, type WriteName } from "#core/log/operation.ts";
import { toHex } from "#core/bytes.ts";
import { formatDigest } from "#core/state/digest.ts";
import { encodeForDigest } from "#core/state/entry-codec.ts";
import { causalHistory } from "#test/unit/core/state/causal-history.ts";
import {
  arbitraryHistory,
  epochOf,
  folded,
  oneKeyHistory,
  order,
  recordOf,
  type History,
} from "#test/unit/core/state/histories.ts";

const HISTORIES: ReadonlyArray<readonly [string, fc.Arbitrary<History>]> = [
  ["as gateways make them", causalHistory],
  ["of one register whose writes name each other at will", oneKeyHistory(TYPE.register)],
  ["of one exclusive whose writes name each other at will", oneKeyHistory(TYPE.exclusive)],
  ["of one set whose writes name each other at will", oneKeyHistory(TYPE.set)],
  ["of one safety whose writes name each other at will", oneKeyHistory(TYPE.safety)],
];

describe.each(HISTORIES)("histories %s", (_, history) => {
  test("give the same entries and digest in every order that keeps each epoch's, through any restart", () => {
    fc.assert(
      fc.property(history, order, order, (records, [one, restarts], [other]) => {
        const a = folded(records, one, restarts);
        const b = folded(records, other);
        expect(a.image()).toEqual(b.image());
        expect(formatDigest(a.digest)).toBe(formatDigest(b.digest));
      }),
      { numRuns: 300 },
    );
  });
});

// No honest gateway names a record that writes to another key, or to none; where one is named before it comes, its
// name stays in the entry until that is written again. Nothing that can be seen depends on it.
test("histories whose writes name any record give the same to be seen, and the same digest, in every order", () => {
  fc.assert(
    fc.property(arbitraryHistory, order, order, (records, [one, restarts], [other]) => {
      const a = folded(records, one, restarts);
      const b = folded(records, other);
      expect(a.settledImage()).toEqual(b.settledImage());
      expect(formatDigest(a.digest)).toBe(formatDigest(b.digest));
    }),
    { numRuns: 400 },
  );
});

test("a snapshot in the middle and the rest of the records give what all the records give", () => {
  fc.assert(
    fc.property(causalHistory, order, (records, [picks]) => {
      const whole = folded(records, picks);
      const everyStep = folded(records, picks, new Set(Array.from({ length: 40 }, (_, i) => i)));
      expect(everyStep.image()).toEqual(whole.image());
      expect(everyStep.digest).toBe(whole.digest);
    }),
  );
});

test("different entries have different digests", () => {
  fc.assert(
    fc.property(causalHistory, causalHistory, (one, other) => {
      const [a, b] = [folded(one), folded(other)];
      const seen = [a, b].map(({ entries }) =>
        [...entries.values()]
          .map((entry) => toHex(encodeForDigest(entry)))
          .toSorted()
          .join(),
      );
      expect(a.digest === b.digest).toBe(seen[0] === seen[1]);
    }),
  );
});

const said = (replaces: ReadonlyArray<WriteName>): Parameters<typeof recordOf>[2] => ({
  device: "cart-1",
  wallMs: 0,
  operations: [{ key: "place", type: TYPE.register, value: 1, replaces }],
});

test("a name that stands twice in one write counts once", () => {
  const twice = [0, 1].map(() => ({ epoch: epochOf(2), seq: 7 }));
  const history = [[recordOf(0, 0, said(twice))], [recordOf(1, 0, said(twice.slice(1)))]];
  expect(folded(history, [0, 0]).image()).toEqual(folded(history, [1, 0]).image());
});
