/** What a gateway has on its disk to show who it is and whom it believes. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { toBase64 } from "#core/bytes.ts";
import type { SunSecrets } from "#core/card/sun.ts";
import { parseVerifierKey, type NoteKey } from "#core/log/signed-note.ts";
import type { RosterError } from "#core/trust/roster.ts";
import {
  openFirstRoster,
  openRosterChain,
  reopenRoster,
  type BelievedRoster,
} from "#core/trust/roster-chain.ts";
import { formatSecret, parseSecret, type SecretKind } from "#core/trust/secret-text.ts";
import type { FleetFiles, GatewayConfig } from "#gateway/config/config.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import {
  createCardHmac,
  nodeCrypto,
  randomBytes,
  sha256,
  signingKeyFromSeed,
  type CardHmac,
} from "#gateway/node-crypto.ts";
import { KEPT_ROSTER_FILE, keepRoster } from "#gateway/fleet/roster-store.ts";
import { fleetSunSecrets } from "#gateway/sun-reader.ts";

export type FleetFileError =
  | { readonly _tag: "FileMissing"; readonly path: string; readonly what: string }
  /** A folder in its place, no permission, a dead disk: what the system says. */
  | { readonly _tag: "FileUnreadable"; readonly path: string; readonly detail: string }
  | { readonly _tag: "FileMalformed"; readonly path: string; readonly what: string }
  | { readonly _tag: "RosterRefused"; readonly path: string; readonly cause: RosterError };

/** The gateway's key pair, and where its public half lies for the operator to collect. */
export const GATEWAY_KEY_FILE = "gateway.key";
export const GATEWAY_PUBLIC_FILE = "gateway.pub";

const read = (path: string, what: string): E.Either<FleetFileError, string> => {
  if (!existsSync(path)) return E.left({ _tag: "FileMissing", path, what });
  try {
    return E.right(readFileSync(path, "utf8"));
  } catch (error) {
    return E.left({ _tag: "FileUnreadable", path, detail: messageOf(error) });
  }
};

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/**
 * Reads the gateway's own key, or makes it at the first start. It never leaves this disk. Left: `FileMalformed`: it is
 * not replaced by a new one by itself, since the roster knows the old one; `FileUnreadable`, as the system says.
 */
export const loadGatewayKey = (dataDir: string): E.Either<FleetFileError, SigningKey> => {
  const path = join(dataDir, GATEWAY_KEY_FILE);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (!existsSync(path)) makeGatewayKey(path);
    const seed = parseSecret("gateway-key", readFileSync(path, "utf8"));
    if (seed === undefined) {
      return E.left({ _tag: "FileMalformed", path, what: "the gateway's key" });
    }
    const key = signingKeyFromSeed(seed);
    const publicPath = join(dataDir, GATEWAY_PUBLIC_FILE);
    // Written once, since a full disk must not keep a gateway from starting.
    if (!existsSync(publicPath)) writeFileSync(publicPath, `${toBase64(key.publicKey)}\n`);
    return E.right(key);
  } catch (error) {
    return E.left({ _tag: "FileUnreadable", path, detail: messageOf(error) });
  }
};

const makeGatewayKey = (path: string): void => {
  const secret = formatSecret("gateway-key", randomBytes(32));
  writeFileSync(`${path}.new`, secret, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
};

const loadSecret = (
  kind: SecretKind,
  path: string,
  what: string,
): E.Either<FleetFileError, Uint8Array> => {
  const text = read(path, what);
  if (E.isLeft(text)) return text;
  const secret = parseSecret(kind, text.right);
  return secret === undefined ? E.left({ _tag: "FileMalformed", path, what }) : E.right(secret);
};

export const loadCardKey = ({
  cardKey,
}: Pick<FleetFiles, "cardKey">): E.Either<FleetFileError, Uint8Array> =>
  loadSecret("card-key", cardKey, "the fleet's card key");

/** Null where no reader asks for it: fleets without such tags need no such file. */
const loadSunSecrets = ({
  readers,
  fleetFiles,
}: GatewayConfig): E.Either<FleetFileError, SunSecrets | null> => {
  if (!readers.some(({ policy }) => policy.level === "sun")) return E.right(null);
  const secret = loadSecret("sun-key", fleetFiles.sunKey, "the fleet's key for NTAG 424 DNA tags");
  return E.isLeft(secret) ? secret : E.right(fleetSunSecrets(secret.right));
};

const loadFleetKey = (files: FleetFiles): E.Either<FleetFileError, NoteKey> => {
  const what = "the fleet's public key";
  const text = read(files.fleetKey, what);
  if (E.isLeft(text)) return text;
  const key = parseVerifierKey(sha256, text.right.trim());
  return E.isLeft(key) ? E.left({ _tag: "FileMalformed", path: files.fleetKey, what }) : key;
};

/** The fleet's roster as the operator handed it over; verifies nothing. */
export const readRosterNote = (files: FleetFiles): E.Either<FleetFileError, string> =>
  read(files.roster, "the fleet's roster");

/** What this gateway believed last, or null: a kept roster that can't be used is replaced by what the fleet's folder has. */
const loadKeptRoster = (dataDir: string, fleetKey: NoteKey): BelievedRoster | null => {
  const note = read(join(dataDir, KEPT_ROSTER_FILE), "the roster");
  if (E.isLeft(note)) return null;
  const kept = reopenRoster(nodeCrypto, note.right, fleetKey);
  return E.isLeft(kept) ? null : kept.right;
};

/**
 * The newest of the roster that was kept and the one in the fleet's folder. Left: neither can be used, and why the
 * latter can't. Changes nothing.
 */
export const loadRoster = (
  files: FleetFiles,
  dataDir: string,
): E.Either<FleetFileError, BelievedRoster> => {
  const key = loadFleetKey(files);
  if (E.isLeft(key)) return key;
  const kept = loadKeptRoster(dataDir, key.right);
  const note = readRosterNote(files);
  if (E.isLeft(note)) return kept === null ? note : E.right(kept);
  if (kept !== null) {
    const next = openRosterChain(nodeCrypto, kept, note.right);
    return E.isLeft(next) ? E.right(kept) : next;
  }
  const first = openFirstRoster(nodeCrypto, note.right, key.right);
  return E.isLeft(first)
    ? E.left({ _tag: "RosterRefused", path: files.roster, cause: first.left })
    : first;
};

/** All that a gateway needs of its fleet before it can start. */
export interface FleetMaterial {
  readonly gatewayKey: SigningKey;
  readonly cardHmac: CardHmac;
  /** The keys of the fleet's NTAG 424 DNA tags; null where no reader needs them. */
  readonly sunSecrets: SunSecrets | null;
  readonly believed: BelievedRoster;
}

export const loadFleetMaterial = (
  config: GatewayConfig,
): E.Either<FleetFileError, FleetMaterial> => {
  const gatewayKey = loadGatewayKey(config.dataDir);
  if (E.isLeft(gatewayKey)) return gatewayKey;
  const cardKey = loadCardKey(config.fleetFiles);
  if (E.isLeft(cardKey)) return cardKey;
  const sunSecrets = loadSunSecrets(config);
  if (E.isLeft(sunSecrets)) return sunSecrets;
  const believed = loadRoster(config.fleetFiles, config.dataDir);
  if (E.isLeft(believed)) return believed;
  // A full disk must not keep a gateway from starting; what isn't kept now is at the next start.
  keepRoster(config.dataDir, believed.right.note);
  return E.right({
    gatewayKey: gatewayKey.right,
    cardHmac: createCardHmac(cardKey.right),
    sunSecrets: sunSecrets.right,
    believed: believed.right,
  });
};
