/** A data directory with records in it, as a gateway that stopped in order leaves it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition } from "#core/log/stored.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { openStoreFiles, type StoreFiles } from "#gateway/store/open-files.ts";
import { openLogFile } from "#gateway/store/schema.ts";
import type { StoreOpenError } from "#gateway/store/messages.ts";
import { verifyStoredEpoch } from "#gateway/store/verify-file.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";

/** Record name → header and body in hex. */
export type Contents = ReadonlyMap<
  string,
  { readonly header: string; readonly body: string | null }
>;

const GROUP_RECORDS = 10;
const WALL_MS = 1_800_000_000_000;

/** Writes an epoch of so many taps behind its open into a log file, a group at a time. */
export const writeEpoch = (path: string, maker: EpochMaker, taps: number): void => {
  const database = openLogFile(path);
  if (E.isLeft(database)) throw new Error(database.left._tag);
  const log = new LogFile(database.right);
  const additions: Addition[] = [maker.open()];
  for (let i = 0; i < taps; i += GROUP_RECORDS) {
    const count = Math.min(GROUP_RECORDS, taps - i);
    const group = Array.from({ length: count }, (_, index) => tapOf(`cart-${(i + index) % 5}`));
    additions.push(maker.add(...group));
  }
  for (const addition of additions) log.add(addition);
  log.database.close();
};

export class DataFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "tapmesh-data-"));
  readonly logFile: string = join(this.path, "log.db");
  readonly mirrorFile: string = join(this.path, "mirror.db");
  readonly stateFile: string = join(this.path, "state.db");

  /** Right, or the error; whoever gets files closes them with `close`. */
  tryOpen(): E.Either<StoreOpenError, StoreFiles> {
    return openStoreFiles(this.path, WALL_MS);
  }

  open(): StoreFiles {
    const opened = this.tryOpen();
    if (E.isRight(opened)) return opened.right;
    throw new Error(JSON.stringify(opened.left));
  }

  close({ log, mirror, state }: StoreFiles): void {
    state.close();
    log.database.close();
    mirror.database.close();
  }

  /** Writes an epoch of so many taps behind its open; `own` or a peer's. */
  write(maker: EpochMaker, taps: number, file: "log" | "mirror" = "log"): void {
    writeEpoch(join(this.path, `${file}.db`), maker, taps);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Takes the state away, so that the next start folds all anew. */
  forgetState(): void {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(this.stateFile + suffix, { force: true });
  }

  /** What was put out of the way. */
  setAside(): ReadonlyArray<string> {
    return readdirSync(this.path).filter((name) => name.includes(".damaged-"));
  }
}

export const contentsOf = (file: LogFile): Contents =>
  new Map(
    file
      .epochs()
      .flatMap(({ head }) =>
        [...file.records(head.epoch, 0, head.range.size)].map(
          (record, seq) => [`${toHex(head.epoch)}/${seq}`, inHex(record)] as const,
        ),
      ),
  );

const inHex = ({ header, body }: RecordBytes): { header: string; body: string | null } => ({
  header: toHex(header),
  body: body && toHex(body),
});

/** What is wrong with the file's epochs; empty if nothing is. */
export const problemsIn = (file: LogFile): ReadonlyArray<string> =>
  file
    .epochs()
    .map((stored) => verifyStoredEpoch(file, stored).error)
    .flatMap((error) => (error === null ? [] : [error._tag]));

/** Changes the file at each place where `needle` stands; SQLite may leave older copies of a row. */
const changeAt = (
  path: string,
  needle: Uint8Array,
  change: (bytes: Buffer, at: number) => void,
): void => {
  const bytes = readFileSync(path);
  const places: number[] = [];
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) places.push(at);
  if (places.length === 0) throw new Error("the bytes are not in the file");
  for (const at of places) change(bytes, at);
  writeFileSync(path, bytes);
};

/** Changes one bit of the byte at `offset` within `needle`. */
export const flipByte = (path: string, needle: Uint8Array, offset: number): void =>
  changeAt(path, needle, (bytes, at) => {
    bytes[at + offset] = (bytes[at + offset] ?? 0) ^ 1;
  });

/** Overwrites what stands right before `needle`. */
export const writeBefore = (path: string, needle: Uint8Array, written: Uint8Array): void =>
  changeAt(path, needle, (bytes, at) => bytes.set(written, at - written.length));

export const noticeTags = ({ notices }: StoreFiles): ReadonlyArray<string> =>
  notices.map(({ _tag }) => _tag);

/** A folder with one epoch, opened once, and what it held. */
export const folderWith = (
  taps: number,
): { folder: DataFolder; maker: EpochMaker; before: ReturnType<typeof contentsOf> } => {
  const folder = new DataFolder();
  const maker = new EpochMaker("lobby");
  folder.write(maker, taps);
  const files = folder.open();
  const before = contentsOf(files.log);
  folder.close(files);
  return { folder, maker, before };
};
