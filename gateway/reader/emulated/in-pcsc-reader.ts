/** An emulated card as a PC/SC reader shows it: an ATR, and APDUs that the reader's firmware translates. */
import { concatBytes } from "#core/bytes.ts";
import { READ_PAGES_BYTES, SW_OPERATION_FAILED, SW_SUCCESS } from "#core/card/apdu.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import {
  respond,
  SW_CLA_NOT_SUPPORTED,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INS_NOT_SUPPORTED,
  SW_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_WRONG_LE,
  SW_WRONG_LENGTH,
} from "#gateway/reader/emulated/responses.ts";

export interface CardInReader {
  readonly atr: Uint8Array;
  /** One command APDU in, one response APDU out. Never throws, never empty. */
  readonly transmit: (apdu: Uint8Array) => Uint8Array;
}

const CLA_READER = 0xff;
const INS_DIRECT_TRANSMIT = 0x00;
const INS_GET_DATA = 0xca;
const INS_READ_BINARY = 0xb0;
const INS_UPDATE_BINARY = 0xd6;
const HEADER_BYTES = 4;
const PAGE_BYTES = 4;

/** READ and WRITE of Type 2 cards; a MIFARE Classic refuses both to whoever has shown no key. */
const NATIVE_READ = 0x30;
const NATIVE_WRITE = 0xa2;

const IN_COMMUNICATE_THRU = Uint8Array.of(0xd4, 0x42);
const THRU_ANSWER = Uint8Array.of(0xd5, 0x43);
const THRU_OK = 0x00;
const THRU_TIMEOUT = 0x01;

/** Historical bytes of a storage card, up to and with SS for ISO/IEC 14443 A part 3. */
const STORAGE_CARD = Uint8Array.of(0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00, 0x03, 0x06, 0x03);
const SAK_CLASSIC_1K = 0x08;
const CARD_NAME_CLASSIC_1K = 0x01;
const CARD_NAME_ULTRALIGHT = 0x03;
const T0_BYTES_FOLLOW = 0x70;

const atrOf = (historical: Uint8Array): Uint8Array => {
  const body = concatBytes(Uint8Array.of(0x80 | historical.length, 0x80, 0x01), historical);
  const tck = body.reduce((sum, byte) => sum ^ byte, 0);
  return concatBytes(Uint8Array.of(0x3b), body, Uint8Array.of(tck));
};

/** What follows TL, T0 and as many of TA, TB and TC as T0 announces. */
const historicalOfAts = (ats: Uint8Array): Uint8Array => {
  const interfaceBits = (ats[1] ?? 0) & T0_BYTES_FOLLOW;
  const interfaceCount = interfaceBits.toString(2).replaceAll("0", "").length;
  return ats.subarray(2 + interfaceCount);
};

/** Without an ATS a reader makes the historical bytes up: a storage card, named by its SAK. */
const historicalOf = ({ ats, sak }: EmulatedCard): Uint8Array => {
  if (ats !== null) return historicalOfAts(ats);
  const cardName = sak === SAK_CLASSIC_1K ? CARD_NAME_CLASSIC_1K : CARD_NAME_ULTRALIGHT;
  return concatBytes(STORAGE_CARD, Uint8Array.of(0, cardName, 0, 0, 0, 0));
};

/** The UID for P1 00; an ATS for P1 01 would be the other thing that some readers know. */
const answerGetData = (uid: Uint8Array, apdu: Uint8Array): Uint8Array => {
  const [, , p1, p2, le] = apdu;
  if (apdu.length !== HEADER_BYTES + 1) return respond(SW_WRONG_LENGTH);
  if (p1 !== 0 || p2 !== 0) return respond(SW_FUNCTION_NOT_SUPPORTED);
  return le === 0 || le === uid.length
    ? respond(SW_SUCCESS, uid)
    : respond(SW_WRONG_LE | uid.length);
};

/** A NAK, as the reader words it. */
const refused = ({ sak }: EmulatedCard): Uint8Array =>
  respond(sak === SAK_CLASSIC_1K ? SW_SECURITY_STATUS_NOT_SATISFIED : SW_NOT_FOUND);

/** The reader hands over the first Le of the 16 bytes that a READ gives. */
const answerReadBinary = (card: EmulatedCard, apdu: Uint8Array): Uint8Array => {
  const [, , p1, page = 0, le = 0] = apdu;
  if (apdu.length !== HEADER_BYTES + 1) return respond(SW_WRONG_LENGTH);
  if (le === 0 || le > READ_PAGES_BYTES) return respond(SW_WRONG_LENGTH);
  const data = p1 === 0 ? card.exchange(Uint8Array.of(NATIVE_READ, page)) : null;
  return data === null ? refused(card) : respond(SW_SUCCESS, data.subarray(0, le));
};

const answerUpdateBinary = (card: EmulatedCard, apdu: Uint8Array): Uint8Array => {
  const [, , p1, page = 0, lc] = apdu;
  const data = apdu.subarray(HEADER_BYTES + 1);
  if (lc !== PAGE_BYTES || data.length !== PAGE_BYTES) return respond(SW_WRONG_LENGTH);
  const write = concatBytes(Uint8Array.of(NATIVE_WRITE, page), data);
  const isWritten = p1 === 0 && card.exchange(write) !== null;
  return isWritten ? respond(SW_SUCCESS) : refused(card);
};

/** The reader hands `D4 42 …` to its PN532, and the PN532 what follows to the card as it is. */
const answerDirectTransmit = (card: EmulatedCard, apdu: Uint8Array): Uint8Array => {
  const [, , p1, p2, lc] = apdu;
  const data = apdu.subarray(HEADER_BYTES + 1);
  const isThru = data[0] === IN_COMMUNICATE_THRU[0] && data[1] === IN_COMMUNICATE_THRU[1];
  if (p1 !== 0 || p2 !== 0 || !isThru) return respond(SW_FUNCTION_NOT_SUPPORTED);
  if (lc !== data.length) return respond(SW_WRONG_LENGTH);
  const answer = card.exchange(data.subarray(IN_COMMUNICATE_THRU.length));
  const status = Uint8Array.of(answer === null ? THRU_TIMEOUT : THRU_OK);
  return respond(SW_SUCCESS, concatBytes(THRU_ANSWER, status, answer ?? new Uint8Array(0)));
};

/** What the reader answers itself: it has CLA FF. */
const answerAsReader = (card: EmulatedCard, isAcr122u: boolean, apdu: Uint8Array): Uint8Array => {
  const ins = apdu[1];
  if (ins === INS_GET_DATA) return answerGetData(card.uid, apdu);
  if (ins === INS_DIRECT_TRANSMIT && isAcr122u) return answerDirectTransmit(card, apdu);
  if (card.ats !== null) return respond(SW_INS_NOT_SUPPORTED);
  if (ins === INS_READ_BINARY) return answerReadBinary(card, apdu);
  if (ins === INS_UPDATE_BINARY) return answerUpdateBinary(card, apdu);
  return respond(SW_INS_NOT_SUPPORTED);
};

/**
 * Holds the card to a reader: it enters the field, and this is the tap that lasts as long as the value is used.
 * `isAcr122u`: the reader takes direct transmit; most others don't.
 * Source: PC/SC part 3; ACS, ACR122U API 2.04, section 4.
 */
export const inPcscReader = (card: EmulatedCard, isAcr122u: boolean = true): CardInReader => {
  card.enterField();
  const transmit = (apdu: Uint8Array): Uint8Array => {
    if (apdu.length < HEADER_BYTES) return respond(SW_WRONG_LENGTH);
    if (apdu[0] === CLA_READER) return answerAsReader(card, isAcr122u, apdu);
    if (card.ats === null) return respond(SW_CLA_NOT_SUPPORTED);
    return card.exchange(apdu) ?? respond(SW_OPERATION_FAILED);
  };
  return { atr: atrOf(historicalOf(card)), transmit };
};
