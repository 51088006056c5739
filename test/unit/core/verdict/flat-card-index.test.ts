import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { recordedTime, type TrueTime } from "#core/clock/true-time.ts";
import { TYPE, type Scalar } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { CARD_KEY, CardIndex, SAFETY_KEY } from "#core/verdict/card-index.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";
import { PlainCardIndex } from "#test/unit/core/verdict/plain-card-index.ts";

/** Few first halves, so that many cards and devices stand behind one another in the tables. */
const cardOf = (prefix: number, rest: number): Uint8Array =>
  new Uint8Array([prefix, prefix, 0, 0, rest, ...Array.from({ length: 11 }, () => 7)]);

const device = fc.oneof(
  fc.nat(40).map((number) => `cart-${number}`),
  fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
);

/** Claims of all sizes that a record allows: most fit the columns, some don't. */
const step = fc.record({
  device,
  value: fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.nat(3), fc.nat(8)).map(([a, b]) => cardOf(a * 85, b)) },
    { weight: 1, arbitrary: fc.constantFrom<Scalar>(null, "no card", new Uint8Array(17)) },
  ),
  safety: fc.option(fc.nat(3), { nil: null, freq: 4 }),
  epoch: fc.nat(5),
  seq: fc.oneof(fc.nat(20), fc.integer({ min: 65_534, max: 65_537 }), fc.maxSafeNat()),
  wallMs: fc.oneof(fc.nat(5), fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1), fc.maxSafeNat()),
});

const entryOf = (of: Step): Entry => {
  const isSafety = of.safety !== null;
  const value = isSafety ? of.safety : of.value;
  const { seq, wallMs } = of;
  const write: Write = { epoch: epochOf(of.epoch), seq, value, wallMs, monoMs: 0 };
  const writes = value === null ? [] : [write];
  return {
    device: of.device,
    key: isSafety ? SAFETY_KEY : CARD_KEY,
    type: isSafety ? TYPE.safety : TYPE.register,
    content: { _tag: "Survivors", writes, awaited: [] },
  };
};

interface Step {
  readonly device: string;
  readonly value: Scalar;
  readonly safety: number | null;
  readonly epoch: number;
  readonly seq: number;
  readonly wallMs: number;
}

const cardsIn = ({ content }: Entry): ReadonlyArray<string> =>
  content._tag === "Survivors"
    ? content.writes.flatMap(({ value }) => (value instanceof Uint8Array ? [toHex(value)] : []))
    : [];

/** What both say once they have seen it all. */
const viewsOf = (
  entries: ReadonlyArray<Entry>,
  trueTime: TrueTime,
): { readonly flat: unknown; readonly plain: unknown } => {
  const indexes = { flat: new CardIndex(trueTime), plain: new PlainCardIndex(trueTime) };
  const cards = ["00".repeat(16), "", "zz", "00", ...new Set(entries.flatMap(cardsIn))];
  const view = (index: CardIndex | PlainCardIndex): unknown => {
    for (const entry of entries) index.apply(entry);
    return [cards.map((card) => index.enrolled(card)), new Map(index.cards), index.size];
  };
  return { flat: view(indexes.flat), plain: view(indexes.plain) };
};

test("the flat index and the plain one agree on every card, whatever claims came and went", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, isBackward) => {
      const trueTime: TrueTime = isBackward ? ({ wallMs }) => -wallMs : recordedTime;
      const { flat, plain } = viewsOf(steps.map(entryOf), trueTime);
      expect(flat).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});

test("thousands of devices come, change their cards and let go of them", () => {
  const entries = Array.from({ length: 4_000 }, (_, at): Entry => {
    const number = (at * 7_919) % 1_500;
    const value = at % 11 === 0 ? null : cardOf(number % 200, (at * 31) % 256);
    const entry = { device: `tag-${number}`, value, safety: null, epoch: at % 5, seq: at };
    return entryOf({ ...entry, wallMs: at % 900 });
  });
  const { flat, plain } = viewsOf(entries, recordedTime);
  expect(flat).toEqual(plain);
});

test.each([
  ["50 days after the first of its epoch", { wallMs: 2 ** 32 + 1 }],
  ["25 days after the first of its epoch", { wallMs: 2 ** 31 + 6 }],
  ["in the 65,537th record", { seq: 65_536 }],
])("the later of two claims has the card: %s", (_, later) => {
  const claim = { value: cardOf(0, 1), safety: null, epoch: 1, seq: 3, wallMs: 5 };
  const first = entryOf({ ...claim, device: "cart-1" });
  const last = entryOf({ ...claim, device: "cart-2", ...later });
  for (const entries of [
    [first, last],
    [last, first],
  ]) {
    const index = new CardIndex(recordedTime);
    for (const entry of entries) index.apply(entry);
    expect(index.enrolled(toHex(cardOf(0, 1)))?.device).toBe("cart-2");
  }
});

test("more epochs than the column can number", () => {
  const index = new CardIndex(recordedTime);
  const plain = new PlainCardIndex(recordedTime);
  for (let at = 0; at < 66_000; at += 1) {
    const epoch = new Uint8Array(16);
    new DataView(epoch.buffer).setUint32(12, at);
    const write: Write = { epoch, seq: 1, value: cardOf(at % 3, 1), wallMs: 5, monoMs: 0 };
    const entry: Entry = {
      device: at > 65_000 ? `late-${at}` : "cart-1",
      key: CARD_KEY,
      type: TYPE.register,
      content: { _tag: "Survivors", writes: [write], awaited: [] },
    };
    index.apply(entry);
    if (at >= 65_000) plain.apply(entry);
  }
  for (const prefix of [0, 1, 2]) {
    const card = toHex(cardOf(prefix, 1));
    expect(index.enrolled(card)).toEqual(plain.enrolled(card));
  }
});
