/** Rosters as they may stand in a fleet. */
import * as fc from "fast-check";
import { toHex } from "#core/bytes.ts";
import { GATEWAY_STATUSES, type Roster, type RosterGateway } from "#core/trust/roster.ts";
import { bytes } from "#test/unit/core/log/arbitraries.ts";

export const name: fc.Arbitrary<string> = fc.stringMatching(/^[a-z0-9-]{1,32}$/);

const line: fc.Arbitrary<RosterGateway> = fc.record({
  // Few enough names that some have several keys.
  name: fc.oneof(name, fc.constantFrom("lobby", "dock")),
  site: name,
  key: bytes(32),
  status: fc.constantFrom(...GATEWAY_STATUSES),
});

/** No key twice, and one active key a name at most. */
const gateways: fc.Arbitrary<ReadonlyArray<RosterGateway>> = fc
  .uniqueArray(line, { maxLength: 20, selector: (g) => `${g.name} ${toHex(g.key)}` })
  .map((lines) => {
    const active = new Set<string>();
    return lines.map((listed): RosterGateway => {
      if (listed.status !== "active" || !active.has(listed.name)) {
        if (listed.status === "active") active.add(listed.name);
        return listed;
      }
      return { ...listed, status: "retired" };
    });
  });

const cut = fc.tuple(bytes(16).map(toHex), fc.nat(999_999_999_999_999));

export const roster: fc.Arbitrary<Roster> = fc.record({
  fleet: name,
  version: fc.integer({ min: 1, max: 9_999_999_999 }),
  previous: fc.option(bytes(32)),
  successor: fc.option(bytes(32)),
  fleetKeys: fc.array(bytes(32), { maxLength: 3 }),
  gateways,
  cuts: fc.array(cut, { maxLength: 5 }).map((cuts) => new Map(cuts)),
});
