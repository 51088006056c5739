/** Reads the message of a Type 4 card. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { isApplicationAbsent, readBinary, selectApplication, selectFile } from "#core/card/apdu.ts";
import { ask, askBytes, type Flow } from "#core/card/flow.ts";
import { NDEF_BYTES_MAX } from "#core/card/ndef.ts";
import {
  decodeNlen,
  decodeType4Capability,
  type Type4Capability,
  TYPE4_APPLICATION,
  TYPE4_CAPABILITY_BYTES,
  TYPE4_CAPABILITY_FILE,
  TYPE4_NLEN_BYTES,
} from "#core/card/type4.ts";

/** Le has one byte, of which 0 would mean 256. */
const READ_BINARY_BYTES_MAX = 255;

/** Selects the NDEF application. Right: whether the card has one. */
function* selectNdefApplication(): Flow<boolean> {
  const selected = yield* ask("SELECT application", selectApplication(TYPE4_APPLICATION));
  if (E.isRight(selected)) return E.right(true);
  const error = selected.left;
  const isAbsent = error._tag === "StatusWordNotOk" && isApplicationAbsent(error.sw);
  return isAbsent ? E.right(false) : selected;
}

/** A file's bytes from `offset` to `end`, in reads of at most `byteCountMax`. */
export function* readFile(offset: number, end: number, byteCountMax: number): Flow<Uint8Array> {
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

/** The file that holds the message, selected, and what is in it. */
export interface NdefFile {
  readonly capability: Type4Capability;
  /** Empty: it is ready for one. */
  readonly message: Uint8Array;
}

/** Selects the NDEF file and reads its message. Right: null for a card without the NDEF application. */
export function* openNdefFile(): Flow<NdefFile | null> {
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
  const end = TYPE4_NLEN_BYTES + byteCount;
  const message = yield* readFile(TYPE4_NLEN_BYTES, end, chunkByteCount);
  return E.isLeft(message)
    ? message
    : E.right({ capability: capability.right, message: message.right });
}

export function* readType4(): Flow<Uint8Array | null> {
  const file = yield* openNdefFile();
  return E.isLeft(file) ? file : E.right(file.right === null ? null : file.right.message);
}
