/** Cards that can't go back, because another device has them by now. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cardClashes, type Cards } from "#core/verdict/card-clashes.ts";

const cards: fc.Arbitrary<Cards> = fc
  .array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("01", "02", "03", null)), {
    maxLength: 6,
  })
  .map((pairs) => new Map(pairs));

const afterwards = (now: Cards, planned: Cards): Cards => {
  const clashes = cardClashes(now, planned);
  return new Map([...now, ...[...planned].filter(([device]) => !clashes.has(device))]);
};

test("no device is given a card that another one has then", () => {
  fc.assert(
    fc.property(cards, cards, (now, planned) => {
      const after = afterwards(now, planned);
      const clashes = cardClashes(now, planned);
      for (const [device, card] of planned) {
        const holders = [...after].filter(([, held]) => held !== null && held === card);
        const others = holders.filter(([holder]) => holder !== device);
        expect(clashes.has(device) || others.length === 0).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test("a device is held back only for one that would have its card, and never for none", () => {
  fc.assert(
    fc.property(cards, cards, (now, planned) => {
      const all = new Map([...now, ...planned]);
      for (const [device, other] of cardClashes(now, planned)) {
        expect(other).not.toBe(device);
        const card = planned.get(device);
        expect(card).not.toBeNull();
        expect([now.get(other), all.get(other)]).toContain(card);
      }
    }),
    { numRuns: 500 },
  );
});

test("two that swap their cards back both go", () => {
  const now = new Map([
    ["a", "02"],
    ["b", "01"],
  ]);
  const planned = new Map([
    ["a", "01"],
    ["b", "02"],
  ]);
  expect(cardClashes(now, planned)).toEqual(new Map());
});

test("one that is held back holds back the next one, whose card it keeps", () => {
  const now = new Map([
    ["a", "01"],
    ["b", "02"],
    ["c", "03"],
  ]);
  const planned = new Map([
    ["a", "03"],
    ["b", "01"],
  ]);
  expect(cardClashes(now, planned)).toEqual(
    new Map([
      ["a", "c"],
      ["b", "a"],
    ]),
  );
});
