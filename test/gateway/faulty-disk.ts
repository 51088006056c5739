/** A disk under a gateway's log that is slow or fails when a test says so. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPILER = "/usr/bin/cc";
const SOURCE = fileURLToPath(new URL("disk-shim.c", import.meta.url));

/** Compiled once for each version of its source; whoever is second finds the first one's file. */
const compiledShim = (): string => {
  if (!existsSync(COMPILER)) {
    throw new Error(
      `${COMPILER} not found: apt-get install -y --no-install-recommends gcc libc6-dev`,
    );
  }
  const version = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 16);
  const file = join(tmpdir(), `tapmesh-disk-shim-${version}.so`);
  if (existsSync(file)) return file;
  const own = `${file}.${process.pid}`;
  execFileSync(COMPILER, ["-O1", "-shared", "-fPIC", "-Wall", "-o", own, SOURCE, "-ldl"]);
  renameSync(own, file);
  return file;
};

/** Environment of a gateway whose every write takes that much longer. */
export const slowDisk = (writeDelayMs: number): Readonly<Record<string, string>> => ({
  LD_PRELOAD: compiledShim(),
  DISK_WRITE_DELAY_US: String(writeDelayMs * 1_000),
});

/** A disk that works until `fail` is called, and again after `mend`. */
export class FaultyDisk {
  readonly #file: string;

  /** `file` is where the fault is told; nothing else may be there. */
  constructor(file: string) {
    this.#file = file;
  }

  get env(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: compiledShim(), DISK_FAULT_FILE: this.#file };
  }

  /** From now on every write to the log, or every sync of it, fails with EIO. */
  fail(what: "write" | "sync"): void {
    writeFileSync(this.#file, what);
  }

  mend(): void {
    rmSync(this.#file, { force: true });
  }
}
