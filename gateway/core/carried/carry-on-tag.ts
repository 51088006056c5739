/** Puts a carried state onto the tag that lies there. */
import * as E from "fp-ts/lib/Either.js";
import { CARRIED_BYTES_MAX } from "#core/carried/carried-state.ts";
import { carriedIn, withCarried } from "#core/carried/carried-message.ts";
import type { CardReadError } from "#core/card/card-read-error.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import type { Flow } from "#core/card/flow.ts";
import { messageRoom } from "#core/card/message-room.ts";
import { readNdef, readUid } from "#core/card/read-card.ts";
import type { Sighting } from "#core/card/sighting.ts";
import { writeCard } from "#core/card/write-card.ts";

/** The state to put there, or why there is none. */
export type CarryWish =
  | { readonly _tag: "Carry"; readonly payload: Uint8Array }
  | {
      readonly _tag: "Leave";
      readonly outcome: "unchanged" | "left-alone" | "no-room" | "not-its-card";
    };

/**
 * `elsewhere`: another card lies there by now. In all but `written` nothing was written: `no-room`; `unchanged`: the tag
 * carries just this already; `left-alone`: what it carries is from somebody who may know more; `not-its-card`: the device
 * has another card by now; `not-writable`: locked, or not made ready for a message.
 */
export type CarryOutcome =
  | "written"
  | "elsewhere"
  | "not-writable"
  | Extract<CarryWish, { readonly _tag: "Leave" }>["outcome"];

/** From 256 bytes on the length of a record's payload takes 4 bytes in place of 1. */
const SHORT_PAYLOAD_BYTES = 256;
const LONG_LENGTH_BYTES = 3;

const payloadRoom = (ndef: Uint8Array | null, messageBytesMax: number): number => {
  const byteCount = messageBytesMax - withCarried(ndef, new Uint8Array(0)).length;
  const payload = byteCount < SHORT_PAYLOAD_BYTES ? byteCount : byteCount - LONG_LENGTH_BYTES;
  return Math.min(payload, CARRIED_BYTES_MAX);
};

const notRead = E.mapLeft((error: CardReadError): CardWriteError => ({ _tag: "NotRead", error }));

/**
 * Reads what the tag holds now (somebody may have written it since its tap), and how much it can hold so that it may be
 * pulled away meanwhile. Has the state made in that size (`carried`: what is there; null: nothing), and writes it behind
 * the tag's other records. Left: as `writeCard`; the tag then holds the old message or the new one.
 */
export function* carryOnTag(
  { technology, uid }: Pick<Sighting, "technology" | "uid">,
  make: (carried: Uint8Array | null, byteCountMax: number) => CarryWish,
): Flow<CarryOutcome, CardWriteError> {
  const there = notRead(yield* readUid());
  if (E.isLeft(there)) return there;
  if (there.right !== uid) return E.right("elsewhere");
  const room = notRead(yield* messageRoom(technology));
  if (E.isLeft(room)) return room;
  if (room.right === null) return E.right("not-writable");
  const ndef = notRead(yield* readNdef(technology));
  if (E.isLeft(ndef)) return ndef;
  const wish = make(carriedIn(ndef.right), payloadRoom(ndef.right, room.right));
  if (wish._tag === "Leave") return E.right(wish.outcome);
  const message = withCarried(ndef.right, wish.payload);
  const written = yield* writeCard(technology, { message, force: false });
  if (E.isRight(written)) return E.right("written");
  const isTooSmall =
    written.left._tag === "NotInOneStroke" || written.left._tag === "MessageTooLarge";
  return isTooSmall ? E.right("no-room") : written;
}
