/**
 * The folder in which a fleet's keys and roster are made, on the operator's machine, offline:
 *   fleet.key      signs rosters; stays with the operator     fleet.pub   what gateways check rosters with
 *   successor.key  signs the next fleet key should this one be lost; keep it elsewhere
 *   card.key       names cards; the same on all gateways      roster.txt  the signed roster
 *   roster.draft   the next roster, until it is signed
 * Gateways get fleet.pub, card.key and roster.txt, never a key that signs.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { utf8 } from "#core/bytes.ts";
import type { Crypto, SignEd25519 } from "#core/log/crypto.ts";
import { formatVerifierKey, parseVerifierKey, type NoteKey } from "#core/log/signed-note.ts";
import {
  formatRoster,
  openRoster,
  parseRoster,
  signRoster,
  type Roster,
  type RosterError,
  type RosterGateway,
} from "#core/trust/roster.ts";
import { formatSecret, parseSecret, type SecretKind } from "#core/trust/secret-text.ts";

export const FLEET_FILES = {
  fleetKey: "fleet.key",
  successorKey: "successor.key",
  publicKey: "fleet.pub",
  cardKey: "card.key",
  roster: "roster.txt",
  draft: "roster.draft",
} as const;

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
  | { readonly _tag: "GatewayListed"; readonly gateway: string }
  | { readonly _tag: "NothingToSign"; readonly path: string };

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

const read = (path: string): E.Either<FleetFolderError, string> =>
  existsSync(path)
    ? E.right(readFileSync(path, "utf8"))
    : E.left({ _tag: "FleetFileMissing", path });

/** Writes whole or not at all: a roster cut short by a power cut would lock the fleet out. */
const writeWhole = (path: string, text: string, mode: number): void => {
  writeFileSync(`${path}.new`, text, { mode, flush: true });
  renameSync(`${path}.new`, path);
};

const readSecret = (
  folder: string,
  name: string,
  kind: SecretKind,
): E.Either<FleetFolderError, Uint8Array> => {
  const path = join(folder, name);
  const text = read(path);
  if (E.isLeft(text)) return text;
  const secret = parseSecret(kind, text.right);
  return secret === undefined ? E.left({ _tag: "FleetFileMalformed", path }) : E.right(secret);
};

const readPublicKey = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, NoteKey> => {
  const path = join(folder, FLEET_FILES.publicKey);
  const text = read(path);
  if (E.isLeft(text)) return text;
  const key = parseVerifierKey(crypto.sha256, text.right.trim());
  return E.isLeft(key) ? E.left({ _tag: "FleetFileMalformed", path }) : E.right(key.right);
};

/** The signed roster, checked with the fleet's public key. */
export const readRoster = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, Roster> => {
  const key = readPublicKey(crypto, folder);
  if (E.isLeft(key)) return key;
  const path = join(folder, FLEET_FILES.roster);
  const note = read(path);
  if (E.isLeft(note)) return note;
  const roster = openRoster(crypto, note.right, key.right);
  return E.isLeft(roster) ? E.left({ _tag: "RosterInvalid", path, cause: roster.left }) : roster;
};

/** The roster that waits for its signature, or null where none does. */
export const readDraft = (folder: string): E.Either<FleetFolderError, Roster | null> => {
  const path = join(folder, FLEET_FILES.draft);
  if (!existsSync(path)) return E.right(null);
  const draft = parseRoster(readFileSync(path, "utf8"));
  return E.isLeft(draft) ? E.left({ _tag: "RosterInvalid", path, cause: draft.left }) : draft;
};

/** Makes keys and an empty, signed roster. Left: `FleetExists`; keys are never overwritten. */
export const initFleet = (
  crypto: FleetCrypto,
  folder: string,
  fleet: string,
): E.Either<FleetFolderError, Roster> => {
  for (const name of Object.values(FLEET_FILES)) {
    const path = join(folder, name);
    if (existsSync(path)) return E.left({ _tag: "FleetExists", path });
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [fleetSeed, successorSeed, cardKey] = [1, 2, 3].map(() => crypto.randomBytes(32));
  if (fleetSeed === undefined || successorSeed === undefined || cardKey === undefined) {
    throw new RangeError("three seeds were made");
  }
  const key = crypto.signingKeyFromSeed(fleetSeed);
  const successor = crypto.sha256(crypto.signingKeyFromSeed(successorSeed).publicKey);
  const roster: Roster = { fleet, version: 1, previous: null, successor, gateways: [] };
  const verifierKey = formatVerifierKey(crypto.sha256, { name: fleet, publicKey: key.publicKey });
  const write = (name: string, text: string, mode: number): void =>
    writeWhole(join(folder, name), text, mode);
  write(FLEET_FILES.fleetKey, formatSecret("fleet-key", fleetSeed), SECRET_MODE);
  write(FLEET_FILES.successorKey, formatSecret("successor-key", successorSeed), SECRET_MODE);
  write(FLEET_FILES.cardKey, formatSecret("card-key", cardKey), SECRET_MODE);
  write(FLEET_FILES.publicKey, `${verifierKey}\n`, PUBLIC_MODE);
  write(FLEET_FILES.roster, signRoster(crypto.sha256, roster, key), PUBLIC_MODE);
  return E.right(roster);
};

/** Puts a gateway into the draft. Left: `GatewayListed` if the roster has one of that name already. */
export const addGateway = (
  crypto: FleetCrypto,
  folder: string,
  gateway: RosterGateway,
): E.Either<FleetFolderError, Roster> => {
  const roster = readRoster(crypto, folder);
  if (E.isLeft(roster)) return roster;
  const draft = readDraft(folder);
  if (E.isLeft(draft)) return draft;
  const base = draft.right ?? roster.right;
  if (base.gateways.some(({ name }) => name === gateway.name)) {
    return E.left({ _tag: "GatewayListed", gateway: gateway.name });
  }
  const next = { ...base, gateways: [...base.gateways, gateway] };
  writeWhole(join(folder, FLEET_FILES.draft), formatRoster(next), PUBLIC_MODE);
  return E.right(next);
};

/** Signs the draft as the next version, chained to the roster that it replaces. */
export const signDraft = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, Roster> => {
  const roster = readRoster(crypto, folder);
  if (E.isLeft(roster)) return roster;
  const draft = readDraft(folder);
  if (E.isLeft(draft)) return draft;
  const path = join(folder, FLEET_FILES.draft);
  if (draft.right === null) return E.left({ _tag: "NothingToSign", path });
  const seed = readSecret(folder, FLEET_FILES.fleetKey, "fleet-key");
  if (E.isLeft(seed)) return seed;
  const rosterPath = join(folder, FLEET_FILES.roster);
  const next: Roster = {
    ...draft.right,
    version: roster.right.version + 1,
    previous: crypto.sha256(utf8(readFileSync(rosterPath, "utf8"))),
  };
  const key = crypto.signingKeyFromSeed(seed.right);
  writeWhole(rosterPath, signRoster(crypto.sha256, next, key), PUBLIC_MODE);
  rmSync(path);
  return E.right(next);
};
