/**
 * fold: (record, entries read) → entries changed. Each epoch is folded in the order of its records and without
 * gaps; between epochs any order gives the same entries.
 */
import { compareBytes } from "#core/bytes.ts";
import { SAFETY, TYPE, type Operation, type WriteName } from "#core/log/operation.ts";
import type { Body } from "#core/log/body.ts";
import {
  compareNames,
  compareWrites,
  isSameName,
  type CounterEntry,
  type Entry,
  type EntryContent,
  type EntryKey,
  type ExtremeEntry,
  type SurvivorsEntry,
  type Write,
} from "#core/state/entry.ts";

/** Changes when the same records would fold to other entries: older state files are then folded anew. */
export const FOLD_VERSION = 1;

/** A record as the fold sees it. */
export interface FoldedRecord extends WriteName {
  readonly wallMs: number;
  readonly monoMs: number;
  /** Undefined for what this version doesn't know: folded as nothing. */
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

const operationsOf = (
  body: Body | undefined,
): { readonly device: string; readonly operations: ReadonlyArray<Operation> } | undefined => {
  if (body === undefined) return undefined;
  if (body._tag !== "Tap" && body._tag !== "Change" && body._tag !== "Enrol") return undefined;
  return body.device === null ? undefined : { device: body.device, operations: body.operations };
};

const isFolded = (type: number): boolean =>
  type === TYPE.register || type === TYPE.safety || type === TYPE.counter || type === TYPE.max;

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
    case TYPE.safety:
      return foldSurvivors(before?._tag === "Survivors" ? before : NOTHING, operation, context);
    case TYPE.counter:
      return foldCounter(before?._tag === "Counter" ? before : undefined, context.write);
    case TYPE.max:
      return foldMax(before?._tag === "Extreme" ? before : undefined, context.write);
    default:
      return undefined;
  }
};

const NOTHING: SurvivorsEntry = { _tag: "Survivors", writes: [], awaited: [] };

/** `revoked` can't be lifted: nothing replaces it. */
const isFinal = (operation: Operation, write: Write): boolean =>
  operation.type === TYPE.safety && write.value === SAFETY.revoked;

const foldSurvivors = (
  before: SurvivorsEntry,
  operation: Operation,
  context: { readonly write: Write; readonly reads: FoldReads },
): SurvivorsEntry => {
  const { write, reads } = context;
  const replaced = (older: Write): boolean =>
    !isFinal(operation, older) &&
    (compareBytes(older.epoch, write.epoch) === 0 ||
      operation.replaces.some((name) => isSameName(name, older)));
  const wasReplaced = before.awaited.some((name) => isSameName(name, write));
  const survives = !wasReplaced || isFinal(operation, write);
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

const foldCounter = (before: CounterEntry | undefined, write: Write): CounterEntry => {
  const step = Number(write.value);
  if (before === undefined) return { _tag: "Counter", sum: wrapSum(step), newest: write };
  return {
    _tag: "Counter",
    sum: wrapSum(before.sum + step),
    newest: compareWrites(write, before.newest) > 0 ? write : before.newest,
  };
};

const foldMax = (before: ExtremeEntry | undefined, write: Write): ExtremeEntry => {
  if (before === undefined) return { _tag: "Extreme", write };
  const difference = Number(write.value) - Number(before.write.value);
  const wins = difference > 0 || (difference === 0 && compareWrites(write, before.write) > 0);
  return { _tag: "Extreme", write: wins ? write : before.write };
};
