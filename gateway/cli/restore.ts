/**
 * `tapmesh restore`: a blank machine takes the place of a dead one. It makes a key of its own, asks the operator to sign
 * it, takes taps from its first second on, and gets logs and state back from its peers, or from a backup first.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { OPEN_REASON } from "#core/log/body.ts";
import { formatJoinRequest } from "#core/trust/join-request.ts";
import {
  configFile,
  EXIT,
  loadConfig,
  type CommonOptions,
  type ExitCode,
  type Io,
} from "#gateway/cli/io.ts";
import { runGateway } from "#gateway/cli/run.ts";
import { describeBackupError, describeFleetFileError } from "#gateway/cli/start-errors.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { GATEWAY_KEY_FILE, loadGatewayKey } from "#gateway/fleet/fleet-files.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { restoreBackup } from "#gateway/store/backup.ts";
import { LOG_FILE, MIRROR_FILE, STATE_FILE } from "#gateway/store/open-files.ts";

interface RestoreOptions extends CommonOptions {
  readonly from?: string;
}

/** What the operator signs; its presence also says that a restore has begun here. */
export const JOIN_REQUEST_FILE = "join-request.txt";

/** What a blank machine does not have. */
const TRACES = [GATEWAY_KEY_FILE, LOG_FILE, MIRROR_FILE, STATE_FILE];

/** Why this can't be the place; undefined if it can. A restore that was interrupted goes on. */
const problemOf = (config: GatewayConfig): string | undefined => {
  const { dataDir, fleetFiles } = config;
  for (const path of [fleetFiles.fleetKey, fleetFiles.cardKey, fleetFiles.roster]) {
    if (!existsSync(path)) {
      return `${path} is missing: copy fleet.pub, card.key and roster.txt here from the fleet's folder, never a key that signs`;
    }
  }
  if (existsSync(join(dataDir, JOIN_REQUEST_FILE))) return undefined;
  const trace = TRACES.find((name) => existsSync(join(dataDir, name)));
  return trace === undefined
    ? undefined
    : `${dataDir} is not blank (${trace}): a gateway that has its disk is started with "tapmesh run"; to begin anew all the same, move that folder away`;
};

/** Makes key and request. Left: words. */
const prepare = (config: GatewayConfig): E.Either<string, string> => {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const path = join(config.dataDir, JOIN_REQUEST_FILE);
  const key = loadGatewayKey(config.dataDir);
  if (E.isLeft(key)) return E.left(describeFleetFileError(key.left));
  const { fleet, gateway, site } = config;
  const request = formatJoinRequest(sha256, { fleet, gateway, site, reason: "restore" }, key.right);
  writeFileSync(path, request, { flush: true });
  return E.right(path);
};

const restore = async (io: Io, options: RestoreOptions): Promise<ExitCode> => {
  if (configFile(io, options) === null) {
    io.err("restore: name the dead gateway's configuration with --config");
    return EXIT.usage;
  }
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.usage;
  const problem = problemOf(config);
  if (problem !== undefined) {
    io.err(`restore: ${problem}`);
    return EXIT.failure;
  }
  const hasBegun = existsSync(join(config.dataDir, JOIN_REQUEST_FILE));
  if (options.from !== undefined && !hasBegun) {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    const file = resolve(io.cwd, options.from);
    const restored = restoreBackup(file, config);
    if (E.isLeft(restored)) {
      io.err(`restore: ${describeBackupError(restored.left)}`);
      return EXIT.failure;
    }
    io.out(
      `backup   ${restored.right.records} records of ${restored.right.epochs} epochs, each verified`,
    );
  }
  const request = prepare(config);
  if (E.isLeft(request)) {
    io.err(`restore: ${request.left}`);
    return EXIT.failure;
  }
  io.out(`request  ${request.right}`);
  io.out(`sign it in the fleet's folder: tapmesh roster sign ${JOIN_REQUEST_FILE}`);
  io.out("then copy roster.txt to any one gateway: all others take it from there");
  return runGateway(io, options, OPEN_REASON.restore);
};

export const registerRestore = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("restore")
    .description("take a dead gateway's place on a blank machine, and run")
    .option("--from <file>", "begin with a backup; peers give what is newer")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh restore --config /etc/tapmesh/gateway.yaml\n  tapmesh restore --from usb/backup.db --config /etc/tapmesh/gateway.yaml",
    )
    .action(async (_local, command: Command) => end(await restore(io, command.optsWithGlobals())));
};
