/** Time and rest, the same in all processes of the benchmark. */
import { setTimeout as sleep } from "node:timers/promises";

/** CLOCK_MONOTONIC in ms with fractions: stamps of two processes can be subtracted. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Between two samples, so that each stands alone: nothing of the one before is still under way. */
const REST_MS = 4;

export const rest = (): Promise<void> => sleep(REST_MS);

/** Samples of every latency row, and as many that are thrown away first while the JIT warms up. */
export const SAMPLES = 1_000;
export const WARM_UP = 200;

/** Waits for a condition; a run that can't be measured must end. */
export const until = async (
  what: string,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> => {
  const deadlineMs = nowMs() + UNTIL_TIMEOUT_MS;
  while (!(await isTrue())) {
    if (nowMs() > deadlineMs) throw new Error(`${what}: not within ${UNTIL_TIMEOUT_MS} ms`);
    await sleep(20);
  }
};

const UNTIL_TIMEOUT_MS = 20_000;
