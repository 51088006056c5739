/** Takes over a new roster file while the gateway runs. */
import { unwatchFile, watchFile } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import type { Roster } from "#core/trust/roster.ts";
import type { FleetFiles } from "#gateway/config/config.ts";
import { loadRoster } from "#gateway/fleet-files.ts";
import type { Journal } from "#gateway/ports.ts";

/** A stat every so often works on every file system, and a roster changes once in weeks. */
const ROSTER_POLL_MS = 2_000;

/** Calls back with each roster that the fleet's key signed; others are reported and passed over. */
export const watchRoster = (
  files: FleetFiles,
  journal: Journal,
  onRoster: (roster: Roster) => void,
): (() => void) => {
  const look = (): void => {
    const roster = loadRoster(files);
    if (E.isLeft(roster)) journal.error("roster.refused", { tag: roster.left._tag });
    else onRoster(roster.right);
  };
  watchFile(files.roster, { interval: ROSTER_POLL_MS, persistent: false }, look);
  return () => unwatchFile(files.roster, look);
};
