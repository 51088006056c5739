/** A dead Pi's place is taken by a blank one: key, request, roster, logs and state, with real processes. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runTapmesh } from "#test/gateway/child.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { readerIds, tapMany, uidOf } from "#test/gateway/taps.ts";
import { DEVICE, DrilledFleet, RECOVERY_TIMEOUT_MS, UID } from "#test/drill/drilled-fleet.ts";

test("a blank machine takes the dead one's place: taps at once, and nothing that a peer had is lost", async () => {
  await using drilled = await DrilledFleet.start();
  const [lobby, dock] = [drilled.gateway(0), drilled.gateway(1)];
  await drilled.tap(lobby, 3);
  await drilled.untilMirrored(lobby);
  const before = (await dock.status()).authors.find(({ gateway }) => gateway === "lobby");
  await lobby.kill();
  drilled.loseDisk(lobby);

  await drilled.restore(lobby);
  // Nobody knows its key yet, and it has no state: it records all the same.
  expect((await lobby.tap(uidOf(7))).notRecorded).toBeNull();
  expect((await lobby.status()).inRoster).toBe(false);
  await drilled.sign(lobby, "dock");
  await drilled.untilRoster(3);
  expect(await drilled.settle()).toBe(0);

  await drilled.tap(lobby);
  expect(await drilled.settle()).toBe(0);
  const after = (await lobby.status()).authors.find(({ gateway }) => gateway === "lobby");
  expect(after?.records).toBeGreaterThan(before?.records ?? 0);
  const records = await dock.records("lobby");
  expect(records.filter(({ kind }) => kind === "open").length).toBeGreaterThan(1);
  // Its old log is held by it again, and verifies.
  await lobby.stop();
  const verified = await runTapmesh(["log", "verify", join(lobby.dataDir, "mirror.db")]);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.stdout).toContain("of lobby");
}, 90_000);

test("restore keeps its hands off a disk that isn't blank, and says what is missing", async () => {
  await using drilled = await DrilledFleet.start();
  const lobby = drilled.gateway(0);
  await lobby.stop();
  const key = readFileSync(join(lobby.dataDir, "gateway.key"), "utf8");
  const refused = await runTapmesh(["restore", "--config", lobby.config]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("is not blank");
  expect(readFileSync(join(lobby.dataDir, "gateway.key"), "utf8")).toBe(key);

  drilled.loseDisk(lobby);
  rmSync(join(drilled.fleet.folder, "fleet-of-lobby", "card.key"));
  const incomplete = await runTapmesh(["restore", "--config", lobby.config]);
  expect(incomplete.stderr).toContain("card.key is missing");
  expect(existsSync(lobby.dataDir)).toBe(false);
  const unnamed = await runTapmesh(["restore"], { cwd: drilled.fleet.folder });
  expect(unnamed.code).toBe(2);
}, 90_000);

test("where no peer is left a backup brings back what it holds", async () => {
  await using drilled = await DrilledFleet.start();
  const lobby = drilled.gateway(0);
  const file = join(drilled.fleet.folder, "backup.db");
  await drilled.command("backup", file, "--config", lobby.config);
  await Promise.all(drilled.gateways.map((gateway) => gateway.kill()));
  for (const gateway of drilled.gateways) drilled.loseDisk(gateway);
  await drilled.restore(lobby, "--from", file);
  expect(await drilled.settle([lobby])).toBe(0);
  await drilled.tap(lobby);
}, 90_000);

test("a newcomer starts from a peer's snapshot, which its logs confirm", async () => {
  await using drilled = await DrilledFleet.start();
  const [lobby, dock] = [drilled.gateway(0), drilled.gateway(1)];
  const rows = Array.from({ length: 2_000 }, (_, i) => ({
    line: i + 2,
    device: `tool-${i}`,
    uid: uidOf(1_000 + i),
    values: {},
  }));
  await dock.ask<"import">({ verb: "import", rows, dryRun: false, user: "tester" });
  await drilled.settle();
  await tapMany(dock, readerIds(1), 3);
  await drilled.untilMirrored(lobby);
  await lobby.kill();
  drilled.loseDisk(lobby);
  const child = await drilled.restore(lobby);
  await child.line("snapshot.adopted", RECOVERY_TIMEOUT_MS);
  expect((await lobby.tap(UID)).device).toBe(DEVICE);
  await drilled.sign(lobby, "dock");
  await drilled.untilRoster(3);
  await eventuallyTrue(
    "equal states",
    async () => (await lobby.status()).digest === (await dock.status()).digest,
    RECOVERY_TIMEOUT_MS,
  );
  expect(child.journal().filter(({ code }) => code === "store.notice")).toEqual([]);
}, 120_000);
