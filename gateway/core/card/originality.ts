/** Whether NXP made a chip: its signature on the UID, which a copied UID on another maker's chip lacks. */
import { toHex } from "#core/bytes.ts";
import { SIGNATURE_BYTES } from "#core/card/ntag.ts";
import { type AffinePoint, verifySecp128r1 } from "#core/card/secp128r1.ts";
import type { Uid } from "#core/card/uid.ts";

/** NXP's public keys. Source: AN11350 (NTAG21x) and AN11341 (Ultralight EV1), "Originality signature". */
const NXP_KEYS: ReadonlyArray<AffinePoint> = [
  // NTAG210, 212, 213, 215, 216
  { x: 0x494e1a386d3d3cfe3dc10e5de68a499bn, y: 0x1c202db5b132393e89ed19fe5be8bc61n },
  // Ultralight EV1
  { x: 0x90933bdcd6e99b4e255e3da55389a827n, y: 0x564e11718e017292faf23226a96614b8n },
];

const NXP_UID_BYTES = 7;

const numberOf = (hex: string): bigint => BigInt(`0x0${hex}`);

/**
 * Whether the 32 bytes that READ_SIG gave (r, then s) are NXP's signature on this UID, by the key of any of the two
 * families. Who copies UID and signature together on a chip that can be written freely passes too: this tells honest
 * chips from cheap imitations, and no more.
 */
export const isOriginal = (uid: Uid, signature: Uint8Array): boolean => {
  if (signature.length !== SIGNATURE_BYTES || uid.length !== 2 * NXP_UID_BYTES) return false;
  const rs = {
    r: numberOf(toHex(signature.subarray(0, SIGNATURE_BYTES / 2))),
    s: numberOf(toHex(signature.subarray(SIGNATURE_BYTES / 2))),
  };
  return NXP_KEYS.some((key) => verifySecp128r1(key, numberOf(uid), rs));
};
