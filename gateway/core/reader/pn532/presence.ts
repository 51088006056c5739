/** Which card is there, from lists of what is in the field: who came, left, was swapped, or is not alone. Pure. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import type { CardRead, CardReadError } from "#core/card/read-card.ts";
import { technologyOfSak } from "#core/card/sak.ts";
import type { Technology } from "#core/card/sighting.ts";
import type { Target } from "#core/reader/pn532/commands.ts";

/** A card at the edge of the field is missed now and then: it has left when it is missed so often in a row. */
export const MISS_COUNT_TO_LEAVE = 2;
/** A card at which the chip fails so often in a row is given up: it may be the card that makes it fail. */
export const READ_FAIL_COUNT_MAX = 3;

export type PresenceNews =
  | { readonly _tag: "Arrived"; readonly read: CardRead; readonly atStart: boolean }
  | { readonly _tag: "Unread"; readonly technology: Technology; readonly error: CardReadError }
  | { readonly _tag: "Left" }
  /** Told once, until there are no longer two. */
  | { readonly _tag: "Together" };

interface Held {
  readonly target: Target;
  /** Its arrival was told, so its leaving must be. */
  readonly isReported: boolean;
}

export interface Presence {
  /** The card that was read, or could not be: it is not read again before it has left. */
  readonly held: Held | null;
  /** Lists in a row that did not show it. */
  readonly missCount: number;
  readonly isTogether: boolean;
  /** Nothing was listed yet: what lies there now lay there before. */
  readonly isStart: boolean;
  readonly readFailCount: number;
}

export const NOBODY: Presence = {
  held: null,
  missCount: 0,
  isTogether: false,
  isStart: true,
  readFailCount: 0,
};

export interface PresenceStep {
  readonly presence: Presence;
  readonly news: ReadonlyArray<PresenceNews>;
}

const isSame = (held: Held | null, target: Target): boolean =>
  held !== null && equalBytes(held.target.uid, target.uid);

/** The card that was held is gone, for good. */
export const leave = (presence: Presence): PresenceStep => ({
  presence: { ...presence, held: null, missCount: 0 },
  news: presence.held?.isReported === true ? [{ _tag: "Left" }] : [],
});

const onNone = (presence: Presence): PresenceStep => {
  const missCount = presence.missCount + 1;
  // Of a card that could not be read nothing was told: it may be tried again at once.
  const isReported = presence.held?.isReported === true;
  const alone = { ...presence, isTogether: false, isStart: false, readFailCount: 0 };
  return !isReported || missCount >= MISS_COUNT_TO_LEAVE
    ? leave(alone)
    : { presence: { ...alone, missCount }, news: [] };
};

const onOne = (presence: Presence, target: Target): PresenceStep => {
  const alone = { ...presence, isTogether: false, missCount: 0 };
  // Its number may be another one than before.
  if (presence.held !== null && isSame(presence.held, target)) {
    return { presence: { ...alone, held: { ...presence.held, target } }, news: [] };
  }
  return leave(alone);
};

const onTwo = (presence: Presence, targets: ReadonlyArray<Target>): PresenceStep => {
  const isStillThere = targets.some((target) => isSame(presence.held, target));
  const left = isStillThere ? { presence, news: [] } : leave(presence);
  const together: ReadonlyArray<PresenceNews> = presence.isTogether ? [] : [{ _tag: "Together" }];
  return {
    presence: { ...left.presence, isTogether: true, missCount: 0 },
    news: [...left.news, ...together],
  };
};

/** What a list of the field says. A card that is alone and not `held` is to be read next. */
export const onTargets = (presence: Presence, targets: ReadonlyArray<Target>): PresenceStep => {
  const [first, second] = targets;
  if (first === undefined) return onNone(presence);
  return second === undefined ? onOne(presence, first) : onTwo(presence, targets);
};

/** Whether a card that is alone is to be read: it was not, since it came. */
export const isNew = (presence: Presence, target: Target): boolean =>
  !isSame(presence.held, target);

/** How reading a card ended. */
export interface Reading {
  readonly read: E.Either<CardReadError, CardRead>;
  /** The chip and not the card was at fault: the card is read again once the chip works. */
  readonly hasChipFailed: boolean;
}

export const onReading = (presence: Presence, target: Target, reading: Reading): PresenceStep => {
  const readFailCount = reading.hasChipFailed ? presence.readFailCount + 1 : 0;
  if (readFailCount > 0 && readFailCount < READ_FAIL_COUNT_MAX) {
    return { presence: { ...presence, readFailCount }, news: [] };
  }
  const held: Held = { target, isReported: E.isRight(reading.read) };
  const news: PresenceNews = E.isRight(reading.read)
    ? { _tag: "Arrived", read: reading.read.right, atStart: presence.isStart }
    : { _tag: "Unread", technology: technologyOfSak(target.sak), error: reading.read.left };
  return {
    presence: { ...presence, held, missCount: 0, isStart: false, readFailCount: 0 },
    news: [news],
  };
};
