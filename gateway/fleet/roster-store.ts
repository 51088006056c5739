/** Keeps the roster that this gateway believes in its data directory: where it goes on from, whatever it is handed later. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import {
  openRosterChain,
  type BelievedRoster,
  type RosterChainError,
} from "#core/trust/roster-chain.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";

/** Beside the gateway's own logs; the one in the fleet's folder is the operator's and never written. */
export const KEPT_ROSTER_FILE = "roster.txt";

export type RosterStoreError =
  | RosterChainError
  /** It is good, but can't be kept: believe the old one, and try again when there is room. */
  | { readonly _tag: "RosterNotKept"; readonly path: string; readonly detail: string };

const syncFolder = (folder: string): void => {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** Writes whole or not at all. Left: `RosterNotKept`; what was there is still there. */
export const keepRoster = (dataDir: string, note: string): E.Either<RosterStoreError, void> => {
  const path = join(dataDir, KEPT_ROSTER_FILE);
  try {
    if (existsSync(path) && readFileSync(path, "utf8") === note) return E.right(undefined);
    writeFileSync(`${path}.new`, note, { mode: 0o644, flush: true });
    renameSync(`${path}.new`, path);
    syncFolder(dataDir);
    return E.right(undefined);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return E.left({ _tag: "RosterNotKept", path, detail });
  }
};

/**
 * Takes a roster over from a peer or a file. Right: it follows the one that is believed, and is on disk. Left: as
 * `openRosterChain`, or `RosterNotKept`; the believed one stays.
 */
export const acceptRosterNote = (
  dataDir: string,
  believed: BelievedRoster,
  note: string,
): E.Either<RosterStoreError, BelievedRoster> => {
  const next = openRosterChain(nodeCrypto, believed, note);
  if (E.isLeft(next)) return next;
  const kept = keepRoster(dataDir, note);
  return E.isLeft(kept) ? kept : next;
};
