/** Runs the flow that reads a card against an emulated one, at once. */
import type * as E from "fp-ts/lib/Either.js";
import { technologyOfAtr } from "#core/card/atr.ts";
import {
  type CardRead,
  type CardReadError,
  readCard,
  type ReadScope,
} from "#core/card/read-card.ts";
import { phoneNonce } from "#gateway/node-crypto.ts";
import type { CardInReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";

/** Left: as `readCard`. */
export const readEmulated = (
  card: CardInReader,
  scope: ReadScope,
): E.Either<CardReadError, CardRead> => {
  const flow = readCard(technologyOfAtr(card.atr), scope, phoneNonce());
  let step = flow.next();
  while (step.done !== true) step = flow.next(card.transmit(step.value));
  return step.value;
};
