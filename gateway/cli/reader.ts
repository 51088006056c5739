/** `tapmesh reader …`: the readers, and whether they answer. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { askAndPrint, sayFailure } from "#gateway/cli/ask.ts";
import { formatEvent } from "#gateway/cli/tap.ts";
import { watchGateway } from "#gateway/control/client.ts";
import { EXIT, loadConfig, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";

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

/** Waits for a card at one reader, and says what the gateway made of it. */
const test = async (
  io: Io,
  id: string,
  options: CommonOptions & { readonly seconds: string },
): Promise<ExitCode> => {
  const config = loadConfig(io, options);
  const seconds = Number(options.seconds);
  if (config === undefined) return EXIT.usage;
  if (!config.readers.some((reader) => reader.id === id) || !(seconds > 0)) {
    const known = config.readers.map((reader) => reader.id).join(", ");
    io.err(`reader test: expected one of ${known}, and --seconds above 0`);
    return EXIT.usage;
  }
  if (options.json !== true) io.out(`hold a card to ${id} (${seconds} s)`);
  const found = new AbortController();
  const signal = AbortSignal.any([found.signal, io.signal, AbortSignal.timeout(seconds * 1_000)]);
  let code: ExitCode = EXIT.failure;
  const watched = await watchGateway(
    config.controlSocket,
    (event) => {
      const isHere =
        (event.event === "tap" && event.tap.reader === id) ||
        (event.event === "unread" && event.reader === id);
      if (!isHere || found.signal.aborted) return;
      io.out(options.json === true ? JSON.stringify(event) : formatEvent(event));
      if (event.event === "tap") code = EXIT.ok;
      found.abort();
    },
    signal,
  );
  if (E.isLeft(watched)) return sayFailure(io, options, watched.left);
  if (!found.signal.aborted)
    io.err(`no card was seen at ${id}: "tapmesh doctor" looks for the reason`);
  return code;
};

export const registerReader = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const reader = program.command("reader").description("the readers");
  reader
    .command("list")
    .description("all configured readers; exit code 3 if one is down")
    .addHelpText("after", "\nExample:\n  tapmesh reader list")
    .action(async (_local, command: Command) => end(await list(io, command.optsWithGlobals())));
  reader
    .command("test")
    .argument("<reader>", "its id in the configuration")
    .description("wait for a card at this reader, and say what was read")
    .option("--seconds <n>", "how long to wait", "15")
    .addHelpText("after", "\nExample:\n  tapmesh reader test door-1")
    .action(async (id: string, _local, command: Command) =>
      end(await test(io, id, command.optsWithGlobals())),
    );
};
