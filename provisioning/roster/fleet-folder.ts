/** Making a fleet, changing its roster in a draft, and signing it: in the folder that fleet-files.ts describes. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { utf8 } from "#core/bytes.ts";
import { formatVerifierKey } from "#core/log/signed-note.ts";
import { formatRoster, signRoster, type Roster, type RosterGateway } from "#core/trust/roster.ts";
import { formatSecret } from "#core/trust/secret-text.ts";
import {
  FLEET_FILES,
  PUBLIC_MODE,
  readDraft,
  readRoster,
  readSecret,
  readSignedRoster,
  ROTATION_FOLDER,
  SECRET_MODE,
  syncFolder,
  writeWhole,
  type FleetCrypto,
  type FleetFolderError,
} from "#provisioning/roster/fleet-files.ts";
import {
  addGatewayTo,
  type Change,
  type RosterChangeError,
} from "#provisioning/roster/roster-changes.ts";

/** Makes keys and an empty, signed roster. Left: `FleetExists`; keys are never overwritten. */
export const initFleet = (
  crypto: FleetCrypto,
  folder: string,
  fleet: string,
): E.Either<FleetFolderError, Roster> => {
  for (const name of [...Object.values(FLEET_FILES), ROTATION_FOLDER]) {
    const path = join(folder, name);
    if (existsSync(path)) return E.left({ _tag: "FleetExists", path });
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const seed = (): Uint8Array => crypto.randomBytes(32);
  const [fleetSeed, successorSeed, cardKey, sunKey] = [seed(), seed(), seed(), seed()];
  const key = crypto.signingKeyFromSeed(fleetSeed);
  const successor = crypto.sha256(crypto.signingKeyFromSeed(successorSeed).publicKey);
  const roster: Roster = {
    fleet,
    version: 1,
    previous: null,
    successor,
    fleetKeys: [],
    gateways: [],
    cuts: new Map(),
  };
  const verifierKey = formatVerifierKey(crypto.sha256, { name: fleet, publicKey: key.publicKey });
  const write = (name: string, text: string, mode: number): void =>
    writeWhole(join(folder, name), text, mode);
  write(FLEET_FILES.fleetKey, formatSecret("fleet-key", fleetSeed), SECRET_MODE);
  write(FLEET_FILES.successorKey, formatSecret("successor-key", successorSeed), SECRET_MODE);
  write(FLEET_FILES.cardKey, formatSecret("card-key", cardKey), SECRET_MODE);
  write(FLEET_FILES.sunKey, formatSecret("sun-key", sunKey), SECRET_MODE);
  write(FLEET_FILES.publicKey, `${verifierKey}\n`, PUBLIC_MODE);
  write(FLEET_FILES.roster, signRoster(crypto.sha256, roster, key), PUBLIC_MODE);
  syncFolder(folder);
  return E.right(roster);
};

/** What the next roster is made from: the draft, or the signed one where no draft waits. */
export const nextRoster = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, Roster> => {
  const roster = readRoster(crypto, folder);
  if (E.isLeft(roster)) return roster;
  const draft = readDraft(folder);
  return E.isLeft(draft) ? draft : E.right(draft.right ?? roster.right);
};

/**
 * Puts what the change makes of the next roster into the draft. Left: `ChangeRefused`, or the folder can't be used;
 * nothing is changed then.
 */
export const changeDraft = <A>(
  crypto: FleetCrypto,
  folder: string,
  change: (roster: Roster) => E.Either<RosterChangeError, Change<A>>,
): E.Either<FleetFolderError, Change<A>> => {
  const base = nextRoster(crypto, folder);
  if (E.isLeft(base)) return base;
  const changed = change(base.right);
  if (E.isLeft(changed)) return E.left({ _tag: "ChangeRefused", cause: changed.left });
  writeWhole(join(folder, FLEET_FILES.draft), formatRoster(changed.right.roster), PUBLIC_MODE);
  return changed;
};

/** Puts a gateway into the draft. Left: as `changeDraft`, for the reasons of `addGatewayTo`. */
export const addGateway = (
  crypto: FleetCrypto,
  folder: string,
  gateway: RosterGateway,
): E.Either<FleetFolderError, Roster> => {
  const added = changeDraft(crypto, folder, (base) => addGatewayTo(base, gateway));
  return E.isLeft(added) ? added : E.right(added.right.roster);
};

/** Signs the draft as the next version, chained to the roster that it replaces. */
export const signDraft = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, Roster> => {
  const signed = readSignedRoster(crypto, folder);
  if (E.isLeft(signed)) return signed;
  const draft = readDraft(folder);
  if (E.isLeft(draft)) return draft;
  const path = join(folder, FLEET_FILES.draft);
  if (draft.right === null) return E.left({ _tag: "NothingToSign", path });
  const seed = readSecret(folder, FLEET_FILES.fleetKey, "fleet-key");
  if (E.isLeft(seed)) return seed;
  // Keys are the signed roster's: a draft may be older than the last change of the fleet key.
  const { version, successor, fleetKeys } = signed.right.roster;
  const next: Roster = {
    ...draft.right,
    version: version + 1,
    previous: crypto.sha256(utf8(signed.right.note)),
    successor,
    fleetKeys,
  };
  const key = crypto.signingKeyFromSeed(seed.right);
  writeWhole(join(folder, FLEET_FILES.roster), signRoster(crypto.sha256, next, key), PUBLIC_MODE);
  rmSync(path);
  syncFolder(folder);
  return E.right(next);
};
