/** Carries a card's flows to it through the chip: reading it, and APDUs from outside. */
import type * as E from "fp-ts/lib/Either.js";
import {
  type CardRead,
  type CardReadError,
  readCard,
  type ReadScope,
} from "#core/card/read-card.ts";
import { technologyOfSak } from "#core/card/sak.ts";
import type { Target } from "#core/reader/pn532/commands.ts";
import type { ChipCommand } from "#core/reader/pn532/exchange.ts";
import { carryApdu } from "#core/reader/pn532/firmware.ts";
import type { Reading } from "#core/reader/pn532/presence.ts";
import { APDU_TIMEOUT_MS } from "#gateway/limits.ts";
import { phoneNonce } from "#gateway/node-crypto.ts";

/** One command to the chip; null: it failed. */
export type AskChip = (command: ChipCommand) => Promise<Uint8Array | null>;

const NO_BYTES = new Uint8Array(0);

/** Null: the chip failed, whatever the card would have said. */
export const apduToCard = async (
  ask: AskChip,
  target: Target,
  apdu: Uint8Array,
): Promise<Uint8Array | null> => {
  let hasChipFailed = false;
  const flow = carryApdu(target, apdu);
  let step = flow.next(NO_BYTES);
  while (step.done !== true) {
    const data = await ask({ bytes: step.value, timeoutMs: APDU_TIMEOUT_MS, wake: NO_BYTES });
    hasChipFailed ||= data === null;
    step = flow.next(data);
  }
  return hasChipFailed ? null : step.value;
};

export const readAtChip = async (
  ask: AskChip,
  target: Target,
  scope: ReadScope,
): Promise<Reading> => {
  let hasChipFailed = false;
  const flow = readCard(technologyOfSak(target.sak), scope, phoneNonce());
  let step: IteratorResult<Uint8Array, E.Either<CardReadError, CardRead>> = flow.next();
  while (step.done !== true) {
    const response = await apduToCard(ask, target, step.value);
    hasChipFailed ||= response === null;
    step = flow.next(response ?? NO_BYTES);
  }
  return { read: step.value, hasChipFailed };
};
