/** A MIFARE Classic 1K: here it shows its UID and nothing else, as it does to whoever has no key. */
import {
  type CardModel,
  type EmulatedCard,
  type EmulatedCardOptions,
  respond,
  sizedUid,
  storageCardAtr,
  storageCardTransmit,
  SW_SECURITY_STATUS_NOT_SATISFIED,
} from "#gateway/reader/emulated/emulated-card.ts";

const CARD_NAME = 0x01;
const UID_BYTES = 4;
const UID_DEFAULT = Uint8Array.of(0x3b, 0xa1, 0x7c, 0x5e);

/** A MIFARE Classic 1K as a PC/SC reader shows it. A read without authentication gives 6982. */
export const emulatedMifareClassic = (options: Pick<EmulatedCardOptions, "uid">): EmulatedCard => {
  const uid = sizedUid(options.uid ?? UID_DEFAULT, UID_BYTES);
  return {
    technology: "mifare-classic",
    uid,
    atr: storageCardAtr(CARD_NAME),
    transmit: storageCardTransmit(uid, () => respond(SW_SECURITY_STATUS_NOT_SATISFIED)),
  };
};

export const MIFARE_CLASSIC: CardModel = {
  uidByteCount: UID_BYTES,
  ndefByteCountMax: 0,
  make: emulatedMifareClassic,
};
