/** Readers and cards at a real pcscd: several at once, unplugged, slow, silent, pulled away. */
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { ACR122U, DOOR, firstOf, GATE, OMNIKEY, recover, RECOVERY_MS } from "#test/pcscd/door.ts";
import { ObservedReaders } from "#test/pcscd/observed-readers.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";
import type { Handling } from "#test/pcscd/virtual-reader.ts";

describe("a card", () => {
  const MESSAGE = uriMessage("example.org/a/rather/long/address/so/that/it/takes/several/reads");

  test.each([
    { name: "Type 2", card: emulatedNtag215({ ndef: MESSAGE }), apduCount: 6 },
    { name: "Type 4", card: emulatedType4({ ndef: MESSAGE }), apduCount: 8 },
  ])("pulled away at each of its APDUs never arrives: $name", async ({ card, apduCount }) => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [{ ...DOOR, scope: SCOPE_NDEF }]);
    const { log } = observed;
    const reader = firstOf(pcscd);
    await log.next("ReaderUp");
    for (let pullAfterApduCount = 0; pullAfterApduCount < apduCount; pullAfterApduCount += 1) {
      await reader.insert(card, { pullAfterApduCount });
      const { error } = await log.next("CardUnread");
      expect(error._tag).toBe("CardGone");
      await reader.remove();
    }
    expect(log.all("CardArrived")).toEqual([]);
    await reader.insert(card, { pullAfterApduCount: apduCount });
    const { sighting } = await log.next("CardArrived"); // so these were all its APDUs
    expect(sighting.ndef && toHex(sighting.ndef)).toBe(toHex(MESSAGE));
  });

  test("slow to answer is read all the same", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [{ ...DOOR, scope: SCOPE_NDEF }]);
    await observed.log.next("ReaderUp");
    await firstOf(pcscd).insert(emulatedNtag215({ ndef: MESSAGE }), { delayMs: 100 });
    await observed.log.next("CardArrived");
    expect(observed.log.outcomes()).toEqual(["ReaderUp", "CardArrived"]);
  });

  test("that keeps its reader from answering takes that one down alone, until it answers", async () => {
    await using pcscd = await TestPcscd.started([ACR122U, OMNIKEY]);
    await using observed = new ObservedReaders(pcscd, [DOOR, GATE]);
    const { log } = observed;
    const [door, gate] = pcscd.readers;
    await log.next("ReaderUp");
    await log.next("ReaderUp");
    const child = observed.childPid();
    const handling: Handling = { delayMs: 2_000 };
    await door?.insert(emulatedNtag215({}), handling);
    const down = await log.next("ReaderDown");
    expect(down).toMatchObject({ reader: "door" });
    expect(down.reason).toContain("did not answer");
    await gate?.insert(emulatedMifareClassic({}));
    expect((await log.next("CardArrived")).sighting.reader).toBe("gate");
    delete handling.delayMs;
    expect((await log.next("ReaderUp")).reader).toBe("door");
    expect((await log.next("CardArrived")).sighting).toMatchObject({
      reader: "door",
      atStart: true,
    });
    expect(observed.childPid()).toBe(child);
  });
});

describe("readers", () => {
  test("unplugged and plugged in again", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    const { log } = observed;
    await log.next("ReaderUp");
    await firstOf(pcscd).insert(emulatedNtag215({}));
    await log.next("CardArrived");
    pcscd.setReachable(false);
    await log.next("CardLeft");
    expect((await log.next("ReaderDown")).reason).toContain("plug it in");
    await firstOf(pcscd).remove();
    pcscd.setReachable(true);
    expect(await recover(observed, firstOf(pcscd), performance.now())).toBeLessThan(RECOVERY_MS);
  });

  test("gone after a restart of pcscd: named as missing, with what is there", async () => {
    await using pcscd = await TestPcscd.started([ACR122U, OMNIKEY]);
    await using observed = new ObservedReaders(pcscd, [DOOR, GATE]);
    const { log } = observed;
    await log.next("ReaderUp");
    await log.next("ReaderUp");
    await pcscd.kill();
    await pcscd.start({ readerCount: 1 });
    expect((await log.next("ReaderUp")).reader).toBe("door");
    const missing = await log.next("ReaderDown");
    expect(missing.reader).toBe("gate");
    expect(missing.reason).toContain(`no PC/SC reader has "${OMNIKEY} 00 00" in its name`);
    expect(missing.reason).toContain(`${ACR122U} 00 01`); // what else is there
    await pcscd.kill();
    await pcscd.start();
    const backMs = performance.now();
    await log.next("ReaderUp");
    await log.next("ReaderUp");
    expect(performance.now() - backMs).toBeLessThan(RECOVERY_MS);
    expect([...observed.adaptor.hardware().keys()]).toEqual(["door", "gate"]);
  });

  test("several at once keep their cards apart", async () => {
    await using pcscd = await TestPcscd.started([ACR122U, OMNIKEY, "Identiv uTrust 3700 F"]);
    await using observed = new ObservedReaders(pcscd, [
      DOOR,
      { ...GATE, scope: SCOPE_NDEF },
      { id: "desk", match: "Identiv uTrust 3700 F 00 00", scope: SCOPE_UID },
    ]);
    const { log } = observed;
    for (let up = 0; up < 3; up += 1) await log.next("ReaderUp");
    const held = [
      { id: "door", card: emulatedNtag215({}) },
      { id: "gate", card: emulatedType4({}) },
      { id: "desk", card: emulatedMifareClassic({}) },
    ];
    await Promise.all(held.map(async ({ card }, at) => await pcscd.readers[at]?.insert(card)));
    for (let arrived = 0; arrived < 3; arrived += 1) await log.next("CardArrived");
    const seen = log.all("CardArrived").map(({ sighting }) => [sighting.reader, sighting.uid]);
    expect(Object.fromEntries(seen)).toEqual(
      Object.fromEntries(held.map(({ id, card }) => [id, toHex(card.uid).toUpperCase()])),
    );
    // vpcd's second slots are hardware that nobody configured: noted once each, and left alone.
    const notes = observed.journal.filter(({ code }) => code === "pcsc.reader-not-configured");
    expect(notes).toHaveLength(3);
  });

  test("an ACR122U shows that it reads, then the verdict, then that it can't read", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [{ ...DOOR, scope: SCOPE_NDEF }]);
    const { log, adaptor } = observed;
    await log.next("ReaderUp");
    const door = firstOf(pcscd);
    const message = uriMessage("example.org/tool/7");
    await door.insert(emulatedNtag215({ ndef: message }));
    await log.next("CardReading");
    await log.next("CardArrived");
    expect(await adaptor.feedback("door", "accepted")).toEqual(E.right(undefined));
    const [reading, dark] = ["ff00400f0400000000", "ff00400c0400000000"];
    expect(door.firmwareCommands).toEqual([reading, "ff00520000", "ff0040ee0401000101"]);
    await door.remove();
    await log.next("CardLeft");
    await door.insert(emulatedNtag215({ ndef: message.subarray(0, -3) }));
    await log.next("CardUnread");
    await expect.poll(() => door.firmwareCommands.slice(3)).toEqual([reading, dark]);
  });

  test("that show nothing are told so: no card, or not an ACR122U", async () => {
    await using pcscd = await TestPcscd.started([ACR122U, OMNIKEY]);
    await using observed = new ObservedReaders(pcscd, [DOOR, GATE]);
    const { log, adaptor } = observed;
    await log.next("ReaderUp");
    await log.next("ReaderUp");
    expect(await adaptor.feedback("door", "accepted")).toEqual(E.left({ _tag: "ReaderAway" }));
    expect(await adaptor.feedback("gate", "accepted")).toEqual(E.right(undefined));
    expect(observed.journal).toContainEqual({
      code: "reader.feedback",
      fields: { reader: "gate", signal: "accepted" },
    });
    const door = firstOf(pcscd);
    await door.insert(emulatedNtag215({}));
    await log.next("CardArrived");
    expect(await adaptor.feedback("door", "accepted")).toEqual(E.right(undefined));
    expect(door.firmwareCommands).toEqual(["ff00520000", "ff0040ee0401000101"]);
    door.firmwareAnswer = Uint8Array.of(0x63, 0x00);
    expect(await adaptor.feedback("door", "refused")).toEqual(
      E.left({ _tag: "FeedbackRefused", detail: "status word 6300" }),
    );
  });
});
