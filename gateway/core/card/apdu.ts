/** Command and response APDUs (ISO/IEC 7816-4, PC/SC part 3): only those that reading and writing a card takes. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { uintBe } from "#core/card/uint.ts";

/** Success. */
export const SW_SUCCESS = 0x9000;
/** "Operation failed": what a PC/SC reader says when the card does not answer, mostly because it left. */
export const SW_OPERATION_FAILED = 0x6300;

/**
 * How a card says for good that it has no NDEF application: function not supported, file or
 * application not found, wrong P1 P2, applet selection failed (Java Card), INS or CLA not supported.
 */
const SW_APPLICATION_ABSENT: ReadonlySet<number> = new Set([
  0x6a81, 0x6a82, 0x6a86, 0x6999, 0x6d00, 0x6e00,
]);

export const isApplicationAbsent = (sw: number): boolean => SW_APPLICATION_ABSENT.has(sw);

export interface ResponseApdu {
  readonly data: Uint8Array;
  /** SW1 SW2. */
  readonly sw: number;
}

export interface ApduTruncated {
  readonly _tag: "ResponseTruncated";
  readonly byteCount: number;
}

/**
 * Splits a response into its data and its status word, the last two bytes.
 * Left: `ResponseTruncated` below 2 bytes; the reader is at fault, or gave up on the card.
 * Source: ISO/IEC 7816-4, "Response APDU".
 */
export const decodeResponse = (response: Uint8Array): E.Either<ApduTruncated, ResponseApdu> => {
  const swAt = response.length - 2;
  if (swAt < 0) return E.left({ _tag: "ResponseTruncated", byteCount: response.length });
  return E.right({ data: response.subarray(0, swAt), sw: uintBe(response, swAt, 2) });
};

/** GET DATA for the UID. Answered by the reader from anticollision, for every contactless card. */
export const getDataUid = (): Uint8Array => Uint8Array.of(0xff, 0xca, 0x00, 0x00, 0x00);

/** What one READ of a Type 2 card gives: 4 pages of 4 bytes. */
export const PAGE_BYTES = 4;
export const READ_PAGES_BYTES = 16;

/** READ BINARY of PC/SC part 3 for a storage card: 16 bytes from `page` (0 to 255) on. */
export const readPages = (page: number): Uint8Array =>
  Uint8Array.of(0xff, 0xb0, 0x00, page, READ_PAGES_BYTES);

/** SELECT by name (P1 04), with the file control information that the card likes to give. */
export const selectApplication = (aid: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(0x00, 0xa4, 0x04, 0x00, aid.length), aid, Uint8Array.of(0x00));

/** SELECT of an elementary file by its id; P2 0C asks for no data in the answer. */
export const selectFile = (fileId: number): Uint8Array =>
  Uint8Array.of(0x00, 0xa4, 0x00, 0x0c, 0x02, fileId >> 8, fileId & 0xff);

/**
 * READ BINARY of the selected file. `offset` below 0x8000 (from there on P1 means a short file id),
 * `byteCount` 1 to 255.
 */
export const readBinary = (offset: number, byteCount: number): Uint8Array =>
  Uint8Array.of(0x00, 0xb0, offset >> 8, offset & 0xff, byteCount);

/** UPDATE BINARY of PC/SC part 3 for a storage card: one page, which the card writes whole or not at all. */
export const updatePage = (page: number, data: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(0xff, 0xd6, 0x00, page, PAGE_BYTES), data);

/** UPDATE BINARY of the selected file: 1 to 255 bytes, written whole or not at all; `offset` below 0x8000. */
export const updateBinary = (offset: number, data: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(0x00, 0xd6, offset >> 8, offset & 0xff, data.length), data);

const IN_COMMUNICATE_THRU = Uint8Array.of(0xd4, 0x42);
const THRU_ANSWER = Uint8Array.of(0xd5, 0x43);
const THRU_HEADER_BYTES = 3;

/** The ACR122U's direct transmit of a PN532's InCommunicateThru: a command in the card's own language. */
export const communicateThru = (command: Uint8Array): Uint8Array => {
  const length = IN_COMMUNICATE_THRU.length + command.length;
  return concatBytes(Uint8Array.of(0xff, 0x00, 0x00, 0x00, length), IN_COMMUNICATE_THRU, command);
};

/** What the card answered, of a success's data `D5 43 00 …`; null for a NAK or no answer. */
export const decodeThru = (data: Uint8Array): Uint8Array | null => {
  const isAnswer = data[0] === THRU_ANSWER[0] && data[1] === THRU_ANSWER[1];
  return isAnswer && data[2] === 0 ? data.subarray(THRU_HEADER_BYTES) : null;
};
