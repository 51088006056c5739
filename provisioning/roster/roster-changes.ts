/** What an operator does to a roster, as functions from one roster to the next; nothing is signed or written here. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toBase64, toHex } from "#core/bytes.ts";
import { EPOCH_RECORDS_MAX } from "#core/log/epoch.ts";
import type { JoinRequest } from "#core/trust/join-request.ts";
import {
  CUTS_COUNT_MAX,
  statusOf,
  type GatewayStatus,
  type Roster,
  type RosterGateway,
} from "#core/trust/roster.ts";

export type RosterChangeError =
  | { readonly _tag: "GatewayListed"; readonly gateway: string }
  | { readonly _tag: "GatewayUnlisted"; readonly gateway: string }
  /** A key that was put out of use stays so: whoever brings it up again may have it from a thrown-away card. */
  | { readonly _tag: "KeyUsedUp"; readonly gateway: string; readonly status: GatewayStatus }
  /** A gateway that calls itself new has the name of one that is at work. */
  | { readonly _tag: "NameTaken"; readonly gateway: string }
  | { readonly _tag: "RequestForeign"; readonly fleet: string; readonly expected: string }
  | { readonly _tag: "NoSuchKey"; readonly gateway: string; readonly what: string }
  | { readonly _tag: "EpochUnknown"; readonly epoch: string }
  /** The epoch counts as far already. */
  | { readonly _tag: "CutNotRaised"; readonly epoch: string; readonly size: number }
  | { readonly _tag: "TooManyCuts"; readonly count: number };

/** The next roster, and what is to be said of it. */
export interface Change<A> {
  readonly roster: Roster;
  readonly outcome: A;
}

type Changed<A> = E.Either<RosterChangeError, Change<A>>;

const linesOf = (roster: Roster, gateway: string): ReadonlyArray<RosterGateway> =>
  roster.gateways.filter(({ name }) => name === gateway);

const withStatus = (
  roster: Roster,
  status: GatewayStatus,
  isMeant: (line: RosterGateway) => boolean,
): Roster => ({
  ...roster,
  gateways: roster.gateways.map((line) => (isMeant(line) ? { ...line, status } : line)),
});

/** Left: `GatewayListed` while one of that name is active, `KeyUsedUp`. */
export const addGatewayTo = (roster: Roster, gateway: RosterGateway): Changed<RosterGateway> => {
  const { name, key } = gateway;
  const status = statusOf(roster, name, key);
  if (status !== null && status !== "active") {
    return E.left({ _tag: "KeyUsedUp", gateway: name, status });
  }
  return linesOf(roster, name).some((line) => line.status === "active")
    ? E.left({ _tag: "GatewayListed", gateway: name })
    : E.right({
        roster: { ...roster, gateways: [...roster.gateways, gateway] },
        outcome: gateway,
      });
};

/** What a join request comes to. */
export type Admission =
  | { readonly _tag: "NewGateway" }
  /** The key that it had until now becomes retired. */
  | { readonly _tag: "NewKey"; readonly oldKey: Uint8Array };

/** Left: `RequestForeign`, `GatewayListed` (with that very key), `KeyUsedUp`, `NameTaken`. */
export const admitRequest = (roster: Roster, request: JoinRequest): Changed<Admission> => {
  const { fleet, gateway: name, site, key, reason } = request;
  if (fleet !== roster.fleet) {
    return E.left({ _tag: "RequestForeign", fleet, expected: roster.fleet });
  }
  const active = linesOf(roster, name).find(({ status }) => status === "active");
  if (active !== undefined && equalBytes(active.key, key)) {
    return E.left({ _tag: "GatewayListed", gateway: name });
  }
  if (active !== undefined && reason === "new") return E.left({ _tag: "NameTaken", gateway: name });
  const before = withStatus(roster, "retired", (line) => line === active);
  const added = addGatewayTo(before, { name, site, key, status: "active" });
  if (E.isLeft(added)) return added;
  const outcome: Admission =
    active === undefined ? { _tag: "NewGateway" } : { _tag: "NewKey", oldKey: active.key };
  return E.right({ roster: added.right.roster, outcome });
};

/** Left: `GatewayUnlisted`, `NoSuchKey` where none is active. */
export const retireGateway = (roster: Roster, gateway: string): Changed<RosterGateway> => {
  const lines = linesOf(roster, gateway);
  if (lines.length === 0) return E.left({ _tag: "GatewayUnlisted", gateway });
  const active = lines.find(({ status }) => status === "active");
  return active === undefined
    ? E.left({ _tag: "NoSuchKey", gateway, what: "active key" })
    : E.right({
        roster: withStatus(roster, "retired", (line) => line === active),
        outcome: active,
      });
};

/** The largest size of an epoch that any gateway asked holds, and the gateway key that opened it; both in hex. */
export interface EpochHeld {
  readonly epoch: string;
  readonly key: string;
  readonly size: number;
}

export interface Revocation {
  readonly gateway: string;
  /** How the key begins, as shown (hex) or as written (base64); null for all that the gateway ever had. */
  readonly keyPrefix: string | null;
  readonly held: ReadonlyArray<EpochHeld>;
}

/** The keys that are revoked, and the cuts that are new. */
export interface Revoked {
  readonly keys: ReadonlyArray<Uint8Array>;
  readonly cuts: ReadonlyArray<EpochHeld>;
}

/**
 * A cut that stands already stays: it is the operator's, or says what a fork left.
 * Left: `GatewayUnlisted`, `NoSuchKey` where none that is meant is left to be revoked, `TooManyCuts`.
 */
export const revokeGateway = (roster: Roster, revocation: Revocation): Changed<Revoked> => {
  const { gateway, keyPrefix, held } = revocation;
  const lines = linesOf(roster, gateway);
  if (lines.length === 0) return E.left({ _tag: "GatewayUnlisted", gateway });
  const isMeant = ({ name, key, status }: RosterGateway): boolean =>
    name === gateway &&
    status !== "revoked" &&
    (keyPrefix === null ||
      toHex(key).startsWith(keyPrefix.toLowerCase()) ||
      toBase64(key).startsWith(keyPrefix));
  const keys = lines.filter(isMeant).map(({ key }) => key);
  if (keys.length === 0) {
    const what =
      keyPrefix === null ? "key to revoke" : `key to revoke that begins with ${keyPrefix}`;
    return E.left({ _tag: "NoSuchKey", gateway, what });
  }
  const named = new Set(keys.map(toHex));
  const cuts = held.filter(({ epoch, key }) => named.has(key) && !roster.cuts.has(epoch));
  const allCuts = new Map([
    ...roster.cuts,
    ...cuts.map(({ epoch, size }): [string, number] => [epoch, size]),
  ]);
  return allCuts.size > CUTS_COUNT_MAX
    ? E.left({ _tag: "TooManyCuts", count: allCuts.size })
    : E.right({
        roster: { ...withStatus(roster, "revoked", isMeant), cuts: allCuts },
        outcome: { keys, cuts },
      });
};

const EPOCH = /^[0-9a-f]{32}$/;

/** An epoch's whole name: given so, or by the first digits of one that is cut. */
const epochNamed = (roster: Roster, text: string): string | undefined => {
  if (EPOCH.test(text)) return text;
  const named = [...roster.cuts.keys()].filter((epoch) => epoch.startsWith(text));
  return named.length === 1 ? named[0] : undefined;
};

/**
 * Lets more of a revoked gateway's epoch count. Left: `GatewayUnlisted`, `NoSuchKey` (none is revoked, so nothing is
 * cut), `EpochUnknown` (neither 32 digits nor the beginning of one cut), `CutNotRaised`, `TooManyCuts`.
 */
export const admitRecords = (
  roster: Roster,
  admitted: { readonly gateway: string; readonly epoch: string; readonly size: number },
): Changed<{ readonly epoch: string; readonly before: number }> => {
  const { gateway, size } = admitted;
  const lines = linesOf(roster, gateway);
  if (lines.length === 0) return E.left({ _tag: "GatewayUnlisted", gateway });
  const epoch = epochNamed(roster, admitted.epoch.toLowerCase());
  if (epoch === undefined) return E.left({ _tag: "EpochUnknown", epoch: admitted.epoch });
  const named = roster.cuts.get(epoch);
  if (named === undefined && !lines.some(({ status }) => status === "revoked")) {
    return E.left({ _tag: "NoSuchKey", gateway, what: "revoked key" });
  }
  const before = named ?? 0;
  if (size <= before || size > EPOCH_RECORDS_MAX) {
    return E.left({ _tag: "CutNotRaised", epoch, size: before });
  }
  const cuts = new Map(roster.cuts).set(epoch, size);
  return cuts.size > CUTS_COUNT_MAX
    ? E.left({ _tag: "TooManyCuts", count: cuts.size })
    : E.right({ roster: { ...roster, cuts }, outcome: { epoch, before } });
};
