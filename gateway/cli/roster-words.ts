/** How the roster verbs end: what was done and what the roster says now, in words or as JSON. */
import { resolve } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { Roster } from "#core/trust/roster.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import { describeFleetFolderError } from "#gateway/cli/start-errors.ts";
import type { FleetFolderError } from "#provisioning/roster/fleet-files.ts";
import { changeDraft, signDraft } from "#provisioning/roster/fleet-folder.ts";
import type { Change, RosterChangeError } from "#provisioning/roster/roster-changes.ts";

export interface RosterOptions extends CommonOptions {
  readonly dir: string;
}

/** Names of fleets, gateways and sites. */
export const NAME: RegExp = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

export const SIGNED_HINT =
  "signed; copy roster.txt to one gateway's fleet_dir: it takes it over while it runs, and its peers take it from there";

/** Enough of a key to tell it from others. */
export const shortKey = (key: Uint8Array): string => `${toHex(key).slice(0, 16)}…`;

const formatRosterWords = (roster: Roster): string => {
  const names = new Set(roster.gateways.map(({ name }) => name));
  const changes = roster.fleetKeys.length - 1;
  const changed = changes > 0 ? `   fleet key changed ${changes} ${times(changes)}` : "";
  return [
    `fleet ${roster.fleet}   version ${roster.version}   ${names.size} gateways${changed}`,
    ...roster.gateways.map(
      ({ name, site, key, status }) =>
        `${name.padEnd(16)} site ${site.padEnd(12)} key ${shortKey(key)}   ${status}`,
    ),
    ...[...roster.cuts].map(([epoch, size]) => `epoch ${epoch}   only ${size} records count`),
  ].join("\n");
};

const times = (count: number): string => (count === 1 ? "time" : "times");

const rosterJson = (roster: Roster): object => ({
  ...roster,
  previous: roster.previous && toHex(roster.previous),
  successor: roster.successor && toHex(roster.successor),
  fleetKeys: roster.fleetKeys.map(toHex),
  gateways: roster.gateways.map((gateway) => ({ ...gateway, key: toHex(gateway.key) })),
  cuts: Object.fromEntries(roster.cuts),
});

export interface Place {
  readonly io: Io;
  readonly options: RosterOptions;
}

export const folderOf = ({ io, options }: Place): string => resolve(io.cwd, options.dir);

export const fail = ({ io }: Place, error: FleetFolderError): ExitCode => {
  io.err(describeFleetFolderError(error));
  return EXIT.failure;
};

export const finish = (
  place: Place,
  result: E.Either<FleetFolderError, Roster>,
  hint: string,
): ExitCode => {
  if (E.isLeft(result)) return fail(place, result.left);
  const roster = result.right;
  const isJson = place.options.json === true;
  const words = `${formatRosterWords(roster)}${hint === "" ? "" : `\n${hint}`}`;
  place.io.out(isJson ? JSON.stringify(rosterJson(roster)) : words);
  return EXIT.ok;
};

/** Puts a change into the draft, says what it does, and signs it. Without the fleet key it stays a draft. */
export const changeAndSign = <A>(
  place: Place,
  change: (roster: Roster) => E.Either<RosterChangeError, Change<A>>,
  words: (outcome: A) => string,
): ExitCode => {
  const folder = folderOf(place);
  const changed = changeDraft(fleetCrypto, folder, change);
  if (E.isLeft(changed)) return fail(place, changed.left);
  if (place.options.json !== true) place.io.out(words(changed.right.outcome));
  const signed = signDraft(fleetCrypto, folder);
  if (E.isLeft(signed)) {
    place.io.err(`it is in the draft, but not signed yet ("tapmesh roster sign" does that):`);
  }
  return finish(place, signed, SIGNED_HINT);
};
