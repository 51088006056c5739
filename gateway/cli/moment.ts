/** Records and moments of the past as a person types them. */
import * as E from "fp-ts/lib/Either.js";
import type { RecordName } from "#gateway/queries/known.ts";
import type { AskedMoment } from "#gateway/queries/moments.ts";

const RECORD_NAME = /^([0-9a-f]{4,32})[/:]([0-9]{1,6})$/i;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const AGO = /^-([0-9]{1,6})([smhd])$/;
/** ISO 8601 with date and time; a blank for the T, and seconds and time zone left out at will. */
const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d{1,3})?(Z|[+-]\d{2}:?\d{2})?$/;

export const MOMENT_HELP =
  'a time such as "2026-11-22 14:05" or 2026-11-22T13:05:00Z, how long ago such as -2h, or a record such as 28cf/3';

/** `28cf/3` or `28cf:3`; undefined for anything else. */
export const parseRecordName = (text: string): RecordName | undefined => {
  const [, epoch, seq] = RECORD_NAME.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch: epoch.toLowerCase(), seq: Number(seq) };
};

const agoMs = (text: string): number | undefined => {
  const [, count, unit] = AGO.exec(text) ?? [];
  const unitMs = Object.entries(UNIT_MS).find(([name]) => name === unit)?.[1];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
};

/** Without a zone it is local time. Undefined for what is no time, such as February 30th. */
const timeMs = (text: string): number | undefined => {
  const [, date, clock, seconds = ":00", fraction = ".0", zone = ""] = TIME.exec(text) ?? [];
  if (date === undefined) return undefined;
  const plain = `${date}T${clock}${seconds}`;
  // JavaScript reads a February 30th as March 2nd: what doesn't read back as it was written is none.
  const asUtc = new Date(`${plain}Z`);
  if (Number.isNaN(asUtc.getTime()) || !asUtc.toISOString().startsWith(plain)) return undefined;
  const zoned = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const ms = Date.parse(`${plain}${zoned}`) + Math.round(1_000 * Number(fraction));
  return Number.isNaN(ms) ? undefined : ms;
};

/** Left: what is wrong with it, in words. */
export const parseMoment = (text: string, nowMs: number): E.Either<string, AskedMoment> => {
  const record = parseRecordName(text);
  if (record !== undefined) return E.right(record);
  const ago = agoMs(text);
  const trueMs = ago === undefined ? timeMs(text) : nowMs - ago;
  if (trueMs === undefined) return E.left(`"${text}" is no moment; give ${MOMENT_HELP}`);
  if (trueMs > nowMs) return E.left(`${text} is still to come`);
  return trueMs < 0 ? E.left(`${text} is before 1970`) : E.right({ trueMs });
};

const pad = (number: number): string => String(number).padStart(2, "0");

/** Local date and time, to the second. */
export const formatTime = (ms: number): string => {
  const time = new Date(ms);
  const date = [time.getFullYear(), pad(time.getMonth() + 1), pad(time.getDate())].join("-");
  return `${date} ${time.toTimeString().slice(0, 8)}`;
};

export const formatMoment = (moment: AskedMoment): string =>
  "trueMs" in moment ? formatTime(moment.trueMs) : `record ${moment.epoch}/${moment.seq}`;
