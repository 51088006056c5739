/** A private pcscd with virtual readers: the real daemon and a real driver, only the hardware is not. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { VirtualReader } from "#test/pcscd/virtual-reader.ts";

const PCSCD = "/usr/sbin/pcscd";
const DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
const COMPILER = "/usr/bin/cc";
const SHIM_SOURCE = fileURLToPath(new URL("./pcscd-shim.c", import.meta.url));
/** How often the test's pcscd looks for a card: 400 ms in a real one. */
const POLL_US = "5000";
const START_TIMEOUT_MS = 5_000;

const requireInstalled = (): void => {
  const missing = [PCSCD, DRIVER, COMPILER].filter((file) => !existsSync(file));
  if (missing.length === 0) return;
  throw new Error(
    `${missing.join(", ")} not found: apt-get install -y --no-install-recommends pcscd vsmartcard-vpcd libpcsclite-dev gcc libc6-dev`,
  );
};

/** Compiled once for each version of its source; whoever is second finds the first one's file. */
const compiledShim = (): string => {
  const version = createHash("sha256").update(readFileSync(SHIM_SOURCE)).digest("hex").slice(0, 16);
  const file = path.join(tmpdir(), `tapmesh-pcscd-shim-${version}.so`);
  if (existsSync(file)) return file;
  const own = `${file}.${process.pid}`;
  execFileSync(COMPILER, ["-O1", "-shared", "-fPIC", "-Wall", "-o", own, SHIM_SOURCE, "-ldl"]);
  renameSync(own, file);
  return file;
};

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/**
 * vpcd gives each reader two slots, on this port and on the next. Chosen below the range from which
 * the kernel gives ports to other tests' connections, at random because those tests choose here too.
 */
const freePortPair = async (): Promise<number> => {
  for (;;) {
    const port = 2 * randomInt(5_000, 16_000);
    if ((await canListen(port)) && (await canListen(port + 1))) return port;
  }
};

/** From 2.0 on (Debian 13) pcscd asks polkit about every client, and where no polkit runs it refuses all. */
const withoutPolkit = (): ReadonlyArray<string> => {
  const help = spawnSync(PCSCD, ["--help"], { encoding: "utf8" });
  const option = "--disable-polkit";
  return `${help.stdout}${help.stderr}`.includes(option) ? [option] : [];
};

interface Slot {
  readonly name: string;
  readonly port: number;
  readonly driver: string;
}

interface Start {
  readonly readerCount?: number;
  readonly card?: EmulatedCard;
}

/** One daemon and its readers; it can be killed and started again, with other readers plugged in. */
export class TestPcscd implements AsyncDisposable {
  readonly socketPath: string;
  readonly readers: ReadonlyArray<VirtualReader>;
  readonly #dir: string;
  readonly #slots: ReadonlyArray<Slot>;
  readonly #unpluggedFile: string;
  readonly #hungFile: string;
  #daemon: ChildProcess | undefined;

  private constructor(dir: string, slots: ReadonlyArray<Slot>) {
    this.#dir = dir;
    this.#slots = slots;
    this.socketPath = path.join(dir, "pcscd.comm");
    this.#unpluggedFile = path.join(dir, "unplugged");
    this.#hungFile = path.join(dir, "hung");
    this.readers = slots.map(({ port, name }) => new VirtualReader(port, name));
  }

  /** Readers of these names, in this order; the daemon is not running yet. */
  static async prepare(names: ReadonlyArray<string>): Promise<TestPcscd> {
    requireInstalled();
    const dir = mkdtempSync(path.join(tmpdir(), "tapmesh-pcscd-"));
    const slots: Slot[] = [];
    for (const [index, name] of names.entries()) {
      // The driver keeps its state in variables: each reader needs a driver of its own.
      const driver = path.join(dir, `vpcd-${index}.so`);
      copyFileSync(DRIVER, driver);
      slots.push({ name, port: await freePortPair(), driver });
    }
    return new TestPcscd(dir, slots);
  }

  static async started(names: ReadonlyArray<string>): Promise<TestPcscd> {
    const pcscd = await TestPcscd.prepare(names);
    await pcscd.start();
    return pcscd;
  }

  /** Starts the daemon with the first so many readers plugged in, the card lying on the first one. */
  async start({ readerCount = this.#slots.length, card }: Start = {}): Promise<void> {
    const config = path.join(this.#dir, "conf");
    mkdirSync(config, { recursive: true });
    const entries = this.#slots
      .slice(0, readerCount)
      .map(
        ({ name, port, driver }) =>
          `FRIENDLYNAME "${name}"\nDEVICENAME /dev/null:${port}\nLIBPATH ${driver}\nCHANNELID ${port}\n`,
      );
    writeFileSync(path.join(config, "readers"), entries.join("\n"));
    const unreachable = `${this.socketPath}.new`;
    const log: string[] = [];
    const options = ["--foreground", "--error", "--config", config, ...withoutPolkit()];
    this.#daemon = spawn(PCSCD, options, {
      env: {
        LD_PRELOAD: compiledShim(),
        PCSCD_SOCKET: unreachable,
        PCSCD_POLL_US: POLL_US,
        PCSCD_UNPLUGGED: this.#unpluggedFile,
        PCSCD_HUNG: this.#hungFile,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#daemon.stdout?.setEncoding("utf8").on("data", (text: string) => log.push(text));
    this.#daemon.stderr?.setEncoding("utf8").on("data", (text: string) => log.push(text));
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    for (const reader of this.readers.slice(0, readerCount)) {
      while (!reader.isPluggedIn()) {
        if (performance.now() > deadlineMs || this.#daemon.exitCode !== null) {
          throw new Error(`pcscd did not start:\n${log.join("")}`);
        }
        await sleep(5);
      }
    }
    if (card !== undefined) await this.readers[0]?.insertAndWait(card);
    renameSync(unreachable, this.socketPath);
  }

  /** kill -9, as if it had crashed: its socket stays behind, and nobody is there. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGKILL");
    await exited;
  }

  /** While unreachable, all readers answer pcscd as hardware does whose cable was pulled. */
  setReachable(isReachable: boolean): void {
    if (isReachable) rmSync(this.#unpluggedFile, { force: true });
    else writeFileSync(this.#unpluggedFile, "");
  }

  /** The readers with these numbers don't come back from the next question; none: all do again. */
  setHung(...indexes: ReadonlyArray<number>): void {
    const names = indexes.map((index) => path.basename(this.#slots[index]?.driver ?? "none"));
    writeFileSync(`${this.#hungFile}.new`, names.join("\n"));
    renameSync(`${this.#hungFile}.new`, this.#hungFile);
  }

  /** Alive, and doing nothing: the kernel accepts its connections, and nobody answers. */
  freeze(): void {
    this.#daemon?.kill("SIGSTOP");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.readers) reader.unplug();
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
