import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DAY_MINUTES, DAYS, isOpenAt, type Schedule } from "#core/verdict/schedule.ts";
import { localTimeIn } from "#gateway/local-time.ts";

const WEEK_MINUTES = 7 * DAY_MINUTES;
const [MON, FRI, SAT, SUN] = [0, 4, 5, 6];
const clock = (text: string): number => {
  const [hours = 0, minutes = 0] = text.split(":").map(Number);
  return hours * 60 + minutes;
};
const schedule = (days: ReadonlyArray<number>, from: string, to: string): Schedule => ({
  days,
  fromMinute: clock(from),
  toMinute: clock(to),
});

const anySchedule = fc
  .record({
    days: fc.uniqueArray(fc.nat(6), { minLength: 1 }),
    fromMinute: fc.nat(DAY_MINUTES - 1),
    toMinute: fc.integer({ min: 1, max: DAY_MINUTES }),
  })
  .filter(({ fromMinute, toMinute }) => fromMinute !== toMinute);

/** Walks the hands of the clock through a week, minute by minute. */
const openMinutes = ({ days, fromMinute, toMinute }: Schedule): ReadonlySet<number> => {
  const open = new Set<number>();
  for (const day of days) {
    const length = (toMinute - fromMinute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
    for (let step = 0; step < length; step += 1) {
      open.add((day * DAY_MINUTES + fromMinute + step) % WEEK_MINUTES);
    }
  }
  return open;
};

test("schedules are open in the very minutes that a walk through the week passes", () => {
  fc.assert(
    fc.property(fc.array(anySchedule, { minLength: 1, maxLength: 3 }), (schedules) => {
      const open = schedules.map(openMinutes);
      for (let minute = 0; minute < WEEK_MINUTES; minute += 7) {
        const time = { day: Math.floor(minute / DAY_MINUTES), minute: minute % DAY_MINUTES };
        expect(isOpenAt(schedules, time)).toBe(open.some((minutes) => minutes.has(minute)));
      }
    }),
    { numRuns: 60 },
  );
});

const AT_WORK = schedule([MON, 1, 2, 3, FRI], "06:00", "22:00");
const AT_NIGHT = schedule([SAT], "22:00", "02:30");
const SMALL_HOURS = schedule([SUN], "02:00", "03:00");
const ALL_SUNDAY = schedule([SUN], "00:00", "24:00");

describe("by the clock on the wall", () => {
  test.each([
    // Berlin: CET is UTC+1, CEST UTC+2; 29 March 02:00 → 03:00, 25 October 03:00 → 02:00.
    ["Europe/Berlin", AT_WORK, "2026-01-05T04:59:59Z", false, "Monday 05:59 in winter"],
    ["Europe/Berlin", AT_WORK, "2026-01-05T05:00:00Z", true, "Monday 06:00 in winter"],
    ["Europe/Berlin", AT_WORK, "2026-07-06T03:59:59Z", false, "Monday 05:59 in summer"],
    ["Europe/Berlin", AT_WORK, "2026-07-06T04:00:00Z", true, "Monday 06:00 in summer"],
    ["Europe/Berlin", AT_WORK, "2026-07-06T19:59:59Z", true, "Monday 21:59"],
    ["Europe/Berlin", AT_WORK, "2026-07-06T20:00:00Z", false, "Monday 22:00: the end is not in it"],
    ["Europe/Berlin", AT_WORK, "2026-07-05T10:00:00Z", false, "Sunday noon"],
    [
      "Europe/Berlin",
      SMALL_HOURS,
      "2026-03-29T00:59:59Z",
      false,
      "01:59, the hour that is left out",
    ],
    ["Europe/Berlin", SMALL_HOURS, "2026-03-29T01:00:00Z", false, "03:00 already"],
    ["Europe/Berlin", SMALL_HOURS, "2026-10-25T00:00:00Z", true, "02:00, the first time"],
    ["Europe/Berlin", SMALL_HOURS, "2026-10-25T00:59:59Z", true, "02:59, the first time"],
    ["Europe/Berlin", SMALL_HOURS, "2026-10-25T01:00:00Z", true, "02:00, the second time"],
    ["Europe/Berlin", SMALL_HOURS, "2026-10-25T02:00:00Z", false, "03:00"],
    ["Europe/Berlin", AT_NIGHT, "2026-10-24T20:00:00Z", true, "Saturday 22:00"],
    ["Europe/Berlin", AT_NIGHT, "2026-10-25T00:29:00Z", true, "Sunday 02:29, the first time"],
    ["Europe/Berlin", AT_NIGHT, "2026-10-25T00:30:00Z", false, "Sunday 02:30, the first time"],
    ["Europe/Berlin", AT_NIGHT, "2026-10-25T01:29:00Z", true, "Sunday 02:29, the second time"],
    [
      "Europe/Berlin",
      AT_NIGHT,
      "2026-10-24T00:29:00Z",
      false,
      "Saturday 02:29, which is Friday's night",
    ],
    ["Europe/Berlin", AT_NIGHT, "2026-03-29T01:00:00Z", false, "Sunday 03:00, right behind 01:59"],
    // New York: EST is UTC-5, EDT UTC-4; 8 March 02:00 → 03:00, 1 November 02:00 → 01:00.
    ["America/New_York", AT_WORK, "2026-01-05T10:59:00Z", false, "Monday 05:59 in winter"],
    ["America/New_York", AT_WORK, "2026-01-05T11:00:00Z", true, "Monday 06:00 in winter"],
    ["America/New_York", AT_WORK, "2026-07-06T10:00:00Z", true, "Monday 06:00 in summer"],
    ["America/New_York", AT_WORK, "2026-07-07T01:59:00Z", true, "still Monday, 21:59"],
    ["America/New_York", SMALL_HOURS, "2026-03-08T06:59:59Z", false, "01:59"],
    ["America/New_York", SMALL_HOURS, "2026-03-08T07:00:00Z", false, "03:00 already"],
    ["America/New_York", SMALL_HOURS, "2026-11-01T06:59:00Z", false, "01:59, the second time"],
    ["America/New_York", SMALL_HOURS, "2026-11-01T07:00:00Z", true, "02:00, which comes once"],
    ["America/New_York", ALL_SUNDAY, "2026-11-01T04:00:00Z", true, "the 25 hours from midnight"],
    ["America/New_York", ALL_SUNDAY, "2026-11-02T04:59:59Z", true, "to midnight"],
    ["America/New_York", ALL_SUNDAY, "2026-11-02T05:00:00Z", false, "and no longer"],
    ["Asia/Kathmandu", AT_WORK, "2026-01-05T00:15:00Z", true, "Monday 06:00 at UTC+5:45"],
  ])("%s %j at %s is %s: %s", (...[zone, times, at, isOpen]) => {
    expect(isOpenAt([times], localTimeIn(zone)(Date.parse(at)))).toBe(isOpen);
  });

  test("every day of a week has its name", () => {
    const local = localTimeIn("UTC");
    const days = DAYS.map((_, day) => local(Date.UTC(2026, 10, 23 + day, 23, 59)));
    expect(days).toEqual(DAYS.map((_, day) => ({ day, minute: DAY_MINUTES - 1 })));
  });

  test("without a schedule it is always open", () => {
    expect(isOpenAt([], { day: 0, minute: 0 })).toBe(true);
  });
});
