/** When the WALs of the log files are moved into the files. */
import type { LogFile } from "#gateway/store/log-file.ts";
import { sqliteDetail } from "#gateway/store/schema.ts";

/** A WAL is moved into its file when it is this large, or when larger than the second and nothing happens. */
const WAL_BYTES_MAX = 16 * 1024 * 1024;
const WAL_BYTES_IDLE = 1024 * 1024;
const IDLE_MS = 2_000;

/** Once there is more than so much in it. A full disk only postpones it. */
const emptyWal = (file: LogFile, bytesMax: number): void => {
  if (file.walBytes <= bytesMax) return;
  try {
    file.emptyWal("RESTART");
  } catch (error) {
    sqliteDetail(error); // the WAL keeps every commit meanwhile, and the next one tries again; a bug goes on
  }
};

export class WalEmptying {
  #idle: NodeJS.Timeout | undefined;

  /** After each addition; `files` is asked again when nothing follows for a while. */
  onAddition(files: () => ReadonlyArray<LogFile>): void {
    for (const file of files()) emptyWal(file, WAL_BYTES_MAX);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      for (const file of files()) emptyWal(file, WAL_BYTES_IDLE);
    }, IDLE_MS);
  }

  stop(): void {
    clearTimeout(this.#idle);
  }
}
