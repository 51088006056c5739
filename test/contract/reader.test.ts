/** What every reader adaptor keeps to: one suite, run against each. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { getDataUid } from "#core/card/apdu.ts";
import { type ReadScope, SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import type { FeedbackSignal, Journal, ReaderAdaptor } from "#gateway/ports.ts";
import { type EmulatedCard, uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { createSimulatedReader } from "#gateway/reader/emulated/simulated-reader.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { systemClock as clock } from "#gateway/system.ts";
import { EventLog } from "#test/pcscd/event-log.ts";
import { ObservedReaders } from "#test/pcscd/observed-readers.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";

/** One reader, `door`, of the adaptor under test, with hands for its cards. */
interface Rig extends AsyncDisposable {
  readonly adaptor: ReaderAdaptor;
  readonly log: EventLog;
  /** Holds the card to the reader until `take`. */
  readonly hold: (card: EmulatedCard) => Promise<void>;
  readonly take: () => Promise<void>;
}

const ignore: Journal["info"] = () => undefined;
const journal: Journal = { info: ignore, warn: ignore, error: ignore };

const simulatedRig = (scope: ReadScope): Promise<Rig> => {
  const log = new EventLog();
  const adaptor = createSimulatedReader({ clock, journal }, [{ id: "door", scope }]);
  adaptor.start(log.onEvent);
  const holdMs = 60; // a simulated card goes by itself: there is no hand to take it
  let goneMs = 0;
  return Promise.resolve({
    adaptor,
    log,
    hold: (card) => {
      adaptor.tap("door", card, holdMs);
      goneMs = performance.now() + holdMs;
      return Promise.resolve();
    },
    take: () =>
      new Promise((resolve) => setTimeout(resolve, Math.max(0, goneMs - performance.now()) + 5)),
    [Symbol.asyncDispose]: () => adaptor.stop(),
  });
};

const pcscRig = async (scope: ReadScope): Promise<Rig> => {
  const pcscd = await TestPcscd.started(["ACS ACR122U PICC Interface"]);
  const observed = new ObservedReaders(pcscd, [{ id: "door", match: "ACR122U", scope }]);
  const { adaptor, log } = observed;
  return {
    adaptor,
    log,
    hold: async (card) => await pcscd.readers[0]?.insert(card),
    take: async () => await pcscd.readers[0]?.remove(),
    [Symbol.asyncDispose]: async () => {
      await observed[Symbol.asyncDispose]();
      await pcscd[Symbol.asyncDispose]();
    },
  };
};

const MESSAGE = uriMessage("example.org/tool/7");
const BROKEN_MESSAGE = MESSAGE.subarray(0, -3);
const SIGNALS: ReadonlyArray<FeedbackSignal> = ["accepted", "unknown", "refused", "failed"];

describe.each([
  { name: "simulated", rig: simulatedRig },
  { name: "PC/SC on vpcd", rig: pcscRig },
])("reader adaptor: $name", ({ rig }) => {
  test("says that the reader is up before any card of it", async () => {
    await using r = await rig(SCOPE_UID);
    expect(await r.log.next("ReaderUp")).toMatchObject({ reader: "door" });
    expect(r.log.tags()).toEqual(["ReaderUp"]);
  });

  test("tells of a card once when it comes, and once when it goes", async () => {
    await using r = await rig(SCOPE_UID);
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
    await using r = await rig(SCOPE_UID);
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
    await using r = await rig(SCOPE_NDEF);
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
      await using r = await rig(SCOPE_UID);
      await r.log.next("ReaderUp");
      await r.hold(card);
      const { sighting } = await r.log.next("CardArrived");
      expect(sighting.uid).toBe(toHex(card.uid).toUpperCase());
      expect(sighting.ndef).toBeNull();
    },
  );

  test("a card that can't be read whole never arrives", async () => {
    await using r = await rig(SCOPE_NDEF);
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
    await using r = await rig(SCOPE_UID);
    await r.log.next("ReaderUp");
    await r.hold(emulatedNtag215({}));
    await r.log.next("CardArrived");
    expect(await r.adaptor.feedback("door", signal)).toEqual(E.right(undefined));
  });

  test("shows nothing on a reader that there isn't", async () => {
    await using r = await rig(SCOPE_UID);
    await r.log.next("ReaderUp");
    expect(await r.adaptor.feedback("window", "accepted")).toEqual(E.left({ _tag: "ReaderAway" }));
  });

  test("reads a card's counter and signature where they are asked for", async () => {
    await using r = await rig({ ndef: false, counter: true, signature: true });
    await r.log.next("ReaderUp");
    const signature = new Uint8Array(32).fill(0x5a);
    await r.hold(emulatedNtag215({ signature, counter: 0x0102ff }));
    const { sighting } = await r.log.next("CardArrived");
    expect(sighting.counter).toBe(0x010300);
    expect(toHex(sighting.signature ?? new Uint8Array())).toBe(toHex(signature));
    expect(sighting.ndef).toBeNull();
  });

  test("an APDU is answered by the card that lies there, and by nothing once it is gone", async () => {
    await using r = await rig(SCOPE_UID);
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
    await using r = await rig(SCOPE_NDEF);
    await r.log.next("ReaderUp");
    const card = emulatedNtag215({ ndef: BROKEN_MESSAGE });
    await r.hold(card);
    expect(await r.log.next("CardUnread")).toMatchObject({ technology: "type2" });
    expect(toHex(await r.adaptor.exchange("door", getDataUid()))).toBe(`${toHex(card.uid)}9000`);
  });

  test("says when the reader itself answered last, and null for a reader that is down", async () => {
    await using r = await rig(SCOPE_UID);
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
    await using r = await rig(SCOPE_UID);
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

// Not said of a simulated reader: a card gets there only by a tap, which needs the reader running.
test("PC/SC: a card that lay there before is told of as such, and leaves as any other", async () => {
  await using pcscd = await TestPcscd.started(["ACS ACR122U PICC Interface"]);
  await pcscd.readers[0]?.insert(emulatedNtag215({}));
  await using observed = new ObservedReaders(pcscd, [
    { id: "door", match: null, scope: SCOPE_UID },
  ]);
  const { sighting } = await observed.log.next("CardArrived");
  expect(sighting.atStart).toBe(true);
  await pcscd.readers[0]?.remove();
  await observed.log.next("CardLeft");
  await pcscd.readers[0]?.insert(emulatedNtag215({}));
  const again = await observed.log.next("CardArrived");
  expect(again.sighting.atStart).toBe(false);
});
