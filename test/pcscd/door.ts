/** The reader of most tests, and what must hold for it after each fault. */
import { SCOPE_UID } from "#core/card/read-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import type { ConfiguredReader } from "#gateway/reader/pcsc/bound-readers.ts";
import type { ObservedReaders } from "#test/pcscd/observed-readers.ts";
import type { TestPcscd } from "#test/pcscd/pcscd.ts";
import type { VirtualReader } from "#test/pcscd/virtual-reader.ts";

export const ACR122U = "ACS ACR122U PICC Interface";
/** A reader without an ACR122U's light and buzzer. */
export const OMNIKEY = "HID Global OMNIKEY 5022 Smart Card Reader";

/** vpcd gives each reader a second slot, which pcscd numbers 01. */
export const DOOR: ConfiguredReader = { id: "door", match: `${ACR122U} 00 00`, scope: SCOPE_UID };
export const GATE: ConfiguredReader = { id: "gate", match: `${OMNIKEY} 00 00`, scope: SCOPE_UID };

/** How long any fault may keep a reader from its cards. */
export const RECOVERY_MS = 10_000;

export const firstOf = (pcscd: TestPcscd): VirtualReader => {
  const [reader] = pcscd.readers;
  if (reader === undefined) throw new Error("the test's pcscd has no reader");
  return reader;
};

/** Waits until the reader is up and has read a card of another kind. Resolves to how long that took. */
export const recover = async (
  { log }: ObservedReaders,
  reader: VirtualReader,
  sinceMs: number,
): Promise<number> => {
  await log.next("ReaderUp");
  await reader.insert(emulatedMifareClassic({}));
  const { sighting } = await log.next("CardArrived");
  const tookMs = performance.now() - sinceMs;
  if (sighting.technology !== "mifare-classic" || sighting.atStart) {
    throw new Error(`not the card that was held: ${JSON.stringify(sighting)}`);
  }
  await reader.remove();
  await log.next("CardLeft");
  return tookMs;
};
