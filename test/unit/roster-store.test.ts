/** What a gateway believes after whatever it is handed, and after a restart. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BelievedRoster } from "#core/trust/roster-chain.ts";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { parseConfig } from "#gateway/config/parse.ts";
import { loadFleetMaterial, loadRoster } from "#gateway/fleet/fleet-files.ts";
import { acceptRosterNote, keepRoster, KEPT_ROSTER_FILE } from "#gateway/fleet/roster-store.ts";
import { addGateway, initFleet, signDraft } from "#provisioning/roster/fleet-folder.ts";
import { rotateFleetKey } from "#provisioning/roster/key-rotation.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";

let folder: string;
let config: GatewayConfig;
/** The operator's own folder; the gateway has a copy of some of its files. */
let operator: string;

const noteNow = (): string => readFileSync(join(operator, "roster.txt"), "utf8");
const handOver = (...names: ReadonlyArray<string>): void => {
  for (const name of names) {
    writeFileSync(join(folder, "fleet", name), readFileSync(join(operator, name)));
  }
};
let keys = 0;
/** Signs another version, and gives its text. */
const nextNote = (): string => {
  keys += 1;
  const key = new Uint8Array(32).fill(keys);
  const listed = { name: `gw-${keys}`, site: "main", key, status: "active" } as const;
  rightOf(addGateway(fleetCrypto, operator, listed));
  rightOf(signDraft(fleetCrypto, operator));
  return noteNow();
};
const start = (): BelievedRoster => rightOf(loadFleetMaterial(config)).believed;
const kept = (): string => readFileSync(join(config.dataDir, KEPT_ROSTER_FILE), "utf8");
const accept = (believed: BelievedRoster, note: string): ReturnType<typeof acceptRosterNote> =>
  acceptRosterNote(config.dataDir, believed, note);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tapmesh-roster-"));
  operator = join(folder, "operator");
  rightOf(initFleet(fleetCrypto, operator, "acme"));
  mkdirSync(join(folder, "fleet"));
  handOver("roster.txt", "fleet.pub", "card.key");
  const yaml = "gateway: lobby\nfleet: acme\ndata_dir: data\nfleet_dir: fleet\n";
  config = rightOf(parseConfig(yaml, join(folder, "lobby.yaml")));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("at a start", () => {
  test("what the fleet's folder has is believed and kept", () => {
    expect(start().roster.version).toBe(1);
    expect(kept()).toBe(noteNow());
  });

  test("the newer of the folder's and the kept one is believed", () => {
    const first = start();
    const [second, third] = [nextNote(), nextNote()];
    rightOf(accept(first, second));
    expect(start().roster.version).toBe(2);
    writeFileSync(config.fleetFiles.roster, third);
    expect(start().roster.version).toBe(3);
    expect(kept()).toBe(third);
    writeFileSync(config.fleetFiles.roster, second);
    expect(start().roster.version).toBe(3);
  });

  test("the kept one stands in for one that is gone, damaged or a stranger's", () => {
    const believed = rightOf(accept(start(), nextNote()));
    for (const bad of ["", believed.note.replace("version 2", "version 9")]) {
      writeFileSync(config.fleetFiles.roster, bad);
      expect(start().roster).toEqual(believed.roster);
    }
    rmSync(config.fleetFiles.roster);
    expect(start().roster).toEqual(believed.roster);
  });

  test("a kept one that is damaged gives way to the folder's, and is mended", () => {
    start();
    for (const bad of ["", kept().replace("version 1", "version 9"), "\0"]) {
      writeFileSync(join(config.dataDir, KEPT_ROSTER_FILE), bad);
      expect(start().roster.version).toBe(1);
      expect(kept()).toBe(noteNow());
    }
  });

  test("the fleet of another key is begun anew, even under the same name", () => {
    rightOf(accept(start(), nextNote()));
    rmSync(operator, { recursive: true });
    rightOf(initFleet(fleetCrypto, operator, "acme"));
    handOver("roster.txt", "fleet.pub", "card.key");
    expect(start().roster.version).toBe(1);
    expect(kept()).toBe(noteNow());
  });

  test("asking what is believed writes nothing", () => {
    expect(rightOf(loadRoster(config.fleetFiles, config.dataDir)).roster.version).toBe(1);
    expect(readdirSync(folder).toSorted()).toEqual(["fleet", "operator"]);
  });
});

describe("from a peer", () => {
  test("what is refused changes nothing on the disk", () => {
    const old = noteNow();
    const believed = rightOf(accept(start(), nextNote()));
    const foreign = join(folder, "stranger");
    rightOf(initFleet(fleetCrypto, foreign, "acme"));
    const strange = readFileSync(join(foreign, "roster.txt"), "utf8");
    for (const [note, tag] of [
      [old, "RosterNotNewer"],
      [believed.note, "RosterNotNewer"],
      [strange, "NoteNotSigned"],
      ["", "NoteMalformed"],
      [nextNote().replace("version 3", "version 4"), "NoteSignatureWrong"],
    ] as const) {
      expect(leftTag(accept(believed, note))).toBe(tag);
    }
    expect(kept()).toBe(believed.note);
    expect(readdirSync(config.dataDir).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  test("what can't be kept isn't believed, and what was kept stays", () => {
    const believed = start();
    const note = nextNote();
    mkdirSync(join(config.dataDir, `${KEPT_ROSTER_FILE}.new`));
    expect(leftTag(accept(believed, note))).toBe("RosterNotKept");
    expect(kept()).toBe(believed.note);
    rmSync(join(config.dataDir, `${KEPT_ROSTER_FILE}.new`), { recursive: true });
    expect(rightOf(accept(believed, note)).roster.version).toBe(2);
    rmSync(config.dataDir, { recursive: true });
    expect(leftTag(keepRoster(config.dataDir, note))).toBe("RosterNotKept");
  });
});

describe("when the fleet key changes", () => {
  test("the change is followed, kept, and gone on from after a restart with the old fleet.pub", () => {
    const believed = start();
    rightOf(rotateFleetKey(fleetCrypto, operator));
    const rotated = rightOf(accept(believed, noteNow()));
    expect(rotated.roster.version).toBe(2);
    expect(start()).toEqual(rotated);
    expect(rightOf(accept(start(), nextNote())).roster.version).toBe(3);
    rightOf(rotateFleetKey(fleetCrypto, operator));
    const twice = rightOf(accept(start(), noteNow()));
    expect(start()).toEqual(twice);
  });

  test("it can come by the fleet's folder, while the gateway is down", () => {
    start();
    rightOf(rotateFleetKey(fleetCrypto, operator));
    handOver("roster.txt");
    expect(start().roster.version).toBe(2);
    expect(start().roster.fleetKeys).toHaveLength(2);
  });

  test("a roster of the old key is refused from then on, and a gateway that never saw one too", () => {
    const believed = start();
    const thief = nextNote();
    rightOf(rotateFleetKey(fleetCrypto, operator));
    const rotated = rightOf(accept(believed, noteNow()));
    expect(leftTag(accept(rotated, thief))).toBe("NoteNotSigned");
    writeFileSync(config.fleetFiles.roster, thief);
    expect(start()).toEqual(rotated);
    // Set up from nothing, with the old fleet.pub: the new roster proves nothing to it.
    rmSync(config.dataDir, { recursive: true });
    handOver("roster.txt");
    expect(leftTag(loadFleetMaterial(config))).toBe("RosterRefused");
    handOver("fleet.pub");
    expect(start().roster.version).toBe(3);
  });
});
