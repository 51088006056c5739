/** All verbs of the command line, and the exit code that each ends with. */
import { Command, CommanderError } from "commander";
import { registerBackup } from "#gateway/cli/backup.ts";
import { registerBroker } from "#gateway/cli/broker.ts";
import { registerConfig } from "#gateway/cli/config.ts";
import { registerDemo } from "#gateway/cli/demo.ts";
import { registerDevice } from "#gateway/cli/device.ts";
import { registerDoctor } from "#gateway/cli/doctor.ts";
import { EXIT, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { registerLog } from "#gateway/cli/log.ts";
import { registerReader } from "#gateway/cli/reader.ts";
import { registerRestore } from "#gateway/cli/restore.ts";
import { registerRoster } from "#gateway/cli/roster.ts";
import { registerRun } from "#gateway/cli/run.ts";
import { registerStatus } from "#gateway/cli/status.ts";
import { registerTag } from "#gateway/cli/tag.ts";
import { registerTap } from "#gateway/cli/tap.ts";

const EXAMPLES = `
Examples:
  tapmesh run                              a gateway to try out, below ./var
  tapmesh tap ntag215                      an emulated card on its simulated reader
  tapmesh device enrol cart-7 --last-tap   the card tapped last is cart-7's from now on
  tapmesh device show cart-7 --why         what is known of it, and which record says so
  tapmesh log verify var/lobby/log.db      prove a log, offline

Exit codes: 0 ok, 1 failure, 2 usage, 3 degraded.`;

/** Runs one command line; resolves with its exit code. Never rejects for a mistake of the caller's. */
export const runCommandLine = async (argv: ReadonlyArray<string>, io: Io): Promise<ExitCode> => {
  let code: ExitCode = EXIT.ok;
  const end = (ended: ExitCode): void => {
    code = ended;
  };
  const program = new Command("tapmesh")
    .description(
      "The gateway behind NFC readers: a verdict at once, a signed log, peers that converge.",
    )
    .option(
      "-c, --config <file>",
      "configuration (else $TAPMESH_CONFIG, /etc/tapmesh/gateway.yaml, or a demonstration)",
    )
    .option("--json", "answers as JSON")
    .showHelpAfterError("(--help shows the usage)")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .addHelpText("after", EXAMPLES);
  const registrations = [
    registerRun,
    registerBroker,
    registerDemo,
    registerRestore,
    registerStatus,
    registerTap,
    registerTag,
    registerDevice,
    registerLog,
    registerReader,
    registerRoster,
    registerConfig,
    registerDoctor,
    registerBackup,
  ];
  for (const register of registrations) register(program, io, end);
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
};
