/** The one flow that writes a message on a card, or takes it off. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, equalBytes } from "#core/bytes.ts";
import {
  PAGE_BYTES,
  READ_PAGES_BYTES,
  readPages,
  updateBinary,
  updatePage,
} from "#core/card/apdu.ts";
import type { CardReadError } from "#core/card/card-read-error.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import { ask, askBytes, type Flow } from "#core/card/flow.ts";
import { NDEF_BYTES_MAX } from "#core/card/ndef.ts";
import { readNdef, readUid } from "#core/card/read-card.ts";
import { openNdefFile } from "#core/card/read-type4.ts";
import type { Technology } from "#core/card/sighting.ts";
import {
  decodeType2Capability,
  TYPE2_CAPABILITY_PAGE,
  TYPE2_DATA_PAGE,
  TYPE2_SECTOR_DATA_BYTES,
} from "#core/card/type2.ts";
import { TYPE4_NLEN_BYTES } from "#core/card/type4.ts";
import type { Uid } from "#core/card/uid.ts";
import { planType2, planType4, type Write } from "#core/card/write-plan.ts";

export interface CardWritten {
  readonly uid: Uid;
  /** Commands that changed something; none: the message was there already. */
  readonly writeCount: number;
}

export interface WriteWish {
  /** A whole, well-formed message; empty: none. */
  readonly message: Uint8Array;
  /** The tag may be empty while it is written, where there is no other way. */
  readonly force: boolean;
}

type WriteFlow<A> = Flow<A, CardWriteError>;

/** Page 2 from its third byte on: one bit for each of the pages 3 to 15, from the fourth bit on. */
const LOCK_PAGE = 2;
const STATIC_LOCK_AT = 2;
const STATICALLY_LOCKED_PAGE_MAX = 15;
/** Lc has one byte. */
const UPDATE_BINARY_BYTES_MAX = 255;

const reading = E.mapLeft((error: CardReadError): CardWriteError => ({ _tag: "NotRead", error }));

/** Once the first write is sent, a failure is another matter: what is on the card now? */
const writing = (force: boolean) =>
  E.mapLeft((error: CardReadError): CardWriteError => ({ _tag: "NotWritten", error, force }));

function* readArea(byteCount: number): Flow<Uint8Array> {
  const parts: Uint8Array[] = [];
  const pageCount = byteCount / PAGE_BYTES;
  for (let page = 0; page < pageCount; page += READ_PAGES_BYTES / PAGE_BYTES) {
    const read = yield* askBytes("READ page", readPages(TYPE2_DATA_PAGE + page), READ_PAGES_BYTES);
    if (E.isLeft(read)) return read;
    parts.push(read.right);
  }
  return E.right(concatBytes(...parts).subarray(0, byteCount));
}

const lockedPage = (locks: Uint8Array, writes: ReadonlyArray<Write>): number | undefined => {
  const bits = (locks[STATIC_LOCK_AT] ?? 0) + (locks[STATIC_LOCK_AT + 1] ?? 0) * 0x100;
  const pages = writes.map(({ at }) => TYPE2_DATA_PAGE + at / PAGE_BYTES);
  return pages.find((page) => page <= STATICALLY_LOCKED_PAGE_MAX && ((bits >> page) & 1) === 1);
};

/** Plans from all that is in the data area, so that nothing is guessed. Right: the number of writes. */
function* writeType2({ message, force }: WriteWish): WriteFlow<number> {
  const head = reading(yield* askBytes("READ page", readPages(LOCK_PAGE), READ_PAGES_BYTES));
  if (E.isLeft(head)) return head;
  const capabilityAt = (TYPE2_CAPABILITY_PAGE - LOCK_PAGE) * PAGE_BYTES;
  const capability = decodeType2Capability(head.right.subarray(capabilityAt));
  if (E.isLeft(capability)) {
    return reading(E.left({ _tag: "Type2Unreadable", error: capability.left }));
  }
  if (capability.right === null) return E.left({ _tag: "NotForNdef" });
  if (!capability.right.isWritable) return E.left({ _tag: "WriteProtected" });
  const byteCount = Math.min(capability.right.dataByteCount, TYPE2_SECTOR_DATA_BYTES);
  const area = reading(yield* readArea(byteCount));
  if (E.isLeft(area)) return area;
  const plan = planType2(area.right, message, force);
  if (E.isLeft(plan)) return plan;
  if (lockedPage(head.right, plan.right) !== undefined) return E.left({ _tag: "WriteProtected" });
  for (const { at, data } of plan.right) {
    const page = TYPE2_DATA_PAGE + at / PAGE_BYTES;
    const written = writing(force)(yield* ask("WRITE page", updatePage(page, data)));
    if (E.isLeft(written)) return written;
  }
  return E.right(plan.right.length);
}

function* writeType4({ message, force }: WriteWish): WriteFlow<number> {
  const file = reading(yield* openNdefFile());
  if (E.isLeft(file)) return file;
  if (file.right === null) return E.left({ _tag: "NotForNdef" });
  const { capability } = file.right;
  if (!capability.isWritable) return E.left({ _tag: "WriteProtected" });
  const toWrite = {
    message: file.right.message,
    byteCount: Math.min(capability.ndefFileByteCount, TYPE4_NLEN_BYTES + NDEF_BYTES_MAX),
    writeByteCountMax: Math.min(capability.mlc, UPDATE_BINARY_BYTES_MAX),
  };
  const plan = planType4(toWrite, message, force);
  if (E.isLeft(plan)) return plan;
  for (const { at, data } of plan.right) {
    const written = writing(force)(yield* ask("UPDATE BINARY", updateBinary(at, data)));
    if (E.isLeft(written)) return written;
  }
  return E.right(plan.right.length);
}

function* writeMessage(technology: Technology, wish: WriteWish): WriteFlow<number> {
  switch (technology) {
    case "type2":
      return yield* writeType2(wish);
    case "type4":
      return yield* writeType4(wish);
    case "mifare-classic": // its NDEF lies behind keys
    case "other":
      return E.left({ _tag: "NotForNdef" });
  }
}

/**
 * Writes a message and reads it back. Yields command APDUs and takes raw responses, as `readCard`. Without `force`
 * the card holds the old message or the new one at any moment, whenever it is pulled away; where its memory doesn't
 * allow that, nothing is written and `NotInOneStroke` says so. One page, or one UPDATE BINARY, is taken to be written
 * whole or not at all.
 *
 * Left: see {@link CardWriteError}; what to do about each is said by `describeCardWriteError`.
 * Source: NFC Forum Type 2 Tag 1.1 and Type 4 Tag 2.0, of which only the order of writes is our own.
 */
export function* writeCard(technology: Technology, wish: WriteWish): WriteFlow<CardWritten> {
  const uid = reading(yield* readUid());
  if (E.isLeft(uid)) return uid;
  const written = yield* writeMessage(technology, wish);
  if (E.isLeft(written)) return written;
  const back = writing(wish.force)(yield* readNdef(technology));
  if (E.isLeft(back)) return back;
  return equalBytes(back.right ?? new Uint8Array(), wish.message)
    ? E.right({ uid: uid.right, writeCount: written.right })
    : E.left({ _tag: "ReadBackDiffers" });
}
