/** What a card or a phone brings of its device. */
import { carriedIn } from "#core/carried/carried-message.ts";
import type { CardRead } from "#core/card/read-card.ts";
import type { PhoneStanding } from "#core/verdict/decide.ts";

/** In a card's message, or handed over by a phone that has proven itself; null: nothing. */
export const carriedBy = (
  { ndef, phone }: Pick<CardRead, "ndef" | "phone">,
  standing: PhoneStanding | null,
): Uint8Array | null => {
  if (phone === null) return carriedIn(ndef);
  const isRead = phone._tag === "Claimed" && (phone.state?.length ?? 0) > 0;
  return isRead && standing === "proven" ? phone.state : null;
};
