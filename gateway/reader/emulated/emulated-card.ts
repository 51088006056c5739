/** Emulated cards on byte level: what a real card in a PC/SC reader answers to an APDU. */
import { concatBytes, utf8 } from "#core/bytes.ts";
import * as E from "fp-ts/lib/Either.js";
import { SW_SUCCESS } from "#core/card/apdu.ts";
import { encodeNdef } from "#core/card/ndef.ts";
import type { Technology } from "#core/card/sighting.ts";

export interface EmulatedCard {
  readonly technology: Technology;
  readonly uid: Uint8Array;
  readonly atr: Uint8Array;
  /** One command APDU in, one response APDU out. Never throws, never empty. */
  readonly transmit: (apdu: Uint8Array) => Uint8Array;
}

export interface EmulatedCardOptions {
  /** Of the size that the card has; by default always the same one. */
  readonly uid?: Uint8Array;
  /** The bytes of the message, well-formed or not; empty for a card not written yet. */
  readonly ndef?: Uint8Array;
}

/** One kind of card, and what can be put on it. */
export interface CardModel {
  readonly uidByteCount: number;
  /** 0 for a card whose NDEF, if any, can't be read without keys. */
  readonly ndefByteCountMax: number;
  /** Throws a RangeError for options that go beyond the two sizes above: a mistake of the caller. */
  readonly make: (options: EmulatedCardOptions) => EmulatedCard;
}

/** End of file before Le bytes. */
export const SW_END_OF_FILE = 0x6282;
export const SW_WRONG_LENGTH = 0x6700;
export const SW_SECURITY_STATUS_NOT_SATISFIED = 0x6982;
export const SW_COMMAND_NOT_ALLOWED = 0x6986;
export const SW_FUNCTION_NOT_SUPPORTED = 0x6a81;
/** File, application or page not found. */
export const SW_NOT_FOUND = 0x6a82;
export const SW_WRONG_P1_P2 = 0x6a86;
export const SW_OFFSET_OUTSIDE_FILE = 0x6b00;
/** The low byte is to be the length that would be right. */
export const SW_WRONG_LE = 0x6c00;
export const SW_INS_NOT_SUPPORTED = 0x6d00;
export const SW_CLA_NOT_SUPPORTED = 0x6e00;

/** CLA of what the reader answers itself, and the INS of its GET DATA and READ BINARY. */
export const CLA_READER = 0xff;
const INS_GET_DATA = 0xca;
const INS_READ_BINARY = 0xb0;
const HEADER_BYTES = 4;

/** A response APDU. */
export const respond = (sw: number, data: Uint8Array = new Uint8Array(0)): Uint8Array =>
  concatBytes(data, Uint8Array.of(sw >> 8, sw & 0xff));

/** One URI record, prefix code 04 for `https://`. */
export const uriMessage = (rest: string): Uint8Array => {
  const payload = concatBytes(Uint8Array.of(0x04), utf8(rest));
  const record = { tnf: "well-known", type: utf8("U"), id: new Uint8Array(0), payload } as const;
  return E.getOrElse((): Uint8Array => new Uint8Array(0))(encodeNdef([record]));
};

/** The UID for a card, or a RangeError. */
export const sizedUid = (uid: Uint8Array, byteCount: number): Uint8Array => {
  if (uid.length !== byteCount)
    throw new RangeError(`UID of ${uid.length} bytes, not ${byteCount}`);
  return uid;
};

/** The message for a card, or a RangeError. */
export const sizedNdef = (ndef: Uint8Array, byteCountMax: number): Uint8Array => {
  if (ndef.length > byteCountMax) {
    throw new RangeError(`NDEF of ${ndef.length} bytes, at most ${byteCountMax}`);
  }
  return ndef;
};

/** GET DATA: the UID for P1 00; an ATS for P1 01 would be the other thing that some readers know. */
export const answerGetData = (uid: Uint8Array, apdu: Uint8Array): Uint8Array => {
  const [, , p1, p2, le] = apdu;
  if (apdu.length !== HEADER_BYTES + 1) return respond(SW_WRONG_LENGTH);
  if (p1 !== 0 || p2 !== 0) return respond(SW_FUNCTION_NOT_SUPPORTED);
  return le === 0 || le === uid.length
    ? respond(SW_SUCCESS, uid)
    : respond(SW_WRONG_LE | uid.length);
};

export const isGetData = (apdu: Uint8Array): boolean =>
  apdu[0] === CLA_READER && apdu[1] === INS_GET_DATA;

/** A storage card (PC/SC part 3) knows no APDUs itself: the reader translates GET DATA and READ BINARY. */
export const storageCardTransmit =
  (uid: Uint8Array, answerReadBinary: (apdu: Uint8Array) => Uint8Array) =>
  (apdu: Uint8Array): Uint8Array => {
    if (apdu.length < HEADER_BYTES) return respond(SW_WRONG_LENGTH);
    if (apdu[0] !== CLA_READER) return respond(SW_CLA_NOT_SUPPORTED);
    if (isGetData(apdu)) return answerGetData(uid, apdu);
    if (apdu[1] !== INS_READ_BINARY) return respond(SW_INS_NOT_SUPPORTED);
    return apdu.length === HEADER_BYTES + 1 ? answerReadBinary(apdu) : respond(SW_WRONG_LENGTH);
  };

/** Historical bytes of a storage card, up to and with SS for ISO/IEC 14443 A part 3. */
const STORAGE_CARD = Uint8Array.of(0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00, 0x03, 0x06, 0x03);

/** `3B 8F 80 01`, the historical bytes with the card's name as the low byte of NN, TCK. */
export const storageCardAtr = (cardName: number): Uint8Array => {
  const interfaceBytes = Uint8Array.of(0x8f, 0x80, 0x01);
  const body = concatBytes(interfaceBytes, STORAGE_CARD, Uint8Array.of(0, cardName, 0, 0, 0, 0));
  const tck = body.reduce((sum, byte) => sum ^ byte, 0);
  return concatBytes(Uint8Array.of(0x3b), body, Uint8Array.of(tck));
};
