/** Asking the running gateway, and saying in words why that failed. */
import * as E from "fp-ts/lib/Either.js";
import { EXIT, loadConfig, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { askGateway, type ControlFailure } from "#gateway/control/client.ts";
import type { ControlRequest, ControlResults, RequestOf } from "#gateway/control/protocol.ts";

export const sayFailure = (io: Io, options: CommonOptions, failure: ControlFailure): ExitCode => {
  const message = describeFailure(failure);
  if (options.json === true) io.out(JSON.stringify({ error: message }));
  else io.err(message);
  return EXIT.failure;
};

const describeFailure = (failure: ControlFailure): string => {
  switch (failure._tag) {
    case "NotRunning":
      return `the gateway is not running (nobody listens at ${failure.path}); start it with "make run" or "tapmesh run", or name its configuration with --config`;
    case "NotPermitted":
      return `no permission for ${failure.path}; run as the gateway's user or with sudo`;
    case "ConnectionLost":
      return "the gateway went away before it answered";
    case "Refused":
      return failure.error.message;
  }
};

/** Asks, and prints the answer by `words` or as JSON. */
export const askAndPrint = async <Verb extends Exclude<ControlRequest["verb"], "watch">>(
  io: Io,
  options: CommonOptions,
  asking: {
    readonly request: RequestOf<Verb>;
    readonly words: (result: ControlResults[Verb]) => string;
    readonly exitCode?: (result: ControlResults[Verb]) => ExitCode;
  },
): Promise<ExitCode> => {
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.usage;
  const answer = await askGateway<Verb>(config.controlSocket, asking.request);
  if (E.isLeft(answer)) return sayFailure(io, options, answer.left);
  io.out(options.json === true ? JSON.stringify(answer.right) : asking.words(answer.right));
  return asking.exitCode?.(answer.right) ?? EXIT.ok;
};
