/** How things are said to people at a terminal. */
import type { TapView } from "#gateway/control/protocol.ts";
import type { DeviceRow, DeviceView, JsonScalar, RecordView } from "#gateway/queries.ts";

const timeOf = (wallMs: number): string => new Date(wallMs).toTimeString().slice(0, 8);

/** The first digits of an epoch name it well enough on one screen. */
const shortEpoch = (epoch: string): string => epoch.slice(0, 4);

export const recordName = (record: { readonly epoch: string; readonly seq: number }): string =>
  `${shortEpoch(record.epoch)}/${record.seq}`;

const formatValues = (values: Readonly<Record<string, JsonScalar>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(" ");

const REASONS: Readonly<Record<string, string>> = {
  "not-enrolled": "enrol it: tapmesh device enrol NAME --last-tap",
  "uid-random": "its UID changes at every tap (a phone?), it can't be enrolled",
  "uid-shared": "its UID is shared by many cards, it can't be enrolled",
  "device-suspended": "the device is suspended",
  "device-lost": "the device is reported lost",
  "device-revoked": "the device is revoked for good",
  "storage-full": "the gateway's disk is full: nothing can be recorded",
};

export const formatTap = (tap: TapView): string => {
  const what = tap.device ?? `card ${tap.card}`;
  const marks = `${tap.atStart ? "   [at start]" : ""}${tap.simulated ? "   [simulated]" : ""}`;
  const reason = tap.reason === null ? "" : `   ${REASONS[tap.reason] ?? tap.reason}`;
  if (tap.notRecorded !== null) return `NOT RECORDED  ${what}   ${tap.notRecorded}${marks}`;
  const content = tap.content.map((text) => `   "${text}"`).join("");
  const times = `verdict ${tap.verdictMs.toFixed(1)} ms · on disk ${tap.diskMs.toFixed(1)} ms`;
  const values = tap.verdict === "accepted" ? `   ${formatValues(tap.values)}` : "";
  return `${tap.verdict.padEnd(8)}  ${what}${reason}   ${times}${values}${content}${marks}`;
};

export const formatRecord = (record: RecordView): string =>
  `${recordName(record).padEnd(10)} ${timeOf(record.wallMs)}  ${record.gateway.padEnd(8)} ${record.kind.padEnd(6)} ${record.summary}`;

export const formatDevice = (view: DeviceView, why: boolean): string => {
  const width = Math.max(...view.values.map(({ key }) => key.length));
  return view.values
    .map(({ key, value, why: source }) => {
      const line = `${key.padEnd(width)}  ${String(value)}`;
      const mark = source?.simulated === true ? "   [simulated]" : "";
      if (!why || source === null) return line + mark;
      const place = `record ${recordName(source)} at ${source.gateway}`;
      const when = `${timeOf(source.wallMs)} (${source.clock})`;
      return `${line}   ${place}, ${when}, ${source.status}, by ${source.actor}${mark}`;
    })
    .join("\n");
};

export const formatDeviceRow = ({
  device,
  values: { card: _card, ...values },
}: DeviceRow): string => `${device.padEnd(20)} ${formatValues(values)}`;
