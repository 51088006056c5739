/** Cards that show a UID and keep all else to those who have a key: DESFire, phones. */
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
const PHONE_UID_BYTES = 4;
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

/** Another UID at each tap; a UID that is given is the first one's. */
const emulatedPhone = (options: EmulatedCardOptions): EmulatedCard => {
  let taps = 0;
  const first = options.uid && sizedUid(options.uid, [PHONE_UID_BYTES]);
  const uidOfTap = (): Uint8Array => {
    const number = (Math.max(taps, 1) * RANDOM_STEP) & 0xff_ffff;
    const random = Uint8Array.of(RANDOM_UID, number >> 16, (number >> 8) & 0xff, number & 0xff);
    return taps <= 1 ? (first ?? random) : random;
  };
  return {
    technology: "type4",
    get uid() {
      return uidOfTap();
    },
    atqa: Uint8Array.of(0x00, 0x04),
    sak: 0x20,
    ats: Uint8Array.of(0x05, 0x78, 0x80, 0x70, 0x00),
    enterField: () => {
      taps += 1;
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
