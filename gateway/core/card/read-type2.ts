/** Reads the message of a Type 2 card. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { PAGE_BYTES, READ_PAGES_BYTES, readPages } from "#core/card/apdu.ts";
import { askBytes, type Flow } from "#core/card/flow.ts";
import { findNdefTlv } from "#core/card/tlv.ts";
import {
  decodeType2Capability,
  TYPE2_CAPABILITY_PAGE,
  TYPE2_DATA_PAGE,
  TYPE2_SECTOR_DATA_BYTES,
} from "#core/card/type2.ts";

/**
 * The data area of a Type 2 card is read from its start, and no further than to the message's end.
 * The first sector is smaller than NDEF_BYTES_MAX, so that cap needs no check here.
 */
export function* readType2(): Flow<Uint8Array | null> {
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
