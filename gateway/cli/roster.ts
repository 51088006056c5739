/** `tapmesh roster …`: the fleet's keys and its signed list of gateways, made offline. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { fromBase64 } from "#core/bytes.ts";
import { isJoinRequest, openJoinRequest, type JoinRequest } from "#core/trust/join-request.ts";
import { EXIT, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import { registerRosterChanges } from "#gateway/cli/roster-change.ts";
import {
  changeAndSign,
  finish,
  folderOf,
  NAME,
  shortKey,
  SIGNED_HINT,
  type RosterOptions,
} from "#gateway/cli/roster-words.ts";
import { describeJoinRequestError } from "#gateway/cli/start-errors.ts";
import { readDraft, readRoster } from "#provisioning/roster/fleet-files.ts";
import { addGateway, initFleet, signDraft } from "#provisioning/roster/fleet-folder.ts";
import { rotateFleetKey } from "#provisioning/roster/key-rotation.ts";
import { admitRequest, type Admission } from "#provisioning/roster/roster-changes.ts";

const init = (io: Io, fleet: string, options: RosterOptions): ExitCode => {
  if (!NAME.test(fleet)) {
    io.err(`"${fleet}" is no fleet name: a-z, 0-9 and "-", at most 32`);
    return EXIT.usage;
  }
  const folder = folderOf({ io, options });
  const hint = `made in ${folder}; keep fleet.key and successor.key off every gateway, and successor.key in another place`;
  return finish({ io, options }, initFleet(fleetCrypto, folder, fleet), hint);
};

interface AddOptions extends RosterOptions {
  readonly key?: string;
  readonly keyFile?: string;
  readonly site?: string;
}

const readText = (io: Io, file: string): string | undefined => {
  try {
    return readFileSync(resolve(io.cwd, file), "utf8");
  } catch {
    return undefined;
  }
};

/** Who is to be added, by a bare key or by a join request, which proves the name beside it. */
const keyAndSite = (
  io: Io,
  name: string,
  options: AddOptions,
): { readonly key: Uint8Array; readonly site: string | undefined } | string => {
  const text = options.keyFile === undefined ? options.key : readText(io, options.keyFile);
  if (text !== undefined && isJoinRequest(text)) {
    const request = openJoinRequest(fleetCrypto, text);
    if (E.isLeft(request)) return describeJoinRequestError(request.left);
    const { gateway, key, site } = request.right;
    return gateway === name ? { key, site } : `the request is of the gateway "${gateway}"`;
  }
  const key = fromBase64((text ?? "").trim());
  return key?.length === 32
    ? { key, site: undefined }
    : "give the gateway's key with --key (base64) or --key-file gateway.pub, from its data directory";
};

const add = (io: Io, name: string, options: AddOptions): ExitCode => {
  if (!NAME.test(name) || !NAME.test(options.site ?? "main")) {
    io.err(`gateway and site are of a-z, 0-9 and "-", at most 32`);
    return EXIT.usage;
  }
  const found = keyAndSite(io, name, options);
  if (typeof found === "string") {
    io.err(found);
    return EXIT.usage;
  }
  const site = options.site ?? found.site ?? "main";
  const gateway = { name, site, key: found.key, status: "active" } as const;
  const added = addGateway(fleetCrypto, folderOf({ io, options }), gateway);
  return finish({ io, options }, added, `a draft: "tapmesh roster sign" makes it valid`);
};

const admissionWords = (request: JoinRequest, admission: Admission): string => {
  const { gateway, site, key } = request;
  const who = `${gateway} at site ${site} with the key ${shortKey(key)}`;
  return admission._tag === "NewGateway"
    ? `lets in the new gateway ${who}`
    : `lets in ${who}; the key that it had, ${shortKey(admission.oldKey)}, is retired: its records stand, new ones by it are still taken`;
};

const signRequest = (io: Io, file: string, options: RosterOptions): ExitCode => {
  const text = readText(io, file);
  const request = text === undefined ? undefined : openJoinRequest(fleetCrypto, text);
  if (request === undefined || E.isLeft(request)) {
    const why = request === undefined ? "it can't be read" : describeJoinRequestError(request.left);
    io.err(`${file} is no join request: ${why}`);
    return EXIT.usage;
  }
  const { right: joining } = request;
  return changeAndSign(
    { io, options },
    (roster) => admitRequest(roster, joining),
    (admission) => admissionWords(joining, admission),
  );
};

const sign = (io: Io, file: string | undefined, options: RosterOptions): ExitCode =>
  file === undefined
    ? finish({ io, options }, signDraft(fleetCrypto, folderOf({ io, options })), SIGNED_HINT)
    : signRequest(io, file, options);

const ROTATED_HINT = [
  SIGNED_HINT,
  "the fleet key is the one that was the successor's; the old one signs nothing any more",
  "successor.key is a new one: move it to another place. Gateways that are set up from now on get this fleet.pub; those that run need no new one",
].join("\n");

const rotate = (io: Io, options: RosterOptions): ExitCode =>
  finish({ io, options }, rotateFleetKey(fleetCrypto, folderOf({ io, options })), ROTATED_HINT);

const show = (io: Io, options: RosterOptions): ExitCode => {
  const folder = folderOf({ io, options });
  const roster = readRoster(fleetCrypto, folder);
  const draft = readDraft(folder);
  const waits = E.isRight(draft) && draft.right !== null;
  return finish({ io, options }, roster, waits ? `a draft waits for "tapmesh roster sign"` : "");
};

const DIR = ["--dir <folder>", "the fleet's folder", "fleet"] as const;

/** `sign`, `rotate-key` and `show`: what makes a roster valid, and what it says. */
const registerSigning = (roster: Command, io: Io, end: (code: ExitCode) => void): void => {
  roster
    .command("sign")
    .argument("[request]", "a gateway's join request, to be let in")
    .description("sign the draft with the fleet key, as the next version")
    .option(...DIR)
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh roster sign --dir fleet\n  tapmesh roster sign dock.join   # shows what it does",
    )
    .action((file: string | undefined, _local, command: Command) =>
      end(sign(io, file, command.optsWithGlobals())),
    );
  roster
    .command("rotate-key")
    .description("make the successor key the fleet key, if that one is lost, stolen or old")
    .option(...DIR)
    .addHelpText(
      "after",
      "\nExample:\n  tapmesh roster rotate-key   # with successor.key back in the folder",
    )
    .action((_local, command: Command) => end(rotate(io, command.optsWithGlobals())));
  roster
    .command("show")
    .description("the signed roster, checked")
    .option(...DIR)
    .addHelpText("after", "\nExample:\n  tapmesh roster show --dir fleet")
    .action((_local, command: Command) => end(show(io, command.optsWithGlobals())));
};

export const registerRoster = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const roster = program
    .command("roster")
    .description("the fleet's keys and gateways, made offline");
  roster
    .command("init")
    .argument("<fleet>", "its name")
    .description("make a fleet: keys and an empty roster")
    .option(...DIR)
    .addHelpText("after", "\nExample:\n  tapmesh roster init acme --dir fleet")
    .action((fleet: string, _local, command: Command) =>
      end(init(io, fleet, command.optsWithGlobals())),
    );
  roster
    .command("add")
    .argument("<gateway>", "its name")
    .description("put a gateway into the draft of the next roster")
    .option("--key <base64>", "its public key")
    .option("--key-file <file>", "its join request, or the gateway.pub of its data directory")
    .option("--site <name>", "where it stands (else as in the request, or main)")
    .option(...DIR)
    .addHelpText(
      "after",
      "\nExample:\n  tapmesh roster add dock --key-file gateway.pub --site north",
    )
    .action((name: string, _local, command: Command) =>
      end(add(io, name, command.optsWithGlobals())),
    );
  registerSigning(roster, io, end);
  registerRosterChanges(roster, io, end);
};
