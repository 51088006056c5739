/** Gateways to measure: a fleet's keys and roster, and a configuration file for each. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { parseConfig } from "#gateway/config/parse.ts";
import type { ImportRow } from "#gateway/control/protocol.ts";
import { loadGatewayKey } from "#gateway/fleet/fleet-files.ts";
import { addGateway, initFleet, signDraft } from "#provisioning/roster/fleet-folder.ts";

export const FLEET = "bench";
/** Taps take turns at them: a card needs a millisecond to leave. */
export const SIMULATED_READERS = ["sim-1", "sim-2", "sim-3", "sim-4"] as const;

export interface GatewaySpec {
  readonly name: string;
  /** Port of the embedded broker. */
  readonly brokerPort?: number;
  /** Port of the broker to connect to, where that is another's. */
  readonly linkPort?: number;
  readonly hasPcscReader?: boolean;
  /** Further lines of YAML, in the list of readers. */
  readonly readerLines?: ReadonlyArray<string>;
}

export interface BenchConfig {
  readonly file: string;
  readonly config: GatewayConfig;
}

export const rightOrThrow = <A>(result: E.Either<{ readonly _tag: string }, A>): A => {
  if (E.isRight(result)) return result.right;
  throw new Error(JSON.stringify(result.left));
};

const configText = (folder: string, spec: GatewaySpec): string =>
  [
    `gateway: ${spec.name}`,
    `fleet: ${FLEET}`,
    `data_dir: ${join(folder, spec.name)}`,
    `fleet_dir: ${join(folder, "fleet")}`,
    "readers:",
    ...SIMULATED_READERS.map((id) => `  - { id: ${id}, driver: simulated }`),
    ...(spec.hasPcscReader === true ? ["  - { id: pcsc-1, driver: pcsc }"] : []),
    ...(spec.readerLines ?? []),
    ...(spec.brokerPort === undefined
      ? []
      : [`broker: { listen: "127.0.0.1:${spec.brokerPort}" }`]),
    ...(spec.linkPort === undefined
      ? []
      : [`link: { brokers: ["mqtt://127.0.0.1:${spec.linkPort}"] }`]),
    "",
  ].join("\n");

/** Makes keys, roster and configurations in an empty folder. */
export const makeFleet = (
  folder: string,
  specs: ReadonlyArray<GatewaySpec>,
): ReadonlyArray<BenchConfig> => {
  const fleetDir = join(folder, "fleet");
  rightOrThrow(initFleet(fleetCrypto, fleetDir, FLEET));
  for (const { name } of specs) {
    const { publicKey: key } = rightOrThrow(loadGatewayKey(join(folder, name)));
    rightOrThrow(addGateway(fleetCrypto, fleetDir, { name, site: "main", key, status: "active" }));
  }
  rightOrThrow(signDraft(fleetCrypto, fleetDir));
  return specs.map((spec) => {
    const file = join(folder, `${spec.name}.yaml`);
    writeFileSync(file, configText(folder, spec));
    return { file, config: readConfigFile(file) };
  });
};

export const readConfigFile = (file: string): GatewayConfig => {
  const config = parseConfig(readFileSync(file, "utf8"), file);
  if (E.isRight(config)) return config.right;
  throw new Error(JSON.stringify(config.left));
};

/** The nth enrolled card: 7 bytes, as on NTAG chips. */
export const uidOf = (index: number): string =>
  `04${index.toString(16).padStart(12, "0").toUpperCase()}`;

export const importRows = (from: number, to: number): ReadonlyArray<ImportRow> =>
  Array.from({ length: to - from }, (_, at) => ({
    line: at + 2,
    device: `device-${from + at}`,
    uid: uidOf(from + at),
    values: {},
  }));

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
