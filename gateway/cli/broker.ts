/** `tapmesh broker`: a broker alone, for a machine that has no reader. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { runBroker } from "#broker/standalone.ts";
import { mayPublish } from "#core/message/topics.ts";
import { EXIT, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { describeBrokerError } from "#gateway/cli/start-errors.ts";
import { createJournal } from "#gateway/journal.ts";

const LISTEN = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})$/;

const run = async (io: Io, listen: string): Promise<ExitCode> => {
  const [, host, port] = LISTEN.exec(listen) ?? [];
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    io.err(`--listen must be host:port with a port up to 65535, not "${listen}"`);
    return EXIT.usage;
  }
  const journal = createJournal(io.isTerminal ? "text" : "json", io.out);
  const options = { host: host.replaceAll(/[[\]]/g, ""), port: Number(port), mayPublish };
  const ended = await runBroker({ journal }, options, io.signal);
  if (E.isRight(ended)) return EXIT.ok;
  io.err(describeBrokerError(ended.left));
  return EXIT.failure;
};

export const registerBroker = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("broker")
    .description("run the MQTT broker alone")
    .option("--listen <host:port>", "where to listen", "127.0.0.1:1883")
    .addHelpText("after", "\nExample:\n  tapmesh broker --listen 127.0.0.1:1884")
    .action(async ({ listen }: { listen: string }) => end(await run(io, listen)));
};
