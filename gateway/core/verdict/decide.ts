/** The verdict on a tap, from memory alone. */
import type { Uid } from "#core/card/uid.ts";
import { uidUnfitFor } from "#core/card/uid.ts";
import { SAFETY } from "#core/log/operation.ts";
import type { PolicyRefusal } from "#core/verdict/reader-policy.ts";

export type RefusalReason =
  "device-suspended" | "device-lost" | "device-revoked" | "storage-full" | PolicyRefusal;
export type UnknownReason = "not-enrolled" | "uid-random" | "uid-shared";

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

export const decide = (uid: Uid, enrolled: EnrolledCard | undefined): Verdict => {
  if (enrolled === undefined) {
    const unfit = uidUnfitFor(uid);
    return { _tag: "Unknown", reason: unfit === undefined ? "not-enrolled" : `uid-${unfit}` };
  }
  const reason = refusalFor(enrolled.safety);
  return reason === undefined
    ? { _tag: "Accepted", device: enrolled.device }
    : { _tag: "Refused", device: enrolled.device, reason };
};
