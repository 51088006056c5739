/**
 * The keys of a simulated fleet. Ed25519 costs 70 µs a signature, so a run has a notary instead: a public key is a
 * hash, a signature is two, and the notary knows what was signed with which key. Nothing else verifies, so nothing can
 * be forged inside a simulation. With `REAL_CRYPTO=1` the keys are real.
 */
import { concatBytes, equalBytes } from "#core/bytes.ts";
import type { Crypto, SigningKey } from "#core/log/crypto.ts";
import { nodeCrypto, sha256, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import type { Entropy } from "#gateway/ports.ts";
import type { Random } from "#test/simulation/random.ts";

export interface Keys {
  readonly crypto: Crypto;
  /** The key of a 32-byte secret; the same for the same secret. */
  readonly keyOf: (secret: Uint8Array) => SigningKey;
}

const nameOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

const HALVES = [Uint8Array.of(1), Uint8Array.of(2)];

const notaryKeys = (): Keys => {
  const signed = new Map<string, { readonly key: Uint8Array; readonly message: Uint8Array }>();
  return {
    keyOf: (secret) => {
      const publicKey = sha256(secret);
      const sign = (message: Uint8Array): Uint8Array => {
        const halves = HALVES.map((half) => sha256(concatBytes(half, secret, message)));
        const signature = concatBytes(...halves);
        signed.set(nameOf(signature), { key: publicKey, message });
        return signature;
      };
      return { publicKey, sign };
    },
    crypto: {
      sha256,
      verifyEd25519: (publicKey, message, signature) => {
        const known = signed.get(nameOf(signature));
        return (
          known !== undefined &&
          equalBytes(known.key, publicKey) &&
          Buffer.compare(known.message, message) === 0
        );
      },
    },
  };
};

const realKeys: Keys = { crypto: nodeCrypto, keyOf: signingKeyFromSeed };

export const createKeys = (): Keys =>
  process.env["REAL_CRYPTO"] === "1" ? realKeys : notaryKeys();

/** What a gateway's process draws: new keys and salts, from the seed. */
export const entropyFrom = (random: Random, keys: Keys): Entropy => ({
  randomBytes: (byteCount) => random.bytes(byteCount),
  generateSigningKey: () => keys.keyOf(random.bytes(32)),
});
