/** `tapmesh tag keys UID`: what an NTAG 424 DNA must be given so that readers with `level: sun` believe it. Offline. */
import { resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { fromHex, toHex } from "#core/bytes.ts";
import { SUN_UID_BYTES } from "#core/card/sun.ts";
import { parseUid } from "#core/card/uid.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { describeFleetFolderError } from "#gateway/cli/start-errors.ts";
import { fleetSunSecrets } from "#gateway/sun-reader.ts";
import { FLEET_FILES, readSecret } from "#provisioning/roster/fleet-files.ts";

interface TagKeys {
  readonly uid: string;
  /** Hex, as programs that write such tags ask for them. */
  readonly sdmMetaReadKey: string;
  readonly sdmFileReadKey: string;
}

const formatTagKeys = (keys: TagKeys): string =>
  [
    `UID              ${keys.uid}`,
    `SDMMetaReadKey   ${keys.sdmMetaReadKey}   one for all tags of the fleet`,
    `SDMFileReadKey   ${keys.sdmFileReadKey}   this tag's own`,
    "",
    "put a link on the tag that ends in ?picc_data= and 32 zeros, &cmac= and 16 zeros; mirror UID and counter,",
    "encrypted, over the first zeros (PICCDataOffset), the MAC over the second; SDMMACInputOffset = SDMMACOffset;",
    "encrypted file data off, random UID off; and change key 0, with which anybody could set all this anew",
    "whoever sees these keys can copy the tag: don't keep this text",
  ].join("\n");

const keysOf = (secret: Uint8Array, uid: Uint8Array): TagKeys => {
  const { metaReadKey, fileReadKey } = fleetSunSecrets(secret);
  return {
    uid: toHex(uid).toUpperCase(),
    sdmMetaReadKey: toHex(metaReadKey),
    sdmFileReadKey: toHex(fileReadKey(uid)),
  };
};

interface Options extends CommonOptions {
  readonly dir: string;
}

const printKeys = (io: Io, text: string, options: Options): ExitCode => {
  const uid = parseUid(text);
  const bytes = E.isRight(uid) ? fromHex(uid.right) : undefined;
  if (bytes?.length !== SUN_UID_BYTES) {
    io.err(
      `"${text}" is no UID of an NTAG 424 DNA: 7 bytes in hex, as "tapmesh tag info" shows it`,
    );
    return EXIT.usage;
  }
  const secret = readSecret(resolve(io.cwd, options.dir), FLEET_FILES.sunKey, "sun-key");
  if (E.isLeft(secret)) {
    io.err(describeFleetFolderError(secret.left));
    return EXIT.failure;
  }
  const keys = keysOf(secret.right, bytes);
  io.out(options.json === true ? JSON.stringify(keys) : formatTagKeys(keys));
  return EXIT.ok;
};

export const registerTagKeys = (tag: Command, io: Io, end: (code: ExitCode) => void): void => {
  tag
    .command("keys <uid>")
    .description("the keys that an NTAG 424 DNA needs for level sun")
    .option("--dir <folder>", "the fleet's folder", "fleet")
    .addHelpText("after", "\nExample:\n  tapmesh tag keys 04A1B2C3D4E5F6 --dir fleet")
    .action((uid: string, _local, command: Command) =>
      end(printKeys(io, uid, command.optsWithGlobals())),
    );
};
