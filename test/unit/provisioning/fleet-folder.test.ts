/** The operator's folder: keys that must never be lost, and rosters that must never be half there. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { utf8 } from "#core/bytes.ts";
import { parseVerifierKey } from "#core/log/signed-note.ts";
import { openFirstRoster, openRosterChain } from "#core/trust/roster-chain.ts";
import { formatSecret } from "#core/trust/secret-text.ts";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { readDraft, readRoster } from "#provisioning/roster/fleet-files.ts";
import { addGateway, initFleet, signDraft } from "#provisioning/roster/fleet-folder.ts";
import { rotateFleetKey } from "#provisioning/roster/key-rotation.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";

let folder: string;

const text = (name: string): string => readFileSync(join(folder, name), "utf8");
const add = (name: string, byte: number): void => {
  const key = new Uint8Array(32).fill(byte);
  rightOf(addGateway(fleetCrypto, folder, { name, site: "main", key, status: "active" }));
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tapmesh-fleet-"));
  rightOf(initFleet(fleetCrypto, folder, "acme"));
  add("lobby", 1);
  rightOf(signDraft(fleetCrypto, folder));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const anchorOf = (): Parameters<typeof openFirstRoster>[2] =>
  rightOf(parseVerifierKey(sha256, text("fleet.pub").trim()));

test("each roster carries the hash of the one before, and a version more", () => {
  const before = text("roster.txt");
  add("dock", 2);
  const { version, previous } = rightOf(signDraft(fleetCrypto, folder));
  expect(version).toBe(3);
  expect(previous).toEqual(sha256(utf8(before)));
  expect(leftTag(signDraft(fleetCrypto, folder))).toBe("NothingToSign");
});

test("without the fleet key the draft waits", () => {
  renameSync(join(folder, "fleet.key"), join(folder, "elsewhere"));
  add("dock", 2);
  expect(leftTag(signDraft(fleetCrypto, folder))).toBe("KeyMissing");
  expect(rightOf(readDraft(folder))?.gateways).toHaveLength(2);
  renameSync(join(folder, "elsewhere"), join(folder, "fleet.key"));
  expect(rightOf(signDraft(fleetCrypto, folder)).gateways).toHaveLength(2);
});

describe("the next fleet key", () => {
  test("is believed by who believed the last one, and signs from then on, without the old key", () => {
    const believed = rightOf(openFirstRoster(nodeCrypto, text("roster.txt"), anchorOf()));
    const old = new Map(readdirSync(folder).map((name) => [name, text(name)]));
    rmSync(join(folder, "fleet.key"));
    const rotated = rightOf(rotateFleetKey(fleetCrypto, folder));
    expect(rotated.version).toBe(3);
    const next = rightOf(openRosterChain(nodeCrypto, believed, text("roster.txt")));
    expect(next.roster).toEqual(rotated);
    expect(next.key).toEqual(anchorOf());
    for (const name of ["fleet.key", "successor.key", "fleet.pub", "roster.txt"]) {
      expect(text(name)).not.toBe(old.get(name));
    }
    expect(text("card.key")).toBe(old.get("card.key"));
    expect(readdirSync(folder).toSorted()).toEqual([
      "card.key",
      "fleet.key",
      "fleet.pub",
      "roster.txt",
      "successor.key",
      "sun.key",
    ]);
    add("dock", 2);
    rightOf(signDraft(fleetCrypto, folder));
    const after = rightOf(openRosterChain(nodeCrypto, next, text("roster.txt")));
    // Who missed the change itself makes up for it with any later roster of the new key.
    expect(openRosterChain(nodeCrypto, believed, text("roster.txt"))).toEqual({
      _tag: "Right",
      right: after,
    });
  });

  test("can be changed again, by the successor that was made then", () => {
    rightOf(rotateFleetKey(fleetCrypto, folder));
    const believed = rightOf(openFirstRoster(nodeCrypto, text("roster.txt"), anchorOf()));
    const { fleetKeys } = rightOf(rotateFleetKey(fleetCrypto, folder));
    expect(fleetKeys).toHaveLength(3);
    rightOf(openRosterChain(nodeCrypto, believed, text("roster.txt")));
  });

  test("leaves a draft a draft, which is then signed with the new keys in it", () => {
    add("dock", 2);
    const { successor, gateways } = rightOf(rotateFleetKey(fleetCrypto, folder));
    expect(gateways).toHaveLength(1);
    const signed = rightOf(signDraft(fleetCrypto, folder));
    expect(signed.gateways).toHaveLength(2);
    expect(signed.successor).toEqual(successor);
    expect(signed.fleetKeys).toHaveLength(2);
    expect(rightOf(readRoster(fleetCrypto, folder))).toEqual(signed);
  });

  test("is no key but the one that the roster names", () => {
    const path = join(folder, "successor.key");
    const right = text("successor.key");
    rmSync(path);
    expect(leftTag(rotateFleetKey(fleetCrypto, folder))).toBe("KeyMissing");
    writeFileSync(path, formatSecret("successor-key", new Uint8Array(32).fill(9)));
    expect(leftTag(rotateFleetKey(fleetCrypto, folder))).toBe("SuccessorForeign");
    writeFileSync(path, text("fleet.key"));
    expect(leftTag(rotateFleetKey(fleetCrypto, folder))).toBe("FleetFileMalformed");
    writeFileSync(path, right);
    rightOf(rotateFleetKey(fleetCrypto, folder));
  });

  test("takes its place whole, wherever the change is cut off", () => {
    const before = join(folder, "..", `${folder}-before`);
    cpSync(folder, before, { recursive: true });
    rightOf(rotateFleetKey(fleetCrypto, folder));
    const names = ["fleet.key", "fleet.pub", "roster.txt", "successor.key"];
    const changed = new Map(names.map((name) => [name, text(name)]));
    try {
      for (let moved = 0; moved <= names.length; moved += 1) {
        rmSync(folder, { recursive: true });
        cpSync(before, folder, { recursive: true });
        mkdirSync(join(folder, "rotation"));
        for (const [index, name] of names.entries()) {
          const place = index < moved ? folder : join(folder, "rotation");
          writeFileSync(join(place, name), changed.get(name) ?? "");
        }
        expect(rightOf(readRoster(fleetCrypto, folder)).fleetKeys).toHaveLength(2);
        for (const name of names) expect(text(name)).toBe(changed.get(name));
        expect(existsSync(join(folder, "rotation"))).toBe(false);
      }
      // Cut off before that: nothing has changed, and it can be done again.
      rmSync(folder, { recursive: true });
      cpSync(before, folder, { recursive: true });
      mkdirSync(join(folder, "rotation.new"));
      writeFileSync(join(folder, "rotation.new", "fleet.key"), "half");
      expect(rightOf(readRoster(fleetCrypto, folder)).fleetKeys).toHaveLength(0);
      expect(rightOf(rotateFleetKey(fleetCrypto, folder)).fleetKeys).toHaveLength(2);
    } finally {
      rmSync(before, { recursive: true, force: true });
    }
  });
});

test("keys are never written over, nor beside ones on their way", () => {
  expect(leftTag(initFleet(fleetCrypto, folder, "acme"))).toBe("FleetExists");
  const other = join(folder, "other");
  mkdirSync(join(other, "rotation"), { recursive: true });
  expect(leftTag(initFleet(fleetCrypto, other, "acme"))).toBe("FleetExists");
});
