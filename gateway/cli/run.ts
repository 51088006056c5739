/** `tapmesh run`: one gateway, with its broker if it has one, until a signal ends it. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { OPEN_REASON } from "#core/log/body.ts";
import { mayPublish } from "#core/message/topics.ts";
import { startBroker, type EmbeddedBroker } from "#broker/embedded.ts";
import {
  configFile,
  EXIT,
  loadConfig,
  type CommonOptions,
  type ExitCode,
  type Io,
} from "#gateway/cli/io.ts";
import { makeOwnFleet } from "#gateway/cli/own-fleet.ts";
import {
  describeBrokerError,
  describeNotice,
  describeStartError,
} from "#gateway/cli/start-errors.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { startControlServer } from "#gateway/control/server.ts";
import { createVerbs } from "#gateway/control/verbs.ts";
import { startHealthServer } from "#gateway/http/health.ts";
import { readinessOf } from "#gateway/http/readiness.ts";
import { createJournal } from "#gateway/journal.ts";
import type { Journal } from "#gateway/ports.ts";
import type { Gateway } from "#gateway/gateway.ts";
import { startGateway } from "#gateway/run.ts";
import { systemClock } from "#gateway/system.ts";

/** A stop that takes longer is cut off: the log stands without its `close` record, and nothing is lost. */
const STOP_TIMEOUT_MS = 4_500;
/** Readers that are there are found within this time; the lines at the start wait for them. */
const READERS_SETTLE_MS = 300;

/** What runs beside the gateway, in the order in which it is stopped. */
interface Companion {
  readonly close: () => Promise<void>;
}

const startEmbeddedBroker = async (
  config: GatewayConfig,
  journal: Journal,
): Promise<EmbeddedBroker | null> => {
  if (config.broker === null) return null;
  const started = await startBroker({ journal }, { ...config.broker, mayPublish });
  if (E.isRight(started)) return started.right;
  // Taps need no broker: the gateway runs, tries to reach whatever listens there, and says so.
  journal.error("broker.not-started", { reason: describeBrokerError(started.left) });
  return null;
};

const startFaces = async (
  gateway: Gateway,
  journal: Journal,
): Promise<E.Either<string, ReadonlyArray<Companion>>> => {
  const { config } = gateway;
  const control = await startControlServer(config.controlSocket, createVerbs(gateway), journal);
  if (E.isLeft(control)) {
    return E.left(`can't listen on ${config.controlSocket}: ${control.left.detail}`);
  }
  if (config.http === null) return E.right([control.right]);
  const health = await startHealthServer(config.http, () => readinessOf(gateway));
  if (E.isRight(health)) return E.right([control.right, health.right]);
  journal.error("http.not-started", { ...config.http, detail: health.left.detail });
  return E.right([control.right]);
};

/** The lines that greet a person who started the gateway by hand. */
const greet = (io: Io, gateway: Gateway, broker: EmbeddedBroker | null): void => {
  const { config } = gateway;
  const readers = gateway.readers.status();
  const hasHardware = readers.some(({ driver, up }) => driver !== "simulated" && up);
  io.out(`gateway ${config.gateway}   fleet ${config.fleet}   log ${config.dataDir}/log.db`);
  for (const { id, driver, up, optional, detail } of readers) {
    if (!up && optional) continue;
    if (up && driver === "simulated" && !hasHardware) {
      io.out(`reader  ${id}   simulated (no PC/SC reader; plug one in, it is picked up)`);
    } else io.out(`reader  ${id}   ${up ? detail : `not there: ${detail}`}`);
  }
  const where =
    broker === null ? config.linkBrokers.join(" ") : `embedded ${broker.host}:${broker.port}`;
  io.out(`broker  ${where === "" ? "none: no peers" : where}          ready`);
  io.out("try: npx tapmesh tap ntag215 · npx tapmesh watch · npx tapmesh doctor");
};

const stopAll = async (
  io: Io,
  gateway: Gateway,
  companions: ReadonlyArray<Companion>,
): Promise<ExitCode> => {
  const stopped = (async (): Promise<boolean> => {
    await gateway.stop();
    for (const companion of companions) await companion.close();
    return true;
  })();
  const timeout = new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(false), STOP_TIMEOUT_MS).unref();
  });
  if (await Promise.race([stopped, timeout])) return EXIT.ok;
  io.err("stop: something did not end in time and was cut off; the log is safe");
  return EXIT.failure;
};

const untilSignal = (io: Io, fatal: Promise<Error>): Promise<Error | null> =>
  Promise.race([
    fatal,
    new Promise<null>((resolve) => {
      if (io.signal.aborted) resolve(null);
      io.signal.addEventListener("abort", () => resolve(null));
    }),
  ]);

/** Runs until a signal; `reason` is why the first epoch is opened. */
export const runGateway = async (
  io: Io,
  options: CommonOptions,
  reason: number = OPEN_REASON.boot,
): Promise<ExitCode> => {
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.usage;
  const isForPerson = io.isTerminal && options.json !== true;
  const journal = createJournal(isForPerson ? "text" : "json", io.out);
  const fleet = makeOwnFleet(config);
  if (E.isLeft(fleet)) {
    io.err(describeStartError(fleet.left));
    return EXIT.failure;
  }
  const fatal = Promise.withResolvers<Error>();
  const broker = await startEmbeddedBroker(config, journal);
  const started = await startGateway(config, {
    clock: systemClock,
    journal,
    onFatal: fatal.resolve,
    openReason: reason,
  });
  if (E.isLeft(started)) {
    await broker?.close();
    io.err(describeStartError(started.left));
    return EXIT.failure;
  }
  const gateway = started.right;
  for (const notice of gateway.notices) {
    journal.error("store.notice", { ...notice, message: describeNotice(notice) });
  }
  const faces = await startFaces(gateway, journal);
  if (E.isLeft(faces)) {
    io.err(faces.left);
    return stopAll(io, gateway, broker === null ? [] : [broker]).then(() => EXIT.failure);
  }
  journal.info("gateway.ready", { gateway: config.gateway, config: configFile(io, options) });
  if (isForPerson) setTimeout(() => greet(io, gateway, broker), READERS_SETTLE_MS).unref();
  return untilStopped(io, {
    gateway,
    companions: [...faces.right, ...(broker === null ? [] : [broker])],
    fatal: fatal.promise,
  });
};

/** Waits for the signal, or for what ends the process by itself. */
const untilStopped = async (
  io: Io,
  running: {
    readonly gateway: Gateway;
    readonly companions: ReadonlyArray<Companion>;
    readonly fatal: Promise<Error>;
  },
): Promise<ExitCode> => {
  const { gateway, companions, fatal } = running;
  const { journal } = gateway;
  const died = await untilSignal(io, fatal);
  if (died !== null) {
    journal.error("gateway.fatal", { detail: died.stack ?? died.message });
    return EXIT.failure;
  }
  const code = await stopAll(io, gateway, companions);
  journal.info("gateway.stopped");
  return code;
};

export const registerRun = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("run")
    .description("run a gateway (without a configuration: a demonstration below ./var)")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh run\n  tapmesh run --config /etc/tapmesh/gateway.yaml",
    )
    .action(async (_local, command: Command) =>
      end(await runGateway(io, command.optsWithGlobals())),
    );
};
