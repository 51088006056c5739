/** The two cryptographic functions that the core is handed, so that it runs in Node and in a browser. */

/** SHA-256 (FIPS 180-4) of the bytes: 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Ed25519 (RFC 8032) over the message; false for a wrong signature and for a key that is none. */
export type VerifyEd25519 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

export interface Crypto {
  readonly sha256: Sha256;
  readonly verifyEd25519: VerifyEd25519;
}

/** Signs with a key that the core never sees. */
export type SignEd25519 = (message: Uint8Array) => Uint8Array;

/** An Ed25519 key pair whose private half stays behind `sign`. */
export interface SigningKey {
  readonly publicKey: Uint8Array;
  readonly sign: SignEd25519;
}
