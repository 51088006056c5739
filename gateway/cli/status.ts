/** `tapmesh status`: how the gateway is. */
import type { Command } from "commander";
import { askAndPrint } from "#gateway/cli/ask.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import type { StatusView } from "#gateway/control/protocol.ts";
import type { Risk } from "#gateway/queries/risk.ts";

/** What keeps the gateway from doing all of its work; empty if nothing does. */
export const problemsOf = (status: StatusView): ReadonlyArray<string> => {
  const problems: string[] = [];
  if (!status.hasRoom) problems.push("the disk is full: taps are refused");
  if (!status.inRoster) {
    problems.push(
      `peers don't know this gateway: run "tapmesh roster add ${status.gateway} --key ${status.key}" in the fleet folder, then "tapmesh roster sign"`,
    );
  }
  for (const { id, up, optional, detail } of status.readers) {
    if (!up && !optional) problems.push(`reader ${id}: ${detail}`);
  }
  for (const { message } of status.alarms) problems.push(message);
  for (const { url, connected, error } of status.brokers) {
    if (!connected) problems.push(`broker ${url}: ${error ?? "not connected yet"}`);
  }
  return problems;
};

/** "12 records on this disk alone, the oldest for 40 s   dock holds 200". */
export const formatRisk = (risk: Risk): string => {
  const peers = Object.entries(risk.peers).map(([peer, records]) => `${peer} holds ${records}`);
  const what =
    risk.records === 0
      ? "none: every record of this gateway is on another disk too"
      : `${risk.records} records on this disk alone, the oldest for ${Math.round((risk.oldestMs ?? 0) / 1_000)} s`;
  return [`risk     ${what}`, ...peers].join("   ");
};

/** "up, answered 0.4 s ago", or since when it is down and what was tried. */
const formatReader = (reader: StatusView["readers"][number]): string => {
  const { id, up, detail, answeredAgoMs, failingMs, steps } = reader;
  const tried = Object.entries(steps).map(([step, count]) => `${step} ×${count}`);
  const words = [
    `reader   ${id}`,
    up ? "up" : "DOWN",
    detail,
    ...(up && answeredAgoMs !== null ? [`answered ${formatSeconds(answeredAgoMs)} ago`] : []),
    ...(failingMs === null ? [] : [`for ${formatSeconds(failingMs)}`]),
    ...(tried.length === 0 ? [] : [`steps taken: ${tried.join(", ")}`]),
    ...(reader.gaveUp ? ["no step helped; tried again ever more slowly"] : []),
  ];
  return words.join("   ");
};

const formatSeconds = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;

const formatStatus = (status: StatusView): string => {
  const epoch = status.epoch === null ? "none open" : status.epoch.slice(0, 8);
  const lines = [
    `gateway  ${status.gateway}   fleet ${status.fleet}   site ${status.site}   roster ${status.rosterVersion}`,
    `log      epoch ${epoch}   ${status.records} records`,
    `state    ${status.cards} cards enrolled   digest ${status.digest.slice(0, 16)}`,
    ...status.readers.map(formatReader),
    ...status.brokers.map(
      ({ url, connected, error }) =>
        `broker   ${url}   ${connected ? "connected" : `DOWN   ${error ?? ""}`}`,
    ),
    ...status.authors.map(
      ({ gateway, epochs, records }) =>
        `holds    ${gateway}   ${records} records in ${epochs} epochs`,
    ),
    formatRisk(status.risk),
    ...Object.entries(status.counters).map(([code, count]) => `count    ${code}   ${count}`),
  ];
  const problems = problemsOf(status).map((problem) => `DEGRADED ${problem}`);
  return [...lines, ...problems].join("\n");
};

export const registerStatus = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("status")
    .description("how the gateway is; exit code 3 if something is degraded")
    .addHelpText("after", "\nExample:\n  tapmesh status --json | jq .digest")
    .action(async (_local, command: Command) => {
      const options: CommonOptions = command.optsWithGlobals();
      const ended = await askAndPrint(io, options, {
        request: { verb: "status" },
        words: formatStatus,
        exitCode: (status) => (problemsOf(status).length === 0 ? EXIT.ok : EXIT.degraded),
      });
      end(ended);
    });
};
