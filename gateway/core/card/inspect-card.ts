/** All that a card tells about itself, for a person who looks at it. */
import * as E from "fp-ts/lib/Either.js";
import type { CardReadError } from "#core/card/card-read-error.ts";
import { chipName } from "#core/card/chip-name.ts";
import type { Flow } from "#core/card/flow.ts";
import { readCounted } from "#core/card/ntag.ts";
import type { PhoneChallenge } from "#core/card/phone.ts";
import { type CardRead, readNdef, readUid } from "#core/card/read-card.ts";
import { readPhone } from "#core/card/read-phone.ts";
import type { Technology } from "#core/card/sighting.ts";

export interface CardInspected extends CardRead {
  /** The chip's name, where it gives one. */
  readonly chip: string | null;
  /** Why its message can't be read; null: it can, or there is none. */
  readonly unreadable: CardReadError | null;
}

const SCOPE_WHOLE = { ndef: true, counter: true, signature: true };

/**
 * Reads all there is. Other than at a tap a message that can't be read is no failure: it is what the person came for.
 * A phone's app is asked to prove itself, as at a tap. Left: the card is gone.
 */
export function* inspectCard(
  technology: Technology,
  challenge: PhoneChallenge,
): Flow<CardInspected> {
  const uid = yield* readUid();
  if (E.isLeft(uid)) return uid;
  const phone = yield* readPhone({ technology, uid: uid.right }, challenge, true);
  if (E.isLeft(phone)) return phone;
  const ndef = yield* readNdef(technology);
  if (E.isLeft(ndef) && ndef.left._tag === "CardGone") return ndef;
  const counted = yield* readCounted(technology, SCOPE_WHOLE);
  if (E.isLeft(counted)) return counted;
  const { counter, signature, version } = counted.right;
  return E.right({
    technology,
    uid: uid.right,
    ndef: E.isRight(ndef) ? ndef.right : null,
    unreadable: E.isLeft(ndef) ? ndef.left : null,
    counter,
    signature,
    phone: phone.right,
    chip: chipName(version),
  });
}
