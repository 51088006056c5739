/** How many records of an epoch count: by roster and by verified forks, whichever is less. */

/** Epoch (hex) → records that count; all of an epoch that isn't named. */
export type Cuts = ReadonlyMap<string, number>;

/** The least of each. */
export const leastCuts = (...all: ReadonlyArray<Cuts>): Cuts => {
  const least = new Map<string, number>();
  for (const cuts of all) {
    for (const [epoch, size] of cuts) {
      least.set(epoch, Math.min(size, least.get(epoch) ?? Number.POSITIVE_INFINITY));
    }
  }
  return least;
};
