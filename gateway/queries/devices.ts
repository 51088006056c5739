/** What is known of devices, and which records say so. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { clockClassName } from "#core/clock/clock-class.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import { TYPE } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { conflictOf, decidingWrite, inOrder } from "#core/state/reading.ts";
import { scalarText, standingOf, standingWrites } from "#core/state/standing.ts";
import type { Store } from "#gateway/ports.ts";
import type { BroughtView } from "#gateway/queries/brought.ts";
import { counterValues, isMark } from "#gateway/queries/card-counter.ts";
import { knownOf, type Known, type RecordName } from "#gateway/queries/known.ts";
import { pastEntries, type AskedMoment, type QueryError } from "#gateway/queries/moments.ts";
import { actorText, decodeRecord, type DecodedRecord } from "#gateway/queries/records.ts";
import {
  readableScalar,
  readableStanding,
  typeName,
  type JsonScalar,
  type JsonValue,
} from "#gateway/queries/values.ts";

/** Where a value comes from. */
export interface Provenance extends RecordName {
  readonly gateway: string;
  /** What the author's clock said. */
  readonly wallMs: number;
  /** What it should have said, by a clock fix; null where none is known. */
  readonly trueMs: number | null;
  /** The author's clock class when the epoch was opened. */
  readonly clock: string;
  readonly actor: string;
  /** A tap on a simulated reader, or on a real one: never to be taken for one another. */
  readonly simulated: boolean;
  /** The record that marks this one as wrong, where what it says could not be undone. */
  readonly voidedBy: RecordName | null;
  /** `local`: on this gateway's disk alone; `mirrored(k)`: on those of k peers too, as far as they have said. */
  readonly status: string;
}

/** A value that nobody has replaced. */
export interface SurvivorView {
  readonly value: JsonScalar;
  readonly why: Provenance;
}

export interface DeviceValue {
  readonly key: string;
  readonly type: string;
  readonly value: JsonValue;
  /** exclusive: two wrote it without knowing of each other; somebody must choose. */
  readonly conflict: boolean;
  /** register: of several that did not know of each other clocks alone chose this one. */
  readonly inDoubt: boolean;
  /** The record that decides. */
  readonly why: Provenance | null;
  /** Newest last. */
  readonly survivors: ReadonlyArray<SurvivorView>;
}

export interface DeviceView {
  readonly device: string;
  readonly values: ReadonlyArray<DeviceValue>;
  /** What its tag has brought, and no record here says yet; nothing while the gateway isn't running. */
  readonly brought: ReadonlyArray<BroughtView>;
}

/** Reads each record once, however many values it has set. */
class RecordReader {
  readonly #store: Store;
  readonly #records = new Map<string, Promise<DecodedRecord | undefined>>();

  constructor(store: Store) {
    this.#store = store;
  }

  read({ epoch, seq }: Write): Promise<DecodedRecord | undefined> {
    const name = `${toHex(epoch)}/${seq}`;
    const known = this.#records.get(name);
    if (known !== undefined) return known;
    const reading = this.#store
      .records(epoch, seq, seq + 1)
      .then(([record]) => decodeRecord(record));
    this.#records.set(name, reading);
    return reading;
  }
}

const provenanceOf = async (
  write: Write,
  known: Known,
  reader: RecordReader,
): Promise<Provenance> => {
  const epoch = toHex(write.epoch);
  const opened = known.opened.get(epoch);
  const body = (await reader.read(write))?.body;
  const trueMs = known.clocks.trueTime(write);
  return {
    epoch,
    seq: write.seq,
    gateway: opened?.gateway ?? "unknown",
    wallMs: write.wallMs,
    trueMs: trueMs === write.wallMs ? null : trueMs,
    clock: opened === undefined ? "unknown" : clockClassName(opened.clockClass),
    actor: body === undefined ? "unknown" : actorText(body.actor),
    simulated: body?._tag === "Tap" && body.simulated,
    voidedBy: known.voidedBy(write),
    status: "local",
  };
};

const isInDoubt = (entry: Entry): boolean =>
  entry.type === TYPE.register &&
  new Set(standingWrites(entry).map(({ value }) => scalarText(value))).size > 1;

const valueView = async (
  entry: Entry,
  known: Known,
  reader: RecordReader,
): Promise<DeviceValue> => {
  const { key, type } = entry;
  const { trueTime } = known.clocks;
  const deciding = decidingWrite(entry, trueTime);
  const survivors = inOrder(standingWrites(entry), trueTime).map(async (write) => ({
    value: readableScalar(write.value, type),
    why: await provenanceOf(write, known, reader),
  }));
  return {
    key,
    type: typeName(type),
    value: readableStanding(standingOf(entry, type, trueTime), type),
    conflict: conflictOf(entry, trueTime).length > 0,
    inDoubt: isInDoubt(entry),
    why: deciding === undefined ? null : await provenanceOf(deciding, known, reader),
    survivors: await Promise.all(survivors),
  };
};

/**
 * What is known of a device, or (`at`) was known then, with the records behind each value. Left: a name that no record
 * has; a moment that can't be told.
 */
export const deviceView = async (
  store: Store,
  device: string,
  at: AskedMoment | null,
): Promise<E.Either<QueryError, DeviceView>> => {
  const now = await store.entries(device);
  if (now.length === 0) return E.left({ _tag: "DeviceUnknown", device });
  const entries = at === null ? E.right(now) : await pastEntries(store, at, device);
  if (E.isLeft(entries)) return entries;
  const known = await knownOf(store);
  const reader = new RecordReader(store);
  const values = entries.right
    .filter((entry) => !isMark(entry))
    .map((entry) => valueView(entry, known, reader));
  const counted = counterValues(entries.right, known.clocks.trueTime, (write) =>
    provenanceOf(write, known, reader),
  );
  return E.right({
    device,
    values: [...(await Promise.all(values)), ...(await counted)],
    brought: [],
  });
};

/** The same view, with what is known of how many disks each record is on. */
export const withStatus = (
  view: DeviceView,
  statusOf: (record: Provenance) => string,
): DeviceView => {
  const stated = (why: Provenance): Provenance => ({ ...why, status: statusOf(why) });
  return {
    ...view,
    values: view.values.map((value) => ({
      ...value,
      why: value.why && stated(value.why),
      survivors: value.survivors.map(({ value: one, why }) => ({ value: one, why: stated(why) })),
    })),
  };
};

export interface DeviceRow {
  readonly device: string;
  readonly values: Readonly<Record<string, JsonValue>>;
  /** Keys of which two values stand against each other. */
  readonly conflicts: ReadonlyArray<string>;
  /** A tap on a simulated reader has set one of the values. */
  readonly simulated: boolean;
}

/** Each key and what it reads as; one that is there under two types is told apart by them. */
export const deviceValues = (
  all: ReadonlyArray<Entry>,
  trueTime: TrueTime,
): DeviceRow["values"] => {
  const entries = all.filter((entry) => !isMark(entry));
  const nameOf = ({ key, type }: Entry): string =>
    entries.filter((entry) => entry.key === key).length > 1 ? `${key}:${typeName(type)}` : key;
  return Object.fromEntries(
    entries.map((entry) => [
      nameOf(entry),
      readableStanding(standingOf(entry, entry.type, trueTime), entry.type),
    ]),
  );
};

const deviceRow = async (
  [device, entries]: readonly [string, ReadonlyArray<Entry>],
  known: Known,
  reader: RecordReader,
): Promise<DeviceRow> => {
  const { trueTime } = known.clocks;
  const deciding = entries.flatMap((entry) => decidingWrite(entry, trueTime) ?? []);
  const records = await Promise.all(deciding.map((write) => reader.read(write)));
  return {
    device,
    values: deviceValues(entries, trueTime),
    conflicts: entries
      .filter((entry) => conflictOf(entry, trueTime).length > 0)
      .map(({ key }) => key),
    simulated: records.some((record) => record?.body?._tag === "Tap" && record.body.simulated),
  };
};

/** Devices behind that name, a page at a time; empty at the end. */
export const deviceRows = async (
  store: Store,
  after: string,
): Promise<ReadonlyArray<DeviceRow>> => {
  const byDevice = Map.groupBy(await store.entriesAfter(after), ({ device }) => device);
  const known = await knownOf(store);
  const reader = new RecordReader(store);
  return Promise.all([...byDevice].map((row) => deviceRow(row, known, reader)));
};
