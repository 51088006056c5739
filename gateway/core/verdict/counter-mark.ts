/**
 * What one gateway has seen of a card's one-way counter, as the one number of a `max` entry: the greatest count, which of
 * the 27 before it the same gateway saw, and whether it has seen a count come back. A card counts each time it is read,
 * so no two taps of it have one count: two gateways that both saw 5 have seen a card and its copy, and this shows
 * when they hear of one another, however long they were apart.
 *
 *   count (24 bits) | seen (28 bits; the lowest stands for the count itself, the next for the one before) | came back (1)
 *
 * Each tap makes the number greater, so that `max` keeps the newest, and neither a revert nor a void takes it back.
 */
import { fromBase64, toBase64 } from "#core/bytes.ts";
import { TYPE } from "#core/log/operation.ts";
import type { EntryKey } from "#core/state/entry.ts";

/** Cards count with 24 bits. */
export const COUNT_MAX: number = 2 ** 24 - 1;
export const SEEN_BITS = 28;
const SEEN_MASK = 2 ** SEEN_BITS - 1;
const COUNT_UNIT: number = 2 ** (SEEN_BITS + 1);

export interface CounterMark {
  readonly count: number;
  /** Bit i: this gateway saw count − i. */
  readonly seen: number;
  /** This gateway saw a count that was known already. */
  readonly cameBack: boolean;
}

export const encodeMark = ({ count, seen, cameBack }: CounterMark): number =>
  count * COUNT_UNIT + seen * 2 + (cameBack ? 1 : 0);

/** Undefined for what no gateway writes. */
export const decodeMark = (value: unknown): CounterMark | undefined => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) return undefined;
  const below = value % COUNT_UNIT;
  const count = Math.floor(value / COUNT_UNIT);
  return { count, seen: Math.floor(below / 2) & SEEN_MASK, cameBack: below % 2 === 1 };
};

/** The counts that this gateway saw, newest first. */
export const countsIn = ({ count, seen }: CounterMark): ReadonlyArray<number> =>
  Array.from({ length: SEEN_BITS }, (_, back) => back)
    .filter((back) => ((seen >>> back) & 1) === 1)
    .map((back) => count - back);

/** The mark after a tap with that count, which is greater; `between`: counts seen since that were no taps. */
export const markAfter = (
  before: CounterMark | undefined,
  count: number,
  between: ReadonlyArray<number> = [],
): CounterMark => {
  const saw = [count, ...between, ...(before === undefined ? [] : countsIn(before))];
  const backs = new Set(saw.map((one) => count - one));
  const inReach = [...backs].filter((back) => back >= 0 && back < SEEN_BITS);
  return {
    count,
    seen: inReach.reduce((seen, back) => seen + 2 ** back, 0),
    cameBack: before?.cameBack ?? false,
  };
};

/** The mark after a count that was known already. */
export const markOfReturn = (before: CounterMark | undefined, count: number): CounterMark => ({
  ...(before ?? { count, seen: 0 }),
  cameBack: true,
});

/** Of the keys that hold marks. */
export const MARK_PREFIX = "counter/";
const CARD_LETTERS = 22;

/** Whose mark it is of which card. */
export interface MarkName {
  readonly card: Uint8Array;
  readonly gateway: string;
}

/** The key of a device's entry: `counter/<card, Base64>/<gateway>`, of 63 letters at most. Nobody can type one. */
export const markKey = ({ card, gateway }: MarkName): string =>
  `${MARK_PREFIX}${toBase64(card).slice(0, CARD_LETTERS)}/${gateway}`;

/** Undefined for the key of anything else. */
export const markNameOf = ({ key, type }: Omit<EntryKey, "device">): MarkName | undefined => {
  if (type !== TYPE.max || !key.startsWith(MARK_PREFIX)) return undefined;
  const card = fromBase64(`${key.slice(MARK_PREFIX.length, MARK_PREFIX.length + CARD_LETTERS)}==`);
  const gateway = key.slice(MARK_PREFIX.length + CARD_LETTERS + 1);
  return card?.length === 16 && gateway !== "" ? { card, gateway } : undefined;
};
