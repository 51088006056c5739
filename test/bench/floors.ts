/** What a tap can't be faster than: a transaction on disk, a trip to a thread and back. */
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { nowMs } from "#test/bench/clock.ts";

/** Header and body of a record. */
const ROW_BYTES = 250;

/** One row a transaction, with the settings of a log file, in the thread that asks. */
export class BareCommit implements Disposable {
  readonly #database: Database.Database;
  readonly #insert: Database.Statement<[Uint8Array]>;

  constructor(folder: string) {
    this.#database = new Database(join(folder, "bare.db"));
    this.#database.pragma("journal_mode = WAL");
    this.#database.pragma("synchronous = FULL");
    this.#database.pragma("wal_autocheckpoint = 0");
    this.#database.exec("CREATE TABLE bare (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT");
    this.#insert = this.#database.prepare("INSERT INTO bare (bytes) VALUES (?)");
  }

  /** ms */
  measure(): number {
    const row = new Uint8Array(ROW_BYTES);
    const startMs = nowMs();
    this.#insert.run(row);
    return nowMs() - startMs;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** An empty message to a thread that does nothing but send it back. */
export class WorkerRoundTrip implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./echo-worker.ts", import.meta.url));

  /** ms */
  async measure(): Promise<number> {
    const answered = new Promise<number>((resolve) => {
      this.#worker.once("message", () => resolve(nowMs()));
    });
    const startMs = nowMs();
    this.#worker.postMessage(null);
    return (await answered) - startMs;
  }

  /** The first message waits for the thread to start. */
  async start(): Promise<void> {
    await once(this.#worker, "online");
    await this.measure();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
