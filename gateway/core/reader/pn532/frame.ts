/**
 * The frames that host and PN532 exchange, and how they are found in a stream of bytes.
 * Source: NXP, PN532 User Manual (UM0701-02), section 6.2.1, "Frames structure".
 */
import { concatBytes, equalBytes } from "#core/bytes.ts";

/** What a frame carries at most: TFI, command code and 263 bytes of parameters. */
export const FRAME_DATA_BYTES_MAX = 265;
/** LEN of a normal frame; longer data goes into an extended one. */
const NORMAL_BYTES_MAX = 254;

/** First byte of the data: to the chip, from the chip. */
export const TFI_TO_CHIP = 0xd4;
export const TFI_FROM_CHIP = 0xd5;

export const ACK_FRAME: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0x00, 0xff, 0x00);
export const NACK_FRAME: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x00, 0x00);

/** The data of the frame by which the chip refuses a command: "syntax error". */
const ERROR_DATA = Uint8Array.of(0x7f);

export type FrameDamage = "length-checksum" | "data-checksum" | "too-long";

/** What was found in the stream. */
export type Frame =
  | { readonly _tag: "Ack" }
  | { readonly _tag: "Nack" }
  /** The chip did not understand the command. */
  | { readonly _tag: "SyntaxError" }
  /** TFI and what follows it, checked by both checksums. */
  | { readonly _tag: "Data"; readonly data: Uint8Array }
  /** A frame began here, and is not what was sent. */
  | { readonly _tag: "Damaged"; readonly damage: FrameDamage };

const START_LOW = 0x00;
const START_HIGH = 0xff;
const START_BYTES = 2;
const NORMAL_HEADER_BYTES = 4; // start code, LEN, LCS
const EXTENDED_HEADER_BYTES = 7; // start code, FF FF, LENM, LENL, LCS

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);

/** What makes the bytes sum up to 0. */
const checksum = (bytes: Uint8Array): number => (0x100 - sum(bytes)) & 0xff;

const headerOf = (byteCount: number): Uint8Array => {
  if (byteCount <= NORMAL_BYTES_MAX) {
    return Uint8Array.of(byteCount, (0x100 - byteCount) & 0xff);
  }
  const length = Uint8Array.of(byteCount >> 8, byteCount & 0xff);
  return concatBytes(Uint8Array.of(0xff, 0xff), length, Uint8Array.of(checksum(length)));
};

/**
 * `00 00 FF LEN LCS data DCS 00`, from 255 bytes on `00 00 FF FF FF LENM LENL LCS data DCS 00`. `data` begins with the
 * TFI and has 1 to 265 bytes.
 */
export const encodeFrame = (data: Uint8Array): Uint8Array =>
  concatBytes(
    Uint8Array.of(0x00, START_LOW, START_HIGH),
    headerOf(data.length),
    data,
    Uint8Array.of(checksum(data), 0x00),
  );

/** Bytes that came and are not a whole frame yet; never more than one frame's worth. */
export interface FrameStream {
  readonly pending: Uint8Array;
}

export const EMPTY_STREAM: FrameStream = { pending: new Uint8Array(0) };

/** Whether a frame has begun whose end has not come. A lone 00 may be anything: the next preamble, or a postamble. */
export const isInsideFrame = ({ pending }: FrameStream): boolean => pending.length >= START_BYTES;

/** A frame at the front of the stream: null while it isn't whole, else what it is and how many bytes it took. */
interface Parsed {
  readonly frame: Frame;
  readonly byteCount: number;
}

/** Behind a header that can't be trusted the search goes on right after its start code. */
const damagedHeader = (damage: FrameDamage): Parsed => ({
  frame: { _tag: "Damaged", damage },
  byteCount: START_BYTES,
});

const parseData = (bytes: Uint8Array, headerByteCount: number, length: number): Parsed | null => {
  const dcsAt = headerByteCount + length;
  if (bytes.length <= dcsAt) return null;
  const data = bytes.slice(headerByteCount, dcsAt);
  const byteCount = dcsAt + 1;
  // The length is good, so the search goes on behind the frame: what a card says could look like an ACK.
  if (checksum(data) !== bytes[dcsAt]) {
    return { frame: { _tag: "Damaged", damage: "data-checksum" }, byteCount };
  }
  const frame: Frame = equalBytes(data, ERROR_DATA)
    ? { _tag: "SyntaxError" }
    : { _tag: "Data", data };
  return { frame, byteCount };
};

const parseExtended = (bytes: Uint8Array): Parsed | null => {
  if (bytes.length < EXTENDED_HEADER_BYTES) return null;
  const [, , , , high = 0, low = 0] = bytes;
  if (sum(bytes.subarray(4, EXTENDED_HEADER_BYTES)) !== 0) return damagedHeader("length-checksum");
  const length = high * 0x100 + low;
  return length > 0 && length <= FRAME_DATA_BYTES_MAX
    ? parseData(bytes, EXTENDED_HEADER_BYTES, length)
    : damagedHeader("too-long");
};

/** `bytes` begins with a start code. */
const parseFrame = (bytes: Uint8Array): Parsed | null => {
  const [, , length, lcs] = bytes;
  if (length === undefined || lcs === undefined) return null;
  if (length === 0x00 && lcs === 0xff) {
    return { frame: { _tag: "Ack" }, byteCount: NORMAL_HEADER_BYTES };
  }
  if (length === 0xff && lcs === 0x00) {
    return { frame: { _tag: "Nack" }, byteCount: NORMAL_HEADER_BYTES };
  }
  if (length === 0xff && lcs === 0xff) return parseExtended(bytes);
  if (length === 0 || ((length + lcs) & 0xff) !== 0) return damagedHeader("length-checksum");
  return parseData(bytes, NORMAL_HEADER_BYTES, length);
};

/** Where the next start code begins; at the end, a 00 that may be its first half is kept. */
const startAt = (bytes: Uint8Array, from: number): number => {
  for (let at = from; at < bytes.length; at += 1) {
    const next = bytes[at + 1];
    if (bytes[at] === START_LOW && (next === START_HIGH || next === undefined)) return at;
  }
  return bytes.length;
};

/**
 * Takes what came and gives the frames that are whole with it. Preambles of any length, a missing postamble and
 * garbage between frames are passed over.
 */
export const pushBytes = (
  stream: FrameStream,
  bytes: Uint8Array,
): { readonly stream: FrameStream; readonly frames: ReadonlyArray<Frame> } => {
  const all = concatBytes(stream.pending, bytes);
  const frames: Frame[] = [];
  let at = startAt(all, 0);
  for (;;) {
    const parsed = at + START_BYTES <= all.length ? parseFrame(all.subarray(at)) : null;
    if (parsed === null) return { stream: { pending: all.slice(at) }, frames };
    frames.push(parsed.frame);
    at = startAt(all, at + parsed.byteCount);
  }
};
