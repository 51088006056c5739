/** Emulated cards by name, for whoever types one. */
import * as E from "fp-ts/lib/Either.js";
import type {
  CardModel,
  EmulatedCard,
  EmulatedCardOptions,
} from "#gateway/reader/emulated/emulated-card.ts";
import { MIFARE_CLASSIC } from "#gateway/reader/emulated/mifare-classic.ts";
import { NTAG215 } from "#gateway/reader/emulated/ntag215.ts";
import { TYPE4 } from "#gateway/reader/emulated/type4.ts";

export type EmulatedCardError =
  | {
      readonly _tag: "CardNameUnknown";
      readonly name: string;
      readonly namesKnown: ReadonlyArray<string>;
    }
  | {
      readonly _tag: "CardUidSizeWrong";
      readonly byteCount: number;
      readonly byteCountNeeded: number;
    }
  | {
      readonly _tag: "CardNdefTooLarge";
      readonly byteCount: number;
      readonly byteCountMax: number;
    };

const MODELS: ReadonlyMap<string, CardModel> = new Map([
  ["ntag215", NTAG215],
  ["type4", TYPE4],
  ["classic", MIFARE_CLASSIC],
]);

/**
 * The emulated card of this name.
 * Left: `CardNameUnknown` with the names there are; `CardUidSizeWrong` if the card has UIDs of another
 * size; `CardNdefTooLarge` if the message has no room on it.
 */
export const emulatedCard = (
  name: string,
  options: EmulatedCardOptions,
): E.Either<EmulatedCardError, EmulatedCard> => {
  const model = MODELS.get(name);
  if (model === undefined) {
    return E.left({ _tag: "CardNameUnknown", name, namesKnown: [...MODELS.keys()] });
  }
  const { uidByteCount: byteCountNeeded, ndefByteCountMax: byteCountMax } = model;
  const uidByteCount = options.uid?.length ?? byteCountNeeded;
  if (uidByteCount !== byteCountNeeded) {
    return E.left({ _tag: "CardUidSizeWrong", byteCount: uidByteCount, byteCountNeeded });
  }
  const byteCount = options.ndef?.length ?? 0;
  if (byteCount > byteCountMax) {
    return E.left({ _tag: "CardNdefTooLarge", byteCount, byteCountMax });
  }
  return E.right(model.make(options));
};
