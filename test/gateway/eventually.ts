/** Waiting for what another process does. */
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 20;

/** Asks again until the answer is defined; throws, saying what it waited for, when the time is over. */
export const eventually = async <A>(
  what: string,
  look: () => Promise<A | undefined> | A | undefined,
  timeoutMs = 15_000,
): Promise<A> => {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > until) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(POLL_MS);
  }
};

/** The same for a condition. */
export const eventuallyTrue = async (
  what: string,
  holds: () => Promise<boolean> | boolean,
  timeoutMs?: number,
): Promise<void> => {
  await eventually(what, async () => ((await holds()) ? true : undefined), timeoutMs);
};
