/** How things are said to people at a terminal. */
import { CARD_KEY } from "#core/verdict/card-index.ts";
import type { RefusalReason, UnknownReason } from "#core/verdict/decide.ts";
import { checkOutWords } from "#gateway/cli/check-out-words.ts";
import { formatTime } from "#gateway/cli/moment.ts";
import type { DifferenceView, TapView } from "#gateway/control/protocol.ts";
import type { BroughtView } from "#gateway/queries/brought.ts";
import type { DeviceRow, DeviceValue, DeviceView, Provenance } from "#gateway/queries/devices.ts";
import type { RecordView } from "#gateway/queries/records.ts";
import type { JsonValue } from "#gateway/queries/values.ts";

const timeOf = (wallMs: number): string => new Date(wallMs).toTimeString().slice(0, 8);

/** The first digits of an epoch name it well enough on one screen. */
const shortEpoch = (epoch: string): string => epoch.slice(0, 4);

export const recordName = (record: { readonly epoch: string; readonly seq: number }): string =>
  `${shortEpoch(record.epoch)}/${record.seq}`;

/** The key's own way: a card by its last digits, a set in braces, a conflict with a bar. */
export const formatValue = (key: string, value: JsonValue): string => {
  if (value === null) return "(unset)";
  if (typeof value === "string" && key === CARD_KEY) return `…${value.slice(-4)}`;
  return Array.isArray(value) ? `{${value.map(String).join(", ")}}` : String(value);
};

/** Keys that are unset say nothing. */
const formatValues = (values: DeviceRow["values"]): string =>
  Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${formatValue(key, value)}`)
    .join(" ");

/** All that a tap, or what is none, can be answered with; what was written by a later version is shown as it stands. */
type Reason = RefusalReason | UnknownReason | "one-card-only" | "again";

const REASONS: Readonly<Record<Reason, string>> = {
  "not-enrolled": "enrol it: tapmesh device enrol NAME --last-tap",
  "uid-random":
    "its UID changes at every tap (a phone without an app for tapmesh?), it can't be enrolled",
  "uid-shared": "its UID is shared by many cards, it can't be enrolled",
  "device-suspended": "the device is suspended",
  "device-lost": "the device is reported lost",
  "device-revoked": "the device is revoked for good",
  "phone-unproven":
    "the phone did not prove that it is itself: unlock it and hold it again; if that never helps, something claims to be it",
  "phone-version": "the phone's app and this gateway don't go together: update the older one",
  "storage-full": "the gateway's disk is full: nothing can be recorded",
  "counter-missing":
    "this reader wants a card that counts its taps, and this one doesn't, or its counter is off",
  "counter-repeated":
    "its count of taps came before: the card has a copy, take it away and give the device a new one",
  "signature-missing": "this reader wants a card that its maker has signed, and this one isn't",
  "signature-wrong": "its maker's signature is false: it is no original card",
  "sun-missing":
    "this reader wants an NTAG 424 DNA that writes its link anew at each tap, and this is none",
  "sun-wrong":
    "its link was not made by a tag of this fleet: copied, altered, or a tag with other keys",
  "person-first":
    "hold a badge first (a badge whose device lacks what check_out's people asks for is a thing)",
  "not-allowed-here":
    "the device may not tap at this reader: see allow and deny in its configuration",
  "outside-schedule": "the reader is closed at this time: see schedules in its configuration",
  "time-unknown": "the reader is open by a schedule, and the gateway's clock isn't set",
  "one-card-only": "more than one card in the field: hold one alone",
  again: "tapped a moment ago, not counted again",
};

const WORDS_OF_REASONS: ReadonlyMap<string, string> = new Map(Object.entries(REASONS));

export const reasonWords = (reason: string): string => WORDS_OF_REASONS.get(reason) ?? reason;

/** Also a read that failed counts, and what a phone reads in passing. */
const unloggedWords = (count: number): string =>
  count === 1
    ? "read once before in no log known here"
    : `read ${count} times before in no log known here`;

/** What no record here says yet, and who has stated it. */
const broughtWords = (brought: ReadonlyArray<BroughtView>): string => {
  const [first] = brought;
  if (first === undefined) return "";
  const values = brought.map(({ key, value }) => `${key}=${String(value ?? "(unset)")}`);
  return `   [by its tag, ${first.gateway} at ${formatTime(first.statedMs)}: ${values.join(" ")}]`;
};

export const formatTap = (tap: TapView): string => {
  const name = tap.device ?? `${tap.phone ? "phone" : "card"} ${tap.card}`;
  const what = tap.checkOut === null ? name : checkOutWords(name, tap.checkOut);
  const marks = `${tap.atStart ? "   [at start]" : ""}${tap.simulated ? "   [simulated]" : ""}`;
  const reason = tap.reason === null ? "" : `   ${reasonWords(tap.reason)}`;
  if (tap.notRecorded !== null) return `NOT RECORDED  ${what}   ${tap.notRecorded}${marks}`;
  const content = tap.content.map((text) => `   "${text}"`).join("");
  const unlogged = tap.unlogged === 0 ? "" : `   ${unloggedWords(tap.unlogged)}`;
  const brought = broughtWords(tap.brought);
  const times = `verdict ${tap.verdictMs.toFixed(1)} ms · on disk ${tap.diskMs.toFixed(1)} ms`;
  const values = tap.verdict === "accepted" ? `   ${formatValues(tap.values)}` : "";
  return `${tap.verdict.padEnd(8)}  ${what}${reason}${unlogged}   ${times}${values}${brought}${content}${marks}`;
};

/** The time by the clock that wrote it, and what it should have said. */
const formatTrue = (trueMs: number | null): string =>
  trueMs === null ? "" : `, corrected ${formatTime(trueMs)}`;

export const formatRecord = (record: RecordView): string => {
  const { trueMs, voidedBy } = record;
  const name = recordName(record).padEnd(10);
  const marks = [
    trueMs === null ? "" : `   [corrected ${formatTime(trueMs)}]`,
    voidedBy === null ? "" : `   [VOID by ${recordName(voidedBy)}]`,
  ].join("");
  return `${name} ${timeOf(record.wallMs)}  ${record.gateway.padEnd(8)} ${record.kind.padEnd(6)} ${record.summary}${marks}`;
};

const formatMarks = ({ simulated, voidedBy }: Provenance): string =>
  [
    simulated ? "   [simulated]" : "",
    voidedBy === null ? "" : `   [VOID by ${recordName(voidedBy)}]`,
  ].join("");

const formatSource = (source: Provenance): string => {
  const place = `record ${recordName(source)} at ${source.gateway}`;
  const when = `${timeOf(source.wallMs)} (${source.clock}${formatTrue(source.trueMs)})`;
  return `   ${place}, ${when}, ${source.status}, by ${source.actor}${formatMarks(source)}`;
};

/** What stands under a key, and what of that somebody should look at. */
const formatStanding = (standing: DeviceValue): string => {
  const { key, value, type, conflict, inDoubt, survivors } = standing;
  if (conflict) {
    return `CONFLICT  ${survivors.map((survivor) => formatValue(key, survivor.value)).join(" | ")}`;
  }
  const text = type === "register" && key === CARD_KEY ? String(value) : formatValue(key, value);
  if (!inDoubt) return text;
  const others = survivors.slice(0, -1).map((other) => formatValue(key, other.value));
  return `${text}   [IN DOUBT: also ${others.join(", ")}, by clocks alone]`;
};

/** One line for a value, or with `why` one for each that stands, where there is more than one. */
const formatDeviceValue = (standing: DeviceValue, width: number, why: boolean): string => {
  const { key, survivors, why: source } = standing;
  const line = `${key.padEnd(width)}  ${formatStanding(standing)}`;
  if (!why || source === null) return line + (source === null ? "" : formatMarks(source));
  if (survivors.length <= 1) return line + formatSource(source);
  const lines = survivors.map(
    (survivor) =>
      `${"".padEnd(width)}  - ${formatValue(key, survivor.value)}${formatSource(survivor.why)}`,
  );
  return [line, ...lines].join("\n");
};

const formatBrought = ({ value, gateway, statedMs }: BroughtView): string =>
  `${String(value ?? "(unset)")}   [by its tag: ${gateway} at ${formatTime(statedMs)}; no record here says so yet]`;

export const formatDevice = ({ values, brought }: DeviceView, why: boolean): string => {
  const width = Math.max(...[...values, ...brought].map(({ key }) => key.length));
  return [
    ...values.map((standing) => formatDeviceValue(standing, width, why)),
    ...brought.map((one) => `${one.key.padEnd(width)}  ${formatBrought(one)}`),
  ].join("\n");
};

export const formatDeviceRow = (row: DeviceRow): string => {
  const { card: _card, ...values } = row.values;
  const conflicts = row.conflicts.length === 0 ? "" : `   CONFLICT ${row.conflicts.join(" ")}`;
  const mark = row.simulated ? "   [simulated]" : "";
  return `${row.device.padEnd(20)} ${formatValues(values)}${conflicts}${mark}`;
};

/** "location  dock → lobby", and for what stays as it is, why. */
export const formatDifference = ({ key, now, after, stays }: DifferenceView): string => {
  const change = `${formatValue(key, now)} → ${formatValue(key, after)}`;
  if (stays === null) return `  ${key}  ${change}`;
  const wished =
    JSON.stringify(now) === JSON.stringify(after) ? "" : `, not ${formatValue(key, after)}`;
  return `  ${key}  stays ${formatValue(key, now)}${wished}: ${stays}`;
};
