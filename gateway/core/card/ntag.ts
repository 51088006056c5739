/** What NTAG21x and Ultralight EV1 say beside their memory: what they are, their tap counter, their signature. */
import * as E from "fp-ts/lib/Either.js";
import { communicateThru, decodeThru, READ_PAGES_BYTES, readPages } from "#core/card/apdu.ts";
import type { CardCommand } from "#core/card/card-read-error.ts";
import { ask, askBytes, type Flow } from "#core/card/flow.ts";
import type { Technology } from "#core/card/sighting.ts";
import { TYPE2_CAPABILITY_PAGE } from "#core/card/type2.ts";

/** How much of it is asked for, and whether the message was read before. */
export interface CountedScope {
  readonly ndef: boolean;
  readonly counter: boolean;
  readonly signature: boolean;
}

export interface Counted {
  readonly counter: number | null;
  readonly signature: Uint8Array | null;
  /** The answer to GET_VERSION, where one was needed and the card gives one. */
  readonly version: Uint8Array | null;
}

const GET_VERSION = Uint8Array.of(0x60);
const READ_SIG = Uint8Array.of(0x3c, 0x00);
/** The tap counter of an NTAG21x is its counter 2. */
const READ_TAP_COUNTER = Uint8Array.of(0x39, 0x02);

export const SIGNATURE_BYTES = 32;
const COUNTER_BYTES = 3;
const VERSION_BYTES = 8;
const VENDOR_NXP = 0x04;
const PRODUCT_NTAG = 0x04;

const NOTHING: Counted = { counter: null, signature: null, version: null };

/**
 * Sends a command in the card's own language. Right: null where the card refuses it or the reader does, which
 * nobody tells apart. Left: no answer at all.
 */
function* askNative(command: CardCommand, native: Uint8Array): Flow<Uint8Array | null> {
  const answer = yield* ask(command, communicateThru(native));
  if (E.isRight(answer)) return E.right(decodeThru(answer.right));
  return answer.left._tag === "StatusWordNotOk" ? E.right(null) : answer;
}

/** The 8 bytes of GET_VERSION, or null from cards and readers that don't know it. */
function* readVersion(): Flow<Uint8Array | null> {
  const version = yield* askNative("GET_VERSION", GET_VERSION);
  if (E.isLeft(version)) return version;
  return E.right(version.right?.length === VERSION_BYTES ? version.right : null);
}

function* readSignature(): Flow<Uint8Array | null> {
  const signature = yield* askNative("READ_SIG", READ_SIG);
  if (E.isLeft(signature)) return signature;
  return E.right(signature.right?.length === SIGNATURE_BYTES ? signature.right.slice() : null);
}

/** Least significant byte first. Ultralight EV1 has counters too, but none that counts taps. */
function* readTapCounter(version: Uint8Array): Flow<number | null> {
  if (version[1] !== VENDOR_NXP || version[2] !== PRODUCT_NTAG) return E.right(null);
  const answer = yield* askNative("READ_CNT", READ_TAP_COUNTER);
  if (E.isLeft(answer)) return answer;
  if (answer.right?.length !== COUNTER_BYTES) return E.right(null);
  const [low = 0, middle = 0, high = 0] = answer.right;
  return E.right(low + middle * 0x100 + high * 0x1_0000);
}

/**
 * The tap counter and the signature, as far as asked for. The counter goes up at the first READ after the card got
 * its power: where no message was read, one READ makes this tap count. A NAK can end a card's readiness until it is
 * selected anew, so what most cards know comes first, and nothing is read behind a refusal.
 * Source: NXP NTAG213/215/216 data sheet rev. 3.2, sections 8.7, 10.1, 10.7, 10.8.
 */
export function* readCounted(technology: Technology, scope: CountedScope): Flow<Counted> {
  if (technology !== "type2" || (!scope.counter && !scope.signature)) return E.right(NOTHING);
  if (scope.counter && !scope.ndef) {
    const read = yield* askBytes("READ page", readPages(TYPE2_CAPABILITY_PAGE), READ_PAGES_BYTES);
    if (E.isLeft(read)) return read;
  }
  const version = yield* readVersion();
  if (E.isLeft(version)) return version;
  if (version.right === null) return E.right(NOTHING);
  const signature = scope.signature ? yield* readSignature() : E.right(null);
  if (E.isLeft(signature)) return signature;
  const counter = scope.counter ? yield* readTapCounter(version.right) : E.right(null);
  if (E.isLeft(counter)) return counter;
  return E.right({ counter: counter.right, signature: signature.right, version: version.right });
}
