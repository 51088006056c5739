/**
 * The roster: the signed list of a fleet's gateways and their keys. A signed-note by the fleet key, whose name is
 * the fleet's; one fact a line:
 *   tapmesh/roster/v1
 *   fleet <name>
 *   version <number, only ever up>
 *   previous <base64 SHA-256 of the roster note before, or ->
 *   successor <base64 SHA-256 of the offline key that signs the next fleet key, or ->
 *   fleet-key <base64>                              the fleet's keys so far, the last signs this; none before it changed
 *   gateway <name> site <name> key <base64> status active|retired|revoked
 *   cut <epoch, 32 hex> <records of it that count>  with any of them the first line says v2
 * Lines of a kind that a reader doesn't know are passed over. Cuts must not be, so a reader that doesn't know them is
 * given a version that it refuses.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, fromBase64, toBase64, toHex } from "#core/bytes.ts";
import type { Crypto, Sha256 } from "#core/log/crypto.ts";
import { openNote, signNote, type NoteError, type NoteKey } from "#core/log/signed-note.ts";
import type { SignEd25519 } from "#core/log/crypto.ts";
import type { Cuts } from "#core/trust/cuts.ts";

export const GATEWAY_STATUSES = ["active", "retired", "revoked"] as const;
/** `retired`: replaced or taken down, its records stand. `revoked`: in others' hands; only what the cuts name counts. */
export type GatewayStatus = (typeof GATEWAY_STATUSES)[number];

/** One key of one gateway: a gateway that was replaced has several, of which one at most is active. */
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
  /** Oldest first; empty until the fleet key is changed for the first time. */
  readonly fleetKeys: ReadonlyArray<Uint8Array>;
  readonly gateways: ReadonlyArray<RosterGateway>;
  readonly cuts: Cuts;
}

export type RosterError =
  | NoteError
  | { readonly _tag: "RosterMalformed"; readonly line: number; readonly detail: string }
  | { readonly _tag: "RosterForeign"; readonly fleet: string };

const FIRST_LINE = "tapmesh/roster/v1";
const FIRST_LINE_WITH_CUTS = "tapmesh/roster/v2";
export const GATEWAYS_COUNT_MAX = 10_000;
export const CUTS_COUNT_MAX = 10_000;
const FLEET_KEYS_COUNT_MAX = 64;

const optionalHash = (hash: Uint8Array | null): string => (hash === null ? "-" : toBase64(hash));

const formatGateway = (gateway: RosterGateway): string =>
  `gateway ${gateway.name} site ${gateway.site} key ${toBase64(gateway.key)} status ${gateway.status}`;

export const formatRoster = (roster: Roster): string =>
  [
    roster.cuts.size === 0 ? FIRST_LINE : FIRST_LINE_WITH_CUTS,
    `fleet ${roster.fleet}`,
    `version ${roster.version}`,
    `previous ${optionalHash(roster.previous)}`,
    `successor ${optionalHash(roster.successor)}`,
    ...roster.fleetKeys.map((key) => `fleet-key ${toBase64(key)}`),
    ...roster.gateways.map(formatGateway),
    ...[...roster.cuts].map(([epoch, size]) => `cut ${epoch} ${size}`).toSorted(),
    "",
  ].join("\n");

const malformed = (line: number, detail: string): E.Either<RosterError, never> =>
  E.left({ _tag: "RosterMalformed", line, detail });

const GATEWAY_LINE =
  /^gateway ([a-z0-9-]{1,32}) site ([a-z0-9-]{1,32}) key ([A-Za-z0-9+/=]{44}) status ([a-z]+)$/;
const CUT_LINE = /^cut ([0-9a-f]{32}) (0|[1-9][0-9]{0,14})$/;

const parseKey = (text: string): Uint8Array | undefined => {
  const key = fromBase64(text);
  return key?.length === 32 ? key : undefined;
};

const parseGateway = (text: string): RosterGateway | undefined => {
  const [, name, site, keyText, statusText] = GATEWAY_LINE.exec(text) ?? [];
  const key = parseKey(keyText ?? "");
  const status = GATEWAY_STATUSES.find((candidate) => candidate === statusText);
  if (name === undefined || site === undefined || status === undefined) return undefined;
  return key && { name, site, key, status };
};

/** Hash of 32 bytes, null for `-`, undefined for neither. */
const parseOptionalHash = (text: string): Uint8Array | null | undefined =>
  text === "-" ? null : parseKey(text);

const valueAt = (lines: ReadonlyArray<string>, index: number, key: string): string | undefined => {
  const line = lines[index];
  return line?.startsWith(`${key} `) === true ? line.slice(key.length + 1) : undefined;
};

/** What the lines behind the first five add up to. */
class RosterLines {
  readonly fleetKeys: Uint8Array[] = [];
  readonly gateways: RosterGateway[] = [];
  readonly cuts = new Map<string, number>();
  readonly #listed = new Set<string>();

  /** Takes a line; what is wrong with it, or undefined. */
  take(line: string): string | undefined {
    if (line.startsWith("gateway ")) return this.#takeGateway(parseGateway(line));
    if (line.startsWith("cut ")) return this.#takeCut(line);
    if (line.startsWith("fleet-key ")) return this.#takeFleetKey(parseKey(line.slice(10)));
    return undefined;
  }

  #takeGateway(gateway: RosterGateway | undefined): string | undefined {
    if (gateway === undefined) return "is no gateway line";
    if (this.gateways.length === GATEWAYS_COUNT_MAX) return "too many gateways";
    const { name, key, status } = gateway;
    const marks = [`${name} ${toHex(key)}`, ...(status === "active" ? [`${name} active`] : [])];
    if (marks.some((mark) => this.#listed.has(mark))) {
      return `lists the gateway "${name}" twice with one key, or with two active ones`;
    }
    for (const mark of marks) this.#listed.add(mark);
    this.gateways.push(gateway);
    return undefined;
  }

  #takeCut(line: string): string | undefined {
    const [, epoch, size] = CUT_LINE.exec(line) ?? [];
    if (epoch === undefined) return "is no cut line";
    if (this.cuts.size === CUTS_COUNT_MAX) return "too many cuts";
    if (this.cuts.has(epoch)) return "cuts an epoch twice";
    this.cuts.set(epoch, Number(size));
    return undefined;
  }

  #takeFleetKey(key: Uint8Array | undefined): string | undefined {
    if (key === undefined) return "is no fleet key";
    if (this.fleetKeys.length === FLEET_KEYS_COUNT_MAX) return "too many fleet keys";
    this.fleetKeys.push(key);
    return undefined;
  }
}

/** Reads a roster's text; verifies nothing. Left: `RosterMalformed` with the line. */
export const parseRoster = (text: string): E.Either<RosterError, Roster> => {
  const lines = text.split("\n").slice(0, -1);
  const isWithCuts = lines[0] === FIRST_LINE_WITH_CUTS;
  if (!isWithCuts && lines[0] !== FIRST_LINE) return malformed(1, `must be "${FIRST_LINE}"`);
  const fleet = valueAt(lines, 1, "fleet");
  const version = valueAt(lines, 2, "version");
  const previous = parseOptionalHash(valueAt(lines, 3, "previous") ?? "");
  const successor = parseOptionalHash(valueAt(lines, 4, "successor") ?? "");
  if (fleet === undefined) return malformed(2, "must be the fleet's name");
  if (version === undefined || !/^[1-9][0-9]{0,9}$/.test(version))
    return malformed(3, "must be a version");
  if (previous === undefined) return malformed(4, "must be the hash of the roster before, or -");
  if (successor === undefined) return malformed(5, "must be the hash of the successor key, or -");
  const rest = new RosterLines();
  for (const [index, line] of lines.slice(5).entries()) {
    const problem = rest.take(line);
    if (problem !== undefined) return malformed(index + 6, problem);
  }
  const { fleetKeys, gateways, cuts } = rest;
  if (isWithCuts !== cuts.size > 0) return malformed(1, "must be v2 with cuts, and v1 without");
  return E.right({
    fleet,
    version: Number(version),
    previous,
    successor,
    fleetKeys,
    gateways,
    cuts,
  });
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

/** Null where the roster doesn't list this gateway with this key. */
export const statusOf = (
  roster: Roster,
  gateway: string,
  key: Uint8Array,
): GatewayStatus | null => {
  const line = roster.gateways.find(({ name, key: k }) => name === gateway && equalBytes(k, key));
  return line?.status ?? null;
};

/** Whether the roster lists this gateway with this key, and has not revoked it. */
export const isListed = (roster: Roster, gateway: string, key: Uint8Array): boolean => {
  const status = statusOf(roster, gateway, key);
  return status !== null && status !== "revoked";
};

/** The gateways at work, one line each. */
export const activeGateways = (roster: Roster): ReadonlyArray<RosterGateway> =>
  roster.gateways.filter(({ status }) => status === "active");

/** Where a gateway stands, or stood last; null for one that isn't listed. */
export const siteOf = (roster: Roster, gateway: string): string | null => {
  const lines = roster.gateways.filter(({ name }) => name === gateway);
  const line = lines.find(({ status }) => status === "active") ?? lines.at(-1);
  return line?.site ?? null;
};

/**
 * Records of an epoch that count by the roster: what it names; of a revoked key's epochs that it doesn't name, none; of
 * all others, all (infinity). Keys and epochs in hex, as in cuts. Whether a key is listed at all, `statusOf` says.
 */
export const countedSize = (
  roster: Roster,
  author: { readonly gateway: string; readonly gatewayKey: string; readonly epoch: string },
): number => {
  const named = roster.cuts.get(author.epoch);
  if (named !== undefined) return named;
  const isRevoked = roster.gateways.some(
    ({ name, key, status }) =>
      status === "revoked" && name === author.gateway && toHex(key) === author.gatewayKey,
  );
  return isRevoked ? 0 : Number.POSITIVE_INFINITY;
};
