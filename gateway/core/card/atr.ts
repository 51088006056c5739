/** What kind of card it is, from the ATR that a PC/SC reader makes up for a contactless card. */
import { equalBytes } from "#core/bytes.ts";
import type { Technology } from "#core/card/sighting.ts";
import { uintBe } from "#core/card/uint.ts";

/** TS, then T0 without its count of historical bytes; TD1 and TD2 offer T=0 and T=1. */
const TS = 0x3b;
const T0_CONTACTLESS = 0x80;
const TD1 = 0x80;
const TD2 = 0x01;
const HISTORICAL_AT = 4;

/** Category indicator, tag and length of the application identifier, the PC/SC workgroup's RID. */
const STORAGE_CARD = Uint8Array.of(0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00, 0x03, 0x06);
/** SS: ISO/IEC 14443 A, part 3. */
const STANDARD_14443A_3 = 0x03;

/** NN NN of the part 3 supplement. A card that is not listed is read by its UID alone. */
const TECHNOLOGY_OF_CARD_NAME: ReadonlyMap<number, Technology> = new Map([
  [0x0001, "mifare-classic"], // 1K
  [0x0002, "mifare-classic"], // 4K
  [0x0026, "mifare-classic"], // Mini
  [0x0003, "type2"], // Ultralight, and all of NTAG21x
  [0x003a, "type2"], // Ultralight C
  [0x003d, "type2"], // Ultralight EV1
]);

const technologyOfStorageCard = (historical: Uint8Array): Technology => {
  const standard = historical[STORAGE_CARD.length];
  if (standard !== STANDARD_14443A_3) return "other";
  const cardName = uintBe(historical, STORAGE_CARD.length + 1, 2);
  return TECHNOLOGY_OF_CARD_NAME.get(cardName) ?? "other";
};

/**
 * The technology that an ATR stands for. Layout: `3B 8n 80 01`, n historical bytes, TCK. With the
 * historical bytes `80 4F 0C A000000306 SS NNNN 00000000` it is a storage card named by NN; with any
 * others it is a card of ISO/IEC 14443-4. All else, malformed or of a contact card, is `other`: its
 * UID is asked for all the same, so a strange ATR costs no tap. TCK is not checked for that reason:
 * the ATR only chooses how to read, and each later answer is checked by itself.
 * Source: PC/SC part 3 (2.01.09), "ATR", and its supplement for SS and NN.
 */
export const technologyOfAtr = (atr: Uint8Array): Technology => {
  const [ts, t0 = 0, td1, td2] = atr;
  if (ts !== TS || (t0 & 0xf0) !== T0_CONTACTLESS || td1 !== TD1 || td2 !== TD2) return "other";
  const historicalEnd = HISTORICAL_AT + (t0 & 0x0f);
  if (atr.length !== historicalEnd + 1) return "other";
  const historical = atr.subarray(HISTORICAL_AT, historicalEnd);
  return equalBytes(historical.subarray(0, STORAGE_CARD.length), STORAGE_CARD)
    ? technologyOfStorageCard(historical)
    : "type4";
};
