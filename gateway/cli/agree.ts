/** Verbs that first show what they would do: a person agrees, or `--yes` has said so already. */
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";

export interface YesOption extends CommonOptions {
  readonly yes?: boolean;
}

/**
 * Asks for agreement with what was just shown. Undefined: go ahead. Else what to end with, which was said: 1 where a
 * person said no, 2 where nobody could be asked and `--yes` is missing.
 */
export const agreement = async (io: Io, options: YesOption): Promise<ExitCode | undefined> => {
  // Where a program reads what is said, no person is there to be asked.
  if (io.ask === null || options.json === true) {
    io.err("nothing was written: say --yes to do it");
    return EXIT.usage;
  }
  const answer = (await io.ask("Do it? [y/N] ")).trim().toLowerCase();
  if (answer === "y" || answer === "yes") return undefined;
  io.err("nothing was written");
  return EXIT.failure;
};
