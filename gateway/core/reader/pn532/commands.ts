/**
 * The commands of the PN532 that are used here, and their answers. Without TFI and frame.
 * Source: PN532 User Manual (UM0701-02), section 7.
 */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { hexOf } from "#core/card/uint.ts";

/** 16 bytes that no frame begins with, long enough for the chip's oscillator to start (HSU only). */
export const HSU_WAKE: Uint8Array = Uint8Array.of(0x55, 0x55, ...new Uint8Array(14));

/** Normal mode, without SAM; the timeout (1 s) is for the virtual card mode only; with IRQ. Leaves Low-Vbat mode. */
export const samConfiguration = (): Uint8Array => Uint8Array.of(0x14, 0x01, 0x14, 0x01);

export const getFirmwareVersion = (): Uint8Array => Uint8Array.of(0x02);

/** Item 5: ATR_REQ for ever, PSL once, and a target looked for 4 times. By default the chip would look for ever. */
export const limitRetries = (): Uint8Array => Uint8Array.of(0x32, 0x05, 0xff, 0x01, 0x03);

/** Item 1: the RF field. Off for 5 ms it makes every card begin anew (ISO/IEC 14443-3, "reset"). */
export const switchField = (isOn: boolean): Uint8Array => Uint8Array.of(0x32, 0x01, isOn ? 1 : 0);

/** At most two targets of ISO/IEC 14443 type A at 106 kbit/s: the chip can't have more. */
export const listTargets = (): Uint8Array => Uint8Array.of(0x4a, 0x02, 0x00);

/** Raw commands go to the target that is selected; the list leaves the first one halted while it looks for a second. */
export const selectTarget = (target: number): Uint8Array => Uint8Array.of(0x54, target);

/** Lets all targets go; one of ISO/IEC 14443-4 is told so. */
export const releaseTargets = (): Uint8Array => Uint8Array.of(0x52, 0x00);

/** Whether the card of ISO/IEC 14443-4 that is selected still answers; what is selected on it stays so. */
export const diagnosePresence = (): Uint8Array => Uint8Array.of(0x00, 0x06);

/** "Write this port": without it the chip leaves the port as it is. */
const VALIDATION = 0x80;

/**
 * WriteGPIO (section 7.2.7): the levels of P30 to P35 by bits 0 to 5, of P71 and P72 by bits 1 and 2; null leaves a
 * port alone. A port is written whole. The answer is empty.
 */
export const writeGpio = (p3: number | null, p7: number | null): Uint8Array =>
  Uint8Array.of(0x0e, p3 === null ? 0 : VALIDATION | p3, p7 === null ? 0 : VALIDATION | p7);

/** DataOut at most. */
export const DATA_BYTES_MAX = 262;
/** In Tg: this is not the last part. In the status: there is more. */
const MORE = 0x40;

/** Through the chip's own protocol: MIFARE, or blocks and waiting times of ISO/IEC 14443-4. */
export const dataExchange = (target: number, data: Uint8Array, hasMore: boolean): Uint8Array =>
  concatBytes(Uint8Array.of(0x40, hasMore ? target | MORE : target), data);

/** As it is, with CRC: what InDataExchange has no notion of. */
export const communicateThru = (data: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(0x42), data);

export interface Firmware {
  /** 32 for the PN532. */
  readonly ic: number;
  readonly version: number;
  readonly revision: number;
}

/** A card in the field, as the chip found it. */
export interface Target {
  /** Tg: its number until the next list. */
  readonly number: number;
  /** SENS_RES, as the chip gives it: high byte first. */
  readonly atqa: Uint8Array;
  readonly sak: number;
  readonly uid: Uint8Array;
  /** With its length byte; null for a card that isn't of ISO/IEC 14443-4. */
  readonly ats: Uint8Array | null;
}

/** Of a checked frame, so a chip that does otherwise than the manual says; asked again after a fresh start. */
export interface AnswerMalformed {
  readonly _tag: "AnswerMalformed";
  readonly command: string;
}

const malformed = (command: string): AnswerMalformed => ({ _tag: "AnswerMalformed", command });

/** `IC Ver Rev Support`. Left: `AnswerMalformed` unless 4 bytes at least. */
export const decodeFirmware = (data: Uint8Array): E.Either<AnswerMalformed, Firmware> => {
  const [ic, version, revision, support] = data;
  return ic === undefined ||
    version === undefined ||
    revision === undefined ||
    support === undefined
    ? E.left(malformed("GetFirmwareVersion"))
    : E.right({ ic, version, revision });
};

export const firmwareName = ({ ic, version, revision }: Firmware): string =>
  `PN5${hexOf(ic, 1)} firmware ${version}.${revision}`;

/** SAK: the card is of ISO/IEC 14443-4, and the chip has asked it for its ATS. */
const SAK_14443_4 = 0x20;
const TARGETS_MAX = 2;
/** Tg, SENS_RES, SEL_RES, NFCIDLength. */
const TARGET_HEADER_BYTES = 5;

const atsAt = (data: Uint8Array, at: number, sak: number): Uint8Array | null =>
  (sak & SAK_14443_4) !== 0 && at < data.length
    ? data.subarray(at, at + Math.max(1, data[at] ?? 1))
    : null;

/** The target whose bytes begin there; null if they end too soon. */
const targetAt = (data: Uint8Array, at: number): Target | null => {
  const [number = 0, high = 0, low = 0, sak = 0, uidByteCount = 0] = data.subarray(at);
  const uidAt = at + TARGET_HEADER_BYTES;
  const uid = data.subarray(uidAt, uidAt + uidByteCount);
  const ats = atsAt(data, uidAt + uidByteCount, sak);
  const isWhole =
    uidByteCount > 0 && uid.length === uidByteCount && (ats === null || ats.length === ats[0]);
  return isWhole ? { number, atqa: Uint8Array.of(high, low), sak, uid, ats } : null;
};

/**
 * `NbTg`, then for each target `Tg SENS_RES(2) SEL_RES NFCIDLength NFCID1 [ATS]`; the ATS, where the card has one,
 * begins with its own length. Left: `AnswerMalformed` if it ends too soon, or names more than two.
 */
export const decodeTargets = (
  data: Uint8Array,
): E.Either<AnswerMalformed, ReadonlyArray<Target>> => {
  const [count] = data;
  if (count === undefined || count > TARGETS_MAX) return E.left(malformed("InListPassiveTarget"));
  const targets: Target[] = [];
  let at = 1;
  for (let i = 0; i < count; i += 1) {
    const target = targetAt(data, at);
    if (target === null) return E.left(malformed("InListPassiveTarget"));
    targets.push(target);
    at += TARGET_HEADER_BYTES + target.uid.length + (target.ats?.length ?? 0);
  }
  return E.right(targets);
};

/** What came of talking to a card. `code` 0 is success, 1 no answer in time; section 7.1 has the rest. */
export interface CardAnswer {
  readonly code: number;
  /** There is more of it, to be asked for with an empty InDataExchange. */
  readonly hasMore: boolean;
  readonly data: Uint8Array;
}

/** The status byte, then what the card said. Left: `AnswerMalformed` if there is none. */
export const decodeCardAnswer = (data: Uint8Array): E.Either<AnswerMalformed, CardAnswer> => {
  const [status] = data;
  if (status === undefined) return E.left(malformed("InDataExchange"));
  return E.right({
    code: status & 0x3f,
    hasMore: (status & MORE) !== 0,
    data: data.subarray(1),
  });
};

/** Whether a command whose answer is one status byte succeeded. */
export const isSuccess = (data: Uint8Array): boolean =>
  data[0] !== undefined && (data[0] & 0x3f) === 0;
