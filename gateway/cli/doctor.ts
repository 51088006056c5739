/** `tapmesh doctor`: what is wrong here, in plain words, with the command that mends it. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { classifyClock, clockClassName } from "#core/clock/clock-class.ts";
import { CLOCK_CLASS } from "#core/log/body.ts";
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
import { askGateway } from "#gateway/control/client.ts";
import { loadCardKey, loadRoster } from "#gateway/fleet/fleet-files.ts";
import { DISK_FREE_BYTES_MIN } from "#gateway/limits.ts";
import { probePcscd } from "#gateway/reader/pcsc/pcscd-socket.ts";
import { freeBytes, readClockSigns } from "#gateway/system.ts";

/** One thing that was looked at. `advice` is null where nothing is wrong. */
interface Finding {
  readonly what: string;
  readonly found: string;
  readonly advice: string | null;
}

const ok = (what: string, found: string): Finding => ({ what, found, advice: null });

const PCSCD_ADVICE: Readonly<Record<Awaited<ReturnType<typeof probePcscd>>, string | null>> = {
  running: null,
  missing: "sudo apt-get install -y pcscd && sudo systemctl start pcscd.socket",
  refused: "sudo systemctl restart pcscd.socket pcscd",
};

const examinePcscd = async (config: GatewayConfig): Promise<Finding | undefined> => {
  const readers = config.readers.filter(({ driver }) => driver === "pcsc");
  if (readers.length === 0) return undefined;
  const state = await probePcscd();
  const isNeeded = readers.some(({ optional }) => !optional);
  return { what: "pcscd", found: state, advice: isNeeded ? PCSCD_ADVICE[state] : null };
};

const examineDisk = (config: GatewayConfig): Finding => {
  if (!existsSync(config.dataDir)) {
    return ok("disk", `${config.dataDir} is made at the first start`);
  }
  const free = freeBytes(config.dataDir);
  const found = `${Math.floor(free / 1_048_576)} MiB free for ${config.dataDir}`;
  const advice = free >= DISK_FREE_BYTES_MIN ? null : "make room: nothing can be recorded";
  return { what: "disk", found, advice };
};

const examineClock = (): Finding => {
  const clockClass = classifyClock(readClockSigns());
  const found = `${new Date().toISOString()} (${clockClassName(clockClass)})`;
  const advice =
    clockClass === CLOCK_CLASS.none
      ? "the clock was never set: connect the network for NTP; taps are recorded all the same"
      : null;
  return { what: "clock", found, advice };
};

const examineFleet = (config: GatewayConfig): Finding => {
  if (config.fleetFiles.makeOwn && !existsSync(config.fleetFiles.roster)) {
    return ok("fleet", "is made at the first start");
  }
  const roster = loadRoster(config.fleetFiles, config.dataDir);
  if (E.isLeft(roster)) {
    return { what: "fleet", found: roster.left._tag, advice: describeFleetFileError(roster.left) };
  }
  const cardKey = loadCardKey(config.fleetFiles);
  if (E.isLeft(cardKey)) {
    return {
      what: "fleet",
      found: cardKey.left._tag,
      advice: describeFleetFileError(cardKey.left),
    };
  }
  const { fleet, version, gateways } = roster.right.roster;
  return ok("fleet", `${fleet}, roster ${version} with ${gateways.length} gateways`);
};

/** What the running gateway says of itself. */
const examineProcess = async (config: GatewayConfig): Promise<ReadonlyArray<Finding>> => {
  const status = await askGateway(config.controlSocket, { verb: "status" });
  if (E.isRight(status)) {
    const problems = problemsOf(status.right).map((problem) => ({
      what: "gateway",
      found: "degraded",
      advice: problem,
    }));
    return [ok("gateway", "runs"), ...problems];
  }
  const advice =
    status.left._tag === "NotPermitted"
      ? `no permission for ${config.controlSocket}: run as the gateway's user or with sudo`
      : `start it: tapmesh run (or make run in a checkout)`;
  return [{ what: "gateway", found: "does not run", advice }];
};

const examine = async (io: Io, options: CommonOptions): Promise<ExitCode> => {
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.failure;
  const findings = [
    ok("config", configFile(io, options) ?? "built-in demonstration"),
    examineFleet(config),
    examineDisk(config),
    examineClock(),
    await examinePcscd(config),
    ...(await examineProcess(config)),
  ].filter((finding) => finding !== undefined);
  for (const { what, found, advice } of findings) {
    if (options.json === true) io.out(JSON.stringify({ what, found, advice }));
    else
      io.out(
        `${advice === null ? "ok  " : "MEND"}  ${what.padEnd(8)} ${found}${advice === null ? "" : `\n      → ${advice}`}`,
      );
  }
  return findings.every(({ advice }) => advice === null) ? EXIT.ok : EXIT.degraded;
};

export const registerDoctor = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("doctor")
    .description("look for what is wrong, and say what mends it; exit code 3 if something is")
    .addHelpText("after", "\nExample:\n  tapmesh doctor")
    .action(async (_local, command: Command) => end(await examine(io, command.optsWithGlobals())));
};
