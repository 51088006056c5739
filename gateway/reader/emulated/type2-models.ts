/** NTAG213, 215 and 216, and both sizes of Ultralight EV1. */
import {
  type CardModel,
  type EmulatedCard,
  type EmulatedCardOptions,
  sizedNdef,
  sizedUid,
  uriMessage,
} from "#gateway/reader/emulated/emulated-card.ts";
import { type Type2Chip, Type2Memory } from "#gateway/reader/emulated/type2-chip.ts";

const UID_BYTES = 7;
const UID_DEFAULT = Uint8Array.of(0x04, 0xa1, 0xb2, 0xc3, 0xd4, 0x6c, 0x80);

/** GET_VERSION: fixed, NXP, product, subtype, major, minor, size, protocol. */
const ntagVersion = (size: number): Uint8Array => Uint8Array.of(0, 4, 4, 2, 1, 0, size, 3);
const ultralightVersion = (size: number): Uint8Array => Uint8Array.of(0, 4, 3, 1, 1, 0, size, 3);
const capability = (size: number): Uint8Array => Uint8Array.of(0xe1, 0x10, size, 0x00);

const CHIP_NTAG213: Type2Chip = {
  version: ntagVersion(0x0f),
  pageCount: 45,
  capability: capability(0x12),
  dynamicLock: { page: 40, pagesPerBit: 2 },
  configurationPage: 41,
  counters: "taps",
};
/** `3E` × 8 = 496 bytes for NDEF, though the chip has 504. */
const CHIP_NTAG215: Type2Chip = {
  version: ntagVersion(0x11),
  pageCount: 135,
  capability: capability(0x3e),
  dynamicLock: { page: 130, pagesPerBit: 16 },
  configurationPage: 131,
  counters: "taps",
};
const CHIP_NTAG216: Type2Chip = {
  version: ntagVersion(0x13),
  pageCount: 231,
  capability: capability(0x6d),
  dynamicLock: { page: 226, pagesPerBit: 16 },
  configurationPage: 227,
  counters: "taps",
};
const CHIP_ULTRALIGHT_EV1_48: Type2Chip = {
  version: ultralightVersion(0x0b),
  pageCount: 20,
  capability: capability(0x06),
  dynamicLock: null,
  configurationPage: 16,
  counters: "others",
};
const CHIP_ULTRALIGHT_EV1_128: Type2Chip = {
  version: ultralightVersion(0x0e),
  pageCount: 41,
  capability: capability(0x10),
  dynamicLock: { page: 36, pagesPerBit: 2 },
  configurationPage: 37,
  counters: "others",
};

/** What type, length and, where it fits, the terminator leave of the data area. */
const ndefByteCountMax = (chip: Type2Chip): number => {
  const dataByteCount = (chip.capability[2] ?? 0) * 8;
  return dataByteCount > 0xff ? dataByteCount - 4 : dataByteCount - 2;
};

/**
 * By default it holds the URI `https://tapmesh.example/tag/1` and counts its taps.
 * Source: NXP NTAG213/215/216 data sheet rev. 3.2, sections 8.5, 8.7 and 10; MF0ULx1 rev. 3.3.
 */
const modelOf = (chip: Type2Chip): CardModel => ({
  uidByteCounts: [UID_BYTES],
  ndefByteCountMax: ndefByteCountMax(chip),
  make: (options) => {
    const uid = sizedUid(options.uid ?? UID_DEFAULT, [UID_BYTES]);
    const ndef = options.ndef ?? uriMessage("tapmesh.example/tag/1");
    const memory = new Type2Memory(chip, {
      countsTaps: true,
      ...options,
      uid,
      ndef: sizedNdef(ndef, ndefByteCountMax(chip)),
    });
    return {
      technology: "type2",
      uid,
      atqa: Uint8Array.of(0x00, 0x44),
      sak: 0x00,
      ats: null,
      enterField: () => memory.enterField(),
      exchange: (command) => memory.exchange(command),
    };
  },
});

export const NTAG213: CardModel = modelOf(CHIP_NTAG213);
export const NTAG215: CardModel = modelOf(CHIP_NTAG215);
export const NTAG216: CardModel = modelOf(CHIP_NTAG216);
export const ULTRALIGHT_EV1_48: CardModel = modelOf(CHIP_ULTRALIGHT_EV1_48);
export const ULTRALIGHT_EV1_128: CardModel = modelOf(CHIP_ULTRALIGHT_EV1_128);

export const emulatedNtag215 = (options: EmulatedCardOptions): EmulatedCard =>
  NTAG215.make(options);
