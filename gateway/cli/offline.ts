/** Reading verbs while the gateway is down: the same questions, asked of the files. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { sayFailure } from "#gateway/cli/ask.ts";
import { EXIT, loadConfig, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { describeStoreError } from "#gateway/cli/start-errors.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { askGateway } from "#gateway/control/client.ts";
import type { ControlResults, RequestOf } from "#gateway/control/protocol.ts";
import type { Store } from "#gateway/ports.ts";
import { openStore } from "#gateway/store/client.ts";
import { LOG_FILE } from "#gateway/store/open-files.ts";
import { systemClock } from "#gateway/system.ts";

const ask = async <A>(
  io: Io,
  config: GatewayConfig,
  question: (store: Store) => Promise<A>,
): Promise<E.Either<ExitCode, A>> => {
  if (!existsSync(join(config.dataDir, LOG_FILE))) {
    io.err(`there is no log in ${config.dataDir}: no gateway has run with this configuration yet`);
    return E.left(EXIT.failure);
  }
  const opened = await openStore({
    directory: config.dataDir,
    wallMs: systemClock.wallMs(),
    onFolded: () => undefined,
    onDeath: (error) => io.err(error.message),
  });
  if (E.isLeft(opened)) {
    io.err(describeStoreError(opened.left));
    return E.left(EXIT.failure);
  }
  const answer = await question(opened.right.store);
  await opened.right.store.close();
  return E.right(answer);
};

type ReadingVerb = "devices" | "device" | "records" | "author-heads";

/** Asks the running gateway, or its files if it is down, which is said on stderr. Left: it was said why not. */
export const askOrRead = async <Verb extends ReadingVerb, A>(
  io: Io,
  options: CommonOptions,
  asking: {
    readonly request: RequestOf<Verb>;
    readonly offline: (store: Store) => Promise<A>;
    /** A further page of the same answer: it was said where that is read from. */
    readonly isFurther?: boolean;
  },
): Promise<E.Either<ExitCode, ControlResults[Verb] | A>> => {
  const config = loadConfig(io, options);
  if (config === undefined) return E.left(EXIT.usage);
  const answer = await askGateway<Verb>(config.controlSocket, asking.request);
  if (E.isRight(answer)) return answer;
  if (answer.left._tag !== "NotRunning") return E.left(sayFailure(io, options, answer.left));
  if (asking.isFurther !== true) {
    io.err(`(the gateway is not running: read from ${config.dataDir})`);
  }
  return ask(io, config, asking.offline);
};
