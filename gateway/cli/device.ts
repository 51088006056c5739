/** `tapmesh device …`: the things that are tracked, and how they get their cards. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { askAndPrint } from "#gateway/cli/ask.ts";
import { registerDeviceRevert } from "#gateway/cli/device-revert.ts";
import { registerDeviceShow } from "#gateway/cli/device-show.ts";
import { registerDeviceValues } from "#gateway/cli/device-values.ts";
import { parseImport } from "#gateway/cli/import-file.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";

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
  registerDeviceShow(device, io, end);
  registerDeviceValues(device, io, end);
  registerDeviceRevert(device, io, end);
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
