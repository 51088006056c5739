import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "#core/bytes.ts";
import { getDataUid } from "#core/card/apdu.ts";
import { decodeTargets } from "#core/reader/pn532/commands.ts";
import type { ExchangeError } from "#core/reader/pn532/exchange.ts";
import { EXCHANGE_QUIET_MS, RELIST_PERIOD_MS } from "#core/reader/pn532/poll-actions.ts";
import { RESTART_COUNT_MAX } from "#core/reader/pn532/poll.ts";
import { READ_FAIL_COUNT_MAX } from "#core/reader/pn532/presence.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { PollWorld } from "#test/unit/core/reader/pn532/poll-world.ts";

/** A phone: its UID is another one after each start. */
const phone = (): EmulatedCard => {
  const card = emulatedType4({});
  const uid = Uint8Array.of(0x08, 0, 0, 0);
  return {
    ...card,
    uid,
    enterField: () => {
      uid[3] = (uid[3] ?? 0) + 1;
      card.enterField();
    },
  };
};

const LIST = "4a0200";
const bytesOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

/** Lists in ten periods in which such a card lies there. */
const listsMeanwhile = (card: EmulatedCard): number => {
  const world = new PollWorld().run(200);
  world.chip.field.hold(card, {});
  world.run(200);
  const before = world.asked.length;
  world.run(10 * RELIST_PERIOD_MS);
  expect(world.tags()).toEqual(["Up", "Arrived"]);
  return world.asked.slice(before).filter((hex) => hex === LIST).length;
};

describe("starting", () => {
  test("wakes, sets up, and asks for the field's cards, with two targets", () => {
    const world = new PollWorld().run(60);
    expect(world.asked.slice(0, 6)).toEqual([
      "14011401",
      "02",
      "3205ff0103",
      "320100",
      "320101",
      LIST,
    ]);
    expect(world.told.map(({ news }) => news)).toEqual([
      { _tag: "Up", hardware: "PN532 firmware 1.6" },
    ]);
  });

  test("a card that lies there arrives as such, one that comes next does not", () => {
    const world = new PollWorld();
    world.chip.field.hold(emulatedNtag215({}), {});
    world.run(300);
    world.chip.field.take();
    world.run(300);
    world.chip.field.hold(emulatedType4({}), {});
    world.run(300);
    const arrived = world.told.flatMap(({ news }) => (news._tag === "Arrived" ? [news] : []));
    expect(arrived.map(({ atStart }) => atStart)).toEqual([true, false]);
  });

  test("a chip that refuses what can be done without is used all the same", () => {
    const world = new PollWorld();
    const refused: ExchangeError = { _tag: "CommandRefused" };
    for (const code of [0x32, 0x52, 0x54, 0x00]) world.faultOf.set(code, refused);
    world.chip.carryOut(Uint8Array.of(0x14, 1, 0x14, 1));
    world.chip.carryOut(Uint8Array.of(0x32, 0x05, 0xff, 0x01, 0x03));
    world.run(100);
    world.chip.field.hold(emulatedNtag215({}), {});
    world.run(100);
    expect(world.tags()).toEqual(["Up", "Arrived"]);
  });
});

describe("a card that lies there", () => {
  test.each([
    { card: emulatedNtag215({}), check: "4260" },
    { card: emulatedType4({}), check: "0006" },
    { card: emulatedMifareClassic({}), check: LIST },
  ])("of $card.technology is looked after by $check", ({ card, check }) => {
    const world = new PollWorld().run(200);
    world.chip.field.hold(card, {});
    world.run(150);
    const before = world.asked.length;
    world.run(200);
    expect(world.asked.slice(before)).toContain(check);
    expect(world.tags()).toEqual(["Up", "Arrived"]);
  });

  test("is listed anew now and then, unless its UID is random", () => {
    expect(listsMeanwhile(emulatedNtag215({}))).toBeGreaterThan(5);
    expect(listsMeanwhile(phone())).toBe(0);
  });

  test("keeps what is selected on it between APDUs from outside", () => {
    const world = new PollWorld().run(200);
    world.chip.field.hold(emulatedType4({}), {});
    world.run(200);
    const select = bytesOf("00a4040007d276000085010100");
    expect(toHex(world.exchange(select))).toBe("9000");
    world.run(EXCHANGE_QUIET_MS - 200); // far longer than until it would have been listed anew
    expect(toHex(world.exchange(bytesOf("00a4000c02e103")))).toBe("9000");
  });
});

test("a card that lies there does not count taps that nobody made", () => {
  const world = new PollWorld().run(200);
  world.chip.field.hold(emulatedNtag215({ counter: 5 }), {});
  world.run(10 * RELIST_PERIOD_MS);
  const readCount = bytesOf("ff00000004d4423902");
  expect(toHex(world.exchange(readCount))).toBe("d543000600009000"); // once, when it was read
});

test("a card that comes to an empty field is a tap, also if it is the first", () => {
  const world = new PollWorld().run(200);
  world.chip.field.hold(emulatedNtag215({}), {});
  world.run(200);
  expect(world.told.at(-1)?.news).toMatchObject({ _tag: "Arrived", atStart: false });
});

test("a card that one list misses is still there; one that two miss has left", () => {
  const world = new PollWorld().run(200);
  const card = emulatedMifareClassic({});
  world.chip.field.hold(card, {});
  world.run(200);
  /** Takes it away for so many lists. */
  const missFor = (listCount: number): void => {
    world.chip.field.take();
    const lists = (): number => world.asked.filter((hex) => hex === LIST).length;
    const before = lists();
    while (lists() < before + listCount) world.run(1);
    world.chip.field.hold(card, {});
    world.run(200);
  };
  missFor(1);
  expect(world.tags()).toEqual(["Up", "Arrived"]);
  missFor(2);
  expect(world.tags()).toEqual(["Up", "Arrived", "Left", "Arrived"]);
});

test("a list that had to be sent twice hides no card: the first woke it, the next begins anew", () => {
  const world = new PollWorld().run(200);
  world.chip.field.hold(emulatedNtag215({}), {});
  world.repeats.add(0x4a);
  world.run(200);
  expect(world.tags()).toEqual(["Up", "Arrived"]);
});

describe("failures", () => {
  const NO_ANSWER: ExchangeError = { _tag: "NoAnswer" };

  test("one that a fresh start mends is not told, and the card is still there", () => {
    const world = new PollWorld().run(200);
    world.chip.field.hold(emulatedNtag215({}), {});
    world.run(200);
    world.faults.push(NO_ANSWER);
    world.run(500);
    expect(world.tags()).toEqual(["Up", "Arrived"]);
    world.chip.reset();
    world.run(1_000);
    expect(world.tags()).toEqual(["Up", "Arrived"]);
  });

  test("a card that was exchanged meanwhile has left, and the other arrives", () => {
    const world = new PollWorld().run(200);
    world.chip.field.hold(emulatedNtag215({}), {});
    world.run(200);
    world.faults.push(NO_ANSWER);
    world.chip.field.take();
    world.chip.field.hold(emulatedType4({}), {});
    world.run(500);
    expect(world.tags()).toEqual(["Up", "Arrived", "Left", "Arrived"]);
    const [, , , last] = world.told;
    expect(last?.news).toMatchObject({ atStart: false });
  });

  test("a chip that does not start is given up at once; one that fails in the field, after some starts", () => {
    const world = new PollWorld();
    world.faults.push({ _tag: "NoAck" });
    world.run(10);
    expect(world.gaveUpCount).toBe(1);
    const other = new PollWorld().run(200);
    const before = other.asked.length;
    other.faultOf.set(0x4a, NO_ANSWER);
    while (other.gaveUpCount === 0 && other.nowMs < 60_000) other.run(1);
    expect(other.gaveUpCount).toBe(1);
    const starts = other.asked.slice(before).filter((hex) => hex === "14011401").length;
    expect(starts).toBe(RESTART_COUNT_MAX);
  });

  test("a card that is given up with its chip has left", () => {
    const world = new PollWorld().run(200);
    world.chip.field.hold(emulatedNtag215({}), {});
    world.run(200);
    world.faults.push(NO_ANSWER, { _tag: "NoAck" });
    world.run(70);
    expect(world.tags()).toEqual(["Up", "Arrived", "Left"]);
    expect(world.gaveUpCount).toBe(1);
  });

  test("the chip fails while a card is read: read again, and not told; thrice: told once", () => {
    const world = new PollWorld().run(200);
    world.chip.field.hold(emulatedNtag215({}), {});
    world.faultOf.set(0x40, NO_ANSWER);
    while (!world.asked.includes("40013003")) world.run(1);
    world.faultOf.clear();
    world.run(200);
    expect(world.tags()).toEqual(["Up", "Arrived"]);
    const other = new PollWorld().run(200);
    other.chip.field.hold(emulatedNtag215({}), {});
    other.faultOf.set(0x40, NO_ANSWER);
    other.run(200);
    other.faultOf.clear();
    other.run(600);
    expect(other.tags()).toEqual(["Up", "Unread"]);
    expect(other.asked.filter((hex) => hex === "40013003")).toHaveLength(READ_FAIL_COUNT_MAX);
  });
});

describe("lists of targets", () => {
  const NTAG = "010044000704a1b2c3d46c80";
  const TYPE4 = "020344200704372b6a114f900575806002";

  test("of none, one and two, with and without ATS", () => {
    expect(decodeTargets(bytesOf("00"))).toEqual(E.right([]));
    const both = decodeTargets(
      bytesOf(`02${TYPE4.replace("02", "01")}${NTAG.replace("01", "02")}`),
    );
    expect(
      E.isRight(both) && both.right.map(({ number, sak, uid }) => [number, sak, toHex(uid)]),
    ).toEqual([
      [1, 0x20, "04372b6a114f90"],
      [2, 0x00, "04a1b2c3d46c80"],
    ]);
    expect(E.isRight(both) && both.right.map(({ ats }) => ats && toHex(ats))).toEqual([
      "0575806002",
      null,
    ]);
  });

  test("cut off anywhere are refused, and nothing else is made of them", () => {
    const whole = bytesOf(`02${NTAG}${TYPE4}`);
    // Behind the last UID a list may end: a card that was not asked for its ATS.
    const uidEnd = whole.length - 5;
    for (let end = 0; end < whole.length; end += 1) {
      expect([end, E.isRight(decodeTargets(whole.subarray(0, end)))]).toEqual([
        end,
        end === uidEnd,
      ]);
    }
    expect(E.isLeft(decodeTargets(concatBytes(Uint8Array.of(3), whole)))).toBe(true);
  });

  test("of any bytes are refused or hold whole UIDs", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const targets = decodeTargets(bytes);
        if (E.isLeft(targets)) return;
        expect(targets.right.length).toBe(bytes[0]);
        for (const { uid } of targets.right) expect(uid.length).toBeGreaterThan(0);
      }),
    );
  });
});

test("the UID is answered without a word to the card", () => {
  const world = new PollWorld().run(200);
  const card = emulatedNtag215({});
  world.chip.field.hold(card, {});
  world.run(200);
  const before = world.asked.length;
  expect(toHex(world.exchange(getDataUid()))).toBe(`${toHex(card.uid)}9000`);
  expect(world.asked.length).toBe(before);
});
