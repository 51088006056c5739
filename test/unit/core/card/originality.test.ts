import { createHash, generateKeyPairSync, sign } from "node:crypto";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { isOriginal } from "#core/card/originality.ts";
import { isOnCurve, verifySecp128r1 } from "#core/card/secp128r1.ts";
import { parseUid, type Uid } from "#core/card/uid.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const uidOf = (text: string): Uid => {
  const uid = parseUid(text);
  if (E.isLeft(uid)) throw new Error(uid.left._tag);
  return uid.right;
};
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x0${toHex(bytes)}`);

const NTAG_UID = uidOf("04AB87F2CA1190");
const NTAG_SIGNATURE = hex("67B1750BCCEB1174F9A33BF20E0226551A6366939B31F949848C3C087350FA90");

describe("NXP's signature", () => {
  test("of a real NTAG is found original", () => {
    expect(isOriginal(NTAG_UID, NTAG_SIGNATURE)).toBe(true);
  });

  test("is not that of another UID", () => {
    expect(isOriginal(uidOf("04AB87F2CA1191"), NTAG_SIGNATURE)).toBe(false);
    expect(isOriginal(uidOf("04AB87F2"), NTAG_SIGNATURE)).toBe(false);
  });

  test("is spoilt by any bit", () => {
    for (let bit = 0; bit < 256; bit += 5) {
      const spoilt = NTAG_SIGNATURE.slice();
      spoilt[bit >> 3] = (spoilt[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(isOriginal(NTAG_UID, spoilt)).toBe(false);
    }
  });

  test.each([0, 31, 33, 64])("of %d bytes is none", (byteCount) => {
    const signature = new Uint8Array(byteCount);
    signature.set(NTAG_SIGNATURE.subarray(0, byteCount));
    expect(isOriginal(NTAG_UID, signature)).toBe(false);
  });

  test.each([
    ["zeros", new Uint8Array(32)],
    ["ones", new Uint8Array(32).fill(0xff)],
  ])("of %s is none", (_, signature) => {
    expect(isOriginal(NTAG_UID, signature)).toBe(false);
  });
});

test("NXP's key for Ultralight EV1 is a point of the curve", () => {
  const [x, y] = [0x90933bdcd6e99b4e255e3da55389a827n, 0x564e11718e017292faf23226a96614b8n];
  expect(isOnCurve({ x, y })).toBe(true);
  expect(isOnCurve({ x, y: y + 1n })).toBe(false);
});

test("agrees with OpenSSL about signatures of other keys", () => {
  for (let round = 0; round < 20; round += 1) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "secp128r1" });
    // OpenSSL hashes what it signs, and the curve takes the first 128 bits of the hash.
    const message = Buffer.from(`round ${round}`);
    const digest = numberOf(createHash("sha256").update(message).digest().subarray(0, 16));
    const signature = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" });
    const point = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const key = { x: numberOf(point.subarray(0, 16)), y: numberOf(point.subarray(16)) };
    const rs = { r: numberOf(signature.subarray(0, 16)), s: numberOf(signature.subarray(16)) };
    expect(verifySecp128r1(key, digest, rs)).toBe(true);
    expect(verifySecp128r1(key, digest ^ 1n, rs)).toBe(false);
    expect(verifySecp128r1(key, digest, { ...rs, s: rs.s ^ 1n })).toBe(false);
    expect(verifySecp128r1({ ...key, y: key.y ^ 1n }, digest, rs)).toBe(false);
  }
});
