/** Emulated cards by name, for whoever types one. */
import * as E from "fp-ts/lib/Either.js";
import type {
  CardModel,
  EmulatedCard,
  EmulatedCardOptions,
} from "#gateway/reader/emulated/emulated-card.ts";
import { MIFARE_CLASSIC } from "#gateway/reader/emulated/mifare-classic.ts";
import { NTAG424 } from "#gateway/reader/emulated/ntag424.ts";
import {
  NTAG213,
  NTAG215,
  NTAG216,
  ULTRALIGHT_EV1_128,
  ULTRALIGHT_EV1_48,
} from "#gateway/reader/emulated/type2-models.ts";
import { TYPE4 } from "#gateway/reader/emulated/type4.ts";
import { PHONE_APP } from "#gateway/reader/emulated/phone-app.ts";
import { DESFIRE, PHONE } from "#gateway/reader/emulated/uid-cards.ts";

export type EmulatedCardError =
  | {
      readonly _tag: "CardNameUnknown";
      readonly name: string;
      readonly namesKnown: ReadonlyArray<string>;
    }
  | {
      readonly _tag: "CardUidSizeWrong";
      readonly byteCount: number;
      readonly byteCountsNeeded: ReadonlyArray<number>;
    }
  | {
      readonly _tag: "CardNdefTooLarge";
      readonly byteCount: number;
      readonly byteCountMax: number;
    };

export const PHONE_APP_NAME = "phone-app";

const MODELS: ReadonlyMap<string, CardModel> = new Map([
  ["ntag213", NTAG213],
  ["ntag215", NTAG215],
  ["ntag216", NTAG216],
  ["ultralight-ev1-48", ULTRALIGHT_EV1_48],
  ["ultralight-ev1-128", ULTRALIGHT_EV1_128],
  ["type4", TYPE4],
  ["ntag424", NTAG424],
  ["classic", MIFARE_CLASSIC],
  ["desfire", DESFIRE],
  ["phone", PHONE],
  [PHONE_APP_NAME, PHONE_APP],
]);

export const EMULATED_CARD_NAMES: ReadonlyArray<string> = [...MODELS.keys()];

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
    return E.left({ _tag: "CardNameUnknown", name, namesKnown: EMULATED_CARD_NAMES });
  }
  const { uidByteCounts: byteCountsNeeded, ndefByteCountMax: byteCountMax } = model;
  if (options.uid !== undefined && !byteCountsNeeded.includes(options.uid.length)) {
    const { length } = options.uid;
    return E.left({ _tag: "CardUidSizeWrong", byteCount: length, byteCountsNeeded });
  }
  const byteCount = options.ndef?.length ?? 0;
  if (byteCount > byteCountMax) {
    return E.left({ _tag: "CardNdefTooLarge", byteCount, byteCountMax });
  }
  return E.right(model.make(options));
};
