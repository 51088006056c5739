/**
 * What a gateway hands to the operator to be let into a fleet: a signed-note by the gateway key, whose name is the
 * gateway's, so nobody can have a key listed that he doesn't hold.
 *   tapmesh/join/v1
 *   fleet <name>
 *   gateway <name>
 *   site <name>
 *   key <base64>
 *   reason new|restore
 */
import * as E from "fp-ts/lib/Either.js";
import { fromBase64, toBase64 } from "#core/bytes.ts";
import type { Crypto, Sha256, SigningKey } from "#core/log/crypto.ts";
import { openNote, parseNote, signNote, type NoteError } from "#core/log/signed-note.ts";

export const JOIN_REASONS = ["new", "restore"] as const;
/** `restore`: takes the place of a gateway of that name, whose key is lost. */
export type JoinReason = (typeof JOIN_REASONS)[number];

export interface JoinRequest {
  readonly fleet: string;
  readonly gateway: string;
  readonly site: string;
  /** Ed25519 public key. */
  readonly key: Uint8Array;
  readonly reason: JoinReason;
}

export type JoinRequestError =
  | NoteError
  | { readonly _tag: "JoinRequestMalformed"; readonly line: number; readonly detail: string };

const FIRST_LINE = "tapmesh/join/v1";
const NAME = /^[a-z0-9-]{1,32}$/;

/** Whether a file's text means to be a join request. */
export const isJoinRequest = (text: string): boolean => text.startsWith(`${FIRST_LINE}\n`);

const formatText = (request: JoinRequest): string =>
  [
    FIRST_LINE,
    `fleet ${request.fleet}`,
    `gateway ${request.gateway}`,
    `site ${request.site}`,
    `key ${toBase64(request.key)}`,
    `reason ${request.reason}`,
    "",
  ].join("\n");

export const formatJoinRequest = (
  sha256: Sha256,
  request: Omit<JoinRequest, "key">,
  gatewayKey: SigningKey,
): string =>
  signNote(sha256, formatText({ ...request, key: gatewayKey.publicKey }), {
    name: request.gateway,
    ...gatewayKey,
  });

const malformed = (line: number, detail: string): E.Either<JoinRequestError, never> =>
  E.left({ _tag: "JoinRequestMalformed", line, detail });

const parseText = (text: string): E.Either<JoinRequestError, JoinRequest> => {
  const lines = text.split("\n");
  const valueOf = (index: number, word: string): string => {
    const line = lines[index] ?? "";
    return line.startsWith(`${word} `) ? line.slice(word.length + 1) : "";
  };
  if (lines[0] !== FIRST_LINE) return malformed(1, `must be "${FIRST_LINE}"`);
  const [fleet, gateway, site] = [
    valueOf(1, "fleet"),
    valueOf(2, "gateway"),
    valueOf(3, "site"),
  ] as const;
  const key = fromBase64(valueOf(4, "key"));
  const reason = JOIN_REASONS.find((known) => known === valueOf(5, "reason"));
  if (!NAME.test(fleet)) return malformed(2, "must be the fleet's name");
  if (!NAME.test(gateway)) return malformed(3, "must be the gateway's name");
  if (!NAME.test(site)) return malformed(4, "must be the site's name");
  if (key?.length !== 32) return malformed(5, "must be the gateway's key");
  if (reason === undefined) return malformed(6, "must be the reason, new or restore");
  return lines.length === 7 && lines[6] === ""
    ? E.right({ fleet, gateway, site, key, reason })
    : malformed(7, "is one too many");
};

/**
 * Right: whoever made it holds the key in it. Left: as `openNote`, or `JoinRequestMalformed` with the line. That the
 * name is the gateway's own nobody but the operator can say.
 */
export const openJoinRequest = (
  crypto: Crypto,
  note: string,
): E.Either<JoinRequestError, JoinRequest> => {
  const parsed = parseNote(note);
  if (E.isLeft(parsed)) return parsed;
  const request = parseText(parsed.right.text);
  if (E.isLeft(request)) return request;
  const { gateway: name, key: publicKey } = request.right;
  const opened = openNote(crypto, note, { name, publicKey });
  return E.isLeft(opened) ? opened : request;
};
