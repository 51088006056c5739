/** The keys of a fleet's NTAG 424 DNA tags, and the links that are read with them. */
import * as E from "fp-ts/lib/Either.js";
import { readSun, type Sun, type SunError, type SunSecrets, sunSecretsOf } from "#core/card/sun.ts";
import { nodeAes } from "#gateway/node-crypto.ts";

/** AES-128 takes half of a secret of 32 bytes. */
const SUN_SECRET_BYTES = 16;

/** `secret`: what `sun.key` holds, 32 bytes. */
export const fleetSunSecrets = (secret: Uint8Array): SunSecrets =>
  sunSecretsOf(nodeAes, secret.subarray(0, SUN_SECRET_BYTES));

/** `secrets`: null where no reader asks for such tags; then there are none. */
export const sunReader =
  (secrets: SunSecrets | null) =>
  (ndefUri: string): E.Either<SunError, Sun> =>
    secrets === null ? E.left({ _tag: "SunMissing" }) : readSun({ ndefUri, secrets, aes: nodeAes });
