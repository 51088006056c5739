/** What the doctor sees of the machine, and may do to it: everything through here, so that any machine can be made up. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import * as fs from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { feelPcscdPulse, probePcscd, type PcscdProbe } from "#gateway/reader/pcsc/pcscd-socket.ts";
import { freeBytes } from "#gateway/system.ts";

/** How a program ended; `code` is null where it could not be run. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
}

export interface World {
  readonly user: string;
  readonly isRoot: boolean;
  readonly wallMs: () => number;
  /** Null: it isn't there, or can't be read. */
  readonly read: (file: string) => string | null;
  readonly exists: (path: string) => boolean;
  /** Whether this user may read and write it. */
  readonly mayUse: (path: string) => boolean;
  /** Names in a folder; none where there is no such folder. */
  readonly list: (folder: string) => ReadonlyArray<string>;
  /** Null where nobody can tell. */
  readonly freeBytes: (folder: string) => number | null;
  readonly run: (program: string, ...args: ReadonlyArray<string>) => Promise<Ran>;
  /** Null: it could be written; else why not. */
  readonly write: (file: string, text: string) => string | null;
  /** `frozen`: it lets us connect and never says a word. */
  readonly pcscd: () => Promise<PcscdProbe | "frozen">;
  /** Null: somebody accepts connections there; else why not. */
  readonly reach: (host: string, port: number) => Promise<string | null>;
}

const RUN_TIMEOUT_MS = 20_000;
const REACH_TIMEOUT_MS = 2_000;

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What it gives, or `otherwise` where the machine refuses. */
const attempt = <A, B>(work: () => A, otherwise: B): A | B => {
  try {
    return work();
  } catch {
    return otherwise;
  }
};

const run: World["run"] = (program, ...args) =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: RUN_TIMEOUT_MS }, (error, stdout, stderr) => {
      const out = `${stdout}${stderr}`.trim();
      if (error === null) resolve({ code: 0, out });
      else if (typeof error.code === "number") resolve({ code: error.code, out });
      else resolve({ code: null, out: error.message });
    });
  });

const reach: World["reach"] = (host, port) =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (reason: string | null): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(REACH_TIMEOUT_MS, () =>
      end(`no answer within ${REACH_TIMEOUT_MS / 1_000} s`),
    );
    socket.once("connect", () => end(null));
    socket.once("error", (error) => end(error.message));
  });

const write: World["write"] = (file, text) => {
  try {
    fs.mkdirSync(dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
};

/** This machine. */
export const systemWorld = (user: string): World => ({
  user,
  isRoot: process.getuid?.() === 0,
  wallMs: () => Date.now(),
  read: (file) => attempt(() => fs.readFileSync(file, "utf8"), null),
  exists: (path) => fs.existsSync(path),
  mayUse: (path) =>
    attempt(() => {
      fs.accessSync(path, constants.R_OK | constants.W_OK);
      return true;
    }, false),
  list: (folder) => attempt(() => fs.readdirSync(folder), []),
  freeBytes: (folder) => attempt(() => freeBytes(folder), null),
  run,
  write,
  pcscd: async () => {
    const probe = await probePcscd();
    if (probe !== "running") return probe;
    return (await feelPcscdPulse()) === "silent" ? "frozen" : "running";
  },
  reach,
});
