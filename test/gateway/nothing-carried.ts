/** What tags have brought where they bring nothing. */
import { AwaitedNames } from "#core/carried/awaited-names.ts";
import { CarriedStates } from "#gateway/carried/carried-states.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";

export const nothingCarried = (): CarriedStates =>
  new CarriedStates({
    fleet: "acme",
    crypto: nodeCrypto,
    roster: () => ({
      fleet: "acme",
      version: 1,
      previous: null,
      successor: null,
      fleetKeys: [],
      gateways: [],
      cuts: new Map(),
    }),
    memory: { foldedSize: () => 0, awaited: new AwaitedNames() },
  });
