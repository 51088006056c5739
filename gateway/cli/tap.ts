/** `tapmesh tap`, `tapmesh watch`: simulated taps, and all taps as they happen. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { askAndPrint, sayFailure } from "#gateway/cli/ask.ts";
import { EXIT, loadConfig, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { formatRisk } from "#gateway/cli/status.ts";
import { thingsWords } from "#gateway/cli/check-out-words.ts";
import { formatRecord, formatTap, reasonWords } from "#gateway/cli/words.ts";
import { watchGateway } from "#gateway/control/client.ts";
import type { WatchEvent } from "#gateway/control/protocol.ts";

interface TapOptions extends CommonOptions {
  readonly uid?: string;
  readonly reader?: string;
}

const tap = (io: Io, card: string, options: TapOptions): Promise<ExitCode> =>
  askAndPrint(io, options, {
    request: {
      verb: "tap",
      card,
      uid: options.uid ?? null,
      reader: options.reader ?? null,
    },
    words: formatTap,
    exitCode: (result) => (result.notRecorded === null ? EXIT.ok : EXIT.failure),
  });

export const formatEvent = (event: WatchEvent): string => {
  switch (event.event) {
    case "tap":
      return `${event.tap.reader.padEnd(8)} ${formatTap(event.tap)}`;
    case "peer":
      return event.records
        .map((record) => `${event.replay ? "replay  " : "peer    "} ${formatRecord(record)}`)
        .join("\n");
    case "unread":
      return `${event.reader.padEnd(8)} UNREAD    ${event.message}`;
    case "refused":
      return `${event.reader.padEnd(8)} refused   ${reasonWords(event.reason)}`;
    case "carried":
      return `${event.reader.padEnd(8)} tag       ${event.device}: ${event.message}`;
    case "session-over":
      return `${event.reader.padEnd(8)} over      ${event.person}: time is over, ${thingsWords(event.thingCount)}`;
    case "risk":
      return formatRisk(event.risk);
    case "alarm":
      return `ALARM    ${event.message}`;
    case "reader":
      return `${event.reader.padEnd(8)} ${event.up ? "up" : "down"}   ${event.detail}`;
  }
};

const watch = async (io: Io, options: CommonOptions): Promise<ExitCode> => {
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.usage;
  const show = (event: WatchEvent): void =>
    io.out(options.json === true ? JSON.stringify(event) : formatEvent(event));
  const ended = await watchGateway(config.controlSocket, show, io.signal);
  return E.isRight(ended) ? EXIT.ok : sayFailure(io, options, ended.left);
};

export const registerTap = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("tap")
    .argument(
      "<card>",
      "ntag213, ntag215, ntag216, ultralight-ev1-48, ultralight-ev1-128, type4, ntag424, classic, desfire, phone or phone-app",
    )
    .description("hold an emulated card to a simulated reader")
    .option("--uid <hex>", "the card's UID, if not the emulation's own")
    .option("--reader <id>", "which simulated reader; the first by default")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh tap ntag215\n  tapmesh tap classic --uid 1A2B3C4D",
    )
    .action(async (card: string, _local, command: Command) =>
      end(await tap(io, card, command.optsWithGlobals())),
    );
  program
    .command("watch")
    .description("show taps, peers' records and readers as they happen, until Ctrl-C")
    .addHelpText("after", "\nExamples:\n  tapmesh watch\n  tapmesh watch --json | jq .tap")
    .action(async (_local, command: Command) => end(await watch(io, command.optsWithGlobals())));
};
