/**
 * Records whose bodies damage has taken: their headers stand, so that the tree stays whole, and any peer's body is as
 * good as the own one if its hash is the one that the header names.
 */
import { readdirSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import { decodeHeader } from "#core/log/record.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { Hole } from "#gateway/ports.ts";
import type { LogFile } from "#gateway/store/log-file.ts";
import { isSetAside } from "#gateway/store/salvage.ts";

/** Holes that are looked after at once; the next start finds the rest. */
const HOLES_COUNT_MAX = 1_024;

/**
 * Bodies that are missing. Only where a damaged file was set aside can there be any: without one nothing is looked
 * through, since that takes a second for each million records.
 */
export const holesIn = (directory: string, files: ReadonlyArray<LogFile>): ReadonlyArray<Hole> =>
  readdirSync(directory).some(isSetAside)
    ? files.flatMap((file) => file.bodiless(HOLES_COUNT_MAX)).slice(0, HOLES_COUNT_MAX)
    : [];

/** Puts the bodies in whose hashes fit; how many did. */
export const fillHoles = (
  file: LogFile,
  epoch: Uint8Array,
  bodies: ReadonlyArray<{ readonly seq: number; readonly body: Uint8Array }>,
): number => {
  let count = 0;
  for (const { seq, body } of bodies) {
    const [record] = file.records(epoch, seq, seq + 1);
    const header = record?.body === null ? decodeHeader(record.header) : undefined;
    if (header === undefined || E.isLeft(header)) continue;
    if (!equalBytes(header.right.bodyHash, sha256(body))) continue;
    file.fill(epoch, seq, body);
    count += 1;
  }
  return count;
};
