/** `tapmesh` as a process of its own: its lines, its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually } from "#test/gateway/eventually.ts";

const MAIN = fileURLToPath(new URL("../../gateway/main.ts", import.meta.url));
/** Kept from run to run, by Node: without it each of some hundred starts compiles all of the sources again. */
const COMPILE_CACHE = fileURLToPath(new URL("../../var/compile-cache", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a process is given beside its arguments. */
export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the process, such as one that enters a network namespace first. */
  readonly within?: ReadonlyArray<string>;
}

type JournalLine = Readonly<Record<string, unknown>>;

const parseLine = (line: string): JournalLine | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return undefined;
    return Object.fromEntries(Object.entries(value));
  } catch {
    return undefined;
  }
};

/**
 * Util-linux's setpriv becomes the command that it is given, which dies with this process: a test that runs out of
 * time never comes to the end where it would kill what it started.
 */
export const DYING_WITH_PARENT: readonly [string, ...string[]] = ["setpriv", "--pdeathsig", "KILL"];

export class TapmeshChild {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  #end: Ended | undefined;

  constructor(args: ReadonlyArray<string>, surroundings: Surroundings = {}) {
    const { NODE_OPTIONS: _options, TAPMESH_CONFIG: _config, ...inherited } = process.env;
    const env = { ...inherited, NODE_COMPILE_CACHE: COMPILE_CACHE, ...surroundings.env };
    const { cwd, within = [] } = surroundings;
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", MAIN];
    const [program = "", ...rest] = [...within, ...DYING_WITH_PARENT, ...node, ...args];
    this.process = spawn(program, rest, {
      stdio: ["ignore", "pipe", "pipe"],
      env,
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.process.stdout?.on("data", (text: Buffer) => {
      this.stdout += text.toString();
    });
    this.process.stderr?.on("data", (text: Buffer) => {
      this.stderr += text.toString();
    });
    this.ended = new Promise((resolve) => {
      this.process.once("close", (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** The lines of its journal so far. */
  journal(): ReadonlyArray<JournalLine> {
    return this.stdout
      .split("\n")
      .map(parseLine)
      .filter((line) => line !== undefined);
  }

  /** Waits for a line with this code; fails at once when the process ends without it. */
  async line(code: string, timeoutMs = 20_000): Promise<JournalLine> {
    const found = await eventually(
      `a line ${code}`,
      () => {
        const line = this.journal().find((candidate) => candidate["code"] === code);
        return line ?? (this.hasEnded ? null : undefined);
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`it said ${this.stdout}${this.stderr}`, { cause: error });
    });
    if (found === null) throw new Error(`it ended without ${code}: ${this.stdout}${this.stderr}`);
    return found;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<Ended> {
    if (!this.hasEnded) this.process.kill(signal);
    return this.ended;
  }
}

/** Runs one command to its end. */
export const runTapmesh = async (
  args: ReadonlyArray<string>,
  surroundings: Surroundings = {},
): Promise<Ended & { readonly stdout: string; readonly stderr: string }> => {
  const child = new TapmeshChild(args, surroundings);
  const ended = await child.ended;
  return { ...ended, stdout: child.stdout, stderr: child.stderr };
};
