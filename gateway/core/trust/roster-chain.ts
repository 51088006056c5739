/**
 * Which roster follows the one that is believed: a later version by the same fleet key, or by its successor, whose hash
 * the believed roster carries. Versions may be skipped. A gateway that missed two changes of the fleet key can't tell
 * the third key from a stranger's: it is handed fleet.pub and roster.txt anew.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import type { Crypto } from "#core/log/crypto.ts";
import { parseNote, type NoteKey } from "#core/log/signed-note.ts";
import { openRoster, parseRoster, type Roster, type RosterError } from "#core/trust/roster.ts";

/** A roster, the key that signed it, and its text for peers. */
export interface BelievedRoster {
  readonly roster: Roster;
  readonly key: NoteKey;
  readonly note: string;
}

export type RosterChainError =
  | RosterError
  /** Believed already, or an old one brought up again. */
  | { readonly _tag: "RosterNotNewer"; readonly version: number; readonly believed: number };

const openWith = (
  crypto: Crypto,
  note: string,
  key: NoteKey,
): E.Either<RosterError, BelievedRoster> => {
  const roster = openRoster(crypto, note, key);
  return E.isLeft(roster) ? roster : E.right({ roster: roster.right, key, note });
};

/** The first roster: by the key that was handed over with it. */
export const openFirstRoster: typeof openWith = openWith;

/** The keys that an unverified roster says it was signed with, oldest first. */
const claimedKeys = (note: string): ReadonlyArray<Uint8Array> => {
  const parsed = parseNote(note);
  const roster = E.isLeft(parsed) ? parsed : parseRoster(parsed.right.text);
  return E.isLeft(roster) ? [] : roster.right.fleetKeys;
};

/**
 * Left: as `openRoster` (`NoteNotSigned` where neither the believed key nor its successor signed), `RosterNotNewer`. The
 * believed roster then stays.
 */
export const openRosterChain = (
  crypto: Crypto,
  believed: BelievedRoster,
  note: string,
): E.Either<RosterChainError, BelievedRoster> => {
  const { key, roster } = believed;
  const byBelieved = openWith(crypto, note, key);
  const publicKey = claimedKeys(note).at(-1);
  const isSuccessor =
    publicKey !== undefined &&
    roster.successor !== null &&
    equalBytes(crypto.sha256(publicKey), roster.successor);
  const opened =
    E.isLeft(byBelieved) && isSuccessor
      ? openWith(crypto, note, { name: key.name, publicKey })
      : byBelieved;
  if (E.isLeft(opened)) return opened;
  const { version } = opened.right.roster;
  return version > roster.version
    ? opened
    : E.left({ _tag: "RosterNotNewer", version, believed: roster.version });
};

/**
 * Opens a roster that was believed before and kept by this gateway itself: by the key that it was handed at first, or by
 * the last of those that followed it. The chain was checked when it was taken over; from elsewhere this proves nothing.
 */
export const reopenRoster = (
  crypto: Crypto,
  note: string,
  anchor: NoteKey,
): E.Either<RosterError, BelievedRoster> => {
  const byAnchor = openWith(crypto, note, anchor);
  if (E.isRight(byAnchor)) return byAnchor;
  const keys = claimedKeys(note);
  const publicKey = keys.at(-1);
  return publicKey !== undefined && keys.some((key) => equalBytes(key, anchor.publicKey))
    ? openWith(crypto, note, { name: anchor.name, publicKey })
    : byAnchor;
};
