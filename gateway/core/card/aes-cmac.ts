/** AES-CMAC (RFC 4493) and what NXP makes of it: keys of single tags. AES itself is handed in. */
import { concatBytes } from "#core/bytes.ts";

/** AES-128 on one block of 16 bytes, with a key of 16. */
export interface Aes128 {
  readonly encryptBlock: (key: Uint8Array, block: Uint8Array) => Uint8Array;
  readonly decryptBlock: (key: Uint8Array, block: Uint8Array) => Uint8Array;
}

export const AES_BLOCK_BYTES = 16;
const RB = 0x87;
const PADDING = 0x80;
const DIVERSIFIED_AES128 = 0x01;

/** One to the left; what falls out comes back as Rb. */
const doubled = (block: Uint8Array): Uint8Array => {
  const out = block.map((byte, at) => ((byte << 1) & 0xff) | ((block[at + 1] ?? 0) >> 7));
  const last = AES_BLOCK_BYTES - 1;
  if (((block[0] ?? 0) & 0x80) !== 0) out[last] = (out[last] ?? 0) ^ RB;
  return out;
};

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, at) => byte ^ (b[at] ?? 0));

/** The message in blocks of at least `byteCountMin` bytes in all, and whether it had to be padded for that. */
const padded = (
  message: Uint8Array,
  byteCountMin: number,
): { readonly blocks: Uint8Array; readonly isPadded: boolean } => {
  const whole = Math.ceil(message.length / AES_BLOCK_BYTES) * AES_BLOCK_BYTES;
  const blocks = new Uint8Array(Math.max(byteCountMin, whole));
  blocks.set(message);
  const isPadded = blocks.length > message.length;
  if (isPadded) blocks[message.length] = PADDING;
  return { blocks, isPadded };
};

interface CmacInput {
  readonly message: Uint8Array;
  readonly byteCountMin: number;
}

const cmacPadded = (aes: Aes128, key: Uint8Array, input: CmacInput): Uint8Array => {
  const k1 = doubled(aes.encryptBlock(key, new Uint8Array(AES_BLOCK_BYTES)));
  const { blocks, isPadded } = padded(input.message, input.byteCountMin);
  const lastAt = blocks.length - AES_BLOCK_BYTES;
  let mac = new Uint8Array(AES_BLOCK_BYTES);
  for (let at = 0; at < lastAt; at += AES_BLOCK_BYTES) {
    mac = Uint8Array.from(
      aes.encryptBlock(key, xor(mac, blocks.subarray(at, at + AES_BLOCK_BYTES))),
    );
  }
  const last = xor(blocks.subarray(lastAt), isPadded ? doubled(k1) : k1);
  return aes.encryptBlock(key, xor(mac, last));
};

/** 16 bytes. */
export const aesCmac = (aes: Aes128, key: Uint8Array, message: Uint8Array): Uint8Array =>
  cmacPadded(aes, key, { message, byteCountMin: AES_BLOCK_BYTES });

/**
 * A key of its own for whatever `input` (1 to 31 bytes) names, from a master key: CMAC over `01` and the input, always
 * padded to two blocks. Source: NXP AN10922, "AES-128 key".
 */
export const diversifiedKey = (
  aes: Aes128,
  masterKey: Uint8Array,
  input: Uint8Array,
): Uint8Array => {
  const message = concatBytes(Uint8Array.of(DIVERSIFIED_AES128), input);
  return cmacPadded(aes, masterKey, { message, byteCountMin: 2 * AES_BLOCK_BYTES });
};
