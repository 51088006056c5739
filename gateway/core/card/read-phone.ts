/** Which command to a phone comes next: at a tap, and when it is told what came of it. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, equalBytes } from "#core/bytes.ts";
import { selectApplication } from "#core/card/apdu.ts";
import { ask, type Flow } from "#core/card/flow.ts";
import type { Technology } from "#core/card/sighting.ts";
import { type Uid, uidUnfitFor } from "#core/card/uid.ts";
import {
  decodePhoneSelected,
  getPhoneState,
  PHONE_APPLICATION,
  PHONE_BLOCK_BYTES,
  PHONE_SIGNATURE_BYTES,
  PHONE_STATE_BYTES_MAX,
  type PhoneChallenge,
  type PhoneRead,
  type PhoneSelected,
  provePhone,
  putPhoneResult,
} from "#core/card/phone.ts";

type Selected = PhoneSelected | "absent" | "other-version";

function* selectPhone(): Flow<Selected> {
  const selected = yield* ask("SELECT application", selectApplication(PHONE_APPLICATION));
  if (E.isRight(selected)) {
    return E.right(decodePhoneSelected(selected.right) ?? "other-version");
  }
  return selected.left._tag === "StatusWordNotOk" ? E.right("absent") : selected;
}

/** Right: null where the app refuses, as one on a locked phone does, or gives something else than a signature. */
function* askForProof(challenge: PhoneChallenge): Flow<Uint8Array | null> {
  const proof = yield* ask("PROVE", provePhone(challenge));
  if (E.isRight(proof)) {
    return E.right(proof.right.length === PHONE_SIGNATURE_BYTES ? proof.right.slice() : null);
  }
  return proof.left._tag === "StatusWordNotOk" ? E.right(null) : proof;
}

const UNREAD = new Uint8Array(0);

/**
 * Blocks until one is short, or there is none any more. Empty where the phone leaves meanwhile or says something odd: who
 * it is is known by then, and a tap never fails by what it carries.
 */
function* readState(): Generator<Uint8Array, Uint8Array, Uint8Array> {
  let state: Uint8Array = new Uint8Array(0);
  for (let block = 0; state.length < PHONE_STATE_BYTES_MAX; block += 1) {
    const part = yield* ask("GET STATE", getPhoneState(block));
    const isPastEnd = E.isLeft(part) && part.left._tag === "StatusWordNotOk" && block > 0;
    if (isPastEnd) return state;
    if (E.isLeft(part) || part.right.length > PHONE_BLOCK_BYTES) return UNREAD;
    state = concatBytes(state, part.right);
    if (part.right.length < PHONE_BLOCK_BYTES) break;
  }
  return state.length <= PHONE_STATE_BYTES_MAX ? state : UNREAD;
}

/**
 * Asks for an app, and has it prove itself; at most 9 commands, and none for a card whose UID can name it, so that no
 * other card waits for phones. Right: null for such a card, and for a phone without the app.
 * Left: it left before it had proven itself, so it is held to the reader once more.
 */
export function* readPhone(
  { technology, uid }: { readonly technology: Technology; readonly uid: Uid },
  challenge: PhoneChallenge,
  wantsState: boolean,
): Flow<PhoneRead | null> {
  if (technology !== "type4" || uidUnfitFor(uid) === undefined) return E.right(null);
  const selected = yield* selectPhone();
  if (E.isLeft(selected)) return selected;
  if (selected.right === "absent") return E.right(null);
  if (selected.right === "other-version") return E.right({ _tag: "OtherVersion" });
  const { publicKey, hasState } = selected.right;
  const signature = yield* askForProof(challenge);
  if (E.isLeft(signature)) return signature;
  const isStateDue = wantsState && hasState && signature.right !== null;
  return E.right({
    _tag: "Claimed",
    publicKey,
    nonce: challenge.nonce,
    signature: signature.right,
    state: isStateDue ? yield* readState() : null,
  });
}

/** What a phone is told after its tap. */
export interface PhoneResult {
  /** The phone that tapped; no other is told. */
  readonly publicKey: Uint8Array;
  /** The record's, or `PHONE_NOT_RECORDED`. */
  readonly verdict: number;
  /** To be kept until the next tap, at most 1,024 bytes; empty: what it has stays. */
  readonly state: Uint8Array;
}

/** The tap could not be recorded: it is to be made again. */
export const PHONE_NOT_RECORDED = 0xff;

/**
 * Tells it. It is selected anew, since it may have been left and come back meanwhile, or another lie there.
 * Right: whether it was that phone, and took all of it. Left: it is gone.
 */
export function* tellPhone({ publicKey, verdict, state }: PhoneResult): Flow<boolean> {
  const selected = yield* selectPhone();
  if (E.isLeft(selected)) return selected;
  if (typeof selected.right === "string") return E.right(false);
  if (!equalBytes(selected.right.publicKey, publicKey)) return E.right(false);
  for (const command of putPhoneResult(verdict, state)) {
    const taken = yield* ask("PUT RESULT", command);
    if (E.isLeft(taken)) return taken.left._tag === "StatusWordNotOk" ? E.right(false) : taken;
  }
  return E.right(true);
}
