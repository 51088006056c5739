/** Takes over a new roster file of the fleet's folder while the gateway runs. */
import { unwatchFile, watchFile } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import type { BelievedRoster } from "#core/trust/roster-chain.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { readRosterNote } from "#gateway/fleet/fleet-files.ts";
import type { Journal } from "#gateway/ports.ts";
import { acceptRosterNote } from "#gateway/fleet/roster-store.ts";

/** A stat every so often works on every file system, and a roster changes once in weeks. */
const ROSTER_POLL_MS = 2_000;

/** Calls back with each roster that follows the believed one; others are reported, older ones passed over. */
export const watchRoster = (
  { fleetFiles, dataDir }: GatewayConfig,
  journal: Journal,
  rosters: {
    readonly believed: () => BelievedRoster;
    readonly onAccepted: (roster: BelievedRoster) => void;
  },
): (() => void) => {
  const look = (): void => {
    const note = readRosterNote(fleetFiles);
    const accepted = E.isLeft(note)
      ? note
      : acceptRosterNote(dataDir, rosters.believed(), note.right);
    if (E.isRight(accepted)) rosters.onAccepted(accepted.right);
    else if (accepted.left._tag !== "RosterNotNewer") {
      journal.error("roster.refused", { tag: accepted.left._tag });
    }
  };
  // At the start the kept roster may stand in for one that is damaged by now, which is to be said.
  look();
  watchFile(fleetFiles.roster, { interval: ROSTER_POLL_MS, persistent: false }, look);
  return () => unwatchFile(fleetFiles.roster, look);
};
