/** A gateway that is revoked while its fleet runs: what its peers hold of it goes on counting, and nothing after that. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandLine, jsonLines } from "#test/gateway/command-line.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { uidOf } from "#test/gateway/taps.ts";

/** The roster file is looked at every 2 s. */
const NOTICED_MS = 10_000;

test("revoke asks the running gateway, names what it holds, and is taken over at once", async () => {
  await using fleet = new TestFleet(["lobby", "dock", "yard"]);
  const broker = await fleet.broker();
  const lobby = fleet.gateway("lobby", { brokers: [broker] });
  const dock = fleet.gateway("dock", { brokers: [broker] });
  const yard = fleet.gateway("yard", { brokers: [broker] });
  await Promise.all([lobby.start(), dock.start(), yard.start()]);
  await dock.tap(uidOf(1));
  await dock.tap(uidOf(2));
  const ofDock = async (): Promise<number> => {
    const { authors } = await lobby.status();
    return authors.find(({ gateway }) => gateway === "dock")?.records ?? 0;
  };
  const { records } = await dock.status();
  await eventuallyTrue(
    "dock's records at lobby",
    async () => (await ofDock()) === records,
    NOTICED_MS,
  );

  const config = join(fleet.folder, "lobby.yaml");
  const heads = await commandLine(["log", "heads", "dock", "--config", config, "--json"]);
  expect(heads.code).toBe(0);
  expect(jsonLines(heads.out)).toMatchObject([
    { gateway: "dock", epochs: [{ size: records }], asked: ["yard"], answered: ["yard"] },
  ]);
  const unknown = await commandLine(["log", "heads", "dok", "--config", config]);
  expect(unknown).toMatchObject({ code: 1, out: "" });

  const revoked = await commandLine(
    ["roster", "revoke", "dock", "--dir", "fleet", "--config", config],
    fleet.folder,
  );
  expect(revoked).toMatchObject({ code: 0, err: "" });
  expect(revoked.out).toContain(`: ${records} records count`);
  expect(revoked.out).toContain("(asked yard;");
  const roster = join(fleet.fleetDir, "roster.txt");
  expect(readFileSync(roster, "utf8")).toMatch(new RegExp(`\\ncut [0-9a-f]{32} ${records}\\n`));
  const isTaken = async (): Promise<boolean> => (await lobby.status()).rosterVersion === 3;
  await eventuallyTrue("the roster that revokes dock", isTaken, NOTICED_MS);

  await dock.tap(uidOf(3));
  const before = await ofDock();
  await lobby.tap(uidOf(4));
  expect(before).toBe(records);
  expect(await ofDock()).toBe(records);

  // The believed roster outlives the file that it came by, and a restart.
  await lobby.stop();
  writeFileSync(roster, "");
  await lobby.start();
  expect(await lobby.status()).toMatchObject({ rosterVersion: 3 });
  expect(await ofDock()).toBe(records);
});
