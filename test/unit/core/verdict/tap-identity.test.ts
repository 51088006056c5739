import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "#core/bytes.ts";
import type { PhoneRead } from "#core/card/phone.ts";
import { parseUid } from "#core/card/uid.ts";
import { identityOf } from "#core/verdict/tap-identity.ts";
import { verifyP256 } from "#gateway/node-crypto.ts";
import { emulatedPhoneApp } from "#gateway/reader/emulated/phone-app.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { right } from "#test/gateway/fleet.ts";

/** A card id that can be read: what it was made of. */
const PARTS = { gateway: "lobby", cardHmac: (bytes: Uint8Array) => bytes, verifyP256 };
const UID = right(parseUid("08A1B2C3"));
const SCOPE = { ...SCOPE_UID, phones: { gateway: "lobby", state: false } };

const claimOf = (seed: string): PhoneRead & { readonly _tag: "Claimed" } => {
  const phone = emulatedPhoneApp({ seed: utf8(seed) });
  const read = right(readEmulated(inPcscReader(phone), SCOPE)).phone;
  if (read?._tag !== "Claimed") throw new Error("the emulated phone names its key");
  return read;
};

const standing = (phone: PhoneRead, gateway = "lobby"): string | null =>
  identityOf({ ...PARTS, gateway }, { uid: UID, phone }).phone;

test("a card is named by its UID, and so is a phone without an app that is understood", () => {
  expect(identityOf(PARTS, { uid: UID, phone: null })).toEqual({
    card: Uint8Array.of(0x08, 0xa1, 0xb2, 0xc3),
    phone: null,
  });
  const other = identityOf(PARTS, { uid: UID, phone: { _tag: "OtherVersion" } });
  expect([toHex(other.card), other.phone]).toEqual(["08a1b2c3", "other-version"]);
});

describe("a phone is named by its key", () => {
  const claim = claimOf("anna");

  test("proven by a signature for this gateway and this nonce", () => {
    expect(identityOf(PARTS, { uid: UID, phone: claim })).toEqual({
      card: claim.publicKey,
      phone: "proven",
    });
    expect(standing(claim, "gate")).toBe("unproven");
    expect(standing({ ...claim, nonce: new Uint8Array(16) })).toBe("unproven");
  });

  test("and not by another phone's signature, nor none, nor by a key that is none", () => {
    expect(standing({ ...claim, publicKey: claimOf("bert").publicKey })).toBe("unproven");
    expect(standing({ ...claim, signature: null })).toBe("unproven");
    expect(standing({ ...claim, publicKey: new Uint8Array(33) })).toBe("unproven");
    // There is no point with x = 1.
    const offCurve = Uint8Array.of(2, ...new Uint8Array(31), 1);
    expect(standing({ ...claim, publicKey: offCurve })).toBe("unproven");
  });

  test("nor by one that differs in any bit", () => {
    const { signature } = claim;
    if (signature === null) throw new Error("it has signed");
    fc.assert(
      fc.property(fc.nat({ max: 511 }), (bit) => {
        const spoilt = signature.slice();
        spoilt[bit >> 3] = (spoilt[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(standing({ ...claim, signature: spoilt })).toBe("unproven");
      }),
    );
  });

  test("an unproven claim names the same card, so that the record says whose it claims to be", () => {
    const unproven = identityOf(PARTS, { uid: UID, phone: { ...claim, signature: null } });
    expect(unproven.card).toEqual(claim.publicKey);
  });
});
