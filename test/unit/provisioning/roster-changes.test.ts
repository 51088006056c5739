/** Whatever an operator does to a roster, and in whatever order, it stays one that every gateway can read. */
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, toHex } from "#core/bytes.ts";
import type { JoinRequest } from "#core/trust/join-request.ts";
import {
  countedSize,
  CUTS_COUNT_MAX,
  formatRoster,
  GATEWAY_STATUSES,
  isListed,
  parseRoster,
  statusOf,
  type GatewayStatus,
  type Roster,
} from "#core/trust/roster.ts";
import {
  addGatewayTo,
  admitRecords,
  admitRequest,
  retireGateway,
  revokeGateway,
  type Change,
  type RosterChangeError,
} from "#provisioning/roster/roster-changes.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";

const EMPTY: Roster = {
  fleet: "acme",
  version: 1,
  previous: null,
  successor: null,
  fleetKeys: [],
  gateways: [],
  cuts: new Map(),
};
const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const epochOf = (byte: number): string => toHex(new Uint8Array(16).fill(byte));
const joining = (change: Partial<JoinRequest> = {}): JoinRequest => ({
  fleet: "acme",
  gateway: "dock",
  site: "yard",
  key: keyOf(1),
  reason: "new",
  ...change,
});

type Step = (roster: Roster) => E.Either<RosterChangeError, Change<unknown>>;

const gateway = fc.constantFrom("dock", "lobby");
const byte = fc.integer({ min: 1, max: 4 });
const held = fc.array(
  fc.record({ epoch: byte.map(epochOf), key: byte.map((b) => toHex(keyOf(b))), size: fc.nat(9) }),
  { maxLength: 4 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(gateway, byte, fc.constantFrom("new", "restore")).map(
    ([name, key, reason]): Step =>
      (roster) =>
        admitRequest(roster, joining({ gateway: name, key: keyOf(key), reason })),
  ),
  fc.tuple(gateway, byte).map(
    ([name, key]): Step =>
      (roster) =>
        addGatewayTo(roster, { name, site: "yard", key: keyOf(key), status: "active" }),
  ),
  gateway.map(
    (name): Step =>
      (roster) =>
        retireGateway(roster, name),
  ),
  fc.tuple(gateway, fc.option(byte), held).map(
    ([name, key, heads]): Step =>
      (roster) =>
        revokeGateway(roster, {
          gateway: name,
          keyPrefix: key === null ? null : toHex(keyOf(key)).slice(0, 6),
          held: heads,
        }),
  ),
  fc.tuple(gateway, byte, fc.nat(12)).map(
    ([name, epoch, size]): Step =>
      (roster) =>
        admitRecords(roster, { gateway: name, epoch: epochOf(epoch), size }),
  ),
);

const rankOf = (status: GatewayStatus): number => GATEWAY_STATUSES.indexOf(status);

test("any steps leave a roster that reads back; no key comes back, no cut goes or falls", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let roster = EMPTY;
      for (const apply of steps) {
        const changed = apply(roster);
        if (E.isLeft(changed)) continue;
        const before = roster;
        ({ roster } = changed.right);
        expect(parseRoster(formatRoster(roster))).toEqual(E.right(roster));
        for (const { name, key, status } of before.gateways) {
          const now = statusOf(roster, name, key) ?? "active";
          expect(rankOf(now)).toBeGreaterThanOrEqual(rankOf(status));
          expect(roster.gateways.length).toBeGreaterThanOrEqual(before.gateways.length);
        }
        for (const [epoch, size] of before.cuts) {
          expect(roster.cuts.get(epoch)).toBeGreaterThanOrEqual(size);
        }
      }
    }),
    { numRuns: 300 },
  );
});

const WITH_DOCK = rightOf(admitRequest(EMPTY, joining())).roster;

describe("a join request", () => {
  test("of a new name lets a gateway in", () => {
    const { roster, outcome } = rightOf(admitRequest(EMPTY, joining({ reason: "restore" })));
    expect(outcome).toEqual({ _tag: "NewGateway" });
    expect(isListed(roster, "dock", keyOf(1))).toBe(true);
  });

  test("to restore gives a name its next key, and retires the one before", () => {
    const next = joining({ key: keyOf(2), site: "gate", reason: "restore" });
    const { roster, outcome } = rightOf(admitRequest(WITH_DOCK, next));
    expect(outcome).toEqual({ _tag: "NewKey", oldKey: keyOf(1) });
    expect(roster.gateways).toEqual([
      { name: "dock", site: "yard", key: keyOf(1), status: "retired" },
      { name: "dock", site: "gate", key: keyOf(2), status: "active" },
    ]);
    // What it recorded before goes on counting.
    const author = { gateway: "dock", gatewayKey: toHex(keyOf(1)), epoch: epochOf(1) };
    expect(countedSize(roster, author)).toBe(Infinity);
  });

  test.each<[RosterChangeError["_tag"], string, Roster, JoinRequest]>([
    ["RequestForeign", "of another fleet", EMPTY, joining({ fleet: "other" })],
    ["GatewayListed", "that was granted", WITH_DOCK, joining()],
    ["NameTaken", "of a second Pi of one name", WITH_DOCK, joining({ key: keyOf(2) })],
    [
      "KeyUsedUp",
      "with a retired key",
      rightOf(retireGateway(WITH_DOCK, "dock")).roster,
      joining({ reason: "restore" }),
    ],
    [
      "KeyUsedUp",
      "with a revoked key",
      rightOf(revokeGateway(WITH_DOCK, { gateway: "dock", keyPrefix: null, held: [] })).roster,
      joining({ reason: "restore" }),
    ],
  ])("is refused: %s (%s)", (...[tag, , roster, request]) => {
    expect(leftTag(admitRequest(roster, request))).toBe(tag);
  });
});

/** Dock was replaced: its old key is retired, its new one at work. */
const REPLACED = rightOf(
  admitRequest(WITH_DOCK, joining({ key: keyOf(2), reason: "restore" })),
).roster;
const HELD = [
  { epoch: epochOf(0xa), key: toHex(keyOf(1)), size: 40 },
  { epoch: epochOf(0xb), key: toHex(keyOf(1)), size: 7 },
  { epoch: epochOf(0xc), key: toHex(keyOf(2)), size: 9 },
];
const revoke = (roster: Roster, keyPrefix: string | null): ReturnType<typeof revokeGateway> =>
  revokeGateway(roster, { gateway: "dock", keyPrefix, held: HELD });

describe("a revocation", () => {
  test("takes all keys of a gateway, and names what is held of them", () => {
    const { roster, outcome } = rightOf(revoke(REPLACED, null));
    expect(roster.gateways.map(({ status }) => status)).toEqual(["revoked", "revoked"]);
    expect(outcome).toEqual({ keys: [keyOf(1), keyOf(2)], cuts: HELD });
    expect(Object.fromEntries(roster.cuts)).toEqual({
      [epochOf(0xa)]: 40,
      [epochOf(0xb)]: 7,
      [epochOf(0xc)]: 9,
    });
  });

  test.each([toHex(keyOf(1)).slice(0, 4), toHex(keyOf(1)).toUpperCase(), toBase64(keyOf(1))])(
    "of one key, as %s, leaves the epochs of the other uncut",
    (prefix) => {
      const { roster, outcome } = rightOf(revoke(REPLACED, prefix));
      expect(roster.gateways.map(({ status }) => status)).toEqual(["revoked", "active"]);
      expect(outcome.cuts).toEqual(HELD.slice(0, 2));
      expect([...roster.cuts.keys()]).toEqual([epochOf(0xa), epochOf(0xb)]);
    },
  );

  test("leaves a cut that stands as it is", () => {
    const cuts = new Map([[epochOf(0xa), 3]]);
    const { roster, outcome } = rightOf(revoke({ ...REPLACED, cuts }, null));
    expect(roster.cuts.get(epochOf(0xa))).toBe(3);
    expect(outcome.cuts).toEqual(HELD.slice(1));
  });

  test.each<[RosterChangeError["_tag"], string, () => ReturnType<typeof revokeGateway>]>([
    [
      "GatewayUnlisted",
      "of nobody",
      () => revokeGateway(REPLACED, { gateway: "dok", keyPrefix: null, held: [] }),
    ],
    ["NoSuchKey", "of a key that it hasn't", () => revoke(REPLACED, "ff")],
    ["NoSuchKey", "of what is revoked", () => revoke(rightOf(revoke(REPLACED, null)).roster, null)],
    [
      "TooManyCuts",
      "with more epochs than a roster takes",
      () =>
        revokeGateway(REPLACED, {
          gateway: "dock",
          keyPrefix: null,
          held: Array.from({ length: CUTS_COUNT_MAX + 1 }, (_, i) => ({
            epoch: i.toString(16).padStart(32, "0"),
            key: toHex(keyOf(1)),
            size: 1,
          })),
        }),
    ],
  ])("is refused: %s (%s)", (tag, _what, change) => {
    expect(leftTag(change())).toBe(tag);
  });
});

describe("letting more count", () => {
  const revoked = rightOf(revoke(REPLACED, toHex(keyOf(1)))).roster;
  const admit = (epoch: string, size: number, roster = revoked): ReturnType<typeof admitRecords> =>
    admitRecords(roster, { gateway: "dock", epoch, size });

  test("raises a cut, named by its first digits, and makes one where none counted", () => {
    const raised = rightOf(admit("0A", 41));
    expect(raised.outcome).toEqual({ epoch: epochOf(0xa), before: 40 });
    expect(raised.roster.cuts.get(epochOf(0xa))).toBe(41);
    const turnedUp = rightOf(admit(epochOf(0xd), 5));
    expect(turnedUp.outcome).toEqual({ epoch: epochOf(0xd), before: 0 });
  });

  test.each<[RosterChangeError["_tag"], string, () => ReturnType<typeof admitRecords>]>([
    ["CutNotRaised", "as many as count", () => admit("0a", 40)],
    ["CutNotRaised", "fewer", () => admit("0a", 39)],
    ["CutNotRaised", "more than an epoch has", () => admit("0a", 65_537)],
    ["EpochUnknown", "digits of two epochs", () => admit("0", 50)],
    ["EpochUnknown", "digits of none", () => admit("0d", 50)],
    ["EpochUnknown", "no digits", () => admit("dock", 50)],
    ["NoSuchKey", "of a gateway that is in good standing", () => admit(epochOf(9), 5, REPLACED)],
    [
      "GatewayUnlisted",
      "of nobody",
      () => admitRecords(revoked, { gateway: "dok", epoch: epochOf(9), size: 5 }),
    ],
  ])("is refused: %s (%s)", (tag, _what, change) => {
    expect(leftTag(change())).toBe(tag);
  });
});

test("retiring takes the active key out of service, once", () => {
  const { roster, outcome } = rightOf(retireGateway(REPLACED, "dock"));
  expect(outcome.key).toEqual(keyOf(2));
  expect(roster.gateways.map(({ status }) => status)).toEqual(["retired", "retired"]);
  expect(leftTag(retireGateway(roster, "dock"))).toBe("NoSuchKey");
  expect(leftTag(retireGateway(roster, "dok"))).toBe("GatewayUnlisted");
});
