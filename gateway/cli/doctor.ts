/** `tapmesh doctor`: what is wrong here, in plain words, with the command that mends it. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { bundleText } from "#gateway/cli/doctor/bundle.ts";
import { applyCures } from "#gateway/cli/doctor/cures.ts";
import { type Finding, ok, wrong } from "#gateway/cli/doctor/finding.ts";
import { examineMachine } from "#gateway/cli/doctor/machine.ts";
import { examinePcsc } from "#gateway/cli/doctor/pcsc.ts";
import { examinePn532 } from "#gateway/cli/doctor/pn532.ts";
import { systemWorld, type World } from "#gateway/cli/doctor/world.ts";
import {
  configFile,
  EXIT,
  loadConfig,
  type CommonOptions,
  type ExitCode,
  type Io,
} from "#gateway/cli/io.ts";
import { describeFleetFileError } from "#gateway/cli/start-errors.ts";
import { problemsOf } from "#gateway/cli/status.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { askGateway, type ControlFailure } from "#gateway/control/client.ts";
import type { StatusView } from "#gateway/control/protocol.ts";
import type { ReaderStatus } from "#gateway/reader/readers.ts";
import { loadCardKey, loadRoster } from "#gateway/fleet/fleet-files.ts";

interface DoctorOptions extends CommonOptions {
  readonly fix?: boolean;
  readonly bundle?: string;
}

type Status = E.Either<ControlFailure, StatusView>;

const examineFleet = (config: GatewayConfig): Finding => {
  if (config.fleetFiles.makeOwn && !existsSync(config.fleetFiles.roster)) {
    return ok("fleet", "is made at the first start");
  }
  const roster = loadRoster(config.fleetFiles, config.dataDir);
  if (E.isLeft(roster)) {
    return wrong("fleet", roster.left._tag, { advice: describeFleetFileError(roster.left) });
  }
  const cardKey = loadCardKey(config.fleetFiles);
  if (E.isLeft(cardKey)) {
    return wrong("fleet", cardKey.left._tag, { advice: describeFleetFileError(cardKey.left) });
  }
  const { fleet, version, gateways } = roster.right.roster;
  return ok("fleet", `${fleet}, roster ${version} with ${gateways.length} gateways`);
};

/** What the running gateway says of itself. */
const examineProcess = (config: GatewayConfig, status: Status): ReadonlyArray<Finding> => {
  if (E.isRight(status)) {
    const problems = problemsOf(status.right);
    return [
      ok("gateway", "runs"),
      ...problems.map((problem) => wrong("gateway", "degraded", { advice: problem })),
    ];
  }
  const advice =
    status.left._tag === "NotPermitted"
      ? `no permission for ${config.controlSocket}: run as the gateway's user or with sudo`
      : `start it: tapmesh run (or make run in a checkout)`;
  return [wrong("gateway", "does not run", { advice })];
};

const examinePcscReaders = async (
  world: World,
  config: GatewayConfig,
  said: ReadonlyArray<ReaderStatus>,
): Promise<ReadonlyArray<Finding>> => {
  const wanted = config.readers.filter(({ driver, optional }) => driver === "pcsc" && !optional);
  if (wanted.length === 0) return [];
  const isUp = wanted.every(({ id }) => said.some((reader) => reader.id === id && reader.up));
  return await examinePcsc(world, isUp);
};

const examineReaders = async (
  world: World,
  config: GatewayConfig,
  status: Status,
): Promise<ReadonlyArray<Finding>> => {
  const said = E.isRight(status) ? status.right.readers : [];
  const onWires = config.readers.flatMap(({ id, pn532 }) => {
    const state = said.find((reader) => reader.id === id) ?? null;
    return pn532 === null ? [] : examinePn532(world, { id, ...pn532, state });
  });
  return [...(await examinePcscReaders(world, config, said)), ...onWires];
};

const examine = async (
  world: World,
  config: GatewayConfig,
  status: Status,
): Promise<ReadonlyArray<Finding>> => [
  examineFleet(config),
  ...(await examineMachine(world, config, E.isRight(status))),
  ...(await examineReaders(world, config, status)),
  ...examineProcess(config, status),
];

const tell = (io: Io, options: DoctorOptions, finding: Finding): void => {
  const { what, found, advice } = finding;
  if (options.json === true) {
    io.out(JSON.stringify({ what, found, advice, fix: finding.cure?.does ?? null }));
    return;
  }
  const mend = advice === null ? "" : `\n      → ${advice}`;
  io.out(`${advice === null ? "ok  " : "MEND"}  ${what.padEnd(8)} ${found}${mend}`);
};

const writeBundle = async (
  io: Io,
  world: World,
  parts: {
    readonly file: string;
    readonly config: string | null;
    readonly findings: ReadonlyArray<Finding>;
    readonly status: Status;
  },
): Promise<void> => {
  const { findings, config, status } = parts;
  const text = await bundleText(world, {
    findings,
    config: config === null ? null : readFileSync(config, "utf8"),
    status: E.isRight(status) ? status.right : null,
  });
  const file = resolve(io.cwd, parts.file);
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, 0o600); // also where it was there before
  io.err(`wrote ${file}: read it through before you send it`);
};

const doctor = async (io: Io, world: World, options: DoctorOptions): Promise<ExitCode> => {
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.failure;
  const status = await askGateway(config.controlSocket, { verb: "status" });
  const file = configFile(io, options);
  const look = async (): Promise<ReadonlyArray<Finding>> => [
    ok("config", file ?? "built-in demonstration"),
    ...(await examine(world, config, status)),
  ];
  let findings = await look();
  if (options.fix === true) {
    const isBetter = await applyCures(io, world, findings);
    if (isBetter) findings = await look();
  }
  for (const finding of findings) tell(io, options, finding);
  if (options.bundle !== undefined) {
    await writeBundle(io, world, { file: options.bundle, config: file, findings, status });
  }
  return findings.every(({ advice }) => advice === null) ? EXIT.ok : EXIT.degraded;
};

export const registerDoctor = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("doctor")
    .description("look for what is wrong, and say what mends it; exit code 3 if something is")
    .option("--fix", "do what is safe; asks first, where somebody is there to answer")
    .option("--bundle <file>", "write all that helps to find a fault, without UIDs and keys")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh doctor\n  sudo tapmesh doctor --fix\n  tapmesh doctor --bundle report.txt",
    )
    .action(async (_local, command: Command) =>
      end(await doctor(io, systemWorld(io.user), command.optsWithGlobals())),
    );
};
