/**
 * Changing the fleet key: the successor, whose hash every gateway has in the roster that it believes, signs the next
 * roster and is the fleet key from then on. The old key isn't needed, so this is also the way out when it is lost or
 * stolen.
 */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, utf8 } from "#core/bytes.ts";
import { formatVerifierKey } from "#core/log/signed-note.ts";
import { signRoster, type Roster } from "#core/trust/roster.ts";
import { formatSecret } from "#core/trust/secret-text.ts";
import {
  finishRotation,
  FLEET_FILES,
  PUBLIC_MODE,
  readSecret,
  readSignedRoster,
  ROTATION_FOLDER,
  SECRET_MODE,
  syncFolder,
  writeWhole,
  type FleetCrypto,
  type FleetFolderError,
} from "#provisioning/roster/fleet-files.ts";

/**
 * The keys and the roster are written beside the old ones and take their places together: cut off, it is finished by
 * whatever reads the folder next. A draft stays a draft. Left: `SuccessorForeign`, or the folder can't be used.
 */
export const rotateFleetKey = (
  crypto: FleetCrypto,
  folder: string,
): E.Either<FleetFolderError, Roster> => {
  const signed = readSignedRoster(crypto, folder);
  if (E.isLeft(signed)) return signed;
  const seed = readSecret(folder, FLEET_FILES.successorKey, "successor-key");
  if (E.isLeft(seed)) return seed;
  const { roster, key: oldKey, note } = signed.right;
  const key = crypto.signingKeyFromSeed(seed.right);
  if (roster.successor === null || !equalBytes(crypto.sha256(key.publicKey), roster.successor)) {
    return E.left({ _tag: "SuccessorForeign", path: join(folder, FLEET_FILES.successorKey) });
  }
  const successorSeed = crypto.randomBytes(32);
  const before = roster.fleetKeys.length === 0 ? [oldKey.publicKey] : roster.fleetKeys;
  const next: Roster = {
    ...roster,
    version: roster.version + 1,
    previous: crypto.sha256(utf8(note)),
    successor: crypto.sha256(crypto.signingKeyFromSeed(successorSeed).publicKey),
    fleetKeys: [...before, key.publicKey],
  };
  const verifierKey = formatVerifierKey(crypto.sha256, {
    name: roster.fleet,
    publicKey: key.publicKey,
  });
  const staged = join(folder, `${ROTATION_FOLDER}.new`);
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { mode: 0o700 });
  const write = (name: string, text: string, mode: number): void =>
    writeWhole(join(staged, name), text, mode);
  write(FLEET_FILES.fleetKey, formatSecret("fleet-key", seed.right), SECRET_MODE);
  write(FLEET_FILES.successorKey, formatSecret("successor-key", successorSeed), SECRET_MODE);
  write(FLEET_FILES.publicKey, `${verifierKey}\n`, PUBLIC_MODE);
  write(FLEET_FILES.roster, signRoster(crypto.sha256, next, key), PUBLIC_MODE);
  syncFolder(staged);
  renameSync(staged, join(folder, ROTATION_FOLDER));
  syncFolder(folder);
  finishRotation(folder);
  return E.right(next);
};
