import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64 } from "#core/bytes.ts";
import { signNote } from "#core/log/signed-note.ts";
import {
  formatRoster,
  GATEWAY_STATUSES,
  GATEWAYS_COUNT_MAX,
  isListed,
  openRoster,
  parseRoster,
  signRoster,
  type Roster,
  type RosterError,
  type RosterGateway,
} from "#core/trust/roster.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { bytes } from "#test/unit/core/log/arbitraries.ts";
import { leftTag } from "#test/unit/core/log/either.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";

const name = fc.stringMatching(/^[a-z0-9-]{1,32}$/);
const gateway: fc.Arbitrary<RosterGateway> = fc.record({
  name,
  site: name,
  key: bytes(32),
  status: fc.constantFrom(...GATEWAY_STATUSES),
});
const roster: fc.Arbitrary<Roster> = fc.record({
  fleet: name,
  version: fc.integer({ min: 1, max: 9_999_999_999 }),
  previous: fc.option(bytes(32)),
  successor: fc.option(bytes(32)),
  gateways: fc.array(gateway, { maxLength: 20 }),
});

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
  gateways: [LOBBY],
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

describe("malformed, by its line", () => {
  const key = toBase64(LOBBY.key);
  test.each([
    [1, "", "nothing"],
    [1, withLine(0, "tapmesh/roster/v2"), "another version"],
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
    [6, withLine(5, `gateway ${"x".repeat(33)} site hq key ${key} status active`), "a long name"],
  ])("line %i: %j (%s)", (line, text) => {
    expect(parseRoster(text)).toMatchObject({ left: { _tag: "RosterMalformed", line } });
  });

  test("more gateways than a fleet may have", () => {
    const gateways = Array.from({ length: GATEWAYS_COUNT_MAX + 1 }, () => LOBBY);
    expect(leftTag(parseRoster(formatRoster({ ...EXAMPLE, gateways })))).toBe("RosterMalformed");
    const most = parseRoster(formatRoster({ ...EXAMPLE, gateways: gateways.slice(1) }));
    expect(E.isRight(most)).toBe(true);
  });
});

test("lines of a kind that is not known are passed over", () => {
  const text = `${formatRoster(EXAMPLE)}cut 00 5\nroles lobby reader\n`;
  expect(parseRoster(text)).toEqual(E.right(EXAMPLE));
});

test("listed is who stands there with that key and is not revoked", () => {
  const { key } = LOBBY;
  expect(isListed(EXAMPLE, "lobby", key)).toBe(true);
  expect(isListed(EXAMPLE, "dock", key)).toBe(false);
  expect(isListed(EXAMPLE, "lobby", keyOf(2).publicKey)).toBe(false);
  const as = (status: RosterGateway["status"]): Roster => ({
    ...EXAMPLE,
    gateways: [{ ...LOBBY, status }],
  });
  expect(isListed(as("retired"), "lobby", key)).toBe(true);
  expect(isListed(as("revoked"), "lobby", key)).toBe(false);
});
