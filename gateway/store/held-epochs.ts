/** Where an epoch is held, of the three places: own log, mirror, or passing by in the state. */
import { toHex } from "#core/bytes.ts";
import { examineRange, type Examined } from "#core/log/examine.ts";
import { decodeRange } from "#core/log/range.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition } from "#core/log/stored.ts";
import * as E from "fp-ts/lib/Either.js";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import type { CommitError, HeldEpoch } from "#gateway/ports.ts";
import type { LogFile } from "#gateway/store/log-file.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import type { StateFile } from "#gateway/store/state-file.ts";
import { addTo } from "#gateway/store/store-files.ts";
import { subtreeRootOf } from "#gateway/store/subtree-roots.ts";

/** Own epochs of this process are in the own log; all others, this gateway's older ones included, in the mirror. */
export const fileOf = ({ log, mirror }: StoreFiles, epoch: Uint8Array): LogFile =>
  log.epoch(epoch) === undefined ? mirror : log;

/** Own epochs first; an epoch that is kept and still passing is what the mirror has of it. */
export const heldEpochs = ({ log, mirror, state }: StoreFiles): ReadonlyArray<HeldEpoch> => {
  const kept = [...log.epochs(), ...mirror.epochs()].map((stored) => ({ ...stored, kept: true }));
  const names = new Set(kept.map(({ head }) => toHex(head.epoch)));
  const passing = state.passing.epochs().filter(({ head }) => !names.has(toHex(head.epoch)));
  return [...kept, ...passing.map((stored) => ({ ...stored, kept: false }))];
};

/** Records [from, to) as far as they are kept; of a passing epoch that is the `open` alone. */
export const recordsOf = (
  files: StoreFiles,
  epoch: Uint8Array,
  [from, to]: readonly [number, number],
): ReadonlyArray<RecordBytes> => {
  const file = fileOf(files, epoch);
  if (file.epoch(epoch) !== undefined) return [...file.records(epoch, from, to)];
  const open = from <= 0 && to > 0 ? files.state.passing.open(epoch) : undefined;
  return open === undefined ? [] : [open];
};

/**
 * Whether records of the epoch would be folded and not kept. One that has begun to be kept goes on being kept; and all
 * are kept while the logs have to confirm a snapshot.
 */
export const passes = (files: StoreFiles, epoch: Uint8Array, kept: boolean): boolean =>
  !kept &&
  files.state.staging.adopted === undefined &&
  fileOf(files, epoch).epoch(epoch) === undefined;

/**
 * Forgets the passing epochs of which records count that were cut when they came by: they have to be asked for again,
 * from the first on. True if there were any.
 */
export const forgetRaised = (state: StateFile): boolean => {
  const raised = state.passing.epochs().filter(({ head: { epoch, range } }) => {
    const cut = state.cuts.get(toHex(epoch)) ?? Number.POSITIVE_INFINITY;
    return state.foldedSize(epoch) < Math.min(range.size, cut);
  });
  for (const { head } of raised) state.passing.forget(head.epoch);
  return raised.length > 0;
};

const notNext = ({ from }: Addition, held: number): CommitError => ({
  _tag: "IoFailed",
  detail: `record ${from} doesn't follow the ${held} that are held`,
});

/** Takes records of a peer: to a log file, or, where they pass, their head to the state. */
export const takeMirrored = (
  files: StoreFiles,
  addition: Addition,
  kept: boolean,
): CommitError | null => {
  const { epoch } = addition.head;
  const { passing } = files.state;
  const file = fileOf(files, epoch);
  const cameBy = passing.epoch(epoch)?.head.range.size ?? 0;
  if (passes(files, epoch, kept)) return passing.put(addition) ? null : notNext(addition, cameBy);
  const inFile = file.epoch(epoch)?.head.range.size ?? 0;
  if (addition.from !== inFile) return notNext(addition, inFile);
  const error = addTo(file, addition);
  if (error === null && cameBy <= addition.head.range.size) passing.forget(epoch);
  return error;
};

/** Compares a Range with what is kept of its epoch; nothing can be said of one that passes. */
export const examine = (files: StoreFiles, bytes: Uint8Array): Examined => {
  const range = decodeRange(bytes);
  if (E.isLeft(range)) return { _tag: "Same" };
  const { epoch } = range.right;
  const file = fileOf(files, epoch);
  const stored = file.epoch(epoch);
  if (stored === undefined) return { _tag: "Same" };
  const held = {
    stored,
    headers: (from: number, to: number): ReadonlyArray<Uint8Array> =>
      [...file.records(epoch, from, to)].map(({ header }) => header),
    subtreeRoot: subtreeRootOf(file, epoch),
  };
  return examineRange(nodeCrypto, held, range.right);
};
