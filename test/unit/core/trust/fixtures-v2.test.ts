/**
 * What came after format 1 opens, verifies and is written the same for ever. A failure here is never mended in the
 * fixtures: it says that gateways in the field would no longer understand each other.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { decodeCbor, encodeCbor } from "#core/log/cbor.ts";
import { verifyEvidence } from "#core/log/fork.ts";
import { formatJoinRequest, openJoinRequest } from "#core/trust/join-request.ts";
import { openFirstRoster, openRosterChain, reopenRoster } from "#core/trust/roster-chain.ts";
import { countedSize, formatRoster, statusOf } from "#core/trust/roster.ts";
import { nodeCrypto, sha256, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import { at, leftTag, rightOf } from "#test/unit/core/log/either.ts";

interface Fixtures {
  readonly roster: Readonly<Record<"fleetKey" | "note" | "rotated", string>>;
  readonly join: { readonly note: string };
  readonly fork: Readonly<Record<"epoch" | "evidence", string>>;
}

const read = <Name extends keyof Fixtures>(name: Name): Fixtures[Name] =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/v2/${name}.json`, import.meta.url), "utf8"));

const ROSTER = read("roster");
const KEY = { name: "acme", publicKey: hex(ROSTER.fleetKey) };

test("the roster with cuts", () => {
  const { roster } = rightOf(openFirstRoster(nodeCrypto, ROSTER.note, KEY));
  expect(ROSTER.note.startsWith(`${formatRoster(roster)}\n`)).toBe(true);
  expect(ROSTER.note.startsWith("tapmesh/roster/v2\n")).toBe(true);
  expect([roster.fleet, roster.version, roster.cuts.size]).toEqual(["acme", 8, 2]);
  const dock = roster.gateways.filter(({ name }) => name === "dock");
  expect(dock.map(({ key }) => statusOf(roster, "dock", key))).toEqual(["revoked", "active"]);
  const gatewayKey = toHex(at(dock, 0).key);
  const sizeOf = (epoch: string): number =>
    countedSize(roster, { gateway: "dock", gatewayKey, epoch });
  expect(sizeOf("0a1b2c3d4e5f60718293a4b5c6d7e8f9")).toBe(65_536);
  expect(sizeOf("0".repeat(32))).toBe(0);
});

test("the roster by the successor of the fleet key, which follows it", () => {
  const first = rightOf(openFirstRoster(nodeCrypto, ROSTER.note, KEY));
  expect(leftTag(openFirstRoster(nodeCrypto, ROSTER.rotated, KEY))).toBe("NoteNotSigned");
  const next = rightOf(openRosterChain(nodeCrypto, first, ROSTER.rotated));
  expect(next.roster.version).toBe(9);
  expect(next.key.publicKey).toEqual(at(next.roster.fleetKeys, 1));
  expect(ROSTER.rotated.startsWith(`${formatRoster(next.roster)}\n`)).toBe(true);
  expect(reopenRoster(nodeCrypto, ROSTER.rotated, KEY)).toEqual({ _tag: "Right", right: next });
});

test("the join request", () => {
  const { note } = read("join");
  const { key, ...request } = rightOf(openJoinRequest(nodeCrypto, note));
  expect(request).toEqual({ fleet: "acme", gateway: "dock", site: "yard", reason: "restore" });
  const gatewayKey = signingKeyFromSeed(new Uint8Array(32).fill(0x11));
  expect(key).toEqual(gatewayKey.publicKey);
  expect(formatJoinRequest(sha256, request, gatewayKey)).toBe(note);
});

test("the evidence of a fork", () => {
  const { epoch, evidence } = read("fork");
  const bytes = hex(evidence);
  expect(rightOf(verifyEvidence(nodeCrypto, bytes))).toEqual({
    epoch: hex(epoch),
    origin: `acme/lobby/${epoch}`,
    size: 3,
  });
  expect(toHex(encodeCbor(rightOf(decodeCbor(bytes))))).toBe(evidence);
});
