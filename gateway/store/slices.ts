/** Long work of the store's thread, done in slices: a tap's commit never waits for more than one of them. */

/** Two such works at once, and a step that runs over, stay below 20 ms. */
const SLICE_MS = 8;

/** Runs the work to its end, and serves other queries between slices, or pauses. Undefined if it was given up. */
export const inSlices = async <Result>(
  work: Iterator<unknown, Result>,
  isWanted: () => boolean,
  pauseMs = 0,
): Promise<Result | undefined> => {
  while (isWanted()) {
    const endMs = performance.now() + SLICE_MS;
    while (performance.now() < endMs) {
      const step = work.next();
      if (step.done === true) return step.value;
    }
    await new Promise((resolve) => {
      if (pauseMs > 0) setTimeout(resolve, pauseMs);
      else setImmediate(resolve);
    });
  }
  return undefined;
};

/** Runs the work to its end at once. */
export const atOnce = (work: Iterator<unknown, unknown>): void => {
  while (work.next().done !== true);
};
