/** Runs the flow that reads a card against an emulated one, at once. */
import type * as E from "fp-ts/lib/Either.js";
import {
  type CardRead,
  type CardReadError,
  readCard,
  type ReadScope,
} from "#core/card/read-card.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";

/** Left: as `readCard`. */
export const readEmulated = (
  card: Pick<EmulatedCard, "atr" | "transmit">,
  scope: ReadScope,
): E.Either<CardReadError, CardRead> => {
  const flow = readCard(card.atr, scope);
  let step = flow.next();
  while (step.done !== true) step = flow.next(card.transmit(step.value));
  return step.value;
};
