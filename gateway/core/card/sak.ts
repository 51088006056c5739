/** What kind of card it is, from its answer to SELECT: for readers that show the card's own bytes, and no ATR. */
import type { Technology } from "#core/card/sighting.ts";

const ISO_14443_4 = 0x20;

/** NXP AN10833. What is not listed is read by its UID alone. */
const TECHNOLOGY_OF_SAK: ReadonlyMap<number, Technology> = new Map([
  [0x00, "type2"], // Ultralight, and all of NTAG21x
  [0x08, "mifare-classic"], // 1K
  [0x09, "mifare-classic"], // Mini
  [0x18, "mifare-classic"], // 4K
  [0x19, "mifare-classic"], // 2K
  [0x88, "mifare-classic"], // 1K of Infineon
]);

/**
 * The technology that a SAK stands for: bit 6 is a card of ISO/IEC 14443-4, whatever else it also is.
 * Source: ISO/IEC 14443-3, "Coding of SAK"; NXP AN10833, "MIFARE type identification procedure".
 */
export const technologyOfSak = (sak: number): Technology =>
  (sak & ISO_14443_4) === 0 ? (TECHNOLOGY_OF_SAK.get(sak) ?? "other") : "type4";
