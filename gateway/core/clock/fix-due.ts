/** When a gateway should say what its clock should have said: a step function, looked at every few seconds. */

/** wall − monotonic time moved by more: the clock was set. Less is drift, which NTP smooths away by itself. */
export const CLOCK_STEP_MS = 1_000;

/** What is known of this boot's clock. */
export interface BootClock {
  /**
   * Unix time at monoMs 0 as the records of this boot have it from now on: by the newest fix, or by a clock that was
   * right from the start. Null while there are, or may be, records that nothing sets right.
   */
  readonly wallAtBootMs: number | null;
}

export interface SeenClock {
  readonly ntpSynchronized: boolean;
  readonly wallMs: number;
  readonly monoMs: number;
}

/** What is known when the process starts. */
export interface ClockPast {
  /** Of this boot's newest fix; null where it has none. */
  readonly fixedWallAtBootMs: number | null;
  /** This boot has records from before its clock was synchronised. */
  readonly hasDoubtfulRecords: boolean;
}

export const bootClockAtStart = (past: ClockPast, seen: SeenClock): BootClock => {
  if (past.fixedWallAtBootMs !== null) return { wallAtBootMs: past.fixedWallAtBootMs };
  const isRight = seen.ntpSynchronized && !past.hasDoubtfulRecords;
  return { wallAtBootMs: isRight ? seen.wallMs - seen.monoMs : null };
};

/**
 * The fix to record now, as Unix time at monoMs 0, or null. Only a synchronised clock can say what is right: the first
 * time in a boot whose records are in doubt, and again each time it was set since.
 */
export const fixDue = ({ wallAtBootMs }: BootClock, seen: SeenClock): number | null => {
  const seenAtBootMs = seen.wallMs - seen.monoMs;
  if (!seen.ntpSynchronized || seenAtBootMs < 0) return null;
  if (wallAtBootMs === null) return seenAtBootMs;
  return Math.abs(seenAtBootMs - wallAtBootMs) > CLOCK_STEP_MS ? seenAtBootMs : null;
};
