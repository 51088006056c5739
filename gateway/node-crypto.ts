/** The cryptographic functions that the core is handed, by Node. */
import * as crypto from "node:crypto";
import type { Aes128 } from "#core/card/aes-cmac.ts";
import { PHONE_NONCE_BYTES } from "#core/card/phone.ts";
import type { Crypto, SigningKey } from "#core/log/crypto.ts";
import type { Entropy } from "#gateway/ports.ts";

/** The DER that stands before an Ed25519 key: RFC 8410 sections 4 and 7. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

const keyObjects = new Map<string, crypto.KeyObject>();
/** Public keys kept parsed; a fleet has a few hundred live epochs, and a parse costs as much as a check. */
const KEY_OBJECTS_COUNT_MAX = 4_096;

const publicKeyObject = (publicKey: Uint8Array): crypto.KeyObject => {
  const name = Buffer.from(publicKey).toString("latin1");
  const known = keyObjects.get(name);
  if (known !== undefined) return known;
  const key = crypto.createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, publicKey]),
    format: "der",
    type: "spki",
  });
  if (keyObjects.size >= KEY_OBJECTS_COUNT_MAX) keyObjects.clear();
  keyObjects.set(name, key);
  return key;
};

export const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(crypto.hash("sha256", bytes, "buffer"));

export const nodeCrypto: Crypto = {
  sha256,
  verifyEd25519: (publicKey, message, signature) => {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    try {
      return crypto.verify(null, message, publicKeyObject(publicKey), signature);
    } catch {
      return false; // OpenSSL throws for bytes that are no point on the curve
    }
  },
};

/** The DER that stands before a compressed point of P-256: RFC 5480 section 2. */
const P256_SPKI_PREFIX = Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex");

/** ECDSA over P-256 with SHA-256; the signature is r and s, 32 bytes each. False for a key that is no point of the curve. */
export const verifyP256 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean => {
  try {
    const spki = Buffer.concat([P256_SPKI_PREFIX, publicKey]);
    const key = crypto.createPublicKey({ key: spki, format: "der", type: "spki" });
    return crypto.verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
  } catch {
    return false; // OpenSSL throws for bytes that are no point of the curve
  }
};

const aesBlock = (
  start: typeof crypto.createCipheriv | typeof crypto.createDecipheriv,
  key: Uint8Array,
  block: Uint8Array,
): Uint8Array =>
  new Uint8Array(start("aes-128-ecb", key, null).setAutoPadding(false).update(block));

export const nodeAes: Aes128 = {
  encryptBlock: (key, block) => aesBlock(crypto.createCipheriv, key, block),
  decryptBlock: (key, block) => aesBlock(crypto.createDecipheriv, key, block),
};

/** The private key is held by OpenSSL. */
const fromKeyObject = (privateKey: crypto.KeyObject): SigningKey => {
  const spki = crypto.createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (message) => new Uint8Array(crypto.sign(null, message, privateKey)),
  };
};

/** A key that exists only in memory. */
export const generateSigningKey = (): SigningKey =>
  fromKeyObject(crypto.generateKeyPairSync("ed25519").privateKey);

/** A key from its 32-byte seed, for keys that live in a file. */
export const signingKeyFromSeed = (seed: Uint8Array): SigningKey =>
  fromKeyObject(
    crypto.createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, seed]),
      format: "der",
      type: "pkcs8",
    }),
  );

export const randomBytes = (byteCount: number): Uint8Array =>
  new Uint8Array(crypto.randomBytes(byteCount));

/** What a phone is to sign: another for each read. */
export const phoneNonce = (): Uint8Array => randomBytes(PHONE_NONCE_BYTES);

export const nodeEntropy: Entropy = { randomBytes, generateSigningKey };

/** First 16 bytes of HMAC-SHA-256(fleet card key, bytes): how cards and NDEF messages are named in records. */
export type CardHmac = (bytes: Uint8Array) => Uint8Array;

/** The key is prepared once: for each tap anew it would cost as much as the signature. */
export const createCardHmac = (cardKey: Uint8Array): CardHmac => {
  const key = crypto.createSecretKey(cardKey);
  return (bytes) =>
    new Uint8Array(crypto.createHmac("sha256", key).update(bytes).digest().subarray(0, 16));
};
