/** Takes out of a text what must not leave the site: UIDs, hashes, keys, passwords. Rather too much than too little. */

/** Eight hex digits in a row: a UID of four bytes is that long, and all hashes and keys are longer. */
const HEX = /[0-9a-f]{8,}/gi;
/** A UID as people write it: `04 A1 B2 C3`, `04:a1:…`. A date or a time has fewer parts. */
const HEX_APART = /(?<![0-9a-z])[0-9a-f]{2}([ :.-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){2,}(?![0-9a-z])/gi;
/** 32 bytes in base64, padded or not, of either alphabet, are 43 characters. */
const BASE64 = /[A-Za-z0-9+/_-]{40,}={0,2}/g;
const CREDENTIALS = /(:\/\/)[^/@\s"']+@/g;
/** `password: x`, `"secret":"x"`, `token=x`. */
const NAMED =
  /((?:pass(?:word|phrase)?|secret|token|private|credential|card_?key)[\w-]*["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}]+)/gi;

export const redact = (text: string): string =>
  text
    .replace(CREDENTIALS, "$1[redacted]@")
    .replace(NAMED, '$1"[redacted]"')
    .replace(BASE64, "[redacted]")
    .replace(HEX, "[redacted]")
    .replace(HEX_APART, "[redacted]");
