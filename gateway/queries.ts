/** Questions about records and state, answered from a store: by the running process, or by the CLI while it is down. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { clockClassName } from "#core/clock/clock-class.ts";
import { ACTOR, decodeBody, type Body } from "#core/log/body.ts";
import { SAFETY, TYPE, type Scalar } from "#core/log/operation.ts";
import { decodeHeader, KIND, type RecordBytes } from "#core/log/record.ts";
import { decidingWrite, valueOf, type Entry } from "#core/state/entry.ts";
import type { Store } from "#gateway/ports.ts";

/** A value as JSON has it: bytes as hex. */
export type JsonScalar = null | boolean | number | string;

export const toJson = (value: Scalar): JsonScalar =>
  value instanceof Uint8Array ? toHex(value) : value;

/** A safety number in words; other values as they are. */
const readableValue = (entry: Entry): JsonScalar => {
  const value = valueOf(entry);
  if (entry.type !== TYPE.safety) return toJson(value);
  return Object.entries(SAFETY).find(([, number]) => number === (value ?? 0))?.[0] ?? "revoked";
};

/** Where a value comes from. */
export interface Provenance {
  readonly epoch: string;
  readonly seq: number;
  readonly gateway: string;
  readonly wallMs: number;
  /** The author's clock class when the epoch was opened. */
  readonly clock: string;
  readonly actor: string;
  /** A tap on a simulated reader, or on a real one: never to be taken for one another. */
  readonly simulated: boolean;
  /** `local`: on this gateway's disk. */
  readonly status: "local";
}

export interface DeviceValue {
  readonly key: string;
  readonly type: string;
  readonly value: JsonScalar;
  readonly why: Provenance | null;
}

export interface DeviceView {
  readonly device: string;
  readonly values: ReadonlyArray<DeviceValue>;
}

const typeName = (type: number): string =>
  Object.entries(TYPE).find(([, number]) => number === type)?.[0] ?? "unknown";

const actorName = (kind: number): string =>
  ({
    [ACTOR.gateway]: "gateway",
    [ACTOR.reader]: "reader",
    [ACTOR.operator]: "operator",
    [ACTOR.localUser]: "local user",
    [ACTOR.policy]: "policy",
  })[kind] ?? "unknown";

const bodyOf = (record: RecordBytes | undefined): Body | undefined => {
  if (record === undefined || record.body === null) return undefined;
  const header = decodeHeader(record.header);
  if (E.isLeft(header)) return undefined;
  const body = decodeBody(header.right.kind, record.body);
  return E.isRight(body) ? body.right : undefined;
};

const provenanceOf = async (store: Store, entry: Entry): Promise<Provenance | null> => {
  const write = decidingWrite(entry);
  if (write === undefined) return null;
  const [first] = await store.records(write.epoch, 0, 1);
  const [record] = await store.records(write.epoch, write.seq, write.seq + 1);
  const open = bodyOf(first);
  const body = bodyOf(record);
  const isOpen = open?._tag === "Open";
  return {
    epoch: toHex(write.epoch),
    seq: write.seq,
    gateway: isOpen ? open.gateway : "unknown",
    wallMs: write.wallMs,
    clock: isOpen ? clockClassName(open.clockClass) : "unknown",
    actor: body === undefined ? "unknown" : `${actorName(body.actor.kind)} ${body.actor.name}`,
    simulated: body?._tag === "Tap" && body.simulated,
    status: "local",
  };
};

/** What is known of a device, with the record behind each value; null for a name that no record has. */
export const deviceView = async (store: Store, device: string): Promise<DeviceView | null> => {
  const entries = await store.entries(device);
  if (entries.length === 0) return null;
  const values = await Promise.all(
    entries.map(async (entry) => ({
      key: entry.key,
      type: typeName(entry.type),
      value: readableValue(entry),
      why: await provenanceOf(store, entry),
    })),
  );
  return { device, values };
};

export interface DeviceRow {
  readonly device: string;
  readonly values: Readonly<Record<string, JsonScalar>>;
}

export const deviceRow = (device: string, entries: ReadonlyArray<Entry>): DeviceRow => ({
  device,
  values: Object.fromEntries(entries.map((entry) => [entry.key, readableValue(entry)])),
});

/** Devices behind that name, a page at a time; empty at the end. */
export const deviceRows = async (
  store: Store,
  after: string,
): Promise<ReadonlyArray<DeviceRow>> => {
  const byDevice = Map.groupBy(await store.entriesAfter(after), ({ device }) => device);
  return [...byDevice].map(([device, entries]) => deviceRow(device, entries));
};

export interface RecordView {
  readonly epoch: string;
  readonly seq: number;
  readonly gateway: string;
  readonly kind: string;
  readonly wallMs: number;
  /** What the record says, in a few words. */
  readonly summary: string;
}

const formatOperations = (body: Body & { readonly _tag: "Tap" | "Change" | "Enrol" }): string =>
  body.operations
    .map(({ key, type, value }) => {
      const text = value instanceof Uint8Array ? `…${toHex(value).slice(-4)}` : String(value);
      return type === TYPE.counter ? `${key}+${text}` : `${key}=${text}`;
    })
    .join(" ");

const VERDICT_WORDS = ["accepted", "unknown", "refused"];

const summaryOf = (body: Body | undefined): string => {
  if (body === undefined) return "(not known to this version, or erased)";
  switch (body._tag) {
    case "Open":
      return `key ${toHex(body.epochKey).slice(0, 8)}…, clock ${clockClassName(body.clockClass)}, ${body.earlier.length} earlier named`;
    case "Close":
      return "in order";
    case "Tap": {
      const marks = `${body.simulated ? " [simulated]" : ""}${body.atStart ? " [at start]" : ""}`;
      const what = body.device ?? `card …${toHex(body.card).slice(-4)}`;
      const verdict = VERDICT_WORDS[body.verdict] ?? "unknown verdict";
      const why = body.reason === "" ? "" : ` (${body.reason})`;
      return `${verdict} ${what}${why} at ${body.actor.name} ${formatOperations(body)}${marks}`;
    }
    case "Change":
    case "Enrol":
      return `${body.device} ${formatOperations(body)}`;
  }
};

/** The newest records of all epochs of one gateway (or of all), oldest first. */
export const newestRecords = async (
  store: Store,
  filter: {
    readonly gateway: string | null;
    readonly epoch: string | null;
    readonly count: number;
  },
): Promise<ReadonlyArray<RecordView>> => {
  const epochs = (await store.epochs()).filter(
    ({ gateway, head }) =>
      (filter.gateway === null || gateway === filter.gateway) &&
      (filter.epoch === null || toHex(head.epoch).startsWith(filter.epoch)),
  );
  const views: Array<{ readonly view: RecordView; readonly orderMs: number }> = [];
  const latestMs = new Map<string, number>();
  for (const { gateway, head } of epochs) {
    const { size } = head.range;
    const from = Math.max(0, size - filter.count);
    const records = await store.records(head.epoch, from, size);
    for (const [index, record] of records.entries()) {
      const view = recordView(record, { gateway, epoch: head.epoch, seq: from + index });
      // A gateway's records stay in their order, whatever its clock said; only between gateways do clocks decide.
      const orderMs = Math.max(view.wallMs, latestMs.get(gateway) ?? 0);
      latestMs.set(gateway, orderMs);
      views.push({ view, orderMs });
    }
  }
  return views
    .toSorted((a, b) => a.orderMs - b.orderMs)
    .slice(-filter.count)
    .map(({ view }) => view);
};

export const recordView = (
  record: RecordBytes,
  place: { readonly gateway: string; readonly epoch: Uint8Array; readonly seq: number },
): RecordView => {
  const header = decodeHeader(record.header);
  const kind = E.isRight(header) ? header.right.kind : -1;
  return {
    epoch: toHex(place.epoch),
    seq: place.seq,
    gateway: place.gateway,
    kind: Object.entries(KIND).find(([, number]) => number === kind)?.[0] ?? `kind ${kind}`,
    wallMs: E.isRight(header) ? header.right.wallMs : 0,
    summary: summaryOf(bodyOf(record)),
  };
};
