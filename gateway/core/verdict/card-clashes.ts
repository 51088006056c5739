/** Which devices can't take a card back, because another one has it by now. */

/** Device → its card, hex; null for none. */
export type Cards = ReadonlyMap<string, string | null>;

const holdersOf = (cards: Cards): ReadonlyMap<string, ReadonlyArray<string>> => {
  const holders = new Map<string, string[]>();
  for (const [device, card] of cards) {
    if (card !== null) holders.set(card, [...(holders.get(card) ?? []), device]);
  }
  return holders;
};

/**
 * `planned`: devices whose card is to become another one. → each that must not, and the device that would have the
 * same card. A device that is held back keeps the card it has, which may hold back another one.
 */
export const cardClashes = (now: Cards, planned: Cards): ReadonlyMap<string, string> => {
  const clashes = new Map<string, string>();
  for (;;) {
    const going = [...planned].filter(([device]) => !clashes.has(device));
    const holders = holdersOf(new Map([...now, ...going]));
    const found = going.flatMap(([device, card]) => {
      const other = holders.get(card ?? "")?.find((holder) => holder !== device);
      return other === undefined ? [] : [[device, other] as const];
    });
    if (found.length === 0) return clashes;
    for (const [device, other] of found) clashes.set(device, other);
  }
};
