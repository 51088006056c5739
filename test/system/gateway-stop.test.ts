/** The end of a gateway: in order, within its time, with nothing lost. */
import { truncateSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { EpochMaker } from "#test/contract/epoch-maker.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { slowDisk } from "#test/gateway/faulty-disk.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { freePort } from "#test/gateway/free-port.ts";
import { readerIds, uidOf } from "#test/gateway/taps.ts";
import { writeEpoch } from "#test/unit/store/data-folder.ts";

/** What the process promises, for systemd's sake. */
const STOP_MS_MAX = 5_000;

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s: exit 0 in time, a close record, and the next start names the epoch",
  async (signal) => {
    await using fleet = new TestFleet(["lobby"]);
    const broker = await fleet.broker();
    const gateway = await fleet.gateway("lobby", { brokers: [broker] }).start();
    await gateway.untilConnected();
    await gateway.tap(uidOf(1));
    const { epoch } = await gateway.status();
    const ended = await gateway.stop(signal);
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.tookMs).toBeLessThan(STOP_MS_MAX);
    expect(await gateway.child.line("gateway.stopped")).toMatchObject({ level: "info" });
    expect(gateway.child.stderr).toBe("");

    await gateway.start();
    await gateway.tap(uidOf(2));
    const records = await gateway.records();
    const [earlier, later] = [true, false].map((isFirst) =>
      records
        .filter((record) => (record.epoch === epoch) === isFirst)
        .toSorted((a, b) => a.seq - b.seq),
    );
    expect(earlier?.map(({ kind }) => kind)).toEqual(["open", "tap", "close"]);
    expect(later?.map(({ kind }) => kind)).toEqual(["open", "tap"]);
    expect(later?.[0]?.summary).toContain("1 earlier named");
  },
);

test("taps that wait for the disk are recorded, or answered as not recorded", async () => {
  await using fleet = new TestFleet(["lobby"]);
  const readers = readerIds(6);
  const gateway = fleet.gateway("lobby", { readers, env: slowDisk(20) });
  await gateway.start();
  await gateway.tap(uidOf(0));
  const tapping = readers.map((reader, index) =>
    gateway.tryAsk<"tap">({ verb: "tap", card: "ntag215", uid: uidOf(index + 1), reader }),
  );
  await gateway.status(); // asked behind the taps: they are under way
  const ended = await gateway.stop();
  expect(ended.code).toBe(0);
  const answers = await Promise.all(tapping);
  const recorded = answers.flatMap((answer) =>
    E.isRight(answer) && answer.right.record !== null ? [answer.right.record.seq] : [],
  );
  const shown = gateway.child.journal().filter(({ code }) => code === "reader.feedback");
  await gateway.start();
  const records = await gateway.records();
  const taps = records.filter(({ kind }) => kind === "tap").map(({ seq }) => seq);
  expect(taps).toEqual(expect.arrayContaining(recorded));
  // Each tap that a person saw taken, and no other, is in the log.
  expect(shown.filter(({ signal }) => signal === "unknown")).toHaveLength(taps.length);
  expect(taps).toHaveLength(readers.length + 1);
  expect(records.filter(({ kind }) => kind === "close")).toHaveLength(1);
});

test("with a broker that has gone, and with a watcher that doesn't read, the end comes in time too", async () => {
  await using fleet = new TestFleet(["lobby"]);
  const broker = await fleet.broker();
  const port = await freePort();
  const lines = ["http:", `  listen: 127.0.0.1:${port}`];
  const gateway = await fleet.gateway("lobby", { brokers: [broker], lines }).start();
  await gateway.untilConnected();
  await gateway.watch();
  await broker.kill();
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(ready.status).toBe(200); // a gateway without network takes taps
  expect(await ready.json()).toMatchObject({ ready: true, parts: { log: "ok", disk: "ok" } });
  expect((await fetch(`http://127.0.0.1:${port}/elsewhere`)).status).toBe(404);
  const ended = await gateway.stop();
  expect(ended.code).toBe(0);
  expect(ended.tookMs).toBeLessThan(STOP_MS_MAX);
});

test("a gateway that never tapped, and has no peers, leaves no epoch behind", async () => {
  await using fleet = new TestFleet(["lobby"]);
  const gateway = await fleet.gateway("lobby").start();
  expect(await gateway.status()).toMatchObject({ epoch: null, records: 0 });
  expect(await gateway.stop()).toMatchObject({ code: 0 });
  await gateway.kill();
  await gateway.start();
  expect(await gateway.records()).toEqual([]);
});

test("a store that dies ends the process, at once and with a failure: systemd starts another", async () => {
  await using fleet = new TestFleet(["lobby"]);
  const broker = await fleet.broker();
  const gateway = fleet.gateway("lobby", { brokers: [broker] });
  writeEpoch(gateway.logFile, new EpochMaker("lobby"), 3_000);
  await gateway.start();
  await gateway.stop();
  await gateway.start(); // the state is known now, so it has not read the log as a whole
  await gateway.untilConnected();
  // The card dies under the running gateway: what it reads next is gone.
  truncateSync(gateway.logFile, 4_096);
  const asked = { verb: "records", gateway: null, epoch: null, count: 10_000 } as const;
  expect(await gateway.tryAsk<"records">(asked)).toMatchObject({ _tag: "Left" });
  expect(await gateway.child.ended).toMatchObject({ code: 1 });
  expect(await gateway.child.line("gateway.fatal")).toMatchObject({ level: "error" });
  // Another start sets the file aside and goes on.
  await gateway.start();
  expect(await gateway.tap(uidOf(1))).toMatchObject({ notRecorded: null });
  expect((await commandLine(["log", "verify", gateway.logFile])).code).toBe(0);
});
