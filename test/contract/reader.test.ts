/** What every reader adaptor keeps to: one suite, run against each. */
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { getDataUid } from "#core/card/apdu.ts";
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import type { FeedbackSignal } from "#gateway/ports.ts";
import { uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { systemClock as clock } from "#gateway/system.ts";
import { type RigKind, RIGS } from "#test/contract/reader-rigs.ts";

/** Another card each time: one that could not be read leaves without a word, and would have to be waited for. */
const uidOfRound = (round: number): Uint8Array => Uint8Array.of(0x04, 1, 2, 3, 4, 5, round);

const MESSAGE = uriMessage("example.org/tool/7");
const BROKEN_MESSAGE = MESSAGE.subarray(0, -3);
const SIGNALS: ReadonlyArray<FeedbackSignal> = [
  "accepted",
  "unknown",
  "refused",
  "failed",
  "checked-out",
  "checked-in",
  "session-over",
];

/** Describes it for each kind of reader; side by side, where their rigs have nothing in common. */
const describeReaders = (
  title: string,
  kinds: ReadonlyArray<RigKind>,
  suite: (kind: RigKind) => void,
): void => {
  const shared = kinds.filter(({ sharesNothing }) => !sharesNothing);
  describe.each(shared)(`${title}: $name`, (kind) => {
    suite(kind);
  });
  const apart = kinds.filter(({ sharesNothing }) => sharesNothing);
  describe.concurrent.each(apart)(`${title}: $name`, (kind) => {
    suite(kind);
  });
};

describeReaders("reader adaptor", RIGS, ({ rig }) => {
  test("says that the reader is up before any card of it", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    expect(await r.log.next("ReaderUp")).toMatchObject({ reader: "door" });
    expect(r.log.tags()).toEqual(["ReaderUp"]);
  });

  test("tells of a card once when it comes, and once when it goes", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    const beforeMono = clock.monoMs();
    const beforeWall = clock.wallMs();
    await r.hold(emulatedNtag215({}));
    const { sighting } = await r.log.next("CardArrived");
    await r.take();
    const left = await r.log.next("CardLeft");
    expect(r.log.tags()).toEqual(["ReaderUp", "CardArrived", "CardLeft"]);
    expect(sighting).toMatchObject({ reader: "door", atStart: false });
    expect(sighting.monoMs).toBeGreaterThanOrEqual(beforeMono);
    expect(sighting.wallMs).toBeGreaterThanOrEqual(beforeWall);
    expect(left.monoMs).toBeGreaterThanOrEqual(sighting.monoMs);
    expect(left.monoMs).toBeLessThanOrEqual(clock.monoMs());
  });

  test("after a swap of cards the first has left before the second arrives", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    const [first, second] = [emulatedNtag215({}), emulatedMifareClassic({})];
    await r.hold(first);
    await r.log.next("CardArrived");
    await r.take();
    await r.hold(second);
    await r.log.next("CardArrived");
    await r.take();
    await r.log.next("CardLeft");
    expect(r.log.tags()).toEqual([
      "ReaderUp",
      "CardArrived",
      "CardLeft",
      "CardArrived",
      "CardLeft",
    ]);
    expect(r.log.all("CardArrived").map(({ sighting }) => sighting.uid)).toEqual(
      [first, second].map(({ uid }) => toHex(uid).toUpperCase()),
    );
  });

  test.each([
    { card: emulatedNtag215({ ndef: MESSAGE }), ndef: MESSAGE },
    { card: emulatedType4({ ndef: MESSAGE }), ndef: MESSAGE },
    { card: emulatedMifareClassic({}), ndef: null },
  ])("reads UID and NDEF of a $card.technology card", async ({ card, ndef }) => {
    await using r = await rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    await r.hold(card);
    const { sighting } = await r.log.next("CardArrived");
    expect(sighting.technology).toBe(card.technology);
    expect(sighting.uid).toBe(toHex(card.uid).toUpperCase());
    expect(sighting.ndef === null ? null : toHex(sighting.ndef)).toBe(ndef && toHex(ndef));
  });

  test.each([emulatedNtag215({ ndef: MESSAGE }), emulatedType4({ ndef: MESSAGE })])(
    "reads no NDEF of a $technology card where none is asked for",
    async (card) => {
      await using r = await rig({ scope: SCOPE_UID });
      await r.log.next("ReaderUp");
      await r.hold(card);
      const { sighting } = await r.log.next("CardArrived");
      expect(sighting.uid).toBe(toHex(card.uid).toUpperCase());
      expect(sighting.ndef).toBeNull();
    },
  );

  test("a card that can't be read whole never arrives", async () => {
    await using r = await rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    await r.hold(emulatedNtag215({ ndef: BROKEN_MESSAGE }));
    const { error } = await r.log.next("CardUnread");
    expect(error._tag).toBe("NdefMalformed");
    await r.take();
    await r.hold(emulatedType4({}));
    await r.log.next("CardArrived");
    expect(r.log.all("CardArrived")).toHaveLength(1);
  });

  test.each(SIGNALS)("shows %s while the card lies there", async (signal) => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    await r.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    expect(await r.adaptor.feedback("door", signal)).toEqual(E.right(undefined));
  });

  test("shows nothing on a reader that there isn't", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    expect(await r.adaptor.feedback("window", "accepted")).toEqual(E.left({ _tag: "ReaderAway" }));
  });

  test("reads a card's counter and signature where they are asked for", async () => {
    await using r = await rig({ scope: { ...SCOPE_UID, counter: true, signature: true } });
    await r.log.next("ReaderUp");
    const signature = new Uint8Array(32).fill(0x5a);
    await r.hold(emulatedNtag215({ signature, counter: 0x0102ff }));
    const { sighting } = await r.log.next("CardArrived");
    expect(sighting.counter).toBe(0x010300);
    expect(toHex(sighting.signature ?? new Uint8Array())).toBe(toHex(signature));
    expect(sighting.ndef).toBeNull();
  });

  test("an APDU is answered by the card that lies there, and by nothing once it is gone", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    expect(await r.adaptor.exchange("door", getDataUid())).toHaveLength(0);
    const card = emulatedNtag215({});
    await r.hold(card);
    await r.log.next("CardArrived");
    expect(toHex(await r.adaptor.exchange("door", getDataUid()))).toBe(`${toHex(card.uid)}9000`);
    expect(await r.adaptor.exchange("window", getDataUid())).toHaveLength(0);
    await r.take();
    await r.log.next("CardLeft");
    expect(await r.adaptor.exchange("door", getDataUid())).toHaveLength(0);
  });

  test("a card that can't be read whole is told of with its technology, and answers APDUs", async () => {
    await using r = await rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    const card = emulatedNtag215({ ndef: BROKEN_MESSAGE });
    await r.hold(card);
    expect(await r.log.next("CardUnread")).toMatchObject({ technology: "type2" });
    expect(toHex(await r.adaptor.exchange("door", getDataUid()))).toBe(`${toHex(card.uid)}9000`);
  });

  test("says when the reader itself answered last, and null for a reader that is down", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    const beforeMs = clock.monoMs();
    await r.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    const answeredMs = r.adaptor.roundTripMonoMs("door");
    expect(answeredMs).toBeGreaterThanOrEqual(beforeMs);
    expect(answeredMs).toBeLessThanOrEqual(clock.monoMs());
    expect(r.adaptor.roundTripMonoMs("window")).toBeNull();
    await r.adaptor.stop();
    expect(r.adaptor.roundTripMonoMs("door")).toBeNull();
  });

  test("says nothing more once stopped, and stops within a second", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    await r.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    const beforeMs = performance.now();
    await r.adaptor.stop();
    expect(performance.now() - beforeMs).toBeLessThan(1_000);
    const said = r.log.events.length;
    await r.take();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(r.log.events).toHaveLength(said);
  });
});

// A simulated card gets there only by a tap, which needs the reader running, and is read at once.
const WITH_FIELD = RIGS.filter(({ hasField }) => hasField);
describeReaders("reader with a field", WITH_FIELD, (kind) => {
  const { rig, commandCounts } = kind;

  test("a card that lay there before is told of as such, and leaves as any other", async () => {
    const card = emulatedNtag215({});
    await using r = await rig({ scope: SCOPE_UID, lying: card });
    const { sighting } = await r.log.next("CardArrived");
    expect(sighting.atStart).toBe(true);
    await r.take();
    await r.log.next("CardLeft");
    await r.hold(card);
    const again = await r.log.next("CardArrived");
    expect(again.sighting.atStart).toBe(false);
  });

  test("a slow card is read all the same", async () => {
    await using r = await rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    await r.hold(emulatedType4({ ndef: MESSAGE }), { delayMs: 200 });
    await r.log.next("CardArrived");
    expect(r.log.tags()).toEqual(["ReaderUp", "CardReading", "CardArrived"]);
  });

  test.each([
    { technology: "type2", make: emulatedNtag215, commandCount: commandCounts.type2 },
    { technology: "type4", make: emulatedType4, commandCount: commandCounts.type4 },
  ])("a $technology card pulled away at each command never arrives", async (pulled) => {
    const { make, commandCount } = pulled;
    await using r = await rig({ scope: SCOPE_NDEF });
    await r.log.next("ReaderUp");
    for (let pullAfterCount = 0; pullAfterCount < commandCount; pullAfterCount += 1) {
      await r.hold(make({ ndef: MESSAGE, uid: uidOfRound(pullAfterCount) }), { pullAfterCount });
      const { error } = await r.log.next("CardUnread");
      expect(error._tag).toBe("CardGone");
      await r.take();
    }
    expect(r.log.all("CardArrived")).toEqual([]);
    const uid = uidOfRound(commandCount);
    await r.hold(make({ ndef: MESSAGE, uid }), { pullAfterCount: commandCount });
    const { sighting } = await r.log.next("CardArrived"); // so these were all its commands
    expect(sighting.uid).toBe(toHex(uid).toUpperCase());
    expect(sighting.ndef && toHex(sighting.ndef)).toBe(toHex(MESSAGE));
  });
});

const SEEING_TWO = RIGS.filter(({ seesTwo }) => seesTwo);
describeReaders("reader that sees two", SEEING_TWO, ({ rig }) => {
  test("two cards together: told once, and neither arrives before it is alone", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    const [first, second] = [emulatedNtag215({}), emulatedType4({})];
    await Promise.all([r.hold(first), r.hold(second)]);
    await r.log.next("CardsTogether");
    await delay(300);
    expect(r.log.tags()).toEqual(["ReaderUp", "CardsTogether"]);
    await r.take(first);
    const { sighting } = await r.log.next("CardArrived");
    expect(sighting.uid).toBe(toHex(second.uid).toUpperCase());
    await r.take();
    await r.log.next("CardLeft");
    expect(r.log.tags()).toEqual(["ReaderUp", "CardsTogether", "CardArrived", "CardLeft"]);
  });

  test("a second card that joins one is told of; the first has not left, nor arrives again", async () => {
    await using r = await rig({ scope: SCOPE_UID });
    await r.log.next("ReaderUp");
    const [first, second] = [emulatedNtag215({}), emulatedMifareClassic({})];
    await r.hold(first);
    await r.log.next("CardArrived");
    await r.hold(second);
    await r.log.next("CardsTogether");
    await r.take(second);
    await delay(300);
    expect(r.log.tags()).toEqual(["ReaderUp", "CardArrived", "CardsTogether"]);
    await r.hold(second);
    await r.log.next("CardsTogether");
    await r.take(first);
    await r.log.next("CardLeft");
    const { sighting } = await r.log.next("CardArrived");
    expect(sighting.uid).toBe(toHex(second.uid).toUpperCase());
  });
});
