/** What a revert or a void would change, as JSON. */
import { toHex, utf8 } from "#core/bytes.ts";
import { TYPE } from "#core/log/operation.ts";
import type { Difference, Plan } from "#core/state/revert.ts";
import { CARD_KEY } from "#core/verdict/card-index.ts";
import type { DifferenceView } from "#gateway/control/protocol.ts";
import { describeIrreversible } from "#gateway/control/refusal.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { readableStanding, typeName } from "#gateway/queries/values.ts";

export const differenceView = (difference: Difference): DifferenceView => {
  const { key, type, now, after, irreversible } = difference;
  return {
    key,
    type: typeName(type),
    now: readableStanding(now, type),
    after: readableStanding(after, type),
    stays: irreversible === null ? null : describeIrreversible(irreversible),
  };
};

/** The card (hex) that the device is to have, null for none; undefined where it keeps the one that it has. */
export const cardAfter = ({ differences }: Plan): string | null | undefined => {
  const card = differences.find(({ key, type }) => key === CARD_KEY && type === TYPE.register);
  if (card === undefined) return undefined;
  const [value] = card.after;
  return value instanceof Uint8Array ? toHex(value) : null;
};

/** Stands for what was shown to a person: equal only for the same. */
export const shownAs = (shown: unknown): string =>
  toHex(sha256(utf8(JSON.stringify(shown)))).slice(0, 16);
