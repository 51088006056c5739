/** What the clock on the wall shows in a time zone, by the rules that Node brings along. */
import { isClockTrusted } from "#core/clock/clock-class.ts";
import { DAYS, type LocalTime } from "#core/verdict/schedule.ts";
import { readClockSigns } from "#gateway/system.ts";

const formatIn = (zone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });

/** Unix time, ms → local time in that zone. */
export const localTimeIn = (zone: string): ((wallMs: number) => LocalTime) => {
  const format = formatIn(zone);
  return (wallMs) => {
    const parts = new Map(format.formatToParts(wallMs).map(({ type, value }) => [type, value]));
    const day = DAYS.findIndex((name) => name === parts.get("weekday")?.toLowerCase());
    return { day, minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) };
  };
};

/**
 * The same while the system's clock can be trusted, else null. Asked at each tap: the signs lie in memory, not on the
 * disk, and a clock may be set at any moment.
 */
export const trustedLocalTime = (zone: string | null): ((wallMs: number) => LocalTime | null) => {
  const local = zone === null ? null : localTimeIn(zone);
  return (wallMs) => (local !== null && isClockTrusted(readClockSigns()) ? local(wallMs) : null);
};
