/** Cards that show a UID and keep all else to those who have a key: DESFire, phones. */
import { uintBe } from "#core/card/uint.ts";
import {
  type CardModel,
  type EmulatedCard,
  type EmulatedCardOptions,
  sizedUid,
} from "#gateway/reader/emulated/emulated-card.ts";
import {
  respond,
  SW_CLA_NOT_SUPPORTED,
  SW_INS_NOT_SUPPORTED,
  SW_NOT_FOUND,
  SW_WRONG_LENGTH,
} from "#gateway/reader/emulated/responses.ts";

const INS_SELECT = 0xa4;
const DESFIRE_UID_BYTES = 7;
const DESFIRE_UID_DEFAULT = Uint8Array.of(0x04, 0x52, 0x1c, 0x9a, 0x77, 0x3d, 0x80);
export const PHONE_UID_BYTES = 4;
/** As phones give it: frames of up to 256 bytes, no historical bytes. */
export const PHONE_ATS: Uint8Array = Uint8Array.of(0x05, 0x78, 0x80, 0x70, 0x00);
/** The first byte of a single-size UID that is made anew for each tap (ISO/IEC 14443-3). */
const RANDOM_UID = 0x08;

/** Has no application that anybody may select. */
const answerWithoutApplications = (apdu: Uint8Array): Uint8Array => {
  if (apdu.length < 4) return respond(SW_WRONG_LENGTH);
  if (apdu[0] !== 0x00) return respond(SW_CLA_NOT_SUPPORTED);
  return respond(apdu[1] === INS_SELECT ? SW_NOT_FOUND : SW_INS_NOT_SUPPORTED);
};

const emulatedDesfire = (options: EmulatedCardOptions): EmulatedCard => ({
  technology: "type4",
  uid: sizedUid(options.uid ?? DESFIRE_UID_DEFAULT, [DESFIRE_UID_BYTES]),
  atqa: Uint8Array.of(0x03, 0x44),
  sak: 0x20,
  ats: Uint8Array.of(0x06, 0x75, 0x77, 0x81, 0x02, 0x80),
  enterField: () => undefined,
  exchange: answerWithoutApplications,
});

/** Multiplied by the number of the tap, its low 24 bits come back only after all others. */
const RANDOM_STEP = 0x9e_3779;

/** A UID that looks random, and is another after each change; `from`: 3 bytes, where it begins. */
export const changingUid = (
  from: Uint8Array,
): { readonly now: () => Uint8Array; readonly change: () => void } => {
  let taps = 0;
  const start = uintBe(from, 0, 3);
  return {
    now: () => {
      const number = (start + Math.max(taps, 1) * RANDOM_STEP) & 0xff_ffff;
      return Uint8Array.of(RANDOM_UID, number >> 16, (number >> 8) & 0xff, number & 0xff);
    },
    change: () => {
      taps += 1;
    },
  };
};

/** Another UID at each tap; a UID that is given is the first one's. */
const emulatedPhone = (options: EmulatedCardOptions): EmulatedCard => {
  const random = changingUid(new Uint8Array(3));
  let first = options.uid && sizedUid(options.uid, [PHONE_UID_BYTES]);
  let hasEntered = false;
  return {
    technology: "type4",
    get uid() {
      return first ?? random.now();
    },
    atqa: Uint8Array.of(0x00, 0x04),
    sak: 0x20,
    ats: PHONE_ATS,
    enterField: () => {
      random.change();
      if (hasEntered) first = undefined;
      hasEntered = true;
    },
    exchange: answerWithoutApplications,
  };
};

export const DESFIRE: CardModel = {
  uidByteCounts: [DESFIRE_UID_BYTES],
  ndefByteCountMax: 0,
  make: emulatedDesfire,
};

export const PHONE: CardModel = {
  uidByteCounts: [PHONE_UID_BYTES],
  ndefByteCountMax: 0,
  make: emulatedPhone,
};
