/** What Linux says of processes: memory, children, processor time. */
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";

/** MB of 10^6 bytes. */
export const residentMb = (pid: number): number => {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (match?.[1] === undefined) throw new Error(`process ${pid} is gone`);
  return (Number(match[1]) * 1024) / 1e6;
};

const SAMPLE_PERIOD_MS = 100;

/** Looks at a process that lives until `stop`, ten times a second. */
export const watchMemory = (pid: number): { readonly stop: () => ReadonlyArray<number> } => {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentMb(pid)), SAMPLE_PERIOD_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return samples;
    },
  };
};

/** How much the straight line through the second half of the samples rises from its begin to its end. */
export const growthInSecondHalf = (samples: ReadonlyArray<number>): number => {
  const half = samples.slice(Math.floor(samples.length / 2));
  const middle = (half.length - 1) / 2;
  const mean = half.reduce((sum, value) => sum + value, 0) / half.length;
  let [covariance, variance] = [0, 0];
  for (const [at, value] of half.entries()) {
    covariance += (at - middle) * (value - mean);
    variance += (at - middle) ** 2;
  }
  return variance === 0 ? 0 : (covariance / variance) * (half.length - 1);
};

export const childrenOf = (pid: number): ReadonlyArray<number> =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );

const TICK_MS = 10;

/** Processor time of a process and of all below it that live, ms. */
const cpuMsBelow = (pid: number): number => {
  // behind the name, which may hold blanks: state is field 3, utime and stime are 14 and 15
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const ownMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  return childrenOf(pid).reduce((sum, child) => sum + cpuMsBelow(child), ownMs);
};

const machineMs = (): { readonly busyMs: number; readonly allMs: number } => {
  const all = cpus().flatMap(({ times }) => Object.values(times));
  const allMs = all.reduce((sum, ms) => sum + ms, 0);
  return { allMs, busyMs: allMs - cpus().reduce((sum, { times }) => sum + times.idle, 0) };
};

/** Percent of the machine's processors that were busy while `work` went on: with anything, and with this benchmark. */
export const busyShares = async (
  work: () => Promise<void>,
): Promise<{ readonly machine: number; readonly bench: number }> => {
  const [before, benchBeforeMs] = [machineMs(), cpuMsBelow(process.pid)];
  await work();
  const [after, benchAfterMs] = [machineMs(), cpuMsBelow(process.pid)];
  const allMs = after.allMs - before.allMs;
  return {
    machine: (100 * (after.busyMs - before.busyMs)) / allMs,
    bench: (100 * (benchAfterMs - benchBeforeMs)) / allMs,
  };
};
