/** A Type 4 card (ISO/IEC 14443-4) with the NDEF application and its two files, of which one can be written. */
import { concatBytes, equalBytes } from "#core/bytes.ts";
import { SW_SUCCESS } from "#core/card/apdu.ts";
import { TYPE4_APPLICATION, TYPE4_CAPABILITY_FILE } from "#core/card/type4.ts";
import {
  type CardModel,
  type EmulatedCard,
  type EmulatedCardOptions,
  sizedNdef,
  sizedUid,
  uriMessage,
} from "#gateway/reader/emulated/emulated-card.ts";
import {
  respond,
  SW_CLA_NOT_SUPPORTED,
  SW_COMMAND_NOT_ALLOWED,
  SW_END_OF_FILE,
  SW_INS_NOT_SUPPORTED,
  SW_NOT_FOUND,
  SW_OFFSET_OUTSIDE_FILE,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_WRONG_LENGTH,
  SW_WRONG_P1_P2,
} from "#gateway/reader/emulated/responses.ts";

const HEADER_BYTES = 4;
const INS_SELECT = 0xa4;
const INS_READ_BINARY = 0xb0;
const INS_UPDATE_BINARY = 0xd6;
const UID_BYTE_COUNTS = [4, 7, 10];
const NDEF_FILE = 0xe104;
/** Larger than what a gateway reads, so that its refusal can be seen. */
const NDEF_FILE_BYTES = 0x2000;
const NLEN_BYTES = 2;
const NDEF_BYTES_MAX_TYPE4 = NDEF_FILE_BYTES - NLEN_BYTES;
/** The values of the standard's own example; a message of usual length takes more than one read. */
const MLE = 0x3b;
const MLC = 0x34;

/** Frames of up to 64 bytes, the usual timing, without historical bytes. */
const ATS = Uint8Array.of(0x05, 0x75, 0x80, 0x60, 0x02);
const UID_DEFAULT = Uint8Array.of(0x04, 0x37, 0x2b, 0x6a, 0x11, 0x4f, 0x90);

const uint16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

/** CCLEN, mapping version 2.0, MLe, MLc, then the NDEF file's id, size, free to read and to write. */
const capabilityContainer = (mlc: number): Uint8Array =>
  concatBytes(
    Uint8Array.of(0x00, 0x0f, 0x20, 0x00, MLE, 0x00, mlc, 0x04, 0x06),
    uint16(NDEF_FILE),
    uint16(NDEF_FILE_BYTES),
    Uint8Array.of(0x00, 0x00),
  );

const writeNdefFile = (ndef: Uint8Array): Uint8Array => {
  const file = new Uint8Array(NDEF_FILE_BYTES);
  file.set(concatBytes(uint16(ndef.length), ndef));
  return file;
};

/** What is selected: nothing, the application, or one of its files. */
interface Selection {
  application: boolean;
  file: Uint8Array | undefined;
}

const selectByName = (selection: Selection, name: Uint8Array): number => {
  if (!equalBytes(name, TYPE4_APPLICATION)) return SW_NOT_FOUND;
  selection.application = true;
  selection.file = undefined;
  return SW_SUCCESS;
};

const selectById = (
  selection: Selection,
  files: ReadonlyMap<number, Uint8Array>,
  id: Uint8Array,
): number => {
  const [high = 0, low = 0] = id;
  const file = selection.application && id.length === 2 ? files.get(high * 0x100 + low) : undefined;
  if (file === undefined) return SW_NOT_FOUND;
  selection.file = file;
  return SW_SUCCESS;
};

const answerSelect = (
  selection: Selection,
  files: ReadonlyMap<number, Uint8Array>,
  apdu: Uint8Array,
): number => {
  const [, , p1, p2, lc = 0] = apdu;
  const dataEnd = HEADER_BYTES + 1 + lc;
  // With or without an Le behind the data.
  if (lc === 0 || apdu.length < dataEnd || apdu.length > dataEnd + 1) return SW_WRONG_LENGTH;
  const data = apdu.subarray(HEADER_BYTES + 1, dataEnd);
  if (p1 === 0x04 && p2 === 0x00) return selectByName(selection, data);
  if (p1 === 0x00 && p2 === 0x0c) return selectById(selection, files, data);
  return SW_WRONG_P1_P2;
};

/** Offsets from 8000 on would mean a short file id, which this card has not: 6B00 like any other beyond. */
const answerReadBinary = (file: Uint8Array | undefined, apdu: Uint8Array): Uint8Array => {
  if (apdu.length !== HEADER_BYTES + 1) return respond(SW_WRONG_LENGTH);
  if (file === undefined) return respond(SW_COMMAND_NOT_ALLOWED);
  const [, , p1 = 0, p2 = 0, le = 0] = apdu;
  const offset = p1 * 0x100 + p2;
  if (le === 0 || le > MLE) return respond(SW_WRONG_LENGTH);
  if (offset >= file.length) return respond(SW_OFFSET_OUTSIDE_FILE);
  const data = file.subarray(offset, offset + le);
  return respond(data.length === le ? SW_SUCCESS : SW_END_OF_FILE, data);
};

/** Whole or not at all. The capability container is for reading alone. */
const answerUpdateBinary = (
  file: Uint8Array | undefined,
  apdu: Uint8Array,
  { capability, mlc }: { readonly capability: Uint8Array; readonly mlc: number },
): Uint8Array => {
  const [, , p1 = 0, p2 = 0, lc = 0] = apdu;
  const data = apdu.subarray(HEADER_BYTES + 1);
  if (lc === 0 || lc > mlc || data.length !== lc) return respond(SW_WRONG_LENGTH);
  if (file === undefined) return respond(SW_COMMAND_NOT_ALLOWED);
  if (file === capability) return respond(SW_SECURITY_STATUS_NOT_SATISFIED);
  const offset = p1 * 0x100 + p2;
  if (offset + lc > file.length) return respond(SW_OFFSET_OUTSIDE_FILE);
  file.set(data, offset);
  return respond(SW_SUCCESS);
};

/** Bits 7 and 6 of the low byte say how long the UID is. */
const atqaFor = (uid: Uint8Array): Uint8Array => {
  const size = uid.length === 4 ? 0x04 : uid.length === 7 ? 0x44 : 0x84;
  return Uint8Array.of(0x03, size);
};

/**
 * A Type 4 card. What is selected is forgotten when the card leaves the field. By default it holds the URI
 * `https://tapmesh.example/card/1`.
 * Source: NFC Forum Type 4 Tag 2.0; status words from ISO/IEC 7816-4.
 */
export const emulatedType4 = (options: EmulatedCardOptions): EmulatedCard => {
  const uid = sizedUid(options.uid ?? UID_DEFAULT, UID_BYTE_COUNTS);
  const ndef = options.ndef ?? uriMessage("tapmesh.example/card/1");
  const mlc = options.mlc ?? MLC;
  const capability = capabilityContainer(mlc);
  const files: ReadonlyMap<number, Uint8Array> = new Map([
    [TYPE4_CAPABILITY_FILE, capability],
    [NDEF_FILE, writeNdefFile(sizedNdef(ndef, NDEF_BYTES_MAX_TYPE4))],
  ]);
  const selection: Selection = { application: false, file: undefined };
  const exchange = (apdu: Uint8Array): Uint8Array => {
    if (apdu.length < HEADER_BYTES) return respond(SW_WRONG_LENGTH);
    if (apdu[0] !== 0x00) return respond(SW_CLA_NOT_SUPPORTED);
    if (apdu[1] === INS_SELECT) return respond(answerSelect(selection, files, apdu));
    if (apdu[1] === INS_READ_BINARY) return answerReadBinary(selection.file, apdu);
    if (apdu[1] === INS_UPDATE_BINARY) {
      return answerUpdateBinary(selection.file, apdu, { capability, mlc });
    }
    return respond(SW_INS_NOT_SUPPORTED);
  };
  const enterField = (): void => {
    selection.application = false;
    selection.file = undefined;
  };
  return {
    technology: "type4",
    uid,
    atqa: atqaFor(uid),
    sak: 0x20,
    ats: ATS,
    enterField,
    exchange,
  };
};

export const TYPE4: CardModel = {
  uidByteCounts: UID_BYTE_COUNTS,
  ndefByteCountMax: NDEF_BYTES_MAX_TYPE4,
  make: emulatedType4,
};
