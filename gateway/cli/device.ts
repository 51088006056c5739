/** `tapmesh device …`: the things that are tracked. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { askAndPrint, sayFailure } from "#gateway/cli/ask.ts";
import { parseImport } from "#gateway/cli/import-file.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { askOrRead } from "#gateway/cli/offline.ts";
import { parseScalar } from "#gateway/cli/scalar.ts";
import { formatDevice, formatDeviceRow } from "#gateway/cli/words.ts";
import { deviceRows, deviceView, type DeviceRow } from "#gateway/queries.ts";

interface EnrolOptions extends CommonOptions {
  readonly lastTap?: boolean;
  readonly uid?: string;
}

const enrol = (io: Io, device: string, options: EnrolOptions): Promise<ExitCode> => {
  if ((options.lastTap === true) === (options.uid !== undefined)) {
    io.err("enrol: give either --last-tap or --uid HEX");
    return Promise.resolve(EXIT.usage);
  }
  return askAndPrint(io, options, {
    request: { verb: "enrol", device, uid: options.uid ?? null, user: io.user },
    words: (result) => `enrolled  ${result.device}   card …${result.card.slice(-4)}`,
  });
};

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

const show = async (
  io: Io,
  device: string,
  options: CommonOptions & { readonly why?: boolean },
): Promise<ExitCode> => {
  const view = await askOrRead(io, options, {
    request: { verb: "device", device },
    offline: (store) => deviceView(store, device),
  });
  if (E.isLeft(view)) return view.left;
  if (view.right === null) {
    const message = `no device is called "${device}"; "tapmesh device list" shows them`;
    return sayFailure(io, options, { _tag: "Refused", error: { code: "device-unknown", message } });
  }
  const { right } = view;
  io.out(options.json === true ? JSON.stringify(right) : formatDevice(right, options.why === true));
  return EXIT.ok;
};

const set = (
  io: Io,
  { name: device, assignment }: { readonly name: string; readonly assignment: string },
  options: CommonOptions,
): Promise<ExitCode> => {
  const equals = assignment.indexOf("=");
  if (equals < 1) {
    io.err(`set: expected key=value, not "${assignment}"`);
    return Promise.resolve(EXIT.usage);
  }
  const key = assignment.slice(0, equals);
  const value = parseScalar(assignment.slice(equals + 1));
  return askAndPrint(io, options, {
    request: { verb: "set", device, key, value, user: io.user },
    words: () => `set       ${device}   ${key}=${String(value)}`,
  });
};

const importFile = (
  io: Io,
  file: string,
  options: CommonOptions & { readonly dryRun?: boolean },
): Promise<ExitCode> => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    io.err(`import: ${error instanceof Error ? error.message : String(error)}`);
    return Promise.resolve(EXIT.failure);
  }
  const rows = parseImport(text);
  if (E.isLeft(rows)) {
    io.err(`${file}:${rows.left.line}: ${rows.left.message}`);
    return Promise.resolve(EXIT.failure);
  }
  return askAndPrint(io, options, {
    request: { verb: "import", rows: rows.right, dryRun: options.dryRun === true, user: io.user },
    words: (result) =>
      options.dryRun === true
        ? `${result.rows} rows are good; nothing was written (--dry-run)`
        : `${result.written} of ${result.rows} devices enrolled`,
  });
};

export const registerDevice = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const device = program.command("device").description("the things that are tracked");
  device
    .command("enrol")
    .argument("<device>", "its name, such as cart-7")
    .description("give a device its card")
    .option("--last-tap", "the card that was tapped last")
    .option("--uid <hex>", "the card with this UID")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh device enrol cart-7 --last-tap\n  tapmesh device enrol cart-7 --uid 04:A1:B2:C3:D4:E5:80",
    )
    .action(async (name: string, _local, command: Command) =>
      end(await enrol(io, name, command.optsWithGlobals())),
    );
  device
    .command("list")
    .description("all devices with their values")
    .addHelpText("after", "\nExample:\n  tapmesh device list --json")
    .action(async (_local, command: Command) => end(await list(io, command.optsWithGlobals())));
  device
    .command("show")
    .argument("<device>")
    .description("what is known of a device")
    .option("--why", "which record says so")
    .addHelpText("after", "\nExample:\n  tapmesh device show cart-7 --why")
    .action(async (name: string, _local, command: Command) =>
      end(await show(io, name, command.optsWithGlobals())),
    );
  device
    .command("set")
    .argument("<device>")
    .argument("<key=value>")
    .description("set a value; safety is active, suspended, lost or revoked")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh device set cart-7 colour=red\n  tapmesh device set cart-7 safety=lost",
    )
    .action(async (...given: [string, string, object, Command]) => {
      const [name, assignment, , command] = given;
      end(await set(io, { name, assignment }, command.optsWithGlobals()));
    });
  device
    .command("import")
    .argument("<file.csv>", "first line: device,uid and any further keys")
    .description("enrol many devices; all lines are checked before the first is written")
    .option("--dry-run", "check only")
    .addHelpText("after", "\nExample:\n  tapmesh device import carts.csv --dry-run")
    .action(async (file: string, _local, command: Command) =>
      end(await importFile(io, file, command.optsWithGlobals())),
    );
};
