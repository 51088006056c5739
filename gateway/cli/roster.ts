/** `tapmesh roster …`: the fleet's keys and its signed list of gateways, made offline. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { fromBase64, toHex } from "#core/bytes.ts";
import type { Roster } from "#core/trust/roster.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import { describeFleetFolderError } from "#gateway/cli/start-errors.ts";
import {
  addGateway,
  initFleet,
  readDraft,
  readRoster,
  signDraft,
  type FleetFolderError,
} from "#provisioning/roster/fleet-folder.ts";

interface RosterOptions extends CommonOptions {
  readonly dir: string;
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

const formatRosterWords = (roster: Roster): string =>
  [
    `fleet ${roster.fleet}   version ${roster.version}   ${roster.gateways.length} gateways`,
    ...roster.gateways.map(
      ({ name, site, key, status }) =>
        `${name.padEnd(16)} site ${site.padEnd(12)} key ${toHex(key).slice(0, 16)}…   ${status}`,
    ),
  ].join("\n");

const rosterJson = (roster: Roster): object => ({
  ...roster,
  previous: roster.previous && toHex(roster.previous),
  successor: roster.successor && toHex(roster.successor),
  gateways: roster.gateways.map((gateway) => ({ ...gateway, key: toHex(gateway.key) })),
});

const finish = (
  { io, options }: { readonly io: Io; readonly options: CommonOptions },
  result: E.Either<FleetFolderError, Roster>,
  hint: string,
): ExitCode => {
  if (E.isLeft(result)) {
    io.err(describeFleetFolderError(result.left));
    return EXIT.failure;
  }
  const roster = result.right;
  const isJson = options.json === true;
  io.out(isJson ? JSON.stringify(rosterJson(roster)) : `${formatRosterWords(roster)}${hint}`);
  return EXIT.ok;
};

const init = (io: Io, fleet: string, options: RosterOptions): ExitCode => {
  if (!NAME.test(fleet)) {
    io.err(`"${fleet}" is no fleet name: a-z, 0-9 and "-", at most 32`);
    return EXIT.usage;
  }
  const folder = resolve(io.cwd, options.dir);
  const hint = `\nmade in ${folder}; keep fleet.key and successor.key off every gateway, and successor.key in another place`;
  return finish({ io, options }, initFleet(fleetCrypto, folder, fleet), hint);
};

interface AddOptions extends RosterOptions {
  readonly key?: string;
  readonly keyFile?: string;
  readonly site: string;
}

const keyText = (io: Io, options: AddOptions): string | undefined => {
  if (options.keyFile === undefined) return options.key;
  try {
    return readFileSync(resolve(io.cwd, options.keyFile), "utf8").trim();
  } catch {
    return undefined;
  }
};

const add = (io: Io, name: string, options: AddOptions): ExitCode => {
  const key = fromBase64(keyText(io, options) ?? "");
  if (!NAME.test(name) || !NAME.test(options.site)) {
    io.err(`gateway and site are of a-z, 0-9 and "-", at most 32`);
    return EXIT.usage;
  }
  if (key?.length !== 32) {
    io.err(
      "give the gateway's key with --key (base64) or --key-file gateway.pub, from its data directory",
    );
    return EXIT.usage;
  }
  const gateway = { name, site: options.site, key, status: "active" } as const;
  const added = addGateway(fleetCrypto, resolve(io.cwd, options.dir), gateway);
  return finish({ io, options }, added, `\na draft: "tapmesh roster sign" makes it valid`);
};

const show = (io: Io, options: RosterOptions): ExitCode => {
  const folder = resolve(io.cwd, options.dir);
  const draft = readDraft(folder);
  const hint =
    E.isRight(draft) && draft.right !== null ? `\na draft waits for "tapmesh roster sign"` : "";
  return finish({ io, options }, readRoster(fleetCrypto, folder), hint);
};

export const registerRoster = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const roster = program
    .command("roster")
    .description("the fleet's keys and gateways, made offline");
  const dir = ["--dir <folder>", "the fleet's folder", "fleet"] as const;
  roster
    .command("init")
    .argument("<fleet>", "its name")
    .description("make a fleet: keys and an empty roster")
    .option(...dir)
    .addHelpText("after", "\nExample:\n  tapmesh roster init acme --dir fleet")
    .action((fleet: string, _local, command: Command) =>
      end(init(io, fleet, command.optsWithGlobals())),
    );
  roster
    .command("add")
    .argument("<gateway>", "its name")
    .description("put a gateway into the draft of the next roster")
    .option("--key <base64>", "its public key")
    .option("--key-file <file>", "the gateway.pub of its data directory")
    .option("--site <name>", "where it stands", "main")
    .option(...dir)
    .addHelpText(
      "after",
      "\nExample:\n  tapmesh roster add dock --key-file gateway.pub --site north",
    )
    .action((name: string, _local, command: Command) =>
      end(add(io, name, command.optsWithGlobals())),
    );
  roster
    .command("sign")
    .description("sign the draft with the fleet key, as the next version")
    .option(...dir)
    .addHelpText(
      "after",
      "\nExample:\n  tapmesh roster sign --dir fleet   # then copy roster.txt to the gateways",
    )
    .action((_local, command: Command) => {
      const options: RosterOptions = command.optsWithGlobals();
      const signed = signDraft(fleetCrypto, resolve(io.cwd, options.dir));
      end(
        finish(
          { io, options },
          signed,
          "\nsigned; copy roster.txt to the gateways: they take it over while they run",
        ),
      );
    });
  roster
    .command("show")
    .description("the signed roster, checked")
    .option(...dir)
    .addHelpText("after", "\nExample:\n  tapmesh roster show --dir fleet")
    .action((_local, command: Command) => end(show(io, command.optsWithGlobals())));
};
