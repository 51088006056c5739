/** `tapmesh reader …`: the readers, and whether they answer. */
import type { Command } from "commander";
import { askAndPrint } from "#gateway/cli/ask.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";

const list = (io: Io, options: CommonOptions): Promise<ExitCode> =>
  askAndPrint(io, options, {
    request: { verb: "status" },
    words: ({ readers }) =>
      readers
        .map(
          ({ id, driver, up, detail }) =>
            `${id.padEnd(10)} ${driver.padEnd(10)} ${up ? "up" : "DOWN"}   ${detail}`,
        )
        .join("\n"),
    exitCode: ({ readers }) =>
      readers.every(({ up, optional }) => up || optional) ? EXIT.ok : EXIT.degraded,
  });

export const registerReader = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const reader = program.command("reader").description("the readers");
  reader
    .command("list")
    .description("all configured readers; exit code 3 if one is down")
    .addHelpText("after", "\nExample:\n  tapmesh reader list")
    .action(async (_local, command: Command) => end(await list(io, command.optsWithGlobals())));
};
