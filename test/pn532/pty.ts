/** A serial line without wires: a real pty, whose near end is two pipes of socat. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

type Socat = ChildProcessByStdio<Writable, Readable, null>;

export class TestPty implements AsyncDisposable {
  readonly device: string;
  readonly isBus = false as const;
  readonly #folder: string;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #socat: Socat | undefined;
  /** Held open, or socat would end when whoever has the line closes it. */
  #far: number | undefined;

  constructor(onBytes: (bytes: Uint8Array) => void) {
    this.#folder = mkdtempSync(join(tmpdir(), "tapmesh-pty-"));
    this.device = join(this.#folder, "tty");
    this.#onBytes = onBytes;
  }

  /** Plugs the line in. */
  async plug(): Promise<void> {
    const socat = spawn("socat", [`PTY,raw,echo=0,link=${this.device}`, "STDIO"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#socat = socat;
    socat.stdin.on("error", () => undefined); // bytes to a line that is being unplugged
    socat.stdout.on("data", (bytes: Buffer) => this.#onBytes(bytes));
    while (!existsSync(this.device)) await sleep(2);
    this.#far = openSync(this.device, constants.O_RDWR | constants.O_NOCTTY);
  }

  /** Pulls it out: whoever has it open is told so by the kernel. */
  async unplug(): Promise<void> {
    const socat = this.#socat;
    if (socat === undefined) return;
    this.#socat = undefined;
    if (this.#far !== undefined) closeSync(this.#far);
    this.#far = undefined;
    socat.kill("SIGKILL");
    await once(socat, "exit");
    rmSync(this.device, { force: true });
  }

  write(bytes: Uint8Array): void {
    this.#socat?.stdin.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
