/** The verdict on a tap, from memory alone. */
import { VERDICT } from "#core/log/body.ts";
import type { Uid } from "#core/card/uid.ts";
import { uidUnfitFor } from "#core/card/uid.ts";
import { SAFETY } from "#core/log/operation.ts";
import type { PolicyRefusal } from "#core/verdict/reader-policy.ts";

/** What a phone's app has shown of itself: that it has the key it names, that it hasn't, or nothing that is understood here. */
export type PhoneStanding = "proven" | "unproven" | "other-version";

export type RefusalReason =
  | "device-suspended"
  | "device-lost"
  | "device-revoked"
  | "phone-unproven"
  | "storage-full"
  /** A thing at a reader with check-out, and no person's badge before it. */
  | "person-first"
  | PolicyRefusal;
export type UnknownReason =
  "not-enrolled" | "uid-random" | "uid-shared" | "phone-unproven" | "phone-version";

export type Verdict =
  | { readonly _tag: "Accepted"; readonly device: string }
  | { readonly _tag: "Unknown"; readonly reason: UnknownReason }
  | { readonly _tag: "Refused"; readonly device: string; readonly reason: RefusalReason };

/** What is known of a card that is enrolled. */
export interface EnrolledCard {
  readonly device: string;
  /** The device's safety value; a number beyond the known ones counts as the worst. */
  readonly safety: number;
}

const refusalFor = (safety: number): RefusalReason | undefined => {
  switch (safety) {
    case SAFETY.active:
      return undefined;
    case SAFETY.suspended:
      return "device-suspended";
    case SAFETY.lost:
      return "device-lost";
    default:
      return "device-revoked";
  }
};

const unknownFor = (uid: Uid, phone: PhoneStanding | null): UnknownReason => {
  if (phone === "proven") return "not-enrolled"; // its key names it, whatever its UID
  if (phone !== null) return phone === "unproven" ? "phone-unproven" : "phone-version";
  const unfit = uidUnfitFor(uid);
  return unfit === undefined ? "not-enrolled" : `uid-${unfit}`;
};

/** `phone`: null for cards, and for phones without the app. */
export const decide = (
  uid: Uid,
  enrolled: EnrolledCard | undefined,
  phone: PhoneStanding | null,
): Verdict => {
  if (enrolled === undefined) return { _tag: "Unknown", reason: unknownFor(uid, phone) };
  if (phone === "unproven") {
    return { _tag: "Refused", device: enrolled.device, reason: "phone-unproven" };
  }
  const reason = refusalFor(enrolled.safety);
  return reason === undefined
    ? { _tag: "Accepted", device: enrolled.device }
    : { _tag: "Refused", device: enrolled.device, reason };
};

const NUMBERS = {
  Accepted: VERDICT.accepted,
  Unknown: VERDICT.unknown,
  Refused: VERDICT.refused,
} as const;

/** As records and phones have it. */
export const verdictNumber = ({ _tag }: Verdict): number => NUMBERS[_tag];
