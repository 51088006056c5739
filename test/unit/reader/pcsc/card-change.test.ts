import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cardChange } from "#gateway/reader/pcsc/card-change.ts";

const EMPTY = 0x12;
const PRESENT = 0x22;
const PRESENT_IN_USE = 0x122;
const UNAVAILABLE = 0x0a;
const count = (events: number): number => (events << 16) >>> 0;

test.each([
  { before: undefined, after: EMPTY, change: "none" },
  { before: undefined, after: PRESENT, change: "arrived" },
  { before: EMPTY, after: count(1) | PRESENT, change: "arrived" },
  { before: count(1) | PRESENT, after: count(2) | EMPTY, change: "left" },
  { before: count(1) | PRESENT, after: count(1) | PRESENT_IN_USE, change: "none" },
  { before: count(1) | PRESENT, after: count(3) | PRESENT, change: "swapped" },
  { before: count(0xffff) | PRESENT, after: count(1) | PRESENT, change: "swapped" },
  { before: count(2) | EMPTY, after: count(4) | EMPTY, change: "none" },
  { before: count(1) | PRESENT, after: UNAVAILABLE, change: "unavailable" },
  { before: undefined, after: 0x06, change: "unavailable" },
])("$before to $after: $change", ({ before, after, change }) => {
  expect(cardChange(before, after)).toBe(change);
});

test("over any states, cards come and go in turn, and every swap is seen", () => {
  const eventCounts = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 50 });
  fc.assert(
    fc.property(eventCounts, (steps) => {
      let before: number | undefined = EMPTY;
      let events = 0;
      const seen: string[] = [];
      const expected: string[] = [];
      for (const step of steps) {
        const was = events % 2 === 1; // each event is an insertion or a removal, in turn
        events += step;
        const is = events % 2 === 1;
        const after: number = (count(events) | (is ? PRESENT : EMPTY)) >>> 0;
        seen.push(cardChange(before, after));
        if (was !== is) expected.push(is ? "arrived" : "left");
        else expected.push(is && step > 0 ? "swapped" : "none");
        before = after;
      }
      expect(seen).toEqual(expected);
    }),
  );
});
