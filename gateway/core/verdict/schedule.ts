/** When a reader is open, by the clock on the wall where it hangs. */

/** 0 is Monday, as in ISO 8601. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const DAY_MINUTES: number = 24 * 60;

/** What the clock on the wall shows. In the night on which clocks go back an hour comes twice, and counts twice. */
export interface LocalTime {
  /** 0 is Monday. */
  readonly day: number;
  /** Since midnight. */
  readonly minute: number;
}

/** From that minute on, up to the other and not with it; if that one isn't later, it is the next day's. */
export interface Schedule {
  /** On which days it begins; 0 is Monday. */
  readonly days: ReadonlyArray<number>;
  readonly fromMinute: number;
  readonly toMinute: number;
}

const isOpenBy = (
  { days, fromMinute, toMinute }: Schedule,
  { day, minute }: LocalTime,
): boolean => {
  if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute;
  const yesterday = (day + DAYS.length - 1) % DAYS.length;
  return (
    (days.includes(day) && minute >= fromMinute) || (days.includes(yesterday) && minute < toMinute)
  );
};

/** No schedule at all is always open. */
export const isOpenAt = (schedules: ReadonlyArray<Schedule>, time: LocalTime): boolean =>
  schedules.length === 0 || schedules.some((schedule) => isOpenBy(schedule, time));
