/** `tapmesh log void`: marks a record as wrong and undoes what it did, shown first. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { agreement, type YesOption } from "#gateway/cli/agree.ts";
import { sayFailure } from "#gateway/cli/ask.ts";
import { EXIT, loadConfig, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { parseRecordName } from "#gateway/cli/moment.ts";
import { formatDifference, formatRecord, recordName } from "#gateway/cli/words.ts";
import { askGateway } from "#gateway/control/client.ts";
import type { RequestOf, VoidResult } from "#gateway/control/protocol.ts";

/** What it changes, and that it was done; what a person has seen already isn't said again. */
const formatVoid = (result: VoidResult, isSeen: boolean): string => {
  const { applied, record, device, differences } = result;
  const what = differences.some(({ stays }) => stays === null)
    ? (device ?? "")
    : "nothing is left to undo: the record is only marked";
  const plan = [formatRecord(record), what, ...differences.map(formatDifference)];
  const done = applied ? [`void      ${recordName(record)}`] : [];
  return [...(isSeen ? [] : plan), ...done].join("\n");
};

const ask = async (
  io: Io,
  options: YesOption,
  request: RequestOf<"void">,
): Promise<E.Either<ExitCode, VoidResult>> => {
  const config = loadConfig(io, options);
  if (config === undefined) return E.left(EXIT.usage);
  const answer = await askGateway<"void">(config.controlSocket, request);
  if (E.isLeft(answer)) return E.left(sayFailure(io, options, answer.left));
  io.out(
    options.json === true
      ? JSON.stringify(answer.right)
      : formatVoid(answer.right, request.change.shown !== null),
  );
  return answer;
};

const voidRecord = async (io: Io, name: string, options: YesOption): Promise<ExitCode> => {
  const record = parseRecordName(name);
  if (record === undefined) {
    io.err(`"${name}" names no record; "tapmesh log show" names them, such as 28cf/3`);
    return EXIT.usage;
  }
  const request = { verb: "void", record, user: io.user } as const;
  let shown: string | null = null;
  if (options.yes !== true) {
    const preview = await ask(io, options, { ...request, change: { isToApply: false, shown } });
    if (E.isLeft(preview)) return preview.left;
    const ending = await agreement(io, options);
    if (ending !== undefined) return ending;
    ({ shown } = preview.right);
  }
  const done = await ask(io, options, { ...request, change: { isToApply: true, shown } });
  return E.isLeft(done) ? done.left : EXIT.ok;
};

/** Adds the verb to `tapmesh log`. */
export const registerVoid = (log: Command, io: Io, end: (code: ExitCode) => void): void => {
  log
    .command("void")
    .argument("<record>", "its name in `log show`, such as 28cf/3")
    .description("mark a record as wrong and undo what it did; the record itself stays")
    .option("--yes", "do it; else what it would do is shown, and a person at a terminal is asked")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh log void 28cf/3\n  tapmesh log void 28cf/3 --yes\n\nmax, min and revoked can't be undone. Without --yes and without a terminal nothing is written, which\nis exit code 2.",
    )
    .action(async (name: string, _local, command: Command) =>
      end(await voidRecord(io, name, command.optsWithGlobals())),
    );
};
