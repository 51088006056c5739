/**
 * Which writes put a message on a card so that it holds the old message or the new one at any moment, whenever it is
 * pulled away. A plan is tried out on a copy of the memory, write by write, before the first one is sent.
 */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, equalBytes } from "#core/bytes.ts";
import { PAGE_BYTES } from "#core/card/apdu.ts";
import { decodeNdef } from "#core/card/ndef.ts";
import {
  dataStart,
  encodeNdefTlv,
  encodeSkippedTlvHeader,
  findNdefTlv,
  ndefTlvPlace,
} from "#core/card/tlv.ts";

/** One command's worth: the card writes it whole or not at all. */
export interface Write {
  readonly at: number;
  readonly data: Uint8Array;
}

export type PlanError =
  | {
      readonly _tag: "MessageTooLarge";
      readonly byteCount: number;
      readonly byteCountMax: number;
    }
  /** No order of writes keeps the old message until the new one is there. */
  | { readonly _tag: "NotInOneStroke" }
  /** Nor is there any other way: readers would find none where it would be written. */
  | { readonly _tag: "LayoutUnknown" };

export type Plan = E.Either<PlanError, ReadonlyArray<Write>>;

/** What a reader finds: a message, none, or something broken. */
type Found = Uint8Array | "none" | "broken";

type Look = (memory: Uint8Array) => Found;

const foundIn = (message: Uint8Array): Found => {
  if (message.length === 0) return "none";
  return E.isRight(decodeNdef(message)) ? message : "broken";
};

const isSame = (a: Found, b: Found): boolean =>
  typeof a === "string" || typeof b === "string" ? a === b : equalBytes(a, b);

const applied = (memory: Uint8Array, writes: ReadonlyArray<Write>): Uint8Array => {
  const after = memory.slice();
  for (const { at, data } of writes) after.set(data, at);
  return after;
};

interface Attempt {
  readonly memory: Uint8Array;
  readonly look: Look;
  readonly message: Uint8Array;
  /** The card may be found empty in between. */
  readonly mayBeEmpty: boolean;
}

/** Where there was no message before, there is none to keep; but a mixture of two is never right. */
const isSound = (attempt: Attempt, writes: ReadonlyArray<Write>): boolean => {
  const { look, mayBeEmpty } = attempt;
  const before = look(attempt.memory);
  const after = foundIn(attempt.message);
  const memory = attempt.memory.slice();
  for (const { at, data } of writes) {
    memory.set(data, at);
    const now = look(memory);
    const isOld = isSame(now, before) || (before === "broken" && now === "none");
    if (!isOld && !isSame(now, after) && !(mayBeEmpty && now === "none")) return false;
  }
  return isSame(look(memory), after);
};

const firstSound = (
  attempt: Attempt,
  plans: ReadonlyArray<ReadonlyArray<Write> | undefined>,
): ReadonlyArray<Write> | undefined =>
  plans.find((writes) => writes !== undefined && isSound(attempt, writes));

/** What a plan is made of: those that keep the old message, and the one that empties the card first. */
interface Ways {
  readonly keeping: ReadonlyArray<ReadonlyArray<Write> | undefined>;
  readonly emptying: ReadonlyArray<Write>;
}

const planOf = (attempt: Attempt, { keeping, emptying }: Ways, force: boolean): Plan => {
  const kept = firstSound(attempt, keeping);
  if (kept !== undefined) return E.right(kept);
  if (!isSound({ ...attempt, mayBeEmpty: true }, emptying))
    return E.left({ _tag: "LayoutUnknown" });
  return force ? E.right(emptying) : E.left({ _tag: "NotInOneStroke" });
};

// Type 2: a data area of pages.

const lookAtArea: Look = (area) => {
  const found = findNdefTlv(area, area.length);
  if (E.isLeft(found)) return "broken";
  return found.right === null ? "none" : foundIn(found.right);
};

const aligned = (at: number): number => Math.ceil(at / PAGE_BYTES) * PAGE_BYTES;

/** The header of a block is written by one page, or a reader could find half of it. */
const headerFits = (at: number, headerBytes: number): boolean =>
  (at % PAGE_BYTES) + headerBytes <= PAGE_BYTES;

const headerBytesFor = (message: Uint8Array): number => (message.length < 0xff ? 2 : 4);

const startFor = (area: Uint8Array, message: Uint8Array): number => {
  const start = dataStart(area);
  return headerFits(start, headerBytesFor(message)) ? start : aligned(start);
};

/** The pages that differ, the last one first: what begins a block is written when the rest is there. */
const pagesBackwards = (before: Uint8Array, after: Uint8Array): ReadonlyArray<Write> => {
  const writes: Write[] = [];
  for (let at = before.length - PAGE_BYTES; at >= 0; at -= PAGE_BYTES) {
    const data = after.slice(at, at + PAGE_BYTES);
    if (!equalBytes(data, before.subarray(at, at + PAGE_BYTES))) writes.push({ at, data });
  }
  return writes;
};

/** The block and, where it has room, the terminator, at `at`; NULL blocks between there and the start. */
const withBlock = (area: Uint8Array, message: Uint8Array, at: number): Uint8Array => {
  const after = area.slice();
  const start = dataStart(area);
  if (at === startFor(area, message)) after.fill(0, start, at);
  after.set(encodeNdefTlv(message).subarray(0, area.length - at), at);
  return after;
};

const front = (area: Uint8Array, message: Uint8Array): ReadonlyArray<Write> =>
  pagesBackwards(area, withBlock(area, message, startFor(area, message)));

/**
 * Puts the message behind the one that counts, and then turns that one, by its first page, into a block that readers
 * pass over.
 */
const behind = (
  area: Uint8Array,
  message: Uint8Array,
  at: number,
): ReadonlyArray<Write> | undefined => {
  const place = ndefTlvPlace(area);
  if (place === undefined || at + headerBytesFor(message) + message.length > area.length) {
    return undefined;
  }
  const header = encodeSkippedTlvHeader(at - place.at);
  if (!headerFits(place.at, header.length)) return undefined;
  const written = withBlock(area, message, at);
  const switched = written.slice();
  switched.set(header, place.at);
  return [...pagesBackwards(area, written), ...pagesBackwards(written, switched)];
};

/** Behind first, far enough away that the message can be written in front as well; that is where all look for it. */
const behindThenFront = (
  area: Uint8Array,
  message: Uint8Array,
  end: number,
): ReadonlyArray<Write> | undefined => {
  const frontEnd = startFor(area, message) + headerBytesFor(message) + message.length + 1;
  const copy = behind(area, message, aligned(Math.max(end, frontEnd)));
  return copy === undefined ? undefined : [...copy, ...front(applied(area, copy), message)];
};

/** Empty at once by the first page; then what was there is wiped. */
const erased = (area: Uint8Array): ReadonlyArray<Write> => {
  const nothing = new Uint8Array();
  const after = withBlock(area, nothing, startFor(area, nothing));
  after.fill(0, startFor(area, nothing) + 3);
  return pagesBackwards(area, after).toReversed();
};

/**
 * The pages to write, `at` counted from the start of the data area, for a message (empty: none). Left:
 * `MessageTooLarge`; `NotInOneStroke` unless `force`, with which the tag is empty from the first write to the last; `LayoutUnknown`.
 */
export const planType2 = (area: Uint8Array, message: Uint8Array, force: boolean): Plan => {
  const start = startFor(area, message);
  const byteCountMax = Math.max(0, area.length - start - headerBytesFor(message));
  if (message.length > byteCountMax) {
    return E.left({ _tag: "MessageTooLarge", byteCount: message.length, byteCountMax });
  }
  const attempt: Attempt = { memory: area, look: lookAtArea, message, mayBeEmpty: false };
  if (message.length === 0) return planOf(attempt, { keeping: [], emptying: erased(area) }, true);
  const end = ndefTlvPlace(area)?.end ?? 0;
  const keeping = [
    front(area, message),
    behindThenFront(area, message, end),
    behind(area, message, aligned(end)),
  ];
  const emptied = erased(area).slice(0, 1);
  const emptying = [...emptied, ...front(applied(area, emptied), message)];
  return planOf(attempt, { keeping, emptying }, force);
};

// Type 4: a file of NLEN and the message.

const NLEN_BYTES = 2;
const NLEN_NONE = Uint8Array.of(0, 0);

const encodeFile = (message: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(message.length >> 8, message.length & 0xff), message);

const lookAtFile: Look = (file) => {
  const nlen = (file[0] ?? 0) * 0x100 + (file[1] ?? 0);
  return NLEN_BYTES + nlen > file.length
    ? "broken"
    : foundIn(file.subarray(NLEN_BYTES, NLEN_BYTES + nlen));
};

const chunks = (bytes: Uint8Array, from: number, byteCountMax: number): ReadonlyArray<Write> => {
  const writes: Write[] = [];
  for (let at = from; at < bytes.length; at += byteCountMax) {
    writes.push({ at, data: bytes.slice(at, at + byteCountMax) });
  }
  return writes;
};

/** All that differs by one command; undefined where it is too much for one. */
const inOne = (
  before: Uint8Array,
  after: Uint8Array,
  byteCountMax: number,
): ReadonlyArray<Write> | undefined => {
  const isOther = (byte: number, index: number): boolean => byte !== before[index];
  const at = after.findIndex(isOther);
  const end = after.findLastIndex(isOther) + 1;
  return at < 0 || end - at > byteCountMax ? undefined : [{ at, data: after.slice(at, end) }];
};

/** The file that a message is to be written to. */
export interface FileToWrite {
  /** The message that is there now. */
  readonly message: Uint8Array;
  /** Size of the file, NLEN included. */
  readonly byteCount: number;
  /** The most that one command writes. */
  readonly writeByteCountMax: number;
}

/**
 * The parts of the file to write. Left: as with {@link planType2}. Without `force` a message is replaced only if all
 * that has to change of what a reader sees goes into one command, with NLEN.
 */
export const planType4 = (file: FileToWrite, message: Uint8Array, force: boolean): Plan => {
  const { byteCount, writeByteCountMax } = file;
  const byteCountMax = Math.max(0, byteCount - NLEN_BYTES);
  if (message.length > byteCountMax) {
    return E.left({ _tag: "MessageTooLarge", byteCount: message.length, byteCountMax });
  }
  const before = encodeFile(file.message);
  const after = encodeFile(message);
  const memory = new Uint8Array(byteCount);
  memory.set(before);
  const attempt: Attempt = { memory, look: lookAtFile, message, mayBeEmpty: false };
  const toNothing: Write = { at: 0, data: NLEN_NONE };
  if (message.length === 0) {
    const wiped = chunks(new Uint8Array(before.length), NLEN_BYTES, writeByteCountMax);
    return planOf(attempt, { keeping: [], emptying: [toNothing, ...wiped] }, true);
  }
  const first: Write = { at: 0, data: after.slice(0, writeByteCountMax) };
  const rest = chunks(after, writeByteCountMax, writeByteCountMax);
  const keeping = [inOne(before, after, writeByteCountMax), [...rest, first]];
  const whole = chunks(after, NLEN_BYTES, writeByteCountMax);
  const nlen: Write = { at: 0, data: after.slice(0, NLEN_BYTES) };
  return planOf(attempt, { keeping, emptying: [toNothing, ...whole, nlen] }, force);
};
