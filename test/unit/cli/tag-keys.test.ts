/** `tapmesh tag keys`: a tag that is given what it prints is believed by the fleet's readers, and no other is. */
import { mkdtempSync, readFileSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fromHex } from "#core/bytes.ts";
import { parseSecret } from "#core/trust/secret-text.ts";
import { NTAG424 } from "#gateway/reader/emulated/ntag424.ts";
import { fleetSunSecrets, sunReader } from "#gateway/sun-reader.ts";
import { linkOf } from "#test/unit/reader/emulated/link-of.ts";
import { commandLine, type CommandResult } from "#test/gateway/command-line.ts";

const UID = "04A1B2C3D4E5F6";
let folder: string;

const keys = (...args: ReadonlyArray<string>): Promise<CommandResult> =>
  commandLine(["tag", "keys", ...args], folder);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tapmesh-cli-"));
  await commandLine(["roster", "init", "acme"], folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

interface Printed {
  readonly sdmMetaReadKey: string;
  readonly sdmFileReadKey: string;
}

test("a tag with the keys that are printed is the fleet's own, and another with them is not", async () => {
  const { code, out } = await keys("04:a1:b2:c3:d4:e5:f6", "--json");
  expect(code).toBe(0);
  const printed: Printed = JSON.parse(out);
  const sunSecrets = {
    metaReadKey: bytes(printed.sdmMetaReadKey),
    fileReadKey: () => bytes(printed.sdmFileReadKey),
  };
  const secret = parseSecret("sun-key", readFileSync(join(folder, "fleet", "sun.key"), "utf8"));
  const readSun = sunReader(fleetSunSecrets(secret ?? new Uint8Array()));
  const tagWith = (uid: string): string =>
    linkOf(NTAG424.make({ uid: bytes(uid), sunSecrets, counter: 6 }));
  expect(readSun(tagWith(UID))).toEqual(E.right({ uid: UID, counter: 7 }));
  expect(readSun(tagWith("04A1B2C3D4E5F7"))).toEqual(E.left({ _tag: "SunMacWrong" }));
});

test("in words, both keys and what to do with them", async () => {
  const { code, out } = await keys(UID);
  expect(code).toBe(0);
  expect(out).toMatch(/^SDMMetaReadKey {3}[0-9a-f]{32} {3}one for all tags/m);
  expect(out).toMatch(/^SDMFileReadKey {3}[0-9a-f]{32} {3}this tag's own/m);
  expect(out).toContain("don't keep this text");
});

test("what is no UID of such a tag is refused", async () => {
  const said = await keys("08A1B2C3");
  expect(said.code).toBe(2);
  expect(said.err).toContain('"08A1B2C3" is no UID of an NTAG 424 DNA');
});

test("without the fleet's secret it says which file is missing", async () => {
  unlinkSync(join(folder, "fleet", "sun.key"));
  const said = await keys(UID);
  expect(said.code).toBe(1);
  expect(said.err).toContain("sun.key is missing");
});
