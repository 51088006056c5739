/** `tapmesh roster revoke`, `retire` and `admit`: putting a gateway's key out of use, and how much of its log counts. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { parseAuthorHeads, type AuthorHeads } from "#gateway/queries/held-heads.ts";
import { sayFailure } from "#gateway/cli/ask.ts";
import { configFile, EXIT, loadConfig, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { formatAsked } from "#gateway/cli/log-heads.ts";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import {
  changeAndSign,
  fail,
  folderOf,
  shortKey,
  type RosterOptions,
} from "#gateway/cli/roster-words.ts";
import { askGateway } from "#gateway/control/client.ts";
import { nextRoster } from "#provisioning/roster/fleet-folder.ts";
import {
  admitRecords,
  retireGateway,
  revokeGateway,
  type Revoked,
} from "#provisioning/roster/roster-changes.ts";

interface RevokeOptions extends RosterOptions {
  readonly key?: string;
  readonly heads?: string;
  readonly yes?: boolean;
}

/** What `log heads --json` wrote. Left: it was said why not. */
const headsOfFile = (io: Io, gateway: string, file: string): E.Either<ExitCode, AuthorHeads> => {
  let text: string;
  try {
    text = readFileSync(resolve(io.cwd, file), "utf8");
  } catch (error) {
    io.err(`--heads: ${error instanceof Error ? error.message : String(error)}`);
    return E.left(EXIT.usage);
  }
  const heads = parseAuthorHeads(text);
  if (heads?.gateway === gateway) return E.right(heads);
  const found = heads === undefined ? "" : `, but of "${heads.gateway}"`;
  io.err(`--heads: ${file} is not what "tapmesh log heads ${gateway} --json" prints${found}`);
  return E.left(EXIT.usage);
};

/** Asks the gateway that the configuration names, and it its peers; null where none runs. */
const headsOfPeers = async (
  { io, options }: { readonly io: Io; readonly options: RevokeOptions },
  gateway: string,
  fleet: string,
): Promise<E.Either<ExitCode, AuthorHeads | null>> => {
  if (configFile(io, options) === null) return E.right(null);
  const config = loadConfig(io, options);
  if (config === undefined) return E.left(EXIT.usage);
  if (config.fleet !== fleet) {
    io.err(`the configuration is of the fleet "${config.fleet}", and this folder of "${fleet}"`);
    return E.left(EXIT.usage);
  }
  const heads = await askGateway(config.controlSocket, { verb: "author-heads", gateway });
  if (E.isRight(heads)) return heads;
  return heads.left._tag === "NotRunning"
    ? E.right(null)
    : E.left(sayFailure(io, options, heads.left));
};

const headsFor = (
  place: { readonly io: Io; readonly options: RevokeOptions },
  gateway: string,
  fleet: string,
): Promise<E.Either<ExitCode, AuthorHeads | null>> => {
  const { heads } = place.options;
  return heads === undefined
    ? headsOfPeers(place, gateway, fleet)
    : Promise.resolve(headsOfFile(place.io, gateway, heads));
};

const unheardWarning = (gateway: string): string =>
  [
    `no gateway was asked how much of ${gateway}'s log is held, so none of its records would count any more:`,
    "what its readers ever recorded would vanish from the state of every gateway (the records stay, and can be let in again",
    `with "tapmesh roster admit"). Better: run this where a gateway runs, with --config; or on one of them`,
    `"tapmesh log heads ${gateway} --json > heads.json", and here --heads heads.json. To go on all the same: --yes`,
  ].join("\n");

const revokedWords = (gateway: string, revoked: Revoked, heads: AuthorHeads | null): string => {
  const keys = revoked.keys.map(shortKey).join(", ");
  const counted = revoked.cuts.map(({ epoch, size }) => `  epoch ${epoch}: ${size} records count`);
  const heard = heads === null ? "nobody was asked what is held" : formatAsked(heads);
  return [
    `revokes ${gateway}'s key ${keys}: nothing that it signs is believed from now on`,
    ...(counted.length === 0 ? ["  none of its records count"] : counted),
    `  (${heard}; what turns up later is let in with "tapmesh roster admit")`,
  ].join("\n");
};

const revoke = async (io: Io, gateway: string, options: RevokeOptions): Promise<ExitCode> => {
  const place = { io, options };
  const keyPrefix = options.key ?? null;
  // A name that is mistyped is said before anybody is asked.
  const base = nextRoster(fleetCrypto, folderOf(place));
  if (E.isLeft(base)) return fail(place, base.left);
  const probe = revokeGateway(base.right, { gateway, keyPrefix, held: [] });
  if (E.isLeft(probe)) return fail(place, { _tag: "ChangeRefused", cause: probe.left });
  const heads = await headsFor(place, gateway, base.right.fleet);
  if (E.isLeft(heads)) return heads.left;
  if (heads.right === null && options.yes !== true) {
    io.err(unheardWarning(gateway));
    return EXIT.usage;
  }
  const held = heads.right?.epochs ?? [];
  return changeAndSign(
    place,
    (roster) => revokeGateway(roster, { gateway, keyPrefix, held }),
    (revoked) => revokedWords(gateway, revoked, heads.right),
  );
};

const retire = (io: Io, gateway: string, options: RosterOptions): ExitCode =>
  changeAndSign(
    { io, options },
    (roster) => retireGateway(roster, gateway),
    ({ key }) =>
      `retires ${gateway} with its key ${shortKey(key)}: what it recorded stands, and what its peers have still to fetch of it is taken`,
  );

const COUNT = /^[1-9][0-9]{0,9}$/;

const admit = (
  io: Io,
  { gateway, epoch, size }: { gateway: string; epoch: string; size: string },
  options: RosterOptions,
): ExitCode => {
  if (!COUNT.test(size)) {
    io.err(`"${size}" is no number of records`);
    return EXIT.usage;
  }
  return changeAndSign(
    { io, options },
    (roster) => admitRecords(roster, { gateway, epoch, size: Number(size) }),
    ({ epoch: whole, before }) =>
      `lets the first ${size} records of epoch ${whole} of ${gateway} count; until now ${before} did`,
  );
};

const DIR = ["--dir <folder>", "the fleet's folder", "fleet"] as const;

export const registerRosterChanges = (
  roster: Command,
  io: Io,
  end: (code: ExitCode) => void,
): void => {
  roster
    .command("revoke")
    .argument("<gateway>", "its name")
    .description("believe nothing more of a gateway that is in others' hands")
    .option("--key <prefix>", "only this key of it, by its first digits")
    .option("--heads <file>", "how much of its log counts, as `log heads --json` printed it")
    .option("--yes", "none of its records count, if nobody was asked what is held")
    .option(...DIR)
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh roster revoke dock --config lobby.yaml   # asks lobby and its peers\n  tapmesh roster revoke dock --heads dock-heads.json",
    )
    .action(async (gateway: string, _local, command: Command) =>
      end(await revoke(io, gateway, command.optsWithGlobals())),
    );
  roster
    .command("retire")
    .argument("<gateway>", "its name")
    .description("take a gateway out of service; what it recorded stands")
    .option(...DIR)
    .addHelpText("after", "\nExample:\n  tapmesh roster retire dock")
    .action((gateway: string, _local, command: Command) =>
      end(retire(io, gateway, command.optsWithGlobals())),
    );
  roster
    .command("admit")
    .argument("<gateway>", "its name")
    .argument("<epoch>", "32 hex digits, or the first of one that is cut")
    .argument("<size>", "how many of its records are to count")
    .description("let more of a revoked gateway's log count, when a tail of it turned up")
    .option(...DIR)
    .addHelpText("after", "\nExample:\n  tapmesh roster admit dock 3f2a 118")
    .action((...[gateway, epoch, size, , command]: [string, string, string, unknown, Command]) =>
      end(admit(io, { gateway, epoch, size }, command.optsWithGlobals())),
    );
};
