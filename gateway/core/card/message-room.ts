/** How long a message may be so that it can be put in the place of another of its length, and be pulled away meanwhile. */
import * as E from "fp-ts/lib/Either.js";
import { readPages, READ_PAGES_BYTES } from "#core/card/apdu.ts";
import type { CardReadError } from "#core/card/card-read-error.ts";
import { askBytes, type Flow } from "#core/card/flow.ts";
import { openNdefFile } from "#core/card/read-type4.ts";
import type { Technology } from "#core/card/sighting.ts";
import {
  decodeType2Capability,
  TYPE2_CAPABILITY_PAGE,
  TYPE2_SECTOR_DATA_BYTES,
} from "#core/card/type2.ts";
import { TYPE4_NLEN_BYTES } from "#core/card/type4.ts";

/** Type, length, terminator, and up to 3 bytes to the next page; of a longer message the length has 2 more. */
const TLV_BYTES = 6;
const LONG_LENGTH_BYTES = 2;
const SHORT_MESSAGE_BYTES = 255;
/** Lc has one byte. */
const UPDATE_BINARY_BYTES_MAX = 255;

function* type2Room(): Flow<number | null> {
  const head = yield* askBytes("READ page", readPages(TYPE2_CAPABILITY_PAGE), READ_PAGES_BYTES);
  if (E.isLeft(head)) return head;
  const capability = decodeType2Capability(head.right);
  if (E.isLeft(capability)) {
    return E.left<CardReadError>({ _tag: "Type2Unreadable", error: capability.left });
  }
  if (capability.right?.isWritable !== true) return E.right(null);
  const byteCount = Math.min(capability.right.dataByteCount, TYPE2_SECTOR_DATA_BYTES);
  const room = Math.floor(byteCount / 2) - TLV_BYTES;
  return E.right(Math.max(0, room < SHORT_MESSAGE_BYTES ? room : room - LONG_LENGTH_BYTES));
}

function* type4Room(): Flow<number | null> {
  const file = yield* openNdefFile();
  if (E.isLeft(file)) return file;
  const capability = file.right?.capability;
  if (capability?.isWritable !== true) return E.right(null);
  const inOneCommand = Math.min(capability.mlc, UPDATE_BINARY_BYTES_MAX);
  const byteCount = Math.min(inOneCommand, capability.ndefFileByteCount);
  return E.right(Math.max(0, byteCount - TYPE4_NLEN_BYTES));
}

/**
 * Bytes of the longest message that `writeCard` can always put in place of one as long: on Type 2 half of the data
 * area, since the old one stays until the new one is there; on Type 4 what one UPDATE BINARY writes. Null: the
 * card takes no message, or is locked. Left: see {@link CardReadError}.
 */
export function* messageRoom(technology: Technology): Flow<number | null> {
  switch (technology) {
    case "type2":
      return yield* type2Room();
    case "type4":
      return yield* type4Room();
    case "mifare-classic": // its NDEF lies behind keys
    case "other":
      return E.right(null);
  }
}
