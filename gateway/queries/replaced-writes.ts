/** Which writes a record replaced: those that it names, and the earlier ones of its own epoch. */
import type { Operation, WriteName } from "#core/log/operation.ts";
import { TYPE } from "#core/log/operation.ts";
import { compareBytes } from "#core/bytes.ts";
import { standingWrites } from "#core/state/standing.ts";
import type { StatedWrite, VoidTarget } from "#core/state/void.ts";
import type { Store } from "#gateway/ports.ts";
import { decodeRecord } from "#gateway/queries/records.ts";

/** The write of that record to that key; null where the record isn't kept here, undefined where it has none. */
const statedWrite = async (
  store: Store,
  { epoch, seq }: WriteName,
  { device, key, type }: { readonly device: string; readonly key: string; readonly type: number },
): Promise<StatedWrite | null | undefined> => {
  const [record] = await store.records(epoch, seq, seq + 1);
  const decoded = decodeRecord(record);
  if (decoded?.body === undefined) return null;
  const { header, body } = decoded;
  if (!("operations" in body) || body.device !== device) return undefined;
  const operation = body.operations.find((one) => one.key === key && one.type === type);
  if (operation === undefined) return undefined;
  const { value, replaces } = operation;
  return { epoch, seq, wallMs: header.wallMs, monoMs: header.monoMs, value, replaces };
};

/** Types of which a later write of an epoch replaces the earlier one by itself. */
const REPLACED_UNNAMED: ReadonlySet<number> = new Set([TYPE.register, TYPE.exclusive, TYPE.safety]);

/** The writes of the target's own epoch that stood before it. */
const earlierOwn = async (store: Store, target: VoidTarget): Promise<ReadonlyArray<KeyedName>> => {
  if (!target.operations.some(({ type }) => REPLACED_UNNAMED.has(type))) return [];
  const before = { _tag: "AtRecord", epoch: target.epoch, seq: target.seq - 1 } as const;
  const entries = await store.entriesAt(before, target.device);
  return entries
    .filter(({ type }) => REPLACED_UNNAMED.has(type))
    .flatMap((entry) =>
      standingWrites(entry)
        .filter(({ epoch }) => compareBytes(epoch, target.epoch) === 0)
        .map(({ epoch, seq }) => ({ key: entry.key, type: entry.type, name: { epoch, seq } })),
    );
};

interface KeyedName {
  readonly key: string;
  readonly type: number;
  readonly name: WriteName;
}

/**
 * For each operation of a record the writes that it replaced; null where one of them isn't kept here. The past is
 * folded for it, so it takes its time.
 */
export const writesReplacedBy = async (
  store: Store,
  target: VoidTarget,
): Promise<ReadonlyMap<Operation, ReadonlyArray<StatedWrite> | null>> => {
  const own = await earlierOwn(store, target);
  const replaced = new Map<Operation, ReadonlyArray<StatedWrite> | null>();
  for (const operation of target.operations) {
    const { key, type } = operation;
    const names = own.filter((one) => one.key === key && one.type === type).map(({ name }) => name);
    const place = { device: target.device, key, type };
    const stated = await Promise.all(
      [...operation.replaces, ...names].map((name) => statedWrite(store, name, place)),
    );
    const isWhole = stated.every((write) => write !== null);
    const writes = stated.filter((write) => write !== null && write !== undefined);
    replaced.set(operation, isWhole ? writes : null);
  }
  return replaced;
};
