/** What the store's worker does with its files for each query. Synchronous; the thread is its own. */
import * as E from "fp-ts/lib/Either.js";
import type { WriteName } from "#core/log/operation.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import type { CommitError, Folded, KnownWritesQuery } from "#gateway/ports.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { packEntries } from "#core/state/packed-entries.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import { openLogFile, sqliteDetail } from "#gateway/store/schema.ts";

/** Entries of one answer to a listing: some hundred devices. */
const ENTRIES_PER_PAGE = 1_000;

const commitErrorOf = (error: unknown): CommitError => {
  const detail = sqliteDetail(error);
  return { _tag: detail.startsWith("SQLITE_FULL") ? "DiskFull" : "IoFailed", detail };
};

/** Adds to one file. Null: on disk. Otherwise SQLite has rolled back, or says that it can't tell. */
export const addTo = (file: LogFile, addition: Addition): CommitError | null => {
  try {
    file.add(addition);
    return null;
  } catch (error) {
    return commitErrorOf(error);
  }
};

/**
 * Folds what of an addition isn't folded yet. It is on disk, so a fold of the whole log may have come before: after
 * a save that failed, every record counts once all the same.
 */
export const foldAddition = ({ state }: StoreFiles, addition: Addition): Folded => {
  const { epoch } = addition.head;
  const { gateway, from } = addition;
  const taken = state.take({ epoch, gateway, from }, addition.records);
  return { epoch, size: state.foldedSize(epoch), ...taken };
};

const checkpointFailure = (file: LogFile): CommitError | null => {
  try {
    file.emptyWal("TRUNCATE");
    return null;
  } catch (error) {
    return commitErrorOf(error);
  }
};

/**
 * Closes and reopens the own log after a failed commit, and empties its WAL into the file: if that works, what the
 * file then says is the truth about the failed group. On a full disk the WAL stays; there a group is whole or not at
 * all, while after a failed fsync what can be read may still be lost.
 */
export const reopenLog = (
  file: LogFile,
): E.Either<CommitError, { file: LogFile; epochs: ReadonlyArray<StoredEpoch> }> => {
  const path = file.database.name;
  try {
    file.database.close();
    const opened = openLogFile(path);
    if (E.isLeft(opened)) return E.left({ _tag: "IoFailed", detail: opened.left._tag });
    const reopened = new LogFile(opened.right);
    const failure = checkpointFailure(reopened);
    if (failure !== null && failure._tag !== "DiskFull") {
      reopened.database.close(); // the next attempt opens it anew
      return E.left(failure);
    }
    return E.right({ file: reopened, epochs: reopened.epochs() });
  } catch (error) {
    return E.left(commitErrorOf(error));
  }
};

/** The names of the writes that stand in an entry now. */
export const knownWrites = (
  { state }: StoreFiles,
  queries: ReadonlyArray<KnownWritesQuery>,
): ReadonlyArray<ReadonlyArray<WriteName>> =>
  queries.map((query) => {
    const content = state.entry(query)?.content;
    return content?._tag === "Survivors"
      ? content.writes.map(({ epoch, seq }) => ({ epoch, seq }))
      : [];
  });

/** Whole devices after that one, until a page is full; packed. */
export const entriesAfter = ({ state }: StoreFiles, after: string): Uint8Array => {
  const page: Uint8Array[] = [];
  let last = after;
  for (const { device, bytes } of state.entriesAfter(after)) {
    if (page.length >= ENTRIES_PER_PAGE && device !== last) break;
    page.push(bytes);
    last = device;
  }
  return packEntries(page);
};
