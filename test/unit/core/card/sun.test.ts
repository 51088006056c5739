import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { aesCmac, diversifiedKey } from "#core/card/aes-cmac.ts";
import { readSun, type SunSecrets, sunSecretsOf } from "#core/card/sun.ts";
import { nodeAes as aes } from "#gateway/node-crypto.ts";
import { hex } from "#test/unit/core/card/hex.ts";

describe("AES-CMAC, RFC 4493 section 4", () => {
  const key = hex("2b7e151628aed2a6abf7158809cf4f3c");
  const message = hex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
  );
  test.each([
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ])("of %d bytes", (byteCount, mac) => {
    expect(toHex(aesCmac(aes, key, message.subarray(0, byteCount)))).toBe(mac);
  });
});

test("a key of one card, AN10922 section 2.2.1", () => {
  const master = hex("00112233445566778899AABBCCDDEEFF");
  const input = hex("04782E21801D80 3042F5 4E585020416275");
  expect(toHex(diversifiedKey(aes, master, input))).toBe("a8dd63a3b89d54b37ca802473fda9175");
});

/** Times 2 in GF(2^128). */
const double = (value: bigint): bigint =>
  ((value << 1n) & (2n ** 128n - 1n)) ^ (value >> 127n === 1n ? 0x87n : 0n);

test("a key from a short input is padded to two blocks all the same", () => {
  // By hand: CBC over 01, the input, 80 and zeros, the last block with K2 = 4·AES(K, 0) in GF(2^128).
  const master = hex("00112233445566778899AABBCCDDEEFF");
  const zero = BigInt(`0x${toHex(aes.encryptBlock(master, new Uint8Array(16)))}`);
  const first = BigInt(
    `0x${toHex(aes.encryptBlock(master, hex("010203800000000000 00000000000000")))}`,
  );
  const last = (first ^ double(double(zero))).toString(16).padStart(32, "0");
  expect(toHex(diversifiedKey(aes, master, hex("0203")))).toBe(
    toHex(aes.encryptBlock(master, hex(last))),
  );
});

/** Those of AN12196's examples: all keys zero. */
const ZEROS: SunSecrets = {
  metaReadKey: new Uint8Array(16),
  fileReadKey: () => new Uint8Array(16),
};
const read = (ndefUri: string, secrets: SunSecrets = ZEROS): unknown =>
  readSun({ ndefUri, secrets, aes });

const ENCRYPTED =
  "https://choose.url.com/ntag424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086";
const PLAIN = "https://choose.url.com/ntag424?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3";
const WITH_FILE =
  "https://www.my424dna.com/?picc_data=FD91EC264309878BE6345CBE53BADF40&enc=CEE9A53E3E463EF1F459635736738962&cmac=ECC1E7F6C6C73BF6";

describe("a SUN message of AN12196", () => {
  test.each([
    ["with encrypted UID and counter", ENCRYPTED, "04DE5F1EACC040", 61],
    ["with UID and counter in the open", PLAIN, "041E3C8A2D6B80", 6],
    ["with encrypted file data", WITH_FILE, "04958CAA5C5E80", 8],
    [
      "in lower case",
      PLAIN.replaceAll(/[A-F0-9]{6,}/g, (digits) => digits.toLowerCase()),
      "041E3C8A2D6B80",
      6,
    ],
    ["with more behind it", `${ENCRYPTED}&x=1#top`, "04DE5F1EACC040", 61],
  ])("%s", (_, uri, ...found) => {
    const [uid, counter] = found;
    expect(read(uri)).toEqual(E.right({ uid, counter }));
  });

  test.each([ENCRYPTED, PLAIN, WITH_FILE])("is spoilt by any other digit: %s", (uri) => {
    const from = uri.indexOf("?");
    for (let at = from; at < uri.length; at += 1) {
      const digit = uri.charAt(at);
      if (!/[0-9A-F]/.test(digit)) continue;
      const spoilt = uri.slice(0, at) + (digit === "0" ? "1" : "0") + uri.slice(at + 1);
      expect(E.isLeft(readSun({ ndefUri: spoilt, secrets: ZEROS, aes }))).toBe(true);
    }
  });

  test("is not made by a tag with other keys", () => {
    const secrets = sunSecretsOf(aes, new Uint8Array(16));
    for (const uri of [ENCRYPTED, PLAIN, WITH_FILE]) {
      expect(read(uri, secrets)).toEqual(E.left({ _tag: "SunMacWrong" }));
    }
  });
});

test.each([
  ["https://example.com", { _tag: "SunMissing" }],
  ["https://example.com/?cmac=4B00064004B0B3D3", { _tag: "SunMissing" }],
  ["https://example.com/?uid=041E3C8A2D6B80&ctr=000006", { _tag: "SunMissing" }],
  [
    "https://example.com/?e=EF&c=94EED9EE65337086",
    { _tag: "SunMalformed", parameter: "picc_data" },
  ],
  [PLAIN.replace("041E", "4"), { _tag: "SunMalformed", parameter: "uid" }],
  [PLAIN.replace("000006", "6"), { _tag: "SunMalformed", parameter: "ctr" }],
  [PLAIN.replace("&ctr=000006", ""), { _tag: "SunMalformed", parameter: "ctr" }],
  [PLAIN.replace("B0B3D3", "B0B3"), { _tag: "SunMalformed", parameter: "cmac" }],
  [PLAIN.replace("000006", "000007"), { _tag: "SunMacWrong" }],
])("%s is none", (uri, error) => {
  expect(read(uri)).toEqual(E.left(error));
});

test("each tag of a fleet has a key of its own, and each fleet others", () => {
  const keys = ["00", "01"].flatMap((fleet) => {
    const secrets = sunSecretsOf(aes, new Uint8Array(16).fill(Number(fleet)));
    const uids = [hex("04DE5F1EACC040"), hex("041E3C8A2D6B80")];
    return [secrets.metaReadKey, ...uids.map(secrets.fileReadKey)].map(toHex);
  });
  expect(new Set(keys).size).toBe(6);
});

test("any text gives a SUN message or an error, and never throws", () => {
  const parameter = fc.constantFrom("e", "picc_data", "uid", "ctr", "enc", "c", "cmac", "=", "");
  const value = fc.oneof(fc.string(), fc.uint8Array({ maxLength: 17 }).map(toHex));
  const query = fc
    .array(fc.tuple(parameter, value), { maxLength: 5 })
    .map((pairs) => pairs.map(([name, text]) => `${name}=${text}`).join("&"));
  fc.assert(
    fc.property(fc.string(), query, (start, rest) => {
      expect(E.isLeft(readSun({ ndefUri: `${start}?${rest}`, secrets: ZEROS, aes }))).toBe(true);
    }),
  );
});
