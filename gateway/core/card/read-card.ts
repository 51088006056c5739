/** The one flow that reads a card, whatever the reader: commands out, responses in. */
import * as E from "fp-ts/lib/Either.js";
import { getDataUid } from "#core/card/apdu.ts";
import type { CardReadError } from "#core/card/card-read-error.ts";
import { ask, type Flow } from "#core/card/flow.ts";
import { decodeNdef } from "#core/card/ndef.ts";
import { readCounted } from "#core/card/ntag.ts";
import type { PhoneRead } from "#core/card/phone.ts";
import { readPhone } from "#core/card/read-phone.ts";
import { readType2 } from "#core/card/read-type2.ts";
import { readType4 } from "#core/card/read-type4.ts";
import type { Technology } from "#core/card/sighting.ts";
import { decodeUid, type Uid } from "#core/card/uid.ts";

export { type CardReadError, describeCardReadError } from "#core/card/card-read-error.ts";

export interface PhoneScope {
  /** The gateway to which phones prove themselves. */
  readonly gateway: string;
  /** What they carry is asked for. */
  readonly state: boolean;
}

/** How much is read of a card: each READ costs some milliseconds before the signal. */
export interface ReadScope {
  readonly ndef: boolean;
  /** The one-way tap counter of an NTAG21x. */
  readonly counter: boolean;
  /** The maker's originality signature of an NTAG21x or Ultralight EV1. */
  readonly signature: boolean;
  /** Null: a phone's app isn't asked for. */
  readonly phones: PhoneScope | null;
}

export const SCOPE_UID: ReadScope = {
  ndef: false,
  counter: false,
  signature: false,
  phones: null,
};
export const SCOPE_NDEF: ReadScope = { ...SCOPE_UID, ndef: true };

/** Whether reading such a card takes more than its UID, so that a person is told that it is being read. */
export const readsBeyondUid = (technology: Technology, scope: ReadScope): boolean => {
  switch (technology) {
    case "type2":
      return scope.ndef || scope.counter || scope.signature;
    case "type4":
      return scope.ndef;
    case "mifare-classic":
    case "other":
      return false;
  }
};

export interface CardRead {
  readonly technology: Technology;
  readonly uid: Uid;
  /** The whole, well-formed message; null where none was asked for or the card carries none. */
  readonly ndef: Uint8Array | null;
  /** The card's own count of its taps; null where none was asked for, there is none or the reader can't get it. */
  readonly counter: number | null;
  /** 32 bytes, not verified; null as with the counter. */
  readonly signature: Uint8Array | null;
  /** What a phone's app said of itself, not verified; null for cards, and for phones without the app. */
  readonly phone: PhoneRead | null;
}

export function* readUid(): Flow<Uid> {
  const answer = yield* ask("GET DATA", getDataUid());
  if (E.isLeft(answer)) return answer;
  const byteCount = answer.right.length;
  return E.mapLeft((): CardReadError => ({ _tag: "UidSizeUndefined", byteCount }))(
    decodeUid(answer.right),
  );
}

function* readMessage(technology: Technology): Flow<Uint8Array | null> {
  switch (technology) {
    case "type2":
      return yield* readType2();
    case "type4":
      return yield* readType4();
    case "mifare-classic": // its NDEF lies behind keys
    case "other":
      return E.right(null);
  }
}

/** The message of a card whose UID is known. An empty message is a card made ready for NDEF and not written yet: it carries none. */
export function* readNdef(technology: Technology): Flow<Uint8Array | null> {
  const message = yield* readMessage(technology);
  if (E.isLeft(message) || message.right === null) return message;
  if (message.right.length === 0) return E.right(null);
  const records = decodeNdef(message.right);
  return E.isLeft(records) ? E.left({ _tag: "NdefMalformed", error: records.left }) : message;
}

/**
 * Reads one card. Yields command APDUs, takes the raw responses, and ends with what was read. An empty
 * response stands for none: an adaptor gives it when the reader failed or ran into its timeout. At most
 * 292 commands.
 *
 * The UID comes first, by GET DATA, for ISO/IEC 14443-4 cards too. A Type 4 card whose UID can't name
 * it is asked for a phone's app; what such an app says stands for all else. With scope `ndef` the message
 * follows: Type 2 by READ from page 3 on, Type 4 by SELECT and READ BINARY. The message is read whole
 * and well-formed or not at all: a card that left or is broken half-way is a Left, never a tap. Last come
 * counter and signature, by commands that some cards and many readers don't know: what they refuse is null.
 *
 * `nonce`: 16 random bytes, never the same twice.
 *
 * Left: see {@link CardReadError}; what to do about each is said by `describeCardReadError`.
 * Source: PC/SC part 3; NFC Forum Type 2 Tag 1.1 and Type 4 Tag 2.0, "NDEF Detection Procedure".
 */
export function* readCard(
  technology: Technology,
  scope: ReadScope,
  nonce: Uint8Array,
): Generator<Uint8Array, E.Either<CardReadError, CardRead>, Uint8Array> {
  const uid = yield* readUid();
  if (E.isLeft(uid)) return uid;
  const named = { technology, uid: uid.right };
  const { phones } = scope;
  const phone =
    phones === null
      ? E.right(null)
      : yield* readPhone(named, { gateway: phones.gateway, nonce }, phones.state);
  if (E.isLeft(phone)) return phone;
  if (phone.right !== null) {
    return E.right({ ...named, ndef: null, counter: null, signature: null, phone: phone.right });
  }
  const ndef = scope.ndef ? yield* readNdef(technology) : E.right(null);
  if (E.isLeft(ndef)) return ndef;
  const counted = yield* readCounted(technology, scope);
  if (E.isLeft(counted)) return counted;
  const { counter, signature } = counted.right;
  return E.right({ ...named, ndef: ndef.right, counter, signature, phone: null });
}
