/** Whether a snapshot that was adopted is what the logs fold to: they are folded again from zero, beside the state. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex } from "#core/bytes.ts";
import type { Fact } from "#core/state/facts.ts";
import type { Manifest } from "#core/state/snapshot.ts";
import { fileOf } from "#gateway/store/held-epochs.ts";
import { deleteState, type StoreFiles } from "#gateway/store/open-files.ts";
import { StateFile } from "#gateway/store/state-file.ts";

/** Records of one step: a few milliseconds. */
const RECORDS_PER_STEP = 32;
/** What is folded is kept in memory for so long. */
const SAVE_RECORDS = 2_000;

export interface SnapshotVerdict {
  readonly isRight: boolean;
  /** What the records say that the snapshot holds as entries only. */
  readonly facts: ReadonlyArray<Fact>;
}

/** The logs hold all that the snapshot was folded from. */
export const canBeChecked = (files: StoreFiles, { heads }: Manifest): boolean =>
  [...heads].every(([name, size]) => {
    const epoch = fromHex(name) ?? new Uint8Array(0);
    return (fileOf(files, epoch).epoch(epoch)?.head.range.size ?? 0) >= size;
  });

/** Folds the epoch's first records; returns what they say. */
function* foldEpoch(
  files: () => StoreFiles,
  check: StateFile,
  [name, size]: readonly [string, number],
): Generator<undefined, ReadonlyArray<Fact>, undefined> {
  const epoch = fromHex(name) ?? new Uint8Array(0);
  const gateway = fileOf(files(), epoch).epoch(epoch)?.gateway ?? "";
  const facts: Fact[] = [];
  for (let from = 0; from < size; from += RECORDS_PER_STEP) {
    const to = Math.min(from + RECORDS_PER_STEP, size);
    const records = [...fileOf(files(), epoch).records(epoch, from, to)];
    facts.push(...check.take({ epoch, gateway, from }, records).facts);
    yield undefined;
  }
  return facts;
}

/** Undefined where the disk is full: to be tried again. */
export function* checkSnapshot(
  files: () => StoreFiles,
  manifest: Manifest,
  path: string,
): Generator<undefined, SnapshotVerdict | undefined, undefined> {
  deleteState(path);
  const opened = StateFile.open(path, "scratch");
  if (E.isLeft(opened)) return undefined;
  const check = opened.right;
  try {
    const facts: Fact[] = [];
    for (const head of manifest.heads) {
      facts.push(...(yield* foldEpoch(files, check, head)));
      if (check.unsaved >= SAVE_RECORDS && !check.save()) return undefined;
    }
    return { isRight: check.digest === manifest.digest, facts };
  } finally {
    check.close();
    deleteState(path);
  }
}
