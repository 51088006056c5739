/** Which readings of a card are told of before they begin: one rule, at each kind of reader. */
import { describe, expect, test } from "vitest";
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import { uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { RIGS } from "#test/contract/reader-rigs.ts";

const MESSAGE = uriMessage("example.org/tool/7");
const BROKEN_MESSAGE = MESSAGE.subarray(0, -3);
const SCOPE_COUNTER = { ...SCOPE_UID, counter: true };

const isOutcome = (tag: string): boolean => tag === "CardArrived" || tag === "CardUnread";

// The buses have nothing of their own here.
const KINDS = RIGS.filter(({ name }) => !/I2C|SPI/.test(name));
describe.each(KINDS)("$name", ({ rig }) => {
  test.each([
    { what: "an NTAG's message", card: emulatedNtag215({ ndef: MESSAGE }), scope: SCOPE_NDEF },
    {
      what: "a broken message",
      card: emulatedNtag215({ ndef: BROKEN_MESSAGE }),
      scope: SCOPE_NDEF,
    },
    { what: "a Type 4 message", card: emulatedType4({ ndef: MESSAGE }), scope: SCOPE_NDEF },
    { what: "an NTAG's counter", card: emulatedNtag215({}), scope: SCOPE_COUNTER },
  ])("$what: told of once, and before what came of it", async ({ card, scope }) => {
    await using r = await rig({ scope });
    await r.log.next("ReaderUp");
    await r.hold(card);
    await expect.poll(() => r.log.tags().some(isOutcome), { timeout: 20_000 }).toBe(true);
    expect(r.log.tags().slice(1, 2)).toEqual(["CardReading"]);
    expect(r.log.all("CardReading")).toEqual([{ _tag: "CardReading", reader: "door" }]);
  });

  test.each([
    { what: "the UID alone", card: emulatedNtag215({ ndef: MESSAGE }), scope: SCOPE_UID },
    { what: "the counter of a card without", card: emulatedType4({}), scope: SCOPE_COUNTER },
    { what: "a message behind keys", card: emulatedMifareClassic({}), scope: SCOPE_NDEF },
  ])("$what: nothing is told", async ({ card, scope }) => {
    await using r = await rig({ scope });
    await r.log.next("ReaderUp");
    await r.hold(card);
    await r.log.next("CardArrived");
    expect(r.log.tags()).toEqual(["ReaderUp", "CardArrived"]);
  });
});
