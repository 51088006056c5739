/**
 * A log file that SQLite can't read, or whose records don't verify, is set aside, never repaired in place. What
 * still verifies in it is copied to a new file: a body that is damaged is left out, its header keeps its place;
 * an epoch is kept up to its first damaged header. The rest can come from peers, and stays in the file set aside.
 */
import { existsSync, renameSync } from "node:fs";
import Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import { readCheckpoint } from "#core/log/checkpoint.ts";
import { BLOCK_RECORDS, type BlockRoot, type EpochHead } from "#core/log/epoch.ts";
import { decodeHeader, leafOf, type RecordBytes } from "#core/log/record.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { consistencyProof, rootOfLeaves } from "#core/log/tree.ts";
import { extendHead, headFromOpen, verifyOpen } from "#core/log/verify-epoch.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { rowReader, type LogFile, type RowReader } from "#gateway/store/log-file.ts";
import { ROWS_PER_EPOCH } from "#gateway/store/schema.ts";
import { checkStoredHead } from "#gateway/store/verify-file.ts";

/** Moves a database and what SQLite keeps beside it out of the way. Returns the new path. */
/** Whether a file of that name is one that was set aside. */
export const isSetAside = (name: string): boolean => /\.db\.damaged-\d+/.test(name);

export const setAside = (path: string, wallMs: number): string => {
  let movedTo = `${path}.damaged-${wallMs}`;
  for (let copy = 2; existsSync(movedTo); copy += 1) movedTo = `${path}.damaged-${wallMs}-${copy}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, movedTo + suffix);
  }
  return movedTo;
};

/** Runs a query that may hit a damaged page: undefined then. */
const attempt = <A>(read: () => A): A | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof Database.SqliteError) return undefined;
    throw error;
  }
};

/** The rows of one epoch that can be read, by seq. */
const readableRecords = (
  source: RowReader,
  no: number,
  size: number,
): ReadonlyArray<RecordBytes | undefined> =>
  Array.from(
    { length: Math.min(size, ROWS_PER_EPOCH) },
    (_, seq) => attempt(() => source.record(no, seq)) ?? attempt(() => source.bodiless(no, seq)),
  );

/** Chains records from 0 up to the first that can't be; a body that doesn't fit its header is left out. */
const soundPrefix = (
  epoch: Uint8Array,
  records: ReadonlyArray<RecordBytes | undefined>,
): { head: EpochHead; kept: RecordBytes[]; blocks: BlockRoot[] } | undefined => {
  const [first] = records;
  if (first === undefined) return undefined;
  const open = verifyOpen(nodeCrypto, first, epoch);
  if (E.isLeft(open)) return undefined;
  let head = headFromOpen(nodeCrypto, open.right);
  const kept: RecordBytes[] = [];
  const blocks: BlockRoot[] = [];
  for (const record of records) {
    if (record === undefined) break;
    const bodyless = { header: record.header, body: null };
    const whole = extendHead(nodeCrypto, head, [record]);
    const extended = E.isRight(whole) ? whole : extendHead(nodeCrypto, head, [bodyless]);
    if (E.isLeft(extended)) break;
    kept.push(E.isRight(whole) ? record : bodyless);
    blocks.push(...extended.right.blocks);
    ({ head } = extended.right);
  }
  return { head, kept, blocks };
};

const prevOf = (record: RecordBytes | undefined): Uint8Array | undefined => {
  const header = record && decodeHeader(record.header);
  return header !== undefined && E.isRight(header) ? header.right.prev : undefined;
};

/**
 * The leaf of each record: its own hash, and what the next record says of it. Where the two differ one of the headers
 * is damaged: the next one's word counts if the one after that confirms it. Undefined where both are lost.
 */
const leavesOf = (
  records: ReadonlyArray<RecordBytes | undefined>,
): ReadonlyArray<Uint8Array | undefined> => {
  const hashes = records.map((record) => record && leafOf(sha256, record.header));
  const isConfirmed = (seq: number): boolean => {
    const [hash, said] = [hashes[seq], prevOf(records[seq + 1])];
    return hash !== undefined && (seq === records.length - 1 || equal(hash, said));
  };
  return hashes.map((hash, seq) => {
    if (hash !== undefined && isConfirmed(seq)) return hash;
    return isConfirmed(seq + 1) || hash === undefined ? prevOf(records[seq + 1]) : hash;
  });
};

const equal = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && equalBytes(a, b);

/** The records up to the first whose header is not the one that was signed. */
const beforeDamage = (
  records: ReadonlyArray<RecordBytes | undefined>,
  leaves: ReadonlyArray<Uint8Array | undefined>,
): ReadonlyArray<RecordBytes | undefined> => {
  const damaged = records.findIndex(
    (record, seq) => record === undefined || !equal(leafOf(sha256, record.header), leaves[seq]),
  );
  return damaged < 0 ? records : records.slice(0, damaged);
};

/** The epoch's kept part under a checkpoint that proves it, or the part up to its newest provable block. */
const provable = (
  stored: StoredEpoch,
  part: { head: EpochHead; kept: RecordBytes[]; blocks: BlockRoot[] },
  leaves: ReadonlyArray<Uint8Array | undefined>,
): StoredEpoch | undefined => {
  const signed = readCheckpoint(stored.checkpoint);
  if (E.isLeft(signed)) return undefined;
  const known = leaves.filter((leaf) => leaf !== undefined);
  const proof =
    known.length === signed.right.size
      ? consistencyProof(part.head.range.size, known.length, (from, to) =>
          rootOfLeaves(sha256, known.slice(from, to)),
        )
      : stored.proof;
  const candidate = { ...stored, head: part.head, proof };
  return checkStoredHead(candidate, part.head) === null ? candidate : undefined;
};

const copyEpoch = (
  source: RowReader,
  target: LogFile,
  known: { readonly no: number; readonly stored: StoredEpoch },
): number => {
  const { no, stored } = known;
  const records = readableRecords(source, no, stored.head.range.size);
  const leaves = leavesOf(records);
  const part = soundPrefix(stored.head.epoch, beforeDamage(records, leaves));
  if (part === undefined) return 0;
  const whole = provable(stored, part, leaves);
  if (whole !== undefined) {
    target.add({ ...whole, from: 0, records: part.kept, blocks: part.blocks });
    return part.kept.length;
  }
  return copyBlocks(source, target, { no, stored, records });
};

/** The newest checkpoint is of no use: keep what the newest good block checkpoint covers. */
const copyBlocks = (
  source: RowReader,
  target: LogFile,
  known: {
    readonly no: number;
    readonly stored: StoredEpoch;
    readonly records: ReadonlyArray<RecordBytes | undefined>;
  },
): number => {
  const { no, stored, records } = known;
  for (let block = Math.floor(records.length / BLOCK_RECORDS) - 1; block >= 0; block -= 1) {
    const checkpoint = attempt(() => source.blockCheckpoint(no, block));
    const signed = readCheckpoint(checkpoint ?? "");
    if (checkpoint === undefined || E.isLeft(signed)) continue;
    const part = soundPrefix(stored.head.epoch, records.slice(0, signed.right.size));
    const kept = part && provable({ ...stored, checkpoint, proof: [] }, part, []);
    if (part === undefined || kept === undefined) continue;
    target.add({ ...kept, from: 0, records: part.kept, blocks: part.blocks });
    return part.kept.length;
  }
  return 0;
};

/** Copies what verifies from the file that was set aside into `target`, which is new. Returns the records kept. */
export const salvage = (damagedPath: string, target: LogFile): number => {
  let kept = 0;
  const database = attempt(() => new Database(damagedPath, { fileMustExist: true }));
  if (database === undefined) return 0;
  try {
    const source = attempt(() => rowReader(database));
    if (source === undefined) return 0;
    for (const no of attempt(() => source.epochNumbers()) ?? []) {
      const stored = attempt(() => source.epoch(no));
      if (stored !== undefined) kept += copyEpoch(source, target, { no, stored });
    }
    return kept;
  } finally {
    database.close();
  }
};
