/** Many taps in a row through pcscd and nfc-pcsc: none missed, none invented. */
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { ObservedReaders } from "#test/pcscd/observed-readers.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";

const CYCLE_COUNT = 300;

/** A card of its own for each cycle. */
const uidOf = (cycle: number): Uint8Array =>
  Uint8Array.of(0x04, 0x11, 0x22, 0x33, 0x44, cycle >> 8, cycle & 0xff);

test(`${CYCLE_COUNT} cards in a row: each arrives once and leaves once, in order`, async () => {
  await using pcscd = await TestPcscd.started(["ACS ACR122U PICC Interface"]);
  await using observed = new ObservedReaders(pcscd, [
    { id: "door", match: null, scope: SCOPE_NDEF },
  ]);
  const { log } = observed;
  await log.next("ReaderUp");
  for (let cycle = 0; cycle < CYCLE_COUNT; cycle += 1) {
    await pcscd.readers[0]?.insert(emulatedNtag215({ uid: uidOf(cycle) }));
    await log.next("CardArrived");
    pcscd.readers[0]?.unplug(); // CardLeft says that pcscd has seen it
    await log.next("CardLeft");
  }
  const cycles = Array.from({ length: CYCLE_COUNT }, (_, cycle) => cycle);
  expect(log.all("CardArrived").map(({ sighting }) => sighting.uid)).toEqual(
    cycles.map((cycle) => toHex(uidOf(cycle)).toUpperCase()),
  );
  const cycle = ["CardReading", "CardArrived", "CardLeft"];
  expect(log.tags()).toEqual(["ReaderUp", ...cycles.flatMap(() => cycle)]);
});
