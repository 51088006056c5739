/** Who is at the reader: the card id that a sighting stands for, and what a phone has proven of it. */
import { fromHex, utf8 } from "#core/bytes.ts";
import { phoneClaim, type PhoneRead } from "#core/card/phone.ts";
import type { Uid } from "#core/card/uid.ts";
import type { PhoneStanding } from "#core/verdict/decide.ts";

export interface TapIdentity {
  /** 16 bytes: of a phone's key where its app names one, else of the UID. */
  readonly card: Uint8Array;
  /** Null for cards, and for phones without the app. */
  readonly phone: PhoneStanding | null;
}

export interface IdentityParts {
  /** The name that the phone was to sign for. */
  readonly gateway: string;
  /** 16 bytes that stand for these in this fleet. */
  readonly cardHmac: (bytes: Uint8Array) => Uint8Array;
  /** ECDSA over P-256 with SHA-256: compressed key, message, r and s. False for a key that is none. */
  readonly verifyP256: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}

const standingOf = ({ gateway, verifyP256 }: IdentityParts, phone: PhoneRead): PhoneStanding => {
  if (phone._tag === "OtherVersion") return "other-version";
  const { publicKey, nonce, signature } = phone;
  const isProven =
    signature !== null && verifyP256(publicKey, phoneClaim({ gateway, nonce }), signature);
  return isProven ? "proven" : "unproven";
};

/** A key that isn't proven names a card, too: that of the phone which is to be looked at. */
export const identityOf = (
  parts: IdentityParts,
  { uid, phone }: { readonly uid: Uid; readonly phone: PhoneRead | null },
): TapIdentity => {
  const name = phone?._tag === "Claimed" ? phone.publicKey : (fromHex(uid) ?? utf8(uid));
  return {
    card: parts.cardHmac(name),
    phone: phone === null ? null : standingOf(parts, phone),
  };
};
