/** What a simulated gateway is told about itself: two readers, whose taps move, count and mark devices. */
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import { OPEN_POLICY } from "#core/verdict/reader-policy.ts";
import type { GatewayConfig, ReaderConfig } from "#gateway/config/config.ts";

export const READERS = ["door", "gate"] as const;

const readerOf = (id: string, audit: ReaderConfig["audit"]): ReaderConfig => ({
  id,
  driver: "simulated",
  match: null,
  pn532: null,
  optional: false,
  scope: SCOPE_NDEF,
  policy: OPEN_POLICY,
  audit,
  onTap: [
    { _tag: "Set", key: "location", to: { _tag: "Place", of: "gateway" } },
    { _tag: "Set", key: "reader", to: { _tag: "Place", of: "reader" } },
    { _tag: "Add", key: "visits", by: 1 },
    { _tag: "Max", key: "seen", to: { _tag: "Place", of: "time" } },
  ],
  checkOut: null,
  gpio: null,
  stateOnTag: null,
});

export const configOf = (fleet: string, gateway: string): GatewayConfig => ({
  gateway,
  fleet,
  site: "hq",
  timeZone: null,
  dataDir: "",
  controlSocket: "",
  production: false,
  fleetFiles: { roster: "", fleetKey: "", cardKey: "", sunKey: "", makeOwn: false },
  readers: [readerOf(READERS[0], "now"), readerOf(READERS[1], "first")],
  broker: null,
  linkBrokers: [],
  http: null,
});
