/** How far a gateway's own clock can be trusted: a Pi has no clock battery. */
import { CLOCK_CLASS } from "#core/log/body.ts";

/** Before this no tapmesh was ever run: a clock that says less has not been set. */
const FIRST_PLAUSIBLE_MS = 1_767_225_600_000; // 2026-01-01T00:00Z

export interface ClockSigns {
  /** The system says that it is synchronised by NTP. */
  readonly ntpSynchronized: boolean;
  /** There is a hardware clock. */
  readonly hasHardwareClock: boolean;
  readonly wallMs: number;
}

export const classifyClock = (signs: ClockSigns): number => {
  if (signs.wallMs < FIRST_PLAUSIBLE_MS) return CLOCK_CLASS.none;
  if (signs.ntpSynchronized) return CLOCK_CLASS.ntp;
  return signs.hasHardwareClock ? CLOCK_CLASS.rtc : CLOCK_CLASS.saved;
};

/** The class as people read it. */
export const clockClassName = (clockClass: number): string =>
  Object.entries(CLOCK_CLASS).find(([, value]) => value === clockClass)?.[0] ?? "unknown";

/** Whether the time of day may decide on something: a clock that somebody keeps, by NTP or by a battery. */
export const isClockTrusted = (signs: ClockSigns): boolean =>
  classifyClock(signs) >= CLOCK_CLASS.rtc;
