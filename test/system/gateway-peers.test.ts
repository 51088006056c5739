/** Gateways in processes of their own with a broker between them: they come to the same, whatever was away. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { readerIds, tapMany, uidOf, untilEqual } from "#test/gateway/taps.ts";

const READERS = readerIds(8);
/** An ask that nobody answers is given up after 3 s; then another peer is asked. */
const CATCH_UP_MS = 15_000;

const recordsOf = async (gateway: GatewayProcess, author: string): Promise<number> => {
  const { authors } = await gateway.status();
  return authors.find((held) => held.gateway === author)?.records ?? 0;
};

const verifies = async (gateway: GatewayProcess): Promise<boolean> => {
  const files = [gateway.logFile, gateway.logFile.replace("log.db", "mirror.db")];
  const results = await Promise.all(files.map((file) => commandLine(["log", "verify", file])));
  return results.every(({ code }) => code === 0);
};

test("a tap on one gateway is verified, folded and shown by the other, with where it came from", async () => {
  await using fleet = new TestFleet(["lobby", "dock"]);
  const broker = await fleet.broker();
  const lobby = fleet.gateway("lobby", { brokers: [broker] });
  const dock = fleet.gateway("dock", { brokers: [broker] });
  await Promise.all([lobby.start(), dock.start()]);
  await Promise.all([lobby.untilConnected(), dock.untilConnected()]);
  const events = await dock.watch();
  await lobby.enrol("cart-7", uidOf(7));
  const tapped = await lobby.tap(uidOf(7));
  expect(tapped).toMatchObject({ verdict: "accepted", device: "cart-7" });

  const seen = await eventually("the peer's tap", () =>
    events
      .flatMap((event) => (event.event === "peer" ? [event] : []))
      .find(({ records }) => records.some(({ kind }) => kind === "tap")),
  );
  const record = seen.records.find(({ kind }) => kind === "tap");
  expect(record).toMatchObject({ ...tapped.record, gateway: "lobby", kind: "tap" });
  expect(record?.summary).toContain("accepted cart-7 at r1");
  expect(seen.replay).toBe(false);

  await untilEqual([lobby, dock]);
  const view = await dock.device("cart-7");
  expect(view.values.find(({ key }) => key === "location")).toMatchObject({
    key: "location",
    type: "register",
    value: "lobby",
    why: {
      epoch: tapped.record?.epoch,
      seq: tapped.record?.seq,
      gateway: "lobby",
      wallMs: tapped.wallMs,
      clock: expect.any(String),
      actor: "reader r1",
      status: "mirrored(1)",
    },
  });
  // What the one enrolled, the other accepts; and both count.
  expect(await dock.tap(uidOf(7))).toMatchObject({ verdict: "accepted", device: "cart-7" });
  await eventuallyTrue("two visits", async () => (await lobby.value("cart-7", "visits")) === 2);
  await untilEqual([lobby, dock]);
  expect(await lobby.value("cart-7", "location")).toBe("dock");
  expect(await verifies(dock)).toBe(true);
});

test(
  "who was away, stopped or killed, gets what he missed: several epochs, several Ranges",
  { timeout: 200_000 },
  async () => {
    await using fleet = new TestFleet(["lobby", "dock"]);
    const broker = await fleet.broker();
    const lobby = fleet.gateway("lobby", { readers: READERS, brokers: [broker] });
    const dock = fleet.gateway("dock", { brokers: [broker] });
    await Promise.all([lobby.start(), dock.start()]);
    for (let card = 0; card < 8; card += 1) await lobby.enrol(`cart-${card}`, uidOf(card));
    await untilEqual([lobby, dock]);

    for (const away of ["stopped", "killed"] as const) {
      const ended = await dock.child.kill(away === "stopped" ? "SIGTERM" : "SIGKILL");
      expect(ended.code).toBe(away === "stopped" ? 0 : null);
      const before = await recordsOf(lobby, "lobby");
      await tapMany(lobby, READERS, 250);
      await lobby.stop();
      await lobby.start();
      await tapMany(lobby, READERS, 250);
      await lobby.kill();
      await broker.restart(); // whatever it retained is gone
      await lobby.start();
      await tapMany(lobby, READERS, 100);
      expect(await recordsOf(lobby, "lobby")).toBeGreaterThanOrEqual(before + 600);
      await dock.start();
      await untilEqual([lobby, dock], CATCH_UP_MS);
      expect(await recordsOf(dock, "lobby")).toBe(await recordsOf(lobby, "lobby"));
      expect(await verifies(dock)).toBe(true);
    }
    const { counters } = await dock.status();
    expect(Object.keys(counters).filter((code) => code.startsWith("sync.refused"))).toEqual([]);
    await dock.tap(uidOf(3));
    await untilEqual([lobby, dock]);
  },
);

test(
  "who joins later gets the log of a gateway that is down from one that is up",
  { timeout: 200_000 },
  async () => {
    await using fleet = new TestFleet(["lobby", "dock", "yard"]);
    const broker = await fleet.broker();
    const brokers = [broker];
    const lobby = fleet.gateway("lobby", { readers: READERS, brokers });
    const dock = fleet.gateway("dock", { brokers });
    const yard = fleet.gateway("yard", { brokers });
    await Promise.all([lobby.start(), dock.start()]);
    await lobby.enrol("cart-1", uidOf(1));
    await tapMany(lobby, READERS, 300);
    await dock.tap(uidOf(1));
    await untilEqual([lobby, dock]);
    const written = await recordsOf(lobby, "lobby");
    await lobby.kill();

    await yard.start();
    await untilEqual([dock, yard], CATCH_UP_MS);
    expect(await recordsOf(yard, "lobby")).toBe(written);
    expect(await yard.value("cart-1", "visits")).toBe(await dock.value("cart-1", "visits"));
    expect(await yard.tap(uidOf(1))).toMatchObject({ verdict: "accepted", device: "cart-1" });

    // And the author itself, back with its key on an empty disk, gets its own log back from them.
    for (const name of ["log", "mirror", "state"]) {
      for (const suffix of ["", "-wal", "-shm"]) {
        rmSync(join(lobby.dataDir, `${name}.db${suffix}`), { force: true });
      }
    }
    await lobby.start();
    await untilEqual([lobby, dock, yard], CATCH_UP_MS);
    await eventuallyTrue(
      "the lobby has opened an epoch of its own",
      async () => (await recordsOf(lobby, "lobby")) > written,
    );
    expect(await lobby.tap(uidOf(1))).toMatchObject({ verdict: "accepted", device: "cart-1" });
    await untilEqual([lobby, dock, yard], CATCH_UP_MS);
    for (const gateway of [lobby, dock, yard]) expect(await verifies(gateway)).toBe(true);
  },
);

test("a gateway that the roster doesn't list is not believed, and says so of itself", async () => {
  await using fleet = new TestFleet(["lobby"]);
  const broker = await fleet.broker();
  const lobby = fleet.gateway("lobby", { brokers: [broker] });
  const stranger = fleet.gateway("stranger", { brokers: [broker] });
  await Promise.all([lobby.start(), stranger.start()]);
  expect(await stranger.status()).toMatchObject({ inRoster: false });
  await stranger.tap(uidOf(1));
  await eventuallyTrue("a refused message", async () => {
    const { counters } = await lobby.status();
    return (counters["sync.refused.sender-not-in-roster"] ?? 0) > 0;
  });
  expect(await recordsOf(lobby, "stranger")).toBe(0);
});
