/** A roster that is replaced while the gateway runs. */
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { uidOf } from "#test/gateway/taps.ts";

/** The file is looked at every 2 s. */
const LOOK_MS = 2_500;
const NOTICED_MS = 10_000;

test.concurrent(
  "a newer roster is taken over, a bad one refused, an older one passed over",
  async () => {
    await using fleet = new TestFleet(["lobby"]);
    await using stranger = new TestFleet(["lobby"]);
    const broker = await fleet.broker();
    const lobby = fleet.gateway("lobby", { brokers: [broker] });
    const dock = fleet.gateway("dock", { brokers: [broker] });
    const roster = join(fleet.fleetDir, "roster.txt");
    const old = join(fleet.folder, "old.txt");
    copyFileSync(roster, old);
    await Promise.all([lobby.start(), dock.start()]);
    expect(await dock.status()).toMatchObject({ inRoster: false, rosterVersion: 2 });

    fleet.list("dock");
    fleet.sign();
    const isTaken = async (): Promise<boolean> => {
      const both = await Promise.all([lobby.status(), dock.status()]);
      return both.every(({ rosterVersion }) => rosterVersion === 3);
    };
    await eventuallyTrue("the roster with the new gateway", isTaken, NOTICED_MS);
    expect(await dock.status()).toMatchObject({ inRoster: true });
    await dock.tap(uidOf(1));
    await eventuallyTrue("the new gateway's records", async () => {
      const { authors } = await lobby.status();
      return authors.some(({ gateway, records }) => gateway === "dock" && records === 2);
    });

    const good = readFileSync(roster);
    const bad = [
      readFileSync(join(stranger.fleetDir, "roster.txt")),
      Buffer.from(good.toString().replace("status active", "status revoked")),
      Buffer.alloc(0),
    ];
    for (const [index, content] of bad.entries()) {
      writeFileSync(`${roster}.new`, content);
      renameSync(`${roster}.new`, roster);
      await eventuallyTrue(
        "a refusal",
        () =>
          lobby.child.journal().filter(({ code }) => code === "roster.refused").length >= index + 1,
        NOTICED_MS,
      );
    }
    expect(await lobby.status()).toMatchObject({ rosterVersion: 3, inRoster: true });

    copyFileSync(old, roster);
    await delay(LOOK_MS);
    expect(await lobby.status()).toMatchObject({ rosterVersion: 3, inRoster: true });
    writeFileSync(roster, good);
    fleet.list("yard");
    fleet.sign();
    await eventuallyTrue(
      "the next good roster",
      async () => (await lobby.status()).rosterVersion === 4,
      NOTICED_MS,
    );
  },
);

test.concurrent("a roster that disappears, or becomes a folder, changes nothing", async () => {
  await using fleet = new TestFleet(["lobby"]);
  const lobby = await fleet.gateway("lobby").start();
  rmSync(join(fleet.fleetDir, "roster.txt"));
  expect(await lobby.child.line("roster.refused", NOTICED_MS)).toMatchObject({ level: "error" });
  fleet.subfolder("fleet/roster.txt");
  const isNoticed = (): boolean =>
    lobby.child.hasEnded ||
    lobby.child.journal().filter(({ code }) => code === "roster.refused").length >= 2;
  await eventuallyTrue("a second refusal", isNoticed, NOTICED_MS);
  expect(lobby.child.stderr).toBe("");
  expect(await lobby.status()).toMatchObject({ rosterVersion: 2 });
  expect(await lobby.tap(uidOf(1))).toMatchObject({ notRecorded: null });
});
