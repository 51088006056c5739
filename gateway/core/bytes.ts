/** Byte strings without Node's Buffer, so that the core runs unchanged in a browser. */

const HEX_DIGITS = [48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102];
/** Character codes handed to one call: engines take some ten thousand arguments. */
const CODES_PER_CALL = 8_192;

/**
 * Lower-case hex, two digits a byte. From character codes in one go: a text added up digit by digit stays a chain of
 * pieces in memory, which for ten thousand card ids is ten megabytes.
 */
export const toHex = (bytes: Uint8Array): string => {
  const codes = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    codes[2 * i] = HEX_DIGITS[byte >> 4] ?? 0;
    codes[2 * i + 1] = HEX_DIGITS[byte & 15] ?? 0;
  }
  if (codes.length <= CODES_PER_CALL) return textOf(codes);
  let hex = "";
  for (let at = 0; at < codes.length; at += CODES_PER_CALL) {
    hex += textOf(codes.subarray(at, at + CODES_PER_CALL));
  }
  return hex;
};

/** Without spreading, which would go through an iterator, number by number. */
const textOf = (codes: Uint8Array): string => Reflect.apply(String.fromCharCode, undefined, codes);

/** Reads hex of either case; undefined when a digit is missing or is not one. */
export const fromHex = (hex: string): Uint8Array | undefined => {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) return undefined;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
};

export const concatBytes = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
};

/** Whether both hold the same bytes. Not constant-time: use it on public values only. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
};

/** Orders byte strings as RFC 8949 and SQLite do: byte by byte, a prefix first. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
};

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Strict UTF-8: undefined for any malformed sequence, never a replacement character. */
export const fromUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined; // TextDecoder's only way to say "malformed" is to throw
  }
};

const BASE64_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Standard base64 with padding (RFC 4648 section 4). */
export const toBase64 = (bytes: Uint8Array): string => {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const b0 = bytes[i] ?? 0;
    const b1 = bytes[i + 1];
    const b2 = bytes[i + 2];
    const word = (b0 << 16) | ((b1 ?? 0) << 8) | (b2 ?? 0);
    text += BASE64_DIGITS.charAt(word >> 18) + BASE64_DIGITS.charAt((word >> 12) & 63);
    text += b1 === undefined ? "=" : BASE64_DIGITS.charAt((word >> 6) & 63);
    text += b2 === undefined ? "=" : BASE64_DIGITS.charAt(word & 63);
  }
  return text;
};

/** Reads canonical, padded base64; undefined for anything that toBase64 would not have written. */
export const fromBase64 = (text: string): Uint8Array | undefined => {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let word = 0;
  for (let i = 0; i < text.length; i += 1) {
    const isPadding = i >= text.length - padding;
    const digit = isPadding ? 0 : BASE64_DIGITS.indexOf(text.charAt(i));
    if (digit < 0) return undefined;
    word = ((word << 6) | digit) & 0xffffff;
    if (i % 4 !== 3) continue;
    const at = ((i - 3) / 4) * 3;
    bytes.set([(word >> 16) & 255, (word >> 8) & 255, word & 255].slice(0, bytes.length - at), at);
  }
  return toBase64(bytes) === text ? bytes : undefined;
};
