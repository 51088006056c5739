/**
 * A log file that SQLite can't read, or whose records don't verify, is set aside, never repaired in place. What
 * still verifies in it is copied to a new file: a body that is damaged is left out, its header keeps its place;
 * an epoch is kept up to its first damaged header. The rest can come from peers, and stays in the file set aside.
 */
import { existsSync, renameSync } from "node:fs";
import Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import { readCheckpoint } from "#core/log/checkpoint.ts";
import { BLOCK_RECORDS, type BlockRoot, type EpochHead } from "#core/log/epoch.ts";
import { decodeHeader, leafOf, type RecordBytes } from "#core/log/record.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { consistencyProof, rootOfLeaves } from "#core/log/tree.ts";
import { extendHead, headFromOpen, verifyOpen } from "#core/log/verify-epoch.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { ROWS_PER_EPOCH } from "#gateway/store/schema.ts";
import { checkStoredHead } from "#gateway/store/verify-file.ts";

/** Moves a database and what SQLite keeps beside it out of the way. Returns the new path. */
export const setAside = (path: string, wallMs: number): string => {
  const movedTo = `${path}.damaged-${wallMs}`;
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
  database: Database.Database,
  no: number,
  size: number,
): ReadonlyArray<RecordBytes | undefined> => {
  const select = database.prepare<[number], { header: Buffer; body: Buffer | null }>(
    "SELECT header, body FROM record WHERE id = ?",
  );
  const records: Array<RecordBytes | undefined> = [];
  for (let seq = 0; seq < size; seq += 1) {
    const row = attempt(() => select.get(no * ROWS_PER_EPOCH + seq));
    records.push(
      row && { header: new Uint8Array(row.header), body: row.body && new Uint8Array(row.body) },
    );
  }
  return records;
};

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

/** All leaves, a damaged record's taken from what the next one says of it; undefined where that is lost too. */
const leavesOf = (
  records: ReadonlyArray<RecordBytes | undefined>,
): ReadonlyArray<Uint8Array> | undefined => {
  const leaves: Uint8Array[] = [];
  for (const [seq, record] of records.entries()) {
    const next = records[seq + 1];
    const header = next && decodeHeader(next.header);
    if (header !== undefined && E.isRight(header)) leaves.push(header.right.prev);
    else if (record !== undefined) leaves.push(leafOf(sha256, record.header));
    else return undefined;
  }
  return leaves;
};

/** The epoch's kept part under a checkpoint that proves it, or the part up to its newest provable block. */
const provable = (
  stored: StoredEpoch,
  part: { head: EpochHead; kept: RecordBytes[]; blocks: BlockRoot[] },
  leaves: ReadonlyArray<Uint8Array> | undefined,
): StoredEpoch | undefined => {
  const signed = readCheckpoint(stored.checkpoint);
  if (E.isLeft(signed)) return undefined;
  const proof =
    leaves !== undefined && leaves.length === signed.right.size
      ? consistencyProof(part.head.range.size, leaves.length, (from, to) =>
          rootOfLeaves(sha256, leaves.slice(from, to)),
        )
      : stored.proof;
  const candidate = { ...stored, head: part.head, proof };
  return checkStoredHead(candidate, part.head) === null ? candidate : undefined;
};

const copyEpoch = (
  source: Database.Database,
  target: LogFile,
  known: { readonly no: number; readonly stored: StoredEpoch },
): number => {
  const { no, stored } = known;
  const records = readableRecords(source, no, stored.head.range.size);
  const part = soundPrefix(stored.head.epoch, records);
  if (part === undefined) return 0;
  const whole = provable(stored, part, leavesOf(records));
  if (whole !== undefined) {
    target.add({ ...whole, from: 0, records: part.kept, blocks: part.blocks });
    return part.kept.length;
  }
  return copyBlocks(source, target, { no, stored, records });
};

/** The newest checkpoint is of no use: keep what the newest good block checkpoint covers. */
const copyBlocks = (
  source: Database.Database,
  target: LogFile,
  known: {
    readonly no: number;
    readonly stored: StoredEpoch;
    readonly records: ReadonlyArray<RecordBytes | undefined>;
  },
): number => {
  const { no, stored, records } = known;
  const select = source
    .prepare<[number], string>("SELECT checkpoint FROM block WHERE id = ?")
    .pluck();
  for (let block = Math.floor(records.length / BLOCK_RECORDS) - 1; block >= 0; block -= 1) {
    const checkpoint = attempt(() => select.get(no * ROWS_PER_EPOCH + block));
    const signed = readCheckpoint(checkpoint ?? "");
    if (checkpoint === undefined || E.isLeft(signed)) continue;
    const part = soundPrefix(stored.head.epoch, records.slice(0, signed.right.size));
    const kept = part && provable({ ...stored, checkpoint, proof: [] }, part, undefined);
    if (part === undefined || kept === undefined) continue;
    target.add({ ...kept, from: 0, records: part.kept, blocks: part.blocks });
    return part.kept.length;
  }
  return 0;
};

/** Copies what verifies from the file that was set aside into `target`, which is new. Returns the records kept. */
export const salvage = (damagedPath: string, target: LogFile): number => {
  let kept = 0;
  const source = attempt(() => new Database(damagedPath, { fileMustExist: true }));
  if (source === undefined) return 0;
  try {
    const numbers = attempt(() =>
      source.prepare<[], number>("SELECT no FROM epoch ORDER BY no").pluck().all(),
    );
    const damaged = attempt(() => new LogFile(source));
    if (damaged === undefined) return 0;
    for (const no of numbers ?? []) {
      const stored = attempt(() => damaged.epochByNumber(no));
      if (stored !== undefined) kept += copyEpoch(source, target, { no, stored });
    }
    return kept;
  } finally {
    source.close();
  }
};
