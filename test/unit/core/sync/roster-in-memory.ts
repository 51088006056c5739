/** The roster of a fleet in memory, and whose keys are whose. */
import type { Roster } from "#core/trust/roster.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";

export const FLEET = "fleet";

/** Which of a fleet's keys this is: gateways' from 100, epochs' from 1,000 on. */
export const gatewayKeyOf = (index: number): ReturnType<typeof keyOf> => keyOf(100 + index);

export const rosterOf = (names: ReadonlyArray<string>): Roster => ({
  fleet: FLEET,
  version: 1,
  previous: null,
  successor: null,
  fleetKeys: [],
  cuts: new Map(),
  gateways: names.map((name, i) => ({
    name,
    site: "hq",
    key: gatewayKeyOf(i).publicKey,
    status: "active",
  })),
});
