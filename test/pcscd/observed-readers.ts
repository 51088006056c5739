/** The PC/SC adaptor on a private pcscd, with all that it says written down. */
import { readdirSync, readFileSync } from "node:fs";
import type { Journal } from "#gateway/ports.ts";
import type { ConfiguredReader } from "#gateway/reader/pcsc/bound-readers.ts";
import { createPcscReaders, type PcscReaders } from "#gateway/reader/pcsc/pcsc-readers.ts";
import { systemClock } from "#gateway/system.ts";
import { EventLog } from "#test/pcscd/event-log.ts";
import type { TestPcscd } from "#test/pcscd/pcscd.ts";

export class ObservedReaders implements AsyncDisposable {
  readonly log: EventLog = new EventLog();
  /** Code and fields of each line. */
  readonly journal: { readonly code: string; readonly fields: unknown }[] = [];
  readonly adaptor: PcscReaders;
  readonly #socketPath: string;

  constructor(pcscd: TestPcscd, readers: ReadonlyArray<ConfiguredReader>) {
    this.#socketPath = pcscd.socketPath;
    process.env["PCSCLITE_CSOCK_NAME"] = this.#socketPath; // where libpcsclite looks, and its children
    const note: Journal["info"] = (code, fields) => this.journal.push({ code, fields });
    const journal: Journal = { info: note, warn: note, error: note };
    this.adaptor = createPcscReaders({ clock: systemClock, journal }, readers);
    this.adaptor.start(this.log.onEvent);
  }

  /** The child's process id; undefined while there is none. Told from others by its pcscd. */
  childPid(): number | undefined {
    return pcscChildPid(this.#socketPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.adaptor.stop();
  }
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the process has ended meanwhile
  }
};

/** The PC/SC child that talks to the pcscd on this socket. */
export const pcscChildPid = (socketPath: string): number | undefined => {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const pid = pids.find(
    (candidate) =>
      textOf(`/proc/${candidate}/cmdline`).includes("reader/pcsc/child.ts") &&
      textOf(`/proc/${candidate}/environ`)
        .split("\0")
        .includes(`PCSCLITE_CSOCK_NAME=${socketPath}`),
  );
  return pid === undefined ? undefined : Number(pid);
};
