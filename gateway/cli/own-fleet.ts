/** The fleet of one that a gateway without configuration makes for itself at its first start. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { loadGatewayKey, type FleetFileError } from "#gateway/fleet/fleet-files.ts";
import { nodeCrypto, randomBytes, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import type { FleetCrypto, FleetFolderError } from "#provisioning/roster/fleet-files.ts";
import { addGateway, initFleet, signDraft } from "#provisioning/roster/fleet-folder.ts";

/** What the fleet folder is made with. */
export const fleetCrypto: FleetCrypto = { ...nodeCrypto, randomBytes, signingKeyFromSeed };

/** Makes fleet, keys and roster, unless they are there. */
export const makeOwnFleet = (
  config: GatewayConfig,
): E.Either<FleetFolderError | FleetFileError, void> => {
  if (!config.fleetFiles.makeOwn || existsSync(config.fleetFiles.roster)) return E.right(undefined);
  const folder = dirname(config.fleetFiles.roster);
  const made = initFleet(fleetCrypto, folder, config.fleet);
  if (E.isLeft(made)) return made;
  const key = loadGatewayKey(config.dataDir);
  if (E.isLeft(key)) return key;
  const { gateway: name, site } = config;
  const listed = { name, site, key: key.right.publicKey, status: "active" } as const;
  const added = addGateway(fleetCrypto, folder, listed);
  if (E.isLeft(added)) return added;
  const signed = signDraft(fleetCrypto, folder);
  return E.isLeft(signed) ? signed : E.right(undefined);
};
