/** `tapmesh backup`: all records of a gateway in one file, which proves itself. */
import { resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { EXIT, loadConfig, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { describeBackupError } from "#gateway/cli/start-errors.ts";
import { writeBackup } from "#gateway/store/backup.ts";

const backup = (io: Io, file: string, options: CommonOptions): ExitCode => {
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.usage;
  const path = resolve(io.cwd, file);
  const written = writeBackup(config.dataDir, path);
  if (E.isLeft(written)) {
    io.err(`backup: ${describeBackupError(written.left)}`);
    return EXIT.failure;
  }
  const { records, epochs, leftOut } = written.right;
  if (options.json === true) io.out(JSON.stringify({ file: path, records, epochs, leftOut }));
  else {
    io.out(`backup   ${records} records of ${epochs} epochs, each verified: ${path}`);
    io.out("         (no keys are in it; a gateway that is restored makes new ones)");
  }
  for (const epoch of leftOut) io.err(`backup: epoch ${epoch} doesn't verify, and was left out`);
  return leftOut.length === 0 ? EXIT.ok : EXIT.degraded;
};

export const registerBackup = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("backup")
    .argument("<file>", "must not exist yet")
    .description("all records, own and mirrored, in one file; the gateway may run meanwhile")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh backup /media/usb/lobby.db\n  tapmesh log verify /media/usb/lobby.db   prove it, anywhere",
    )
    .action((file: string, _local, command: Command) =>
      end(backup(io, file, command.optsWithGlobals())),
    );
};
