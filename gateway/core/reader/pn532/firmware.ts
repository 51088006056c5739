/**
 * What the firmware of a PC/SC reader does between an APDU and a card, for a PN532 that has none: one language to
 * cards, whatever the reader. Source: PC/SC part 3; ACS, ACR122U API 2.04, "Direct Transmit".
 */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import {
  type CardAnswer,
  communicateThru,
  DATA_BYTES_MAX,
  dataExchange,
  decodeCardAnswer,
  isSuccess,
  selectTarget,
  type Target,
} from "#core/reader/pn532/commands.ts";

/** Yields chip commands, takes the parameters of their answers, null where the chip gave none. */
export type ChipFlow<A> = Generator<Uint8Array, A, Uint8Array | null>;

const CLA_READER = 0xff;
const INS_GET_DATA = 0xca;
const INS_READ_BINARY = 0xb0;
const INS_UPDATE_BINARY = 0xd6;
const INS_DIRECT = 0x00;
/** To the chip, InCommunicateThru: the one command that is let through. */
const DIRECT_THRU = [0xd4, 0x42];

const CARD_READ = 0x30;
const CARD_WRITE = 0xa2;
const PAGE_BYTES = 4;
const READ_BYTES = 16;

/** What a card may answer to one APDU; extended ones say up to 65,536, and nothing here asks for that. */
const RESPONSE_BYTES_MAX = 8_192;

const NO_ANSWER: Uint8Array = new Uint8Array(0);
const SUCCESS = Uint8Array.of(0x90, 0x00);
/** "Operation failed": the card said nothing, or no. */
const FAILED = Uint8Array.of(0x63, 0x00);
const WRONG_LENGTH = Uint8Array.of(0x67, 0x00);
const NOT_SUPPORTED = Uint8Array.of(0x6a, 0x81);
const CLA_NOT_SUPPORTED = Uint8Array.of(0x6e, 0x00);

const succeed = (data: Uint8Array): Uint8Array => concatBytes(data, SUCCESS);

/** Null: the chip gave no answer, or none that could be read. */
function* askCard(command: Uint8Array): ChipFlow<CardAnswer | null> {
  const data = yield command;
  if (data === null) return null;
  const answer = decodeCardAnswer(data);
  return E.isRight(answer) ? answer.right : null;
}

/** GET DATA: P1 00 the UID, P1 01 the ATS; both known since the card was found. */
const getData = (target: Target, apdu: Uint8Array): Uint8Array => {
  const [, , p1, p2, le = 0] = apdu;
  const data = p1 === 0x00 ? target.uid : target.ats;
  if ((p1 !== 0x00 && p1 !== 0x01) || p2 !== 0x00 || data === null) return NOT_SUPPORTED;
  return le === 0 || le === data.length ? succeed(data) : Uint8Array.of(0x6c, data.length);
};

function* readPages(target: Target, apdu: Uint8Array): ChipFlow<Uint8Array> {
  const [, , p1, page = 0, le = 0] = apdu;
  const byteCount = le === 0 ? READ_BYTES : le;
  if (p1 !== 0x00 || byteCount > READ_BYTES) return WRONG_LENGTH;
  const command = Uint8Array.of(CARD_READ, page);
  const answer = yield* askCard(dataExchange(target.number, command, false));
  if (answer === null) return NO_ANSWER;
  if (answer.code !== 0) return FAILED;
  return succeed(answer.data.subarray(0, byteCount));
}

function* updatePage(target: Target, apdu: Uint8Array): ChipFlow<Uint8Array> {
  const [, , p1, page = 0, lc] = apdu;
  const data = apdu.subarray(5);
  if (p1 !== 0x00 || lc !== PAGE_BYTES || data.length !== PAGE_BYTES) return WRONG_LENGTH;
  const command = concatBytes(Uint8Array.of(CARD_WRITE, page), data);
  const answer = yield* askCard(dataExchange(target.number, command, false));
  if (answer === null) return NO_ANSWER;
  return answer.code === 0 ? SUCCESS : FAILED;
}

/** `FF 00 00 00 Lc D4 42 …`, answered `D5 43 status … 90 00` whatever the card said. */
function* transmitDirectly(target: Target, apdu: Uint8Array): ChipFlow<Uint8Array> {
  const [, , , , lc] = apdu;
  const payload = apdu.subarray(5);
  if (lc === undefined || payload.length !== lc) return WRONG_LENGTH;
  if (payload[0] !== DIRECT_THRU[0] || payload[1] !== DIRECT_THRU[1]) return NOT_SUPPORTED;
  const selected = yield selectTarget(target.number);
  if (selected === null) return NO_ANSWER;
  if (!isSuccess(selected)) return FAILED;
  const answer = yield communicateThru(payload.subarray(2));
  return answer === null ? NO_ANSWER : succeed(concatBytes(Uint8Array.of(0xd5, 0x43), answer));
}

/**
 * An APDU to a card of ISO/IEC 14443-4. The chip cuts it into blocks, and asks for more time as the card does; what
 * is longer than one command or answer of the chip goes in parts.
 */
function* exchangeApdu(target: Target, apdu: Uint8Array): ChipFlow<Uint8Array> {
  let rest: Uint8Array = apdu;
  while (rest.length > DATA_BYTES_MAX) {
    const part = rest.subarray(0, DATA_BYTES_MAX);
    const taken = yield* askCard(dataExchange(target.number, part, true));
    if (taken === null || taken.code !== 0) return NO_ANSWER;
    rest = rest.subarray(DATA_BYTES_MAX);
  }
  let response: Uint8Array = NO_ANSWER;
  for (let data: Uint8Array = rest; ; data = NO_ANSWER) {
    const answer = yield* askCard(dataExchange(target.number, data, false));
    if (answer === null || answer.code !== 0) return NO_ANSWER;
    response = concatBytes(response, answer.data);
    if (!answer.hasMore) return response;
    if (response.length > RESPONSE_BYTES_MAX) return NO_ANSWER;
  }
}

/**
 * Carries one APDU to the card and gives its response; empty where the card or the chip gave none. For every card:
 * GET DATA. For storage cards: READ BINARY, UPDATE BINARY, and native commands by direct transmit. For cards of ISO/IEC
 * 14443-4: all that isn't of class FF.
 */
export function* carryApdu(target: Target, apdu: Uint8Array): ChipFlow<Uint8Array> {
  const [cla, ins] = apdu;
  if (apdu.length < 4) return WRONG_LENGTH;
  if (cla !== CLA_READER) {
    return target.ats === null ? CLA_NOT_SUPPORTED : yield* exchangeApdu(target, apdu);
  }
  if (ins === INS_GET_DATA) return getData(target, apdu);
  if (ins === INS_DIRECT) return yield* transmitDirectly(target, apdu);
  if (target.ats !== null) return NOT_SUPPORTED;
  if (ins === INS_READ_BINARY) return yield* readPages(target, apdu);
  return ins === INS_UPDATE_BINARY ? yield* updatePage(target, apdu) : NOT_SUPPORTED;
}
