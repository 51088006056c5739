/** `tapmesh log …`: the records, and their proof. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { describeEpochError } from "#gateway/cli/epoch-errors.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { askOrRead } from "#gateway/cli/offline.ts";
import { describeStoreError } from "#gateway/cli/start-errors.ts";
import { registerHeads } from "#gateway/cli/log-heads.ts";
import { registerVoid } from "#gateway/cli/log-void.ts";
import { registerProve } from "#gateway/cli/prove.ts";
import { formatRecord } from "#gateway/cli/words.ts";
import { newestRecords } from "#gateway/queries/records.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { isCorruption, openLogFileReadOnly, sqliteDetail } from "#gateway/store/schema.ts";
import { verifyStoredEpoch, type EpochReport } from "#gateway/store/verify-file.ts";

interface ShowOptions extends CommonOptions {
  readonly gateway?: string;
  readonly epoch?: string;
  readonly count: string;
}

const RECORDS_SHOWN_MAX = 10_000;

const show = async (io: Io, options: ShowOptions): Promise<ExitCode> => {
  const count = Number(options.count);
  if (!Number.isInteger(count) || count < 1 || count > RECORDS_SHOWN_MAX) {
    io.err(`--count must be a number from 1 to ${RECORDS_SHOWN_MAX}`);
    return EXIT.usage;
  }
  const filter = { gateway: options.gateway ?? null, epoch: options.epoch ?? null, count };
  const records = await askOrRead(io, options, {
    request: { verb: "records", ...filter },
    offline: (store) => newestRecords(store, filter),
  });
  if (E.isLeft(records)) return records.left;
  for (const record of records.right) {
    io.out(options.json === true ? JSON.stringify(record) : formatRecord(record));
  }
  return EXIT.ok;
};

const reportView = (report: EpochReport): object => ({
  epoch: toHex(report.epoch),
  gateway: report.gateway,
  records: report.size,
  sound: report.sound,
  bodiesMissing: report.bodiesMissing,
  error: report.error === null ? null : describeEpochError(report.error),
});

/** What can still be relied on. */
const soundPart = ({ sound, size }: EpochReport): string => {
  if (sound === 0) return `none of ${size} records is good`;
  return sound === 1 ? `record 0 of ${size} is good` : `records 0–${sound - 1} of ${size} are good`;
};

const formatReport = (report: EpochReport): string => {
  const name = toHex(report.epoch).slice(0, 4);
  const missing = report.bodiesMissing === 0 ? "" : `, ${report.bodiesMissing} bodies erased`;
  if (report.error === null) {
    return `ok        epoch ${name} of ${report.gateway}: ${report.size} records${missing}`;
  }
  const place = report.sound < report.size ? `record ${name}/${report.sound}` : `epoch ${name}`;
  return `FAILED    ${place}: ${describeEpochError(report.error)}; ${soundPart(report)}`;
};

/** Verifies every epoch of a log file with nothing but the file: chain, bodies, tree, signatures. */
const verify = (io: Io, file: string, options: CommonOptions): ExitCode => {
  const path = resolve(io.cwd, file);
  if (!existsSync(path)) {
    io.err(`${file}: there is no such file`);
    return EXIT.usage;
  }
  const opened = openLogFileReadOnly(path);
  if (E.isLeft(opened)) {
    io.err(describeStoreError(opened.left));
    return EXIT.failure;
  }
  try {
    const log = new LogFile(opened.right);
    const reports = log.epochs().map((stored) => verifyStoredEpoch(log, stored));
    for (const report of reports) {
      io.out(options.json === true ? JSON.stringify(reportView(report)) : formatReport(report));
    }
    if (reports.length === 0) io.err(`${file}: there are no records in it`);
    return reports.every(({ error }) => error === null) ? EXIT.ok : EXIT.failure;
  } catch (error) {
    if (!isCorruption(error)) throw error;
    io.err(`FAILED    ${file}: SQLite can't read it (${sqliteDetail(error)})`);
    return EXIT.failure;
  } finally {
    opened.right.close();
  }
};

export const registerLog = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const log = program.command("log").description("the records, and their proof");
  log
    .command("show")
    .description("the newest records, oldest first")
    .option("--gateway <name>", "only this gateway's")
    .option("--epoch <hex>", "only epochs that begin with this")
    .option("--count <n>", "how many", "20")
    .addHelpText("after", "\nExample:\n  tapmesh log show --gateway lobby --count 5")
    .action(async (_local, command: Command) => end(await show(io, command.optsWithGlobals())));
  registerVoid(log, io, end);
  registerProve(log, io, end);
  registerHeads(log, io, end);
  log
    .command("verify")
    .argument("<file>", "a log.db or mirror.db")
    .description("check every record, tree and signature of a log file, offline")
    .addHelpText("after", "\nExample:\n  tapmesh log verify var/lobby/log.db")
    .action((file: string, _local, command: Command) =>
      end(verify(io, file, command.optsWithGlobals())),
    );
};
