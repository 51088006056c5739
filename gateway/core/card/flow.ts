/** One command to a card, whatever the flow: what comes of it, and what it means that nothing does. */
import * as E from "fp-ts/lib/Either.js";
import { decodeResponse, SW_OPERATION_FAILED, SW_SUCCESS } from "#core/card/apdu.ts";
import type { CardCommand, CardReadError } from "#core/card/card-read-error.ts";

/** Yields command APDUs and takes raw responses; an empty one stands for none. */
export type Flow<A, Err = CardReadError> = Generator<Uint8Array, E.Either<Err, A>, Uint8Array>;

/** Sends one command. Right: the data of a success. */
export function* ask(command: CardCommand, apdu: Uint8Array): Flow<Uint8Array> {
  const response = yield apdu;
  if (response.length === 0) return E.left({ _tag: "CardGone", command });
  const decoded = decodeResponse(response);
  if (E.isLeft(decoded)) return E.left({ ...decoded.left, command });
  const { data, sw } = decoded.right;
  if (sw === SW_OPERATION_FAILED) return E.left({ _tag: "CardGone", command });
  if (sw !== SW_SUCCESS) return E.left({ _tag: "StatusWordNotOk", command, sw });
  return E.right(data);
}

/** Sends one reading command. Right: exactly as many bytes as were asked for. */
export function* askBytes(
  command: CardCommand,
  apdu: Uint8Array,
  byteCountAsked: number,
): Flow<Uint8Array> {
  const answer = yield* ask(command, apdu);
  if (E.isLeft(answer)) return answer;
  const byteCount = answer.right.length;
  return byteCount === byteCountAsked
    ? answer
    : E.left({ _tag: "ResponseSizeWrong", command, byteCount, byteCountAsked });
}
