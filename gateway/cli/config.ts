/** `tapmesh config check`: whether a configuration is good, before it is used. */
import type { Command } from "commander";
import {
  configFile,
  EXIT,
  loadConfig,
  type CommonOptions,
  type ExitCode,
  type Io,
} from "#gateway/cli/io.ts";

const check = (io: Io, options: CommonOptions): ExitCode => {
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.failure;
  const file = configFile(io, options) ?? "built-in demonstration";
  io.out(
    options.json === true ? JSON.stringify(config) : `ok   ${file}   gateway ${config.gateway}`,
  );
  return EXIT.ok;
};

export const registerConfig = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const config = program.command("config").description("the configuration");
  config
    .command("check")
    .argument("[file]", "the file to check, if not the one in force")
    .description("check a configuration; every problem is shown with its line")
    .addHelpText("after", "\nExample:\n  tapmesh config check gateway.yaml")
    .action((file: string | undefined, _local, command: Command) => {
      const options: CommonOptions = command.optsWithGlobals();
      end(check(io, file === undefined ? options : { ...options, config: file }));
    });
};
