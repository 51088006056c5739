/** `tapmesh device list`, `tapmesh device show`: what is known, and was known. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { sayFailure } from "#gateway/cli/ask.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { formatMoment, MOMENT_HELP, parseMoment } from "#gateway/cli/moment.ts";
import { askOrRead } from "#gateway/cli/offline.ts";
import { formatDevice, formatDeviceRow } from "#gateway/cli/words.ts";
import { describeQueryError } from "#gateway/control/refusal.ts";
import {
  deviceRows,
  deviceView,
  type DeviceRow,
  type DeviceView,
} from "#gateway/queries/devices.ts";
import type { AskedMoment } from "#gateway/queries/moments.ts";
import { systemClock } from "#gateway/system.ts";

const list = async (io: Io, options: CommonOptions): Promise<ExitCode> => {
  let after = "";
  for (;;) {
    const from = after;
    const page: E.Either<ExitCode, ReadonlyArray<DeviceRow>> = await askOrRead(io, options, {
      request: { verb: "devices", after: from },
      offline: (store) => deviceRows(store, from),
      isFurther: from !== "",
    });
    if (E.isLeft(page)) return page.left;
    const last = page.right.at(-1);
    if (last === undefined) return EXIT.ok;
    for (const row of page.right) {
      io.out(options.json === true ? JSON.stringify(row) : formatDeviceRow(row));
    }
    after = last.device;
  }
};

interface ShowOptions extends CommonOptions {
  readonly why?: boolean;
  readonly at?: string;
}

const words = (view: DeviceView, at: AskedMoment | null, options: ShowOptions): string => {
  if (view.values.length + view.brought.length > 0) return formatDevice(view, options.why === true);
  const when = at === null ? "" : ` at ${formatMoment(at)}`;
  return `nothing was known of ${view.device}${when}`;
};

const show = async (io: Io, device: string, options: ShowOptions): Promise<ExitCode> => {
  const parsed =
    options.at === undefined ? E.right(null) : parseMoment(options.at, systemClock.wallMs());
  if (E.isLeft(parsed)) {
    io.err(`--at: ${parsed.left}`);
    return EXIT.usage;
  }
  const at = parsed.right;
  const answer = await askOrRead(io, options, {
    request: { verb: "device", device, at },
    offline: (store) => deviceView(store, device, at),
  });
  if (E.isLeft(answer)) return answer.left;
  const view = "_tag" in answer.right ? answer.right : E.right(answer.right);
  if (E.isLeft(view)) {
    const error = { code: view.left._tag, message: describeQueryError(view.left) };
    return sayFailure(io, options, { _tag: "Refused", error });
  }
  io.out(options.json === true ? JSON.stringify(view.right) : words(view.right, at, options));
  return EXIT.ok;
};

/** Adds the two verbs to `tapmesh device`. */
export const registerDeviceShow = (
  device: Command,
  io: Io,
  end: (code: ExitCode) => void,
): void => {
  device
    .command("list")
    .description("all devices with their values")
    .addHelpText("after", "\nExample:\n  tapmesh device list --json")
    .action(async (_local, command: Command) => end(await list(io, command.optsWithGlobals())));
  device
    .command("show")
    .argument("<device>")
    .description("what is known of a device")
    .option("--why", "which records say so, by whom, and by which clock")
    .option("--at <moment>", `how it was: ${MOMENT_HELP}`)
    .addHelpText(
      "after",
      '\nExamples:\n  tapmesh device show cart-7 --why\n  tapmesh device show cart-7 --at "2026-11-22 14:05"\n  tapmesh device show cart-7 --at -2h\n  tapmesh device show cart-7 --at 28cf/3',
    )
    .action(async (name: string, _local, command: Command) =>
      end(await show(io, name, command.optsWithGlobals())),
    );
};
