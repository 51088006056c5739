/** A PN532 that misbehaves, on a real pty and on fake buses: what was asked for comes back, nothing is invented, and losses are told. */
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { i2cRig, pn532Rig, spiRig } from "#test/contract/reader-rigs.ts";
import { rounds } from "#test/long.ts";
import type { EventLog } from "#test/pcscd/event-log.ts";
import { type FakePn532, MISBEHAVIOURS } from "#test/pn532/fake-pn532.ts";

/** A lost reader must be back within 10 s; more than twice that, for a busy machine. */
const BACK_MS = 25_000;

const until = async (what: string, isSo: () => boolean): Promise<void> => {
  const deadlineMs = performance.now() + BACK_MS;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: did not happen`);
    await delay(2);
  }
};

const DATA_EXCHANGE = 0x40;
const COMMUNICATE_THRU = 0x42;
const LIST = 0x4a;

describe("once each", () => {
  test.each(MISBEHAVIOURS)("%s, while the field is empty and while a card is read", async (how) => {
    await using r = await pn532Rig({ scope: SCOPE_NDEF });
    const { fake, log } = r;
    await log.next("ReaderUp");
    fake.misbehave(how);
    await until("misbehaviour", () => fake.misbehaved === 1);
    const card = emulatedType4({});
    fake.misbehave(how, DATA_EXCHANGE);
    fake.hold(card);
    const { sighting } = await log.next("CardArrived");
    expect(sighting.uid).toBe(toHex(card.uid).toUpperCase());
    expect(sighting.ndef).not.toBeNull();
    expect(fake.misbehaved).toBe(2);
    fake.take();
    await log.next("CardLeft");
    expect(log.outcomes()).toEqual(["ReaderUp", "CardArrived", "CardLeft"]);
  });

  test("a reset while a card lies there is not told, and the card neither leaves nor arrives", async () => {
    await using r = await pn532Rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    r.fake.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    r.fake.reset();
    const since = r.fake.chip.commands.length;
    const asked = (): ReadonlyArray<number> => r.fake.chip.commands.slice(since);
    await until("a new start", () => asked().includes(0x14));
    await until("a look at the card", () => asked().includes(COMMUNICATE_THRU));
    expect(r.log.outcomes()).toEqual(["ReaderUp", "CardArrived"]);
    r.fake.take();
    await r.log.next("CardLeft");
  });

  test("silence: told, with what to look at; the card that lies there afterwards is no tap", async () => {
    await using r = await pn532Rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    r.fake.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    r.fake.silence(1_500);
    await delay(150); // the poll waits for the chip by now, and an APDU for the poll
    const readPage = Uint8Array.of(0xff, 0xb0, 0x00, 0x03, 0x10);
    expect(await r.adaptor.exchange("door", readPage)).toHaveLength(0);
    await r.log.next("CardLeft");
    const { reason } = await r.log.next("ReaderDown");
    expect(reason).toContain("no PN532 answers");
    expect(reason).toContain("power");
    expect(r.adaptor.roundTripMonoMs("door")).toBeNull();
    await r.log.next("ReaderUp");
    expect((await r.log.next("CardArrived")).sighting.atStart).toBe(true);
    expect(r.adaptor.roundTripMonoMs("door")).not.toBeNull();
  });

  test("unplugged and plugged in again: told at once, and back within 10 s", async () => {
    await using r = await pn532Rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    r.fake.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    await r.fake.unplug();
    await r.log.next("CardLeft");
    expect((await r.log.next("ReaderDown")).reason).toMatch(/plug the adapter in/);
    r.fake.take();
    await delay(400);
    await r.fake.plug();
    const backMs = performance.now();
    await r.log.next("ReaderUp");
    expect(performance.now() - backMs).toBeLessThan(BACK_MS);
    r.fake.hold(emulatedType4({}));
    expect((await r.log.next("CardArrived")).sighting.atStart).toBe(false);
  });
});

/** The same numbers again for the same seed. */
const dice = (seed: number): ((count: number) => number) => {
  let state = seed;
  return (count) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
};

const CARDS: ReadonlyArray<EmulatedCard> = [
  emulatedNtag215({}),
  emulatedType4({}),
  emulatedMifareClassic({}),
];

/** Does something bad. Whether the reader may go down by it. */
const provoke = async (fake: FakePn532, roll: (count: number) => number): Promise<void> => {
  const kind = roll(MISBEHAVIOURS.length + 3);
  const how = MISBEHAVIOURS[kind];
  if (how !== undefined) fake.misbehave(how);
  else if (kind === MISBEHAVIOURS.length) fake.reset();
  else if (kind === MISBEHAVIOURS.length + 1) fake.silence(roll(900));
  else {
    await fake.unplug();
    await delay(roll(150));
    await fake.plug();
  }
};

const isAboutCard = ({ _tag }: ReaderEvent): boolean =>
  _tag === "CardArrived" || _tag === "CardUnread" || _tag === "ReaderDown";

/** One tap: answered by the card's arrival, or its loss is told. Then the card goes, and so does what was told of it. */
const tap = async (fake: FakePn532, log: EventLog, card: EmulatedCard): Promise<void> => {
  const before = log.events.length;
  fake.hold(card);
  const told = (): ReadonlyArray<ReaderEvent> => log.events.slice(before);
  await until("a tap answered, or its loss told", () => told().some(isAboutCard));
  fake.take();
  await until("all quiet again", () => {
    const last = log.outcomes().findLast((tag) => tag !== "CardUnread");
    return last === "ReaderUp" || last === "CardLeft";
  });
  // A card that could not be read leaves without a word: by a list of the empty field.
  const since = fake.chip.commands.length;
  const lists = (): number =>
    fake.chip.commands.slice(since).filter((code) => code === LIST).length;
  if (told().some(({ _tag }) => _tag === "CardUnread")) await until("lists", () => lists() >= 2);
};

/** One reader of several, each with its own dice. */
const misbehaveAtRandom = async (
  rig: typeof pn532Rig,
  seed: number,
  roundCount: number,
): Promise<void> => {
  const roll = dice(seed);
  const pins = { green: "P30", red: "P31", buzzer: "P33" } as const;
  await using r = await rig({ scope: SCOPE_NDEF, pollMs: 20, pins: seed % 2 === 0 ? null : pins });
  const { fake, log } = r;
  await log.next("ReaderUp");
  for (let round = 0; round < roundCount; round += 1) {
    const card = CARDS[roll(CARDS.length)] ?? emulatedNtag215({});
    const from = log.events.length;
    const isBefore = roll(2) === 0;
    const provoked = provoke(fake, roll);
    if (isBefore) await provoked;
    await tap(fake, log, card);
    await provoked;
    const told = log.events.slice(from);
    const uids = told.flatMap((event) =>
      event._tag === "CardArrived" ? [event.sighting.uid] : [],
    );
    // A reader that went down in the midst tells of the card that lies there when it is back.
    const downCount = told.filter(({ _tag }) => _tag === "ReaderDown").length;
    expect(new Set(uids)).toEqual(new Set(uids.length > 0 ? [toHex(card.uid).toUpperCase()] : []));
    expect(uids.length).toBeLessThanOrEqual(1 + downCount);
  }
  const from = log.events.length;
  fake.silence(0);
  fake.hold(emulatedNtag215({}));
  await until("the next tap", () =>
    log.events.slice(from).some(({ _tag }) => _tag === "CardArrived"),
  );
  fake.take();
  await until("all lights out", () => fake.chip.lowPins.length === 0);
};

const READER_COUNT = 4;

test.each([
  ["UART", pn532Rig, rounds(40, 1_000)],
  ["I2C", i2cRig, rounds(12, 100)],
  ["SPI", spiRig, rounds(12, 100)],
])(
  "misbehaviours at random on %s with taps in between: recovered, none invented, none lost unsaid",
  async (...[, rig, count]) => {
    const roundCount = count / READER_COUNT;
    const seeds = Array.from({ length: READER_COUNT }, (_, index) => 20_261_122 + index);
    await Promise.all(seeds.map((seed) => misbehaveAtRandom(rig, seed, roundCount)));
    expect(seeds).toHaveLength(READER_COUNT);
  },
  rounds(120_000, 900_000),
);
