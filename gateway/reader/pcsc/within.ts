/** Work with a time limit. */
import { setTimeout } from "node:timers/promises";

export const TIMED_OUT: unique symbol = Symbol("timed out");

/** Not longer than that: what takes longer goes on, and is nobody's. */
export const within = async <A>(
  work: Promise<A>,
  timeoutMs: number,
): Promise<A | typeof TIMED_OUT> => {
  const abort = new AbortController();
  const timeout = setTimeout(timeoutMs, TIMED_OUT, { signal: abort.signal });
  timeout.catch(() => undefined); // aborting rejects it, and nobody else listens then
  try {
    return await Promise.race([work, timeout]);
  } finally {
    abort.abort();
  }
};
