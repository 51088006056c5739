/** A file system of a few megabytes, to be filled. */
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Mounting takes root; where the tests don't run as root, sudo must not ask for a password. */
const asRoot = (command: string, args: ReadonlyArray<string>): void => {
  if (process.getuid?.() === 0) execFileSync(command, args);
  else execFileSync("sudo", ["-n", command, ...args]);
};

export class SmallDisk implements Disposable {
  readonly path: string;

  constructor(path: string, megabytes: number) {
    this.path = path;
    mkdirSync(path);
    const size = `size=${megabytes}m,mode=0777`;
    asRoot("mount", ["-t", "tmpfs", "-o", size, "tapmesh-test", path]);
  }

  get #filler(): string {
    return join(this.path, "filler");
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Leaves no more than that. */
  fill(leaveBytes = 0): void {
    const file = openSync(this.#filler, "a");
    const block = Buffer.alloc(4_096, 1);
    try {
      while (this.freeBytes() > leaveBytes) writeSync(file, block);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.#filler, { force: true });
  }

  /** Lazily: where a test failed, a process may still have files open on it, and is ended later. */
  [Symbol.dispose](): void {
    if (existsSync(this.path)) asRoot("umount", ["--lazy", this.path]);
  }
}
