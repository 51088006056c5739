/** A MIFARE Classic 1K: here it shows its UID and nothing else, as it does to whoever has no key. */
import {
  type CardModel,
  type EmulatedCard,
  type EmulatedCardOptions,
  sizedUid,
} from "#gateway/reader/emulated/emulated-card.ts";

const UID_BYTES = 4;
const UID_DEFAULT = Uint8Array.of(0x3b, 0xa1, 0x7c, 0x5e);

/** A MIFARE Classic 1K. Without authentication it answers nothing. */
export const emulatedMifareClassic = (options: Pick<EmulatedCardOptions, "uid">): EmulatedCard => ({
  technology: "mifare-classic",
  uid: sizedUid(options.uid ?? UID_DEFAULT, [UID_BYTES]),
  atqa: Uint8Array.of(0x00, 0x04),
  sak: 0x08,
  ats: null,
  enterField: () => undefined,
  exchange: () => null,
});

export const MIFARE_CLASSIC: CardModel = {
  uidByteCounts: [UID_BYTES],
  ndefByteCountMax: 0,
  make: emulatedMifareClassic,
};
