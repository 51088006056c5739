/**
 * The roster: the signed list of a fleet's gateways and their keys. A signed-note by the fleet key, whose name is
 * the fleet's; one fact a line:
 *   tapmesh/roster/v1
 *   fleet <name>
 *   version <number, only ever up>
 *   previous <base64 SHA-256 of the roster note before, or ->
 *   successor <base64 SHA-256 of the offline key that signs the next fleet key, or ->
 *   gateway <name> site <name> key <base64> status active|retired|revoked
 * Lines of a kind that a reader doesn't know are passed over; what must not be passed over takes a v2.
 */
import * as E from "fp-ts/lib/Either.js";
import { fromBase64, toBase64, toHex } from "#core/bytes.ts";
import type { Crypto, Sha256 } from "#core/log/crypto.ts";
import { openNote, signNote, type NoteError, type NoteKey } from "#core/log/signed-note.ts";
import type { SignEd25519 } from "#core/log/crypto.ts";

export const GATEWAY_STATUSES = ["active", "retired", "revoked"] as const;
export type GatewayStatus = (typeof GATEWAY_STATUSES)[number];

export interface RosterGateway {
  readonly name: string;
  readonly site: string;
  /** Ed25519 public key, made on the gateway. */
  readonly key: Uint8Array;
  readonly status: GatewayStatus;
}

export interface Roster {
  readonly fleet: string;
  readonly version: number;
  readonly previous: Uint8Array | null;
  readonly successor: Uint8Array | null;
  readonly gateways: ReadonlyArray<RosterGateway>;
}

export type RosterError =
  | NoteError
  | { readonly _tag: "RosterMalformed"; readonly line: number; readonly detail: string }
  | { readonly _tag: "RosterForeign"; readonly fleet: string };

const FIRST_LINE = "tapmesh/roster/v1";
export const GATEWAYS_COUNT_MAX = 10_000;

const optionalHash = (hash: Uint8Array | null): string => (hash === null ? "-" : toBase64(hash));

const formatGateway = (gateway: RosterGateway): string =>
  `gateway ${gateway.name} site ${gateway.site} key ${toBase64(gateway.key)} status ${gateway.status}`;

export const formatRoster = (roster: Roster): string =>
  [
    FIRST_LINE,
    `fleet ${roster.fleet}`,
    `version ${roster.version}`,
    `previous ${optionalHash(roster.previous)}`,
    `successor ${optionalHash(roster.successor)}`,
    ...roster.gateways.map(formatGateway),
    "",
  ].join("\n");

const malformed = (line: number, detail: string): E.Either<RosterError, never> =>
  E.left({ _tag: "RosterMalformed", line, detail });

const GATEWAY_LINE =
  /^gateway ([a-z0-9-]{1,32}) site ([a-z0-9-]{1,32}) key ([A-Za-z0-9+/=]{44}) status ([a-z]+)$/;

const parseGateway = (text: string): RosterGateway | undefined => {
  const [, name, site, keyText, statusText] = GATEWAY_LINE.exec(text) ?? [];
  const key = fromBase64(keyText ?? "");
  const status = GATEWAY_STATUSES.find((candidate) => candidate === statusText);
  if (name === undefined || site === undefined || status === undefined) return undefined;
  return key?.length === 32 ? { name, site, key, status } : undefined;
};

/** Hash of 32 bytes, null for `-`, undefined for neither. */
const parseOptionalHash = (text: string): Uint8Array | null | undefined => {
  if (text === "-") return null;
  const hash = fromBase64(text);
  return hash?.length === 32 ? hash : undefined;
};

const valueAt = (lines: ReadonlyArray<string>, index: number, key: string): string | undefined => {
  const line = lines[index];
  return line?.startsWith(`${key} `) === true ? line.slice(key.length + 1) : undefined;
};

/** Reads a roster's text; verifies nothing. Left: `RosterMalformed` with the line. */
export const parseRoster = (text: string): E.Either<RosterError, Roster> => {
  const lines = text.split("\n").slice(0, -1);
  if (lines[0] !== FIRST_LINE) return malformed(1, `must be "${FIRST_LINE}"`);
  const fleet = valueAt(lines, 1, "fleet");
  const version = valueAt(lines, 2, "version");
  const previous = parseOptionalHash(valueAt(lines, 3, "previous") ?? "");
  const successor = parseOptionalHash(valueAt(lines, 4, "successor") ?? "");
  if (fleet === undefined) return malformed(2, "must be the fleet's name");
  if (version === undefined || !/^[1-9][0-9]{0,9}$/.test(version))
    return malformed(3, "must be a version");
  if (previous === undefined) return malformed(4, "must be the hash of the roster before, or -");
  if (successor === undefined) return malformed(5, "must be the hash of the successor key, or -");
  const gateways: RosterGateway[] = [];
  for (const [index, line] of lines.slice(5).entries()) {
    if (!line.startsWith("gateway ")) continue;
    const gateway = parseGateway(line);
    if (gateway === undefined) return malformed(index + 6, "is no gateway line");
    gateways.push(gateway);
    if (gateways.length > GATEWAYS_COUNT_MAX) return malformed(index + 6, "too many gateways");
  }
  return E.right({ fleet, version: Number(version), previous, successor, gateways });
};

export const signRoster = (
  sha256: Sha256,
  roster: Roster,
  signer: { readonly publicKey: Uint8Array; readonly sign: SignEd25519 },
): string => signNote(sha256, formatRoster(roster), { name: roster.fleet, ...signer });

/**
 * Opens a roster note with the fleet's key. Left: as `openNote` and `parseRoster`; `RosterForeign` if it is another
 * fleet's. Nothing of a roster that fails may be used.
 */
export const openRoster = (
  crypto: Crypto,
  note: string,
  fleetKey: NoteKey,
): E.Either<RosterError, Roster> => {
  const text = openNote(crypto, note, fleetKey);
  if (E.isLeft(text)) return text;
  const roster = parseRoster(text.right);
  if (E.isLeft(roster)) return roster;
  return roster.right.fleet === fleetKey.name
    ? roster
    : E.left({ _tag: "RosterForeign", fleet: roster.right.fleet });
};

/** Whether the roster lists this gateway with this key, and has not revoked it. */
export const isListed = (roster: Roster, gateway: string, key: Uint8Array): boolean =>
  roster.gateways.some(
    (listed) =>
      listed.name === gateway && listed.status !== "revoked" && toHex(listed.key) === toHex(key),
  );
