import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, toHex } from "#core/bytes.ts";
import { signNote } from "#core/log/signed-note.ts";
import {
  activeGateways,
  countedSize,
  CUTS_COUNT_MAX,
  formatRoster,
  GATEWAYS_COUNT_MAX,
  isListed,
  openRoster,
  parseRoster,
  signRoster,
  siteOf,
  statusOf,
  type Roster,
  type RosterError,
  type RosterGateway,
} from "#core/trust/roster.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { leftTag } from "#test/unit/core/log/either.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";
import { roster } from "#test/unit/core/trust/rosters.ts";

const FLEET = keyOf(30);
const LOBBY: RosterGateway = {
  name: "lobby",
  site: "hq",
  key: keyOf(1).publicKey,
  status: "active",
};
const EXAMPLE: Roster = {
  fleet: "fleet",
  version: 1,
  previous: null,
  successor: null,
  fleetKeys: [],
  gateways: [LOBBY],
  cuts: new Map(),
};
const KEY = { name: "fleet", publicKey: FLEET.publicKey };

test("a roster reads back, signed and unsigned, and only under the fleet's key", () => {
  fc.assert(
    fc.property(roster, (value) => {
      expect(parseRoster(formatRoster(value))).toEqual(E.right(value));
      const note = signRoster(sha256, value, FLEET);
      const key = { name: value.fleet, publicKey: FLEET.publicKey };
      expect(openRoster(nodeCrypto, note, key)).toEqual(E.right(value));
      const foreign = { ...key, publicKey: keyOf(31).publicKey };
      expect(leftTag(openRoster(nodeCrypto, note, foreign))).toBe("NoteNotSigned");
    }),
  );
});

const LINES = formatRoster(EXAMPLE).trimEnd().split("\n");
const withLine = (index: number, line: string): string => `${LINES.with(index, line).join("\n")}\n`;

/** One way, at least, to each error; a roster's key is bytes, so no key's text can be malformed. */
const REACHED: Readonly<
  Record<Exclude<RosterError["_tag"], "NoteKeyMalformed">, () => E.Either<RosterError, unknown>>
> = {
  NoteMalformed: () => openRoster(nodeCrypto, formatRoster(EXAMPLE), KEY),
  NoteNotSigned: () => openRoster(nodeCrypto, signRoster(sha256, EXAMPLE, keyOf(31)), KEY),
  NoteSignatureWrong: () =>
    openRoster(nodeCrypto, signRoster(sha256, EXAMPLE, FLEET).replace("active", "retired"), KEY),
  RosterMalformed: () =>
    openRoster(nodeCrypto, signNote(sha256, "roster\n", { ...KEY, sign: FLEET.sign }), KEY),
  RosterForeign: () => {
    const text = formatRoster({ ...EXAMPLE, fleet: "other" });
    return openRoster(nodeCrypto, signNote(sha256, text, { ...KEY, sign: FLEET.sign }), KEY);
  },
};

test.each(Object.entries(REACHED))("reached: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});

const EPOCH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const OTHER = toBase64(keyOf(2).publicKey);

const cut = (i: number): [string, number] => [i.toString(16).padStart(32, "0"), i];

describe("malformed, by its line", () => {
  const key = toBase64(LOBBY.key);
  test.each([
    [1, "", "nothing"],
    [1, withLine(0, "tapmesh/roster/v3"), "another version"],
    [1, withLine(0, "tapmesh/roster/v2"), "v2 without a cut"],
    [
      1,
      `${formatRoster(EXAMPLE)}cut ${EPOCH} 5\n`,
      "a cut in v1, which old readers would pass over",
    ],
    [2, withLine(1, "flotte fleet"), "no fleet"],
    [3, withLine(2, "version 0"), "version 0"],
    [3, withLine(2, "version 01"), "a leading zero"],
    [3, withLine(2, "version 1.5"), "a version that is no whole number"],
    [3, withLine(2, "version 12345678901"), "a version that is too long"],
    [4, withLine(3, "previous"), "no previous"],
    [4, withLine(3, "previous AAAA"), "a short hash"],
    [5, withLine(4, "successor ~"), "a successor that is no hash"],
    [6, withLine(5, `gateway Lobby site hq key ${key} status active`), "an upper-case name"],
    [6, withLine(5, `gateway lobby key ${key} status active`), "no site"],
    [6, withLine(5, `gateway lobby site hq key ${key.slice(4)} status active`), "a short key"],
    [6, withLine(5, `gateway lobby site hq key ${key} status lost`), "another status"],
    [6, withLine(5, `gateway lobby site hq key ${key} status active later`), "a word more"],
    [7, `${formatRoster(EXAMPLE)}gateway lobby site hq key ${key} status retired\n`, "a key twice"],
    [7, `${formatRoster(EXAMPLE)}gateway lobby site hq key ${OTHER} status active\n`, "two active"],
    [6, withLine(5, `fleet-key ${key.slice(4)}`), "a short fleet key"],
    [6, withLine(5, `cut ${EPOCH.slice(1)} 5`), "a short epoch"],
    [6, withLine(5, `cut ${EPOCH.toUpperCase()} 5`), "an epoch in capitals"],
    [6, withLine(5, `cut ${EPOCH} 05`), "a size with a leading zero"],
    [6, withLine(5, `cut ${EPOCH} -1`), "a size below none"],
    [6, withLine(5, `cut ${EPOCH}`), "no size"],
    [6, withLine(5, `cut ${EPOCH} 1234567890123456`), "a size that is too long"],
    [8, `${formatRoster(EXAMPLE)}cut ${EPOCH} 5\ncut ${EPOCH} 6\n`, "an epoch cut twice"],
    [6, withLine(5, `gateway ${"x".repeat(33)} site hq key ${key} status active`), "a long name"],
  ])("line %i: %j (%s)", (line, text) => {
    expect(parseRoster(text)).toMatchObject({ left: { _tag: "RosterMalformed", line } });
  });

  test("more gateways, cuts or fleet keys than a roster takes", () => {
    const gateways = Array.from({ length: GATEWAYS_COUNT_MAX + 1 }, (_, i) => ({
      ...LOBBY,
      name: `gw-${i}`,
    }));
    expect(leftTag(parseRoster(formatRoster({ ...EXAMPLE, gateways })))).toBe("RosterMalformed");
    const most = parseRoster(formatRoster({ ...EXAMPLE, gateways: gateways.slice(1) }));
    expect(E.isRight(most)).toBe(true);
    const cuts = new Map(Array.from({ length: CUTS_COUNT_MAX + 1 }, (_, i) => cut(i)));
    expect(leftTag(parseRoster(formatRoster({ ...EXAMPLE, cuts })))).toBe("RosterMalformed");
    const fleetKeys = Array.from({ length: 65 }, () => LOBBY.key);
    expect(leftTag(parseRoster(formatRoster({ ...EXAMPLE, fleetKeys })))).toBe("RosterMalformed");
    cuts.delete(cut(0)[0]);
    expect(E.isRight(parseRoster(formatRoster({ ...EXAMPLE, cuts })))).toBe(true);
  });
});

test("lines of a kind that is not known are passed over", () => {
  const text = `${formatRoster(EXAMPLE)}cutting edge\nroles lobby reader\n`;
  expect(parseRoster(text)).toEqual(E.right(EXAMPLE));
});

test("a roster has equal bytes whatever order its cuts came in", () => {
  const [a, b] = [`${"0".repeat(31)}1`, `${"0".repeat(31)}2`];
  const text = formatRoster({
    ...EXAMPLE,
    cuts: new Map([
      [b, 2],
      [a, 1],
    ]),
  });
  expect(text).toBe(
    formatRoster({
      ...EXAMPLE,
      cuts: new Map([
        [a, 1],
        [b, 2],
      ]),
    }),
  );
  expect(text.split("\n")[0]).toBe("tapmesh/roster/v2");
});

/** A gateway that was replaced twice: the second key was stolen with it. */
const OLD = { ...LOBBY, site: "attic", key: keyOf(2).publicKey, status: "retired" } as const;
const STOLEN = { ...LOBBY, site: "cellar", key: keyOf(3).publicKey, status: "revoked" } as const;
const REPLACED: Roster = { ...EXAMPLE, gateways: [OLD, STOLEN, LOBBY] };

test("listed is who stands there with that key and is not revoked", () => {
  expect(isListed(REPLACED, "lobby", LOBBY.key)).toBe(true);
  expect(isListed(REPLACED, "lobby", OLD.key)).toBe(true);
  expect(isListed(REPLACED, "lobby", STOLEN.key)).toBe(false);
  expect(isListed(REPLACED, "dock", LOBBY.key)).toBe(false);
  expect(isListed(REPLACED, "lobby", keyOf(4).publicKey)).toBe(false);
  const statuses = [LOBBY, OLD, STOLEN].map(({ key }) => statusOf(REPLACED, "lobby", key));
  expect(statuses).toEqual(["active", "retired", "revoked"]);
  expect(statusOf(REPLACED, "dock", LOBBY.key)).toBeNull();
});

test("at work are the active ones, where the active one stands", () => {
  expect(activeGateways(REPLACED)).toEqual([LOBBY]);
  expect(siteOf(REPLACED, "lobby")).toBe("hq");
  expect(siteOf({ ...REPLACED, gateways: [OLD, STOLEN] }, "lobby")).toBe("cellar");
  expect(siteOf(REPLACED, "dock")).toBeNull();
});

test("of a revoked key only what the roster names counts; of others, all that it doesn't name", () => {
  const cuts = new Map([[EPOCH, 7]]);
  const sizeOf = (key: Uint8Array, epoch: string, gateway = "lobby"): number =>
    countedSize({ ...REPLACED, cuts }, { gateway, gatewayKey: toHex(key), epoch });
  const other = EPOCH.replace("0a", "0b");
  expect(sizeOf(STOLEN.key, EPOCH)).toBe(7);
  expect(sizeOf(STOLEN.key, other)).toBe(0);
  expect(sizeOf(LOBBY.key, EPOCH)).toBe(7);
  for (const key of [LOBBY.key, OLD.key]) expect(sizeOf(key, other)).toBe(Infinity);
  // The same key under another name is another line, which nobody revoked.
  expect(sizeOf(STOLEN.key, other, "dock")).toBe(Infinity);
});
