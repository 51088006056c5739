/** What a verb has of the world: where to write, and what main.ts took from argv, env and signals. */
import * as E from "fp-ts/lib/Either.js";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { demoConfig, parseConfig } from "#gateway/config/parse.ts";
import { formatProblem } from "#gateway/config/problem.ts";

export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly isTerminal: boolean;
  /** Asks a person, who may take as long as they like; null where nobody is there to answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Who runs the command, for records that a person causes. */
  readonly user: string;
}

/** Options that every verb takes. */
export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export const EXIT = { ok: 0, failure: 1, usage: 2, degraded: 3 } as const;

/** What a verb ends with. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const SYSTEM_CONFIG = "/etc/tapmesh/gateway.yaml";

/** The configuration file in force, or null where the built-in demonstration is. */
export const configFile = (io: Io, options: CommonOptions): string | null => {
  const given = options.config ?? io.env["TAPMESH_CONFIG"];
  if (given !== undefined) return resolve(io.cwd, given);
  return existsSync(SYSTEM_CONFIG) ? SYSTEM_CONFIG : null;
};

/** Reads the configuration; on a problem says every one and returns undefined. */
export const loadConfig = (io: Io, options: CommonOptions): GatewayConfig | undefined => {
  const file = configFile(io, options);
  if (file === null) return demoConfig(io.cwd);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    io.err(`config: can't be read: ${detail}`);
    return undefined;
  }
  const config = parseConfig(text, file);
  if (E.isRight(config)) return config.right;
  for (const problem of config.left) io.err(formatProblem(file, problem));
  return undefined;
};
