/** The one flow that reads a card, whatever the reader: commands out, responses in. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import {
  decodeResponse,
  getDataUid,
  isApplicationAbsent,
  PAGE_BYTES,
  READ_PAGES_BYTES,
  readBinary,
  readPages,
  selectApplication,
  selectFile,
  SW_OPERATION_FAILED,
  SW_SUCCESS,
} from "#core/card/apdu.ts";
import type { CardCommand, CardReadError } from "#core/card/card-read-error.ts";
import { decodeNdef, NDEF_BYTES_MAX } from "#core/card/ndef.ts";
import type { Technology } from "#core/card/sighting.ts";
import { findNdefTlv } from "#core/card/tlv.ts";
import {
  decodeType2Capability,
  TYPE2_CAPABILITY_PAGE,
  TYPE2_DATA_PAGE,
  TYPE2_SECTOR_DATA_BYTES,
} from "#core/card/type2.ts";
import {
  decodeNlen,
  decodeType4Capability,
  TYPE4_APPLICATION,
  TYPE4_CAPABILITY_BYTES,
  TYPE4_CAPABILITY_FILE,
  TYPE4_NLEN_BYTES,
} from "#core/card/type4.ts";
import { decodeUid, type Uid } from "#core/card/uid.ts";

export { type CardReadError, describeCardReadError } from "#core/card/card-read-error.ts";

/** How much is read of a card: each READ costs some milliseconds before the signal. */
export interface ReadScope {
  readonly ndef: boolean;
  /** The one-way tap counter of an NTAG21x. */
  readonly counter: boolean;
  /** The maker's originality signature of an NTAG21x or Ultralight EV1. */
  readonly signature: boolean;
}

export const SCOPE_UID: ReadScope = { ndef: false, counter: false, signature: false };
export const SCOPE_NDEF: ReadScope = { ...SCOPE_UID, ndef: true };

export interface CardRead {
  readonly technology: Technology;
  readonly uid: Uid;
  /** The whole, well-formed message; null where none was asked for or the card carries none. */
  readonly ndef: Uint8Array | null;
  /** The card's own count of its taps; null where none was asked for, there is none or the reader can't get it. */
  readonly counter: number | null;
  /** 32 bytes, not verified; null as with the counter. */
  readonly signature: Uint8Array | null;
}

type Flow<A> = Generator<Uint8Array, E.Either<CardReadError, A>, Uint8Array>;

/** Le has one byte, of which 0 would mean 256. */
const READ_BINARY_BYTES_MAX = 255;

/** Sends one command. Right: the data of a success. */
function* ask(command: CardCommand, apdu: Uint8Array): Flow<Uint8Array> {
  const response = yield apdu;
  if (response.length === 0) return E.left({ _tag: "CardGone", command });
  const decoded = decodeResponse(response);
  if (E.isLeft(decoded)) return E.left({ ...decoded.left, command });
  const { data, sw } = decoded.right;
  if (sw === SW_OPERATION_FAILED) return E.left({ _tag: "CardGone", command });
  if (sw !== SW_SUCCESS) return E.left({ _tag: "StatusWordNotOk", command, sw });
  return E.right(data);
}

/** Sends one reading command. Right: exactly as many bytes as were asked for. */
function* askBytes(
  command: CardCommand,
  apdu: Uint8Array,
  byteCountAsked: number,
): Flow<Uint8Array> {
  const answer = yield* ask(command, apdu);
  if (E.isLeft(answer)) return answer;
  const byteCount = answer.right.length;
  return byteCount === byteCountAsked
    ? answer
    : E.left({ _tag: "ResponseSizeWrong", command, byteCount, byteCountAsked });
}

function* readUid(): Flow<Uid> {
  const answer = yield* ask("GET DATA", getDataUid());
  if (E.isLeft(answer)) return answer;
  const byteCount = answer.right.length;
  return E.mapLeft((): CardReadError => ({ _tag: "UidSizeUndefined", byteCount }))(
    decodeUid(answer.right),
  );
}

/**
 * The data area of a Type 2 card is read from its start, and no further than to the message's end.
 * The first sector is smaller than NDEF_BYTES_MAX, so that cap needs no check here.
 */
function* readType2(): Flow<Uint8Array | null> {
  const first = yield* askBytes("READ page", readPages(TYPE2_CAPABILITY_PAGE), READ_PAGES_BYTES);
  if (E.isLeft(first)) return first;
  const capability = decodeType2Capability(first.right);
  if (E.isLeft(capability)) return E.left({ _tag: "Type2Unreadable", error: capability.left });
  if (capability.right === null) return E.right(null);
  const { dataByteCount } = capability.right;
  let bytes = first.right.subarray(PAGE_BYTES);
  for (;;) {
    const found = findNdefTlv(bytes, dataByteCount);
    if (E.isRight(found)) return found;
    if (found.left._tag !== "BytesNeeded") {
      return E.left({ _tag: "Type2Unreadable", error: found.left });
    }
    const { byteCount } = found.left;
    if (byteCount > TYPE2_SECTOR_DATA_BYTES) {
      return E.left({
        _tag: "Type2Unreadable",
        error: { _tag: "NdefBeyondFirstSector", byteCount },
      });
    }
    const page = TYPE2_DATA_PAGE + bytes.length / PAGE_BYTES;
    const next = yield* askBytes("READ page", readPages(page), READ_PAGES_BYTES);
    if (E.isLeft(next)) return next;
    // READ of page 255 goes on at page 0, which is no data.
    bytes = concatBytes(bytes, next.right).subarray(0, TYPE2_SECTOR_DATA_BYTES);
  }
}

/** Selects the NDEF application. Right: whether the card has one. */
function* selectNdefApplication(): Flow<boolean> {
  const selected = yield* ask("SELECT application", selectApplication(TYPE4_APPLICATION));
  if (E.isRight(selected)) return E.right(true);
  const error = selected.left;
  const isAbsent = error._tag === "StatusWordNotOk" && isApplicationAbsent(error.sw);
  return isAbsent ? E.right(false) : selected;
}

/** A file's bytes from `offset` to `end`, in reads of at most `byteCountMax`. */
function* readFile(offset: number, end: number, byteCountMax: number): Flow<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let at = offset; at < end;) {
    const byteCount = Math.min(end - at, byteCountMax);
    const part = yield* askBytes("READ BINARY", readBinary(at, byteCount), byteCount);
    if (E.isLeft(part)) return part;
    parts.push(part.right);
    at += byteCount;
  }
  return E.right(concatBytes(...parts));
}

function* readType4(): Flow<Uint8Array | null> {
  const hasNdef = yield* selectNdefApplication();
  if (E.isLeft(hasNdef)) return hasNdef;
  if (!hasNdef.right) return E.right(null);

  const capabilityFile = yield* ask("SELECT file", selectFile(TYPE4_CAPABILITY_FILE));
  if (E.isLeft(capabilityFile)) return capabilityFile;
  const capabilityBytes = yield* readFile(0, TYPE4_CAPABILITY_BYTES, TYPE4_CAPABILITY_BYTES);
  if (E.isLeft(capabilityBytes)) return capabilityBytes;
  const capability = decodeType4Capability(capabilityBytes.right);
  if (E.isLeft(capability)) return E.left({ _tag: "Type4Unreadable", error: capability.left });
  const { ndefFileId, ndefFileByteCount, mle } = capability.right;

  const ndefFile = yield* ask("SELECT file", selectFile(ndefFileId));
  if (E.isLeft(ndefFile)) return ndefFile;
  const nlenBytes = yield* readFile(0, TYPE4_NLEN_BYTES, TYPE4_NLEN_BYTES);
  if (E.isLeft(nlenBytes)) return nlenBytes;
  const nlen = decodeNlen(nlenBytes.right, ndefFileByteCount);
  if (E.isLeft(nlen)) return E.left({ _tag: "Type4Unreadable", error: nlen.left });
  const byteCount = nlen.right;
  if (byteCount > NDEF_BYTES_MAX) {
    return E.left({ _tag: "NdefTooLarge", byteCount, byteCountMax: NDEF_BYTES_MAX });
  }
  const chunkByteCount = Math.min(mle, READ_BINARY_BYTES_MAX);
  return yield* readFile(TYPE4_NLEN_BYTES, TYPE4_NLEN_BYTES + byteCount, chunkByteCount);
}

function* readMessage(technology: Technology): Flow<Uint8Array | null> {
  switch (technology) {
    case "type2":
      return yield* readType2();
    case "type4":
      return yield* readType4();
    case "mifare-classic": // its NDEF lies behind keys
    case "other":
      return E.right(null);
  }
}

/** An empty message is a card made ready for NDEF and not written yet: it carries none. */
function* readNdef(technology: Technology): Flow<Uint8Array | null> {
  const message = yield* readMessage(technology);
  if (E.isLeft(message) || message.right === null) return message;
  if (message.right.length === 0) return E.right(null);
  const records = decodeNdef(message.right);
  return E.isLeft(records) ? E.left({ _tag: "NdefMalformed", error: records.left }) : message;
}

/**
 * Reads one card. Yields command APDUs, takes the raw responses, and ends with what was read. An empty
 * response stands for none: an adaptor gives it when the reader failed or ran into its timeout. At most
 * 280 commands.
 *
 * The UID comes first, by GET DATA, for ISO/IEC 14443-4 cards too. With scope `ndef` the message
 * follows: Type 2 by READ from page 3 on, Type 4 by SELECT and READ BINARY. The message is read whole
 * and well-formed or not at all: a card that left or is broken half-way is a Left, never a tap.
 *
 * Left: see {@link CardReadError}; what to do about each is said by `describeCardReadError`.
 * Source: PC/SC part 3; NFC Forum Type 2 Tag 1.1 and Type 4 Tag 2.0, "NDEF Detection Procedure".
 */
export function* readCard(
  technology: Technology,
  scope: ReadScope,
): Generator<Uint8Array, E.Either<CardReadError, CardRead>, Uint8Array> {
  const uid = yield* readUid();
  if (E.isLeft(uid)) return uid;
  const ndef = scope.ndef ? yield* readNdef(technology) : E.right(null);
  if (E.isLeft(ndef)) return ndef;
  return E.right({ technology, uid: uid.right, ndef: ndef.right, counter: null, signature: null });
}
