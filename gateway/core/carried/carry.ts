/** What of a device's state goes onto its tag, and which of two statements counts. */
import { equalBytes } from "#core/bytes.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import { CARRIED_COUNT_MAX, type CarriedEntry } from "#core/carried/carried-state.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import { compareNames, type Entry as StateEntry } from "#core/state/entry.ts";
import { decidingWrite } from "#core/state/reading.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";

/** A key's name among those that are carried: one under two types is two. */
export const carriedKey = ({ key, type }: Pick<CarriedEntry, "key" | "type">): string =>
  `${type} ${key}`;

export const isCardEntry = ({ key, type }: Pick<CarriedEntry, "key" | "type">): boolean =>
  key === CARD_KEY && type === TYPE.register;

export const isSafetyEntry = ({ key, type }: Pick<CarriedEntry, "key" | "type">): boolean =>
  key === SAFETY_KEY && type === TYPE.safety;

/** By the clocks as they were: newest wins. Safety: the more severe, since a lift can't be told from an old statement. */
export const isStronger = (a: CarriedEntry, b: CarriedEntry): boolean => {
  const severity = isSafetyEntry(a) ? Number(a.value) - Number(b.value) : 0;
  // Within an epoch the order is known, whatever its clock did.
  const age = equalBytes(a.write.epoch, b.write.epoch) ? 0 : a.write.wallMs - b.write.wallMs;
  return (severity || age || compareNames(a.write, b.write)) > 0;
};

/** Of each key the entry that counts. */
export const strongest = <Entry extends CarriedEntry>(
  entries: ReadonlyArray<Entry>,
): ReadonlyArray<Entry> => {
  const byKey = new Map<string, Entry>();
  for (const entry of entries) {
    const known = byKey.get(carriedKey(entry));
    if (known === undefined || isStronger(entry, known)) byKey.set(carriedKey(entry), entry);
  }
  return [...byKey.values()];
};

export interface CarryWish {
  /** The tag's own card id, 16 bytes. */
  readonly card: Uint8Array;
  /** Keys that are to be carried beside card and safety; null: all that fit. */
  readonly keys: ReadonlySet<string> | null;
  readonly trueTime: TrueTime;
}

const NOBODY = new Uint8Array(0);

const carriedOf = (entry: StateEntry, { keys, trueTime }: CarryWish): CarriedEntry | undefined => {
  const { key, type } = entry;
  const write = decidingWrite(entry, trueTime);
  if (write === undefined) return undefined;
  const { epoch, seq, wallMs, value } = write;
  const made = { key, type, value, write: { epoch, seq, wallMs }, through: NOBODY };
  if (isCardEntry(entry)) return made;
  if (isSafetyEntry(entry)) return value === SAFETY.active ? undefined : made;
  const isPlain = type === TYPE.register || type === TYPE.exclusive;
  return isPlain && (keys === null || keys.has(key)) ? made : undefined;
};

/** Whose card it is, then how safe, then the newest: in this order they must find room. */
const rank = (entry: CarriedEntry): number =>
  isCardEntry(entry) ? 0 : isSafetyEntry(entry) ? 1 : 2;

const byImportance = (a: CarriedEntry, b: CarriedEntry): number =>
  rank(a) - rank(b) || b.write.wallMs - a.write.wallMs || compareNames(b.write, a.write);

/**
 * What a device's tag is to carry, the most important first: what is known here, and what the tag has brought and no
 * record here says yet (with the card's id as the value of `card`). Empty unless the device's card is this one: nobody
 * is to recognise it by another.
 */
export const toCarry = (
  entries: ReadonlyArray<StateEntry>,
  brought: ReadonlyArray<CarriedEntry>,
  wish: CarryWish,
): ReadonlyArray<CarriedEntry> => {
  const known = entries.flatMap((entry) => carriedOf(entry, wish) ?? []);
  const all = strongest([...known, ...brought]).toSorted(byImportance);
  const own = all.find(isCardEntry);
  if (!(own?.value instanceof Uint8Array) || !equalBytes(own.value, wish.card)) return [];
  return all.map((entry) => (isCardEntry(entry) ? { ...entry, value: null } : entry));
};

/** The first of them that fit together, passing over what is too long. Empty if the card's own does not. */
export const fitting = (
  entries: ReadonlyArray<CarriedEntry>,
  fits: (entries: ReadonlyArray<CarriedEntry>) => boolean,
): ReadonlyArray<CarriedEntry> => {
  const taken: CarriedEntry[] = [];
  for (const entry of entries) {
    if (taken.length >= CARRIED_COUNT_MAX) break;
    if (fits(taken.concat(entry))) taken.push(entry);
    else if (isCardEntry(entry)) return [];
  }
  return taken;
};
