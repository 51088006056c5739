/**
 * fold: (record, entries read) → entries changed. Each epoch is folded in the order of its records and without
 * gaps; between epochs any order gives the same entries.
 */
import { compareBytes } from "#core/bytes.ts";
import { SAFETY, TYPE, type Operation, type WriteName } from "#core/log/operation.ts";
import type { Body } from "#core/log/body.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import {
  compareNames,
  isSameName,
  type CounterEntry,
  type Entry,
  type EntryContent,
  type EntryKey,
  type ExtremeEntry,
  type SurvivorsEntry,
  type Write,
} from "#core/state/entry.ts";
import { compareWrites } from "#core/state/reading.ts";

/** Changes when the same records would fold to other entries: older state files are then folded anew. */
export const FOLD_VERSION = 2;

/** A record as the fold sees it. */
export interface FoldedRecord extends WriteName {
  readonly wallMs: number;
  readonly monoMs: number;
  /** Undefined for what this version doesn't know, and for what was erased: folded as nothing. */
  readonly body: Body | undefined;
}

export interface FoldReads {
  readonly entry: (key: EntryKey) => Entry | undefined;
  /** Records of that epoch folded so far: a name below it has been seen. */
  readonly foldedSize: (epoch: Uint8Array) => number;
}

/** The entries that a record touches, for whoever has to read them first. */
export const entriesTouchedBy = (body: Body | undefined): ReadonlyArray<EntryKey> => {
  const touched = operationsOf(body);
  if (touched === undefined) return [];
  return touched.operations
    .filter((operation) => isFolded(operation.type))
    .map(({ key, type }) => ({ device: touched.device, key, type }));
};

/** A `void` changes what its operations say, like any change: what it undoes is its author's to spell out. */
const operationsOf = (
  body: Body | undefined,
): { readonly device: string; readonly operations: ReadonlyArray<Operation> } | undefined => {
  if (body === undefined || !("operations" in body) || body.device === null) return undefined;
  return { device: body.device, operations: body.operations };
};

/** The device that a record touches; undefined for one that touches none. */
export const deviceOf = (body: Body | undefined): string | undefined => operationsOf(body)?.device;

const FOLDED_TYPES: ReadonlySet<number> = new Set(Object.values(TYPE));

const isFolded = (type: number): boolean => FOLDED_TYPES.has(type);

/** The entries that the record writes, as they are after it. */
export const fold = (record: FoldedRecord, reads: FoldReads): ReadonlyArray<Entry> => {
  const touched = operationsOf(record.body);
  if (touched === undefined) return [];
  const changed: Entry[] = [];
  for (const operation of touched.operations) {
    const key = { device: touched.device, key: operation.key, type: operation.type };
    const { epoch, seq, wallMs, monoMs } = record;
    const write: Write = { epoch, seq, wallMs, monoMs, value: operation.value };
    const content = foldWrite(reads.entry(key)?.content, operation, { write, reads });
    if (content !== undefined) changed.push({ ...key, content });
  }
  return changed;
};

const foldWrite = (
  before: EntryContent | undefined,
  operation: Operation,
  context: { readonly write: Write; readonly reads: FoldReads },
): EntryContent | undefined => {
  switch (operation.type) {
    case TYPE.register:
    case TYPE.exclusive:
    case TYPE.set:
    case TYPE.safety:
      return foldSurvivors(before, operation, context);
    case TYPE.counter:
      return foldCounter(before, context.write);
    case TYPE.max:
      return foldExtreme(before, context.write, 1);
    case TYPE.min:
      return foldExtreme(before, context.write, -1);
    default:
      return undefined;
  }
};

const NOTHING: SurvivorsEntry = { _tag: "Survivors", writes: [], awaited: [] };

/** `revoked` can't be lifted: nothing replaces it. */
const isFinal = (operation: Operation, write: Write): boolean =>
  operation.type === TYPE.safety && write.value === SAFETY.revoked;

/** In a set one gateway can hold several members: there a later write replaces nothing but what it names. */
const isReplacedByLater = (operation: Operation): boolean => operation.type !== TYPE.set;

/** Removing is a write of null to a set: it replaces what it names, and is no member itself. */
const isRemoval = (operation: Operation): boolean =>
  operation.type === TYPE.set && operation.value === null;

const foldSurvivors = (
  stood: EntryContent | undefined,
  operation: Operation,
  context: { readonly write: Write; readonly reads: FoldReads },
): SurvivorsEntry => {
  const { write, reads } = context;
  const before = stood?._tag === "Survivors" ? stood : NOTHING;
  const replaced = (older: Write): boolean =>
    !isFinal(operation, older) &&
    ((isReplacedByLater(operation) && compareBytes(older.epoch, write.epoch) === 0) ||
      operation.replaces.some((name) => isSameName(name, older)));
  const wasReplaced = before.awaited.some((name) => isSameName(name, write));
  const survives = !isRemoval(operation) && (!wasReplaced || isFinal(operation, write));
  const kept = before.writes.filter((older) => !replaced(older));
  const awaited = [...before.awaited, ...operation.replaces]
    .filter((name) => name.seq >= reads.foldedSize(name.epoch) && !isSameName(name, write))
    .toSorted(compareNames)
    .filter((name, index, all) => !isSameName(name, all[index - 1]));
  return {
    _tag: "Survivors",
    writes: (survives ? [...kept, write] : kept).toSorted(compareNames),
    awaited,
  };
};

/**
 * The entry without names that are folded by now and turned out to write to something else. Entries of equal state
 * are equal only when they are settled; the digest leaves awaited names out altogether.
 */
export const settle = (entry: Entry, foldedSize: FoldReads["foldedSize"]): Entry => {
  if (entry.content._tag !== "Survivors") return entry;
  const awaited = entry.content.awaited.filter((name) => name.seq >= foldedSize(name.epoch));
  return { ...entry, content: { ...entry.content, awaited } };
};

const SUM_MODULUS = 2 ** 53;

/** Sums wrap at 2^52 either way: a limit that they stopped at would make the order of writes matter. */
const wrapSum = (sum: number): number => {
  if (sum >= SUM_MODULUS / 2) return sum - SUM_MODULUS;
  return sum < -SUM_MODULUS / 2 ? sum + SUM_MODULUS : sum;
};

const foldCounter = (before: EntryContent | undefined, write: Write): CounterEntry => {
  const step = Number(write.value);
  if (before?._tag !== "Counter") return { _tag: "Counter", sum: wrapSum(step), newest: write };
  return {
    _tag: "Counter",
    sum: wrapSum(before.sum + step),
    newest: compareWrites(write, before.newest, recordedTime) > 0 ? write : before.newest,
  };
};

/** High-water marks: nothing lowers a max or raises a min again, neither a revert nor a void. */
const foldExtreme = (
  before: EntryContent | undefined,
  write: Write,
  direction: 1 | -1,
): ExtremeEntry => {
  if (before?._tag !== "Extreme") return { _tag: "Extreme", write };
  const difference = (Number(write.value) - Number(before.write.value)) * direction;
  const isNewer = compareWrites(write, before.write, recordedTime) > 0;
  return difference > 0 || (difference === 0 && isNewer) ? { _tag: "Extreme", write } : before;
};
