/**
 * The files of the folder in which a fleet's keys and roster are made, on the operator's machine, offline:
 *   fleet.key      signs rosters; stays with the operator     fleet.pub   what gateways check rosters with
 *   successor.key  signs the next fleet key should this one be lost; keep it elsewhere
 *   card.key       names cards; the same on all gateways      roster.txt  the signed roster
 *   sun.key        makes the keys of NTAG 424 DNA tags; the same on all gateways that have a reader with level sun
 *   roster.draft   the next roster, until it is signed        rotation/   new keys, on their way into their places
 * Gateways get fleet.pub, card.key, sun.key and roster.txt, never a key that signs.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import type { Crypto, SignEd25519 } from "#core/log/crypto.ts";
import { parseVerifierKey, type NoteKey } from "#core/log/signed-note.ts";
import { openRoster, parseRoster, type Roster, type RosterError } from "#core/trust/roster.ts";
import { parseSecret, type SecretKind } from "#core/trust/secret-text.ts";
import type { RosterChangeError } from "#provisioning/roster/roster-changes.ts";

export const FLEET_FILES = {
  fleetKey: "fleet.key",
  successorKey: "successor.key",
  publicKey: "fleet.pub",
  cardKey: "card.key",
  sunKey: "sun.key",
  roster: "roster.txt",
  draft: "roster.draft",
} as const;
export const ROTATION_FOLDER = "rotation";

/** What the folder's keys are made and used with; the caller has it from the gateway. */
export interface FleetCrypto extends Crypto {
  readonly randomBytes: (byteCount: number) => Uint8Array;
  readonly signingKeyFromSeed: (seed: Uint8Array) => {
    readonly publicKey: Uint8Array;
    readonly sign: SignEd25519;
  };
}

export type FleetFolderError =
  | { readonly _tag: "FleetExists"; readonly path: string }
  | { readonly _tag: "FleetFileMissing"; readonly path: string }
  | { readonly _tag: "FleetFileMalformed"; readonly path: string }
  | { readonly _tag: "RosterInvalid"; readonly path: string; readonly cause: RosterError }
  /** A key that signs is not in the folder, and need not be until it is to sign. */
  | { readonly _tag: "KeyMissing"; readonly path: string }
  | { readonly _tag: "NothingToSign"; readonly path: string }
  /** The signed roster names another key as the successor of the fleet's. */
  | { readonly _tag: "SuccessorForeign"; readonly path: string }
  | { readonly _tag: "ChangeRefused"; readonly cause: RosterChangeError };

export const SECRET_MODE = 0o600;
export const PUBLIC_MODE = 0o644;

export const syncFolder = (folder: string): void => {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** Writes whole or not at all: a roster cut short by a power cut would lock the fleet out. */
export const writeWhole = (path: string, text: string, mode: number): void => {
  writeFileSync(`${path}.new`, text, { mode, flush: true });
  renameSync(`${path}.new`, path);
};

export const readText = (path: string): E.Either<FleetFolderError, string> =>
  existsSync(path)
    ? E.right(readFileSync(path, "utf8"))
    : E.left({ _tag: "FleetFileMissing", path });

export const readSecret = (
  folder: string,
  name: string,
  kind: SecretKind,
): E.Either<FleetFolderError, Uint8Array> => {
  const path = join(folder, name);
  if (!existsSync(path)) return E.left({ _tag: "KeyMissing", path });
  const secret = parseSecret(kind, readFileSync(path, "utf8"));
  return secret === undefined ? E.left({ _tag: "FleetFileMalformed", path }) : E.right(secret);
};

const readPublicKey = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, NoteKey> => {
  const path = join(folder, FLEET_FILES.publicKey);
  const text = readText(path);
  if (E.isLeft(text)) return text;
  const key = parseVerifierKey(crypto.sha256, text.right.trim());
  return E.isLeft(key) ? E.left({ _tag: "FleetFileMalformed", path }) : E.right(key.right);
};

/** Moves new keys into their places: what a change of the fleet key ends with, also one that was cut off. */
export const finishRotation = (folder: string): void => {
  const staged = join(folder, ROTATION_FOLDER);
  if (!existsSync(staged)) return;
  for (const name of readdirSync(staged)) renameSync(join(staged, name), join(folder, name));
  rmdirSync(staged);
  syncFolder(folder);
};

/** The signed roster as it is, the key that signed it, and its text. */
export interface SignedRoster {
  readonly roster: Roster;
  readonly key: NoteKey;
  readonly note: string;
}

export const readSignedRoster = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, SignedRoster> => {
  finishRotation(folder);
  const key = readPublicKey(crypto, folder);
  if (E.isLeft(key)) return key;
  const path = join(folder, FLEET_FILES.roster);
  const note = readText(path);
  if (E.isLeft(note)) return note;
  const roster = openRoster(crypto, note.right, key.right);
  return E.isLeft(roster)
    ? E.left({ _tag: "RosterInvalid", path, cause: roster.left })
    : E.right({ roster: roster.right, key: key.right, note: note.right });
};

/** The signed roster, checked with the fleet's public key. */
export const readRoster = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, Roster> => {
  const signed = readSignedRoster(crypto, folder);
  return E.isLeft(signed) ? signed : E.right(signed.right.roster);
};

/** The roster that waits for its signature, or null where none does. */
export const readDraft = (folder: string): E.Either<FleetFolderError, Roster | null> => {
  const path = join(folder, FLEET_FILES.draft);
  if (!existsSync(path)) return E.right(null);
  const draft = parseRoster(readFileSync(path, "utf8"));
  return E.isLeft(draft) ? E.left({ _tag: "RosterInvalid", path, cause: draft.left }) : draft;
};
