/** Reads links of NTAG 424 DNA tags with the fleet's keys. */
import * as E from "fp-ts/lib/Either.js";
import { readSun, type Sun, type SunError, type SunSecrets } from "#core/card/sun.ts";
import { nodeAes } from "#gateway/node-crypto.ts";

/** `secrets`: null where no reader asks for such tags; then there are none. */
export const sunReader =
  (secrets: SunSecrets | null) =>
  (ndefUri: string): E.Either<SunError, Sun> =>
    secrets === null ? E.left({ _tag: "SunMissing" }) : readSun({ ndefUri, secrets, aes: nodeAes });
