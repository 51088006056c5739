/** `tapmesh log prove` and `log check`: one record, proved to somebody who has nothing but the fleet's public key. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { pipe } from "fp-ts/lib/function.js";
import { toHex } from "#core/bytes.ts";
import { formatProof, parseProof, verifyProof, type Proof, type Proved } from "#core/log/proof.ts";
import { parseVerifierKey, type NoteKey } from "#core/log/signed-note.ts";
import { EXIT, loadConfig, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { describeProofError } from "#gateway/cli/proof-errors.ts";
import { describeStoreError } from "#gateway/cli/start-errors.ts";
import { formatRecord } from "#gateway/cli/words.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { loadRoster } from "#gateway/fleet/fleet-files.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { recordView } from "#gateway/queries/records.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { LOG_FILE, MIRROR_FILE } from "#gateway/store/open-files.ts";
import { provedRecord } from "#gateway/store/provable.ts";
import { openLogFileReadOnly } from "#gateway/store/schema.ts";

const RECORD_NAME = /^([0-9a-f]{2,32})\/([0-9]{1,6})$/;

/** Looks for the record in one file. Left: in words; Right null: it is not there. */
const proveFrom = (
  path: string,
  name: { readonly epoch: string; readonly seq: number },
  roster: string | null,
): E.Either<string, Proof | null> => {
  if (!existsSync(path)) return E.right(null);
  const opened = openLogFileReadOnly(path);
  if (E.isLeft(opened)) return E.left(describeStoreError(opened.left));
  try {
    const file = new LogFile(opened.right);
    const found = file.epochs().filter(({ head }) => toHex(head.epoch).startsWith(name.epoch));
    const [stored] = found;
    if (stored === undefined) return E.right(null);
    if (found.length > 1)
      return E.left(`"${name.epoch}" begins ${found.length} epochs; give more digits`);
    const open = provedRecord(file, stored, 0);
    const record = provedRecord(file, stored, name.seq);
    if (open === null || record === null) {
      return E.left(
        `epoch ${name.epoch} has ${stored.head.range.size} records that can be proved, from 0 on`,
      );
    }
    return E.right({ checkpoint: stored.checkpoint, roster, open, record });
  } finally {
    opened.right.close();
  }
};

const rosterText = (config: GatewayConfig): string | null => {
  const believed = loadRoster(config.fleetFiles, config.dataDir);
  return E.isLeft(believed) ? null : believed.right.note;
};

const prove = (io: Io, name: string, options: CommonOptions): ExitCode => {
  const [, epoch, seq] = RECORD_NAME.exec(name) ?? [];
  if (epoch === undefined || seq === undefined) {
    io.err(`"${name}" is no record; "tapmesh log show" shows their names, such as 28cf/3`);
    return EXIT.usage;
  }
  const config = loadConfig(io, options);
  if (config === undefined) return EXIT.usage;
  for (const file of [LOG_FILE, MIRROR_FILE]) {
    const proof = proveFrom(
      join(config.dataDir, file),
      { epoch, seq: Number(seq) },
      rosterText(config),
    );
    if (E.isLeft(proof)) {
      io.err(proof.left);
      return EXIT.failure;
    }
    if (proof.right === null) continue;
    io.out(formatProof(proof.right));
    return EXIT.ok;
  }
  io.err(`no epoch in ${config.dataDir} begins with ${epoch}`);
  return EXIT.failure;
};

const readText = (io: Io, file: string): string | undefined => {
  try {
    return readFileSync(resolve(io.cwd, file), "utf8");
  } catch (error) {
    io.err(error instanceof Error ? error.message : String(error));
    return undefined;
  }
};

/** The key in a fleet.pub, or given itself. */
const fleetKeyOf = (io: Io, given: string): NoteKey | undefined => {
  const text = existsSync(resolve(io.cwd, given)) ? readText(io, given) : given;
  const key = parseVerifierKey(sha256, (text ?? "").trim());
  if (E.isRight(key)) return key.right;
  io.err(`--fleet-key: "${given}" is neither a fleet's public key nor a file that holds one`);
  return undefined;
};

const formatProved = (proved: Proved, proof: Proof, isFleetKnown: boolean): string => {
  const { open, checkpoint, body } = proved;
  const epoch = nodeCrypto.sha256(open.epochKey).slice(0, 16);
  const place = { gateway: open.gateway, epoch, seq: proof.record.seq };
  const view = recordView({ header: proof.record.header, body }, place);
  const who = isFleetKnown
    ? `gateway ${open.gateway} of fleet ${open.fleet}`
    : `a gateway that calls itself ${open.gateway} of fleet ${open.fleet} (give --fleet-key to prove that)`;
  return `PROVED    ${formatRecord(view)}\n          signed by ${who}, one of ${checkpoint.size} records`;
};

const check = (
  io: Io,
  file: string,
  options: CommonOptions & { readonly fleetKey?: string },
): ExitCode => {
  const fleetKey = options.fleetKey === undefined ? null : fleetKeyOf(io, options.fleetKey);
  const text = readText(io, file);
  if (text === undefined || fleetKey === undefined) return EXIT.usage;
  const checked = pipe(
    parseProof(text),
    E.chain((proof) =>
      pipe(
        verifyProof(nodeCrypto, proof, fleetKey),
        E.map((proved) => formatProved(proved, proof, fleetKey !== null)),
      ),
    ),
  );
  if (E.isLeft(checked)) {
    io.err(`FAILED    ${describeProofError(checked.left)}`);
    return EXIT.failure;
  }
  const words = checked.right;
  io.out(options.json === true ? JSON.stringify({ proved: true, words }) : words);
  return EXIT.ok;
};

/** Adds the two verbs to `tapmesh log`. */
export const registerProve = (log: Command, io: Io, end: (code: ExitCode) => void): void => {
  log
    .command("prove")
    .argument("<record>", "its name in `log show`, such as 28cf/3")
    .description("print a proof of one record, as JSON")
    .addHelpText("after", "\nExample:\n  tapmesh log prove 28cf/3 > proof.json")
    .action((name: string, _local, command: Command) =>
      end(prove(io, name, command.optsWithGlobals())),
    );
  log
    .command("check")
    .argument("<proof.json>")
    .description("check a proof, with nothing but the proof and the fleet's public key")
    .option("--fleet-key <key>", "the fleet's public key, or its file fleet.pub")
    .addHelpText("after", "\nExample:\n  tapmesh log check proof.json --fleet-key fleet.pub")
    .action((file: string, _local, command: Command) =>
      end(check(io, file, command.optsWithGlobals())),
    );
};
