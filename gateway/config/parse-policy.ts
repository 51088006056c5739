/** A reader's policy: who may tap there, when, and how sure the card must be. */
import { SCOPE_NDEF, SCOPE_UID, type ReadScope } from "#core/card/read-card.ts";
import {
  LEVELS,
  NAME_KEY,
  OPEN_POLICY,
  scopeOf,
  type DeviceCondition,
  type PlainValue,
  type ReaderPolicy,
} from "#core/verdict/reader-policy.ts";
import { DAY_MINUTES, DAYS, type Schedule } from "#core/verdict/schedule.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import { suggestion } from "#gateway/config/problem.ts";
import type { YamlReader } from "#gateway/config/yaml-reader.ts";

/** Values of one key of a filter, and schedules of a reader: more belong into a value of the devices. */
const VALUES_COUNT_MAX = 32;
const SCHEDULES_COUNT_MAX = 32;
const HOLD_OFF_S_MAX = 86_400;

const CLOCK = {
  regex: /^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$/,
  meaning: 'a time such as "06:30"',
};

/** The conditions under `name`; none where it is absent. */
export const parseConditions = (
  reader: YamlReader,
  name: string,
): ReadonlyArray<DeviceCondition> => {
  const filter = reader.mapping(name);
  if (filter === undefined) return [];
  return filter.keys().flatMap((key) => {
    const values: ReadonlyArray<PlainValue> | undefined = filter.scalars(key);
    if (key === CARD_KEY || key === SAFETY_KEY) {
      filter.problem(
        key,
        `can't be asked for: name devices by "${NAME_KEY}", or by a value of theirs`,
      );
    } else if (values?.length === 0) filter.problem(key, "must name one value at least");
    else if ((values?.length ?? 0) > VALUES_COUNT_MAX) {
      filter.problem(key, `must name ${VALUES_COUNT_MAX} values at most`);
    }
    return values === undefined ? [] : [{ key, values }];
  });
};

const dayNumber = (word: string): number => DAYS.findIndex((day) => day === word);

/** "tue" or "sat-mon". Undefined for anything else. */
const parseDays = (text: string): ReadonlyArray<number> | undefined => {
  const [first = "", last = first, ...more] = text.split("-");
  const [from, to] = [dayNumber(first), dayNumber(last)];
  if (from < 0 || to < 0 || more.length > 0) return undefined;
  const count = ((to - from + DAYS.length) % DAYS.length) + 1;
  return Array.from({ length: count }, (_, index) => (from + index) % DAYS.length);
};

const parseDayList = (schedule: YamlReader): ReadonlyArray<number> => {
  const words = schedule.scalars("days") ?? [`${DAYS[0]}-${DAYS[DAYS.length - 1] ?? ""}`];
  if (words.length === 0) schedule.problem("days", "must name one day at least");
  const days = words.flatMap((word) => {
    const parsed = parseDays(String(word));
    if (parsed === undefined) {
      const known = suggestion(String(word), DAYS);
      schedule.problem("days", `${JSON.stringify(word)} is no day such as mon or mon-fri${known}`);
    }
    return parsed ?? [];
  });
  return [...new Set(days)].toSorted((a, b) => a - b);
};

const parseClock = (schedule: YamlReader, key: string): number | undefined => {
  const text = schedule.text(key, CLOCK);
  if (text === undefined && !schedule.has(key)) schedule.problem(key, "is missing");
  const [hours = 0, minutes = 0] = (text ?? "").split(":").map(Number);
  return text === undefined ? undefined : hours * 60 + minutes;
};

const parseSchedule = (schedule: YamlReader): ReadonlyArray<Schedule> => {
  const days = parseDayList(schedule);
  const fromMinute = parseClock(schedule, "from");
  const toMinute = parseClock(schedule, "to");
  schedule.refuseUnknownKeys();
  if (fromMinute === undefined || toMinute === undefined) return [];
  if (fromMinute === DAY_MINUTES) schedule.problem("from", 'must be before "24:00"');
  if (fromMinute === toMinute) {
    schedule.problem("to", 'is the time of "from": for the whole day write "00:00" and "24:00"');
  }
  return [{ days, fromMinute, toMinute }];
};

const parseSchedules = (reader: YamlReader): ReadonlyArray<Schedule> => {
  const schedules = reader.mappings("schedules");
  if (schedules?.length === 0) {
    reader.problem("schedules", "must have one at least: leave it out for always open");
  } else if ((schedules?.length ?? 0) > SCHEDULES_COUNT_MAX) {
    reader.problem("schedules", `must have ${SCHEDULES_COUNT_MAX} at most`);
  }
  return (schedules ?? []).flatMap(parseSchedule);
};

const parseHoldOff = (reader: YamlReader): number => {
  const seconds = reader.scalar("hold_off_s") ?? 0;
  if (typeof seconds === "number" && seconds >= 0 && seconds <= HOLD_OFF_S_MAX) {
    return Math.round(seconds * 1_000);
  }
  reader.problem("hold_off_s", `must be seconds from 0 to ${HOLD_OFF_S_MAX}`);
  return 0;
};

const parsePolicy = (reader: YamlReader): ReaderPolicy => {
  const schedules = parseSchedules(reader);
  const whenTimeUnknown = reader.oneOf("when_time_unknown", ["allow", "refuse"]);
  if (whenTimeUnknown !== undefined && schedules.length === 0) {
    reader.problem("when_time_unknown", "has no effect without schedules");
  }
  return {
    allow: parseConditions(reader, "allow"),
    deny: parseConditions(reader, "deny"),
    schedules,
    whenTimeUnknown: whenTimeUnknown ?? OPEN_POLICY.whenTimeUnknown,
    holdOffMs: parseHoldOff(reader),
    level: reader.oneOf("level", LEVELS) ?? OPEN_POLICY.level,
  };
};

/** The policy, and what has to be read of a card: what `read` says, and what the policy needs. */
export const parsePolicyAndScope = (
  reader: YamlReader,
): { readonly policy: ReaderPolicy; readonly scope: ReadScope } => {
  const read = reader.oneOf("read", ["uid", "ndef"]) === "ndef" ? SCOPE_NDEF : SCOPE_UID;
  const policy = parsePolicy(reader);
  return { policy, scope: scopeOf(read, policy) };
};

/** Whether it is an IANA name that Node knows; offsets such as +01:00 know no summer. */
const isTimeZone = (zone: string): boolean => {
  try {
    return (
      /^[A-Za-z]/.test(zone) && new Intl.DateTimeFormat("en", { timeZone: zone }).format() !== ""
    );
  } catch {
    return false;
  }
};

/** Schedules go by the clock on the wall, so somebody has to say which one that is. */
export const parseTimeZone = (
  root: YamlReader,
  policies: ReadonlyArray<ReaderPolicy>,
): string | null => {
  const zone = root.scalar("time_zone");
  if (zone === undefined) {
    if (!root.has("time_zone") && policies.some(({ schedules }) => schedules.length > 0)) {
      root.problem("time_zone", "is missing: schedules need one, such as Europe/Berlin");
    }
    return null;
  }
  if (typeof zone === "string" && isTimeZone(zone)) return zone;
  root.problem(
    "time_zone",
    `must be a time zone such as Europe/Berlin, not ${JSON.stringify(zone)}`,
  );
  return null;
};
