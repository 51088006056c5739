/** Lights at the pins of a PN532: the fake chip notes each level and when it changed. */
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import { beepingMs, PATTERNS } from "#core/feedback/patterns.ts";
import { uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import {
  i2cRig,
  pn532Rig,
  type Pn532Rig,
  type RigOptions,
  spiRig,
} from "#test/contract/reader-rigs.ts";

const PINS = { green: "P30", red: "P31", buzzer: "P33" } as const;
const OPTIONS: RigOptions = { scope: SCOPE_UID, pollMs: 20, pins: PINS };
const SHOWN = E.right(undefined);
const WRITE_GPIO = 0x0e;
const LIST = 0x4a;

/** Which pins were low, one change after the other, since the start or so many changes. */
const lowPins = ({ fake }: Pn532Rig, from = 0): ReadonlyArray<string> =>
  fake.chip.pinChanges.slice(from).map(({ low }) => low.join("+"));

const isUp = async (rig: Pn532Rig): Promise<void> => void (await rig.log.next("ReaderUp"));

const untilChanges = async (rig: Pn532Rig, count: number): Promise<void> => {
  const { chip } = rig.fake;
  await eventuallyTrue(`${count} changes`, () => chip.pinChanges.length === count);
};

const WIRES = [
  { name: "UART", rig: pn532Rig },
  { name: "I2C", rig: i2cRig },
  { name: "SPI", rig: spiRig },
];

describe.concurrent.each(WIRES)("lights at a PN532 on $name", ({ rig }) => {
  test("show a pattern step by step, and the chip looks for cards meanwhile", async () => {
    await using r = await rig(OPTIONS);
    await isUp(r);
    expect(await r.adaptor.feedback("door", "refused")).toEqual(SHOWN);
    const listsBefore = r.fake.chip.commands.filter((code) => code === LIST).length;
    await r.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    await untilChanges(r, 8);
    expect(lowPins(r)).toEqual(["P31+P33", "", "P31+P33", "", "P31+P33", "", "P31", ""]);
    const [first, , , , , , glow] = r.fake.chip.pinChanges;
    const tookMs = (glow?.atMs ?? 0) - (first?.atMs ?? 0);
    expect(tookMs).toBeGreaterThanOrEqual(beepingMs(PATTERNS.refused) - 10); // whole ms, six times
    expect(r.fake.chip.commands.filter((code) => code === LIST).length).toBeGreaterThan(
      listsBefore + 1,
    );
  });
});

describe.concurrent("lights at a PN532", () => {
  test("the next signal takes the place of the one before", async () => {
    await using r = await pn532Rig(OPTIONS);
    await isUp(r);
    expect(await r.adaptor.feedback("door", "failed")).toEqual(SHOWN);
    expect(await r.adaptor.feedback("door", "accepted")).toEqual(SHOWN);
    await untilChanges(r, 4);
    expect(lowPins(r)).toEqual(["P31+P33", "P30+P33", "P30", ""]);
  });

  test("a signal need not wait for the next look at the field", async () => {
    await using r = await pn532Rig({ ...OPTIONS, pollMs: 1_000 });
    await isUp(r);
    await eventuallyTrue("all put out at the start", () =>
      r.fake.chip.commands.includes(WRITE_GPIO),
    );
    await delay(20);
    const since = r.fake.chip.commands.length;
    expect(await r.adaptor.feedback("door", "accepted")).toEqual(SHOWN);
    await untilChanges(r, 2); // and no step of its pattern either
    expect(r.fake.chip.commands.slice(since)).toEqual([WRITE_GPIO, WRITE_GPIO]);
  });

  test("signals in quick succession don't cut short what a card needs to begin anew", async () => {
    await using r = await pn532Rig(OPTIONS);
    await isUp(r);
    await r.hold(emulatedMifareClassic({})); // asked whether it is there by switching the field
    await r.log.next("CardArrived");
    const { darkMs } = r.fake.chip.field;
    darkMs.length = 0;
    while (darkMs.length < 10) {
      void r.adaptor.feedback("door", "accepted");
      await delay(1);
    }
    expect(Math.min(...darkMs)).toBeGreaterThanOrEqual(5); // ISO/IEC 14443-3
    expect(r.log.tags()).toEqual(["ReaderUp", "CardArrived"]);
  });

  test("all is off at the end", async () => {
    await using r = await pn532Rig(OPTIONS);
    await isUp(r);
    await r.adaptor.feedback("door", "failed");
    expect(r.fake.chip.lowPins).toEqual(["P31", "P33"]);
    await r.adaptor.stop();
    expect(r.fake.chip.lowPins).toEqual([]);
  });

  test("what another has left on is put out at the start", async () => {
    await using r = await pn532Rig(OPTIONS);
    r.fake.chip.carryOut(Uint8Array.of(0x14, 0x01, 0x14, 0x01));
    r.fake.chip.carryOut(Uint8Array.of(WRITE_GPIO, 0x80 | 0x3e, 0));
    expect(r.fake.chip.lowPins).toEqual(["P30"]);
    await isUp(r);
    await untilChanges(r, 2);
    expect(r.fake.chip.lowPins).toEqual([]);
  });

  test("a chip that refuses the command says so once, and goes on reading", async () => {
    await using r = await pn532Rig(OPTIONS);
    r.fake.chip.refused.add(WRITE_GPIO);
    await isUp(r);
    await eventuallyTrue("a write", () => r.fake.chip.commands.includes(WRITE_GPIO));
    await delay(50); // what was to be put out at the start was refused as well, which is nobody's question
    const shown = await r.adaptor.feedback("door", "accepted");
    expect(shown).toMatchObject({ left: { _tag: "FeedbackRefused" } });
    expect(await r.adaptor.feedback("door", "accepted")).toEqual(SHOWN);
    await r.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    expect(r.log.tags()).toEqual(["ReaderUp", "CardArrived"]);
    expect(r.fake.chip.pinChanges).toEqual([]);
  });

  test("a write that fails leaves no light on", async () => {
    await using r = await pn532Rig(OPTIONS);
    await isUp(r);
    await r.adaptor.feedback("door", "failed");
    r.fake.misbehave("ignore", WRITE_GPIO); // the chip has it, or has not
    await untilChanges(r, 3);
    expect(lowPins(r)).toEqual(["P31+P33", "P31", ""]);

    r.fake.silence(700); // both its tries to put it out
    await delay(1);
    const shown = r.adaptor.feedback("door", "failed");
    // Which of the two finds it silent first, the light or the poll, is chance.
    const told = expect.stringMatching(/^(?:FeedbackRefused|ReaderAway)$/);
    expect(await shown).toMatchObject({ left: { _tag: told } });
    await delay(1_500);
    expect(r.fake.chip.lowPins).toEqual([]);
  });

  test("with the power its lights go, and the next signal is shown as ever", async () => {
    await using r = await pn532Rig(OPTIONS);
    await isUp(r);
    await r.adaptor.feedback("door", "failed");
    r.fake.reset();
    expect(r.fake.chip.lowPins).toEqual([]);
    await eventuallyTrue("a new start", () => r.fake.chip.field.isOn);
    await delay(100);
    expect(await r.adaptor.feedback("door", "accepted")).toEqual(SHOWN);
    expect(r.fake.chip.lowPins).toEqual(["P30", "P33"]);
  });

  test("away: a signal before the chip is up, and one behind its end", async () => {
    await using r = await pn532Rig(OPTIONS);
    const away = E.left({ _tag: "ReaderAway" });
    expect(await r.adaptor.feedback("door", "accepted")).toEqual(away);
    expect(await r.adaptor.feedback("gate", "accepted")).toEqual(away);
    await isUp(r);
    await r.adaptor.stop();
    expect(await r.adaptor.feedback("door", "accepted")).toEqual(away);
  });
});

describe.concurrent("that a card is being read, at a PN532", () => {
  const MESSAGE = uriMessage("example.org/tool/7");
  const READ = 0x40;
  const reading: RigOptions = { ...OPTIONS, scope: SCOPE_NDEF };

  test("shows both lights before the first READ, and the verdict takes their place", async () => {
    await using r = await pn532Rig(reading);
    await isUp(r);
    const seen: string[] = [];
    await r.hold(emulatedNtag215({ ndef: MESSAGE }), { delayMs: 30 });
    await r.log.next("CardReading");
    seen.push(...lowPins(r));
    expect(r.fake.chip.commands.filter((code) => code === READ)).toHaveLength(0);
    await r.log.next("CardArrived");
    expect(await r.adaptor.feedback("door", "accepted")).toEqual(SHOWN);
    expect(seen).toEqual(["P30+P31"]);
    expect(lowPins(r)).toEqual(["P30+P31", "P30+P33"]);
    const between = r.fake.chip.commands.slice(r.fake.chip.commands.indexOf(READ));
    expect(between.slice(0, between.indexOf(WRITE_GPIO))).not.toContain(LIST);
  });

  test("a card pulled at each READ leaves no light on", async () => {
    await using r = await pn532Rig(reading);
    await isUp(r);
    for (const [at, pullAfterCount] of [0, 1].entries()) {
      const uid = Uint8Array.of(0x04, 1, 2, 3, 4, 5, at);
      await r.hold(emulatedNtag215({ ndef: MESSAGE, uid }), { pullAfterCount });
      await r.log.next("CardUnread");
      await untilChanges(r, 2 * at + 2);
      expect(lowPins(r, 2 * at)).toEqual(["P30+P31", ""]);
      const [lit, out] = r.fake.chip.pinChanges.slice(2 * at);
      expect((out?.atMs ?? 0) - (lit?.atMs ?? 0)).toBeLessThan(PATTERNS.reading.stayMs / 2); // so not by itself
    }
  });

  test("without a verdict it goes out when the card leaves, or by itself", async () => {
    await using r = await pn532Rig(reading);
    await isUp(r);
    await r.hold(emulatedNtag215({ ndef: MESSAGE }));
    await r.log.next("CardArrived");
    await r.take();
    await r.log.next("CardLeft");
    await untilChanges(r, 2);
    await r.hold(emulatedType4({ ndef: MESSAGE }));
    await r.log.next("CardArrived");
    await untilChanges(r, 4);
    const [, , lit, out] = r.fake.chip.pinChanges;
    expect((out?.atMs ?? 0) - (lit?.atMs ?? 0)).toBeGreaterThan(PATTERNS.reading.stayMs - 5);
  });

  test("where only the UID is read nothing is shown", async () => {
    await using r = await pn532Rig(OPTIONS);
    await isUp(r);
    await r.hold(emulatedNtag215({ ndef: MESSAGE }));
    await r.log.next("CardArrived");
    await delay(100);
    expect(r.fake.chip.pinChanges).toEqual([]);
  });
});
