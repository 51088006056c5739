/**
 * The past: folds what had been recorded up to a moment, from the logs. Clocks are taken as they are known now, so a
 * gateway that believed itself in 1970 has its records where they belong.
 */
import { compareBytes } from "#core/bytes.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Entry } from "#core/state/entry.ts";
import { deviceOf } from "#core/state/fold.ts";
import { toFoldedRecord } from "#core/state/folded-record.ts";
import { MapState } from "#core/state/map-state.ts";

/** A moment of the past: what was true at a time, or when a record was made. */
export type Moment =
  | { readonly _tag: "AtTime"; readonly trueMs: number }
  | { readonly _tag: "AtRecord"; readonly epoch: Uint8Array; readonly seq: number };

export interface ReplayEpoch {
  readonly epoch: Uint8Array;
  /** Records that there are and that count. */
  readonly size: number;
}

export interface ReplaySource {
  readonly epochs: ReadonlyArray<ReplayEpoch>;
  readonly records: (epoch: Uint8Array, from: number, to: number) => ReadonlyArray<RecordBytes>;
  readonly trueTime: TrueTime;
}

/** Records between two yields: a few milliseconds. */
const RECORDS_PER_STEP = 64;

/** How far an epoch is folded: less than `size` records, none later than `untilMs`. */
interface Extent extends ReplayEpoch {
  readonly untilMs: number;
}

/** When the record was made; undefined where it isn't there, or doesn't count. */
const timeOf = (source: ReplaySource, epoch: Uint8Array, seq: number): number | undefined => {
  const held = source.epochs.find((other) => compareBytes(other.epoch, epoch) === 0);
  const [bytes] = held !== undefined && seq < held.size ? source.records(epoch, seq, seq + 1) : [];
  return bytes && source.trueTime(toFoldedRecord(bytes, { epoch, seq }));
};

const extentsOf = (source: ReplaySource, moment: Moment): ReadonlyArray<Extent> => {
  if (moment._tag === "AtTime") {
    return source.epochs.map((epoch) => ({ ...epoch, untilMs: moment.trueMs }));
  }
  const untilMs = timeOf(source, moment.epoch, moment.seq);
  if (untilMs === undefined) return [];
  return source.epochs.map(({ epoch, size }) =>
    compareBytes(epoch, moment.epoch) === 0
      ? { epoch, size: moment.seq + 1, untilMs: Number.POSITIVE_INFINITY }
      : { epoch, size, untilMs },
  );
};

/**
 * Returns the entries of a device (null: of all) as they were, in the order of device, type and key. Of each epoch the
 * records count in their order up to the first that is later than the moment; of a record's own epoch, all up to and
 * including it. None for a record that isn't there. Yields every few milliseconds. Of one device no more is in memory
 * than its entries.
 */
export function* replay(
  source: ReplaySource,
  moment: Moment,
  device: string | null,
): Generator<undefined, ReadonlyArray<Entry>, undefined> {
  const state = new MapState();
  for (const { epoch, size, untilMs } of extentsOf(source, moment)) {
    let isLater = false;
    for (let from = 0; from < size && !isLater; from += RECORDS_PER_STEP) {
      const to = Math.min(from + RECORDS_PER_STEP, size);
      for (const [index, bytes] of source.records(epoch, from, to).entries()) {
        const record = toFoldedRecord(bytes, { epoch, seq: from + index });
        isLater = source.trueTime(record) > untilMs;
        if (isLater) break;
        const isOfInterest = device === null || deviceOf(record.body) === device;
        state.fold(isOfInterest ? record : { ...record, body: undefined });
      }
      yield undefined;
    }
  }
  return state.sorted();
}
