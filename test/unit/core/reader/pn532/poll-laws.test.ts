/** Laws of the poll: hands and faults come as they like, and taps are neither invented nor lost. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { ExchangeError } from "#core/reader/pn532/exchange.ts";
import type { PollNews } from "#core/reader/pn532/poll-actions.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { PollWorld } from "#test/unit/core/reader/pn532/poll-world.ts";

const CARDS: ReadonlyArray<EmulatedCard> = [
  emulatedNtag215({}),
  emulatedType4({}),
  emulatedMifareClassic({}),
];
const uidOf = ({ uid }: EmulatedCard): string => toHex(uid).toUpperCase();

/** Long enough for whatever is due to have been told. */
const SETTLED_MS = 800;

interface Move {
  readonly card: number;
  readonly isHeld: boolean;
  readonly thenMs: number;
}

const moves = fc.array(
  fc.record({
    card: fc.nat({ max: CARDS.length - 1 }),
    isHeld: fc.boolean(),
    thenMs: fc.oneof(fc.nat({ max: 120 }), fc.constant(SETTLED_MS)),
  }),
  { maxLength: 25 },
);

interface Fault {
  /** The move with which it comes. */
  readonly at: number;
  readonly error: ExchangeError;
}

const faults = fc.array(
  fc.record({
    at: fc.nat({ max: 30 }),
    error: fc.constantFrom<ExchangeError>(
      { _tag: "NoAnswer" },
      { _tag: "NoAck" },
      { _tag: "AnswerDamaged" },
      { _tag: "AnswerToOther", code: 0x41 },
    ),
  }),
  { minLength: 1, maxLength: 12 },
);

const lastOf = (world: PollWorld): PollNews | undefined =>
  world.told.findLast(({ news }) => news._tag === "Arrived" || news._tag === "Left")?.news;

/** A card that lay there alone for so long is the one that arrived last; of several, none arrives. */
const expectSettled = (world: PollWorld, held: ReadonlySet<EmulatedCard>): void => {
  const [only] = held;
  if (only === undefined) expect(lastOf(world)?._tag).not.toBe("Arrived");
  else if (held.size === 1) {
    expect(lastOf(world)).toMatchObject({ _tag: "Arrived", read: { uid: uidOf(only) } });
  } else expect(world.told.filter(({ atMs }) => atMs > world.nowMs - 200)).toEqual([]);
};

/** Each arrival is of a card that was there alone, and is followed by its leaving before the next. */
const expectOrderly = (world: PollWorld): void => {
  let isThere = false;
  for (const { news, listed } of world.told) {
    if (news._tag === "Arrived") {
      expect(listed).toEqual([news.read.uid]);
      expect(isThere).toBe(false);
      isThere = true;
    }
    if (news._tag === "Left") {
      expect(isThere).toBe(true);
      isThere = false;
    }
  }
};

const play = (
  world: PollWorld,
  script: ReadonlyArray<Move>,
  failures: ReadonlyArray<Fault>,
): void => {
  const held = new Set<EmulatedCard>();
  for (const [index, { card: number, isHeld, thenMs }] of script.entries()) {
    const card = CARDS[number] ?? emulatedNtag215({});
    if (isHeld && !held.has(card)) world.chip.field.hold(card, {});
    if (isHeld) held.add(card);
    else if (held.delete(card)) world.chip.field.take(card);
    world.faults.push(...failures.filter(({ at }) => at === index).map(({ error }) => error));
    world.run(thenMs);
    if (failures.length === 0 && thenMs === SETTLED_MS) expectSettled(world, held);
  }
  // Whatever went before: it finds the field empty, and the next tap counts.
  world.chip.field.take();
  world.run(3_000);
  expectSettled(world, new Set());
  const next = emulatedNtag215({});
  world.chip.field.hold(next, {});
  world.run(3_000);
  expectSettled(world, new Set([next]));
  expectOrderly(world);
};

test.each([false, true])(
  "hands come and go as they like (field_off: %s): each card that is alone arrives once",
  (fieldOff) => {
    expect.hasAssertions();
    fc.assert(fc.property(moves, (script) => play(new PollWorld({ fieldOff }), script, [])));
  },
);

test("the same while the chip fails now and then: nothing is invented, and it comes back", () => {
  expect.hasAssertions();
  fc.assert(
    fc.property(moves, faults, (script, failures) => play(new PollWorld(), script, failures)),
  );
});
