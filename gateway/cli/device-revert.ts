/** `tapmesh device revert`: back to how it was, shown first. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { agreement, type YesOption } from "#gateway/cli/agree.ts";
import { sayFailure } from "#gateway/cli/ask.ts";
import { EXIT, loadConfig, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { formatMoment, MOMENT_HELP, parseMoment } from "#gateway/cli/moment.ts";
import { formatDifference } from "#gateway/cli/words.ts";
import { askGateway } from "#gateway/control/client.ts";
import type {
  ChangeWish,
  DeviceRevert,
  RequestOf,
  RevertResult,
} from "#gateway/control/protocol.ts";
import type { AskedMoment } from "#gateway/queries/moments.ts";
import { systemClock } from "#gateway/system.ts";

interface RevertOptions extends YesOption {
  readonly to: string;
  readonly all?: boolean;
}

const formatDevice = ({ device, differences, refused }: DeviceRevert): string => {
  const first = refused === null ? device : `${device}   REFUSED: ${refused}`;
  const card = differences.some(({ key, stays }) => key === "card" && stays === null);
  const note =
    card && refused === null ? "   (its card too: a tap of it is of this device again)" : "";
  return [`${first}${note}`, ...differences.map(formatDifference)].join("\n");
};

const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? "" : "s"}`;

const formatResult = (result: RevertResult, to: AskedMoment): string => {
  const { applied, devices, refused, records } = result;
  const moment = formatMoment(to);
  if (devices === 0) return `nothing differs from ${moment}`;
  const others = refused === 0 ? "" : `, ${refused} refused`;
  return applied
    ? `reverted to ${moment}: ${count(devices - refused, "device")} by ${count(records, "record")}${others}`
    : `otherwise at ${moment}: ${count(devices, "device")}; ${count(records, "record")} would bring back what can be${others}`;
};

/** Asks the gateway, prints what it says, and returns its answer, or what to end with. */
const ask = async (
  io: Io,
  options: RevertOptions,
  request: RequestOf<"revert">,
): Promise<E.Either<ExitCode, RevertResult>> => {
  const config = loadConfig(io, options);
  if (config === undefined) return E.left(EXIT.usage);
  const isJson = options.json === true;
  const answer = await askGateway<"revert">(config.controlSocket, request, (device) =>
    io.out(isJson ? JSON.stringify(device) : formatDevice(device)),
  );
  if (E.isLeft(answer)) return E.left(sayFailure(io, options, answer.left));
  io.out(isJson ? JSON.stringify(answer.right) : formatResult(answer.right, request.to));
  return answer;
};

const exitFor = ({ refused }: RevertResult): ExitCode => (refused === 0 ? EXIT.ok : EXIT.failure);

const revert = async (
  io: Io,
  device: string | undefined,
  options: RevertOptions,
): Promise<ExitCode> => {
  if ((device === undefined) !== (options.all === true)) {
    io.err("revert: give either a device or --all");
    return EXIT.usage;
  }
  const to = parseMoment(options.to, systemClock.wallMs());
  if (E.isLeft(to)) {
    io.err(`--to: ${to.left}`);
    return EXIT.usage;
  }
  const wish = (change: ChangeWish): RequestOf<"revert"> => ({
    verb: "revert",
    device: device ?? null,
    to: to.right,
    change,
    user: io.user,
  });
  if (options.yes !== true) {
    const shown = await ask(io, options, wish({ isToApply: false, shown: null }));
    if (E.isLeft(shown)) return shown.left;
    if (shown.right.records === 0) return exitFor(shown.right);
    const ending = await agreement(io, options);
    if (ending !== undefined) return ending;
    // Of all devices some is tapped at any time: each is looked at again when its turn comes.
    const agreed = device === undefined ? null : shown.right.shown;
    const done = await ask(io, options, wish({ isToApply: true, shown: agreed }));
    return E.isLeft(done) ? done.left : exitFor(done.right);
  }
  const done = await ask(io, options, wish({ isToApply: true, shown: null }));
  return E.isLeft(done) ? done.left : exitFor(done.right);
};

/** Adds the verb to `tapmesh device`. */
export const registerDeviceRevert = (
  device: Command,
  io: Io,
  end: (code: ExitCode) => void,
): void => {
  device
    .command("revert")
    .argument("[device]")
    .description("bring a device, or all, back to how it was; history stays as it is")
    .requiredOption("--to <moment>", MOMENT_HELP)
    .option("--all", "all devices")
    .option("--yes", "do it; else what it would do is shown, and a person at a terminal is asked")
    .addHelpText(
      "after",
      '\nExamples:\n  tapmesh device revert cart-7 --to -2h\n  tapmesh device revert cart-7 --to 28cf/3 --yes\n  tapmesh device revert --all --to "2026-11-22 14:05"\n\nWhat can\'t go back is said: max and min, and a device that is revoked. Without --yes and without a\nterminal nothing is written, which is exit code 2.',
    )
    .action(async (name: string | undefined, _local, command: Command) =>
      end(await revert(io, name, command.optsWithGlobals())),
    );
};
