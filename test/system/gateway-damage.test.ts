/** Damaged files under a real gateway: it starts, keeps what verifies, and takes taps. */
import {
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { utf8 } from "#core/bytes.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { openLogFileReadOnly } from "#gateway/store/schema.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { right, TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { readerIds, tapMany, uidOf, untilEqual } from "#test/gateway/taps.ts";
import { flipByte } from "#test/unit/store/data-folder.ts";

const READERS = readerIds(4);
const TAPS = 300;

/** One gateway that has stopped in order behind one epoch: open, enrol, 300 taps, close. */
let fleet: TestFleet;
let gateway: GatewayProcess;
let template: string;

beforeAll(async () => {
  fleet = new TestFleet(["lobby"]);
  gateway = fleet.gateway("lobby", { readers: READERS });
  await gateway.start();
  await gateway.enrol("cart-1", uidOf(1));
  await tapMany(gateway, READERS, TAPS);
  await gateway.stop();
  template = join(fleet.folder, "template");
  cpSync(gateway.dataDir, template, { recursive: true });
}, 60_000);

afterAll(() => fleet[Symbol.asyncDispose]());

beforeEach(() => {
  rmSync(gateway.dataDir, { recursive: true });
  cpSync(template, gateway.dataDir, { recursive: true });
});

afterEach(() => gateway.kill());

interface RecordOnDisk {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

const recordAt = (seq: number): RecordOnDisk & { checkpoint: string } => {
  const database = right(openLogFileReadOnly(gateway.logFile));
  const log = new LogFile(database);
  const [stored] = log.epochs();
  if (stored === undefined) throw new Error("no epoch");
  const [record] = log.records(stored.head.epoch, seq, seq + 1);
  database.close();
  if (record === undefined || record.body === null) throw new Error("no such record");
  return { header: record.header, body: record.body, checkpoint: stored.checkpoint };
};

const damagedFiles = (): ReadonlyArray<string> =>
  readdirSync(gateway.dataDir).filter((name) => name.includes(".damaged-"));

/** It runs, says what it did, takes taps, and its log verifies. */
const expectRunning = async (notice: string): Promise<void> => {
  await gateway.start();
  expect(await gateway.child.line("store.notice")).toMatchObject({ level: "error", _tag: notice });
  expect(await gateway.tap(uidOf(2))).toMatchObject({ notRecorded: null });
  const verified = await commandLine(["log", "verify", gateway.logFile]);
  expect(verified.err).toBe("");
  expect(verified.code).toBe(0);
};

/** Records of the first epoch that the log still has. */
const kept = async (): Promise<ReadonlyArray<string>> => {
  const records = await gateway.records();
  const { epoch } = await gateway.status();
  return records.filter((record) => record.epoch !== epoch).map(({ kind }) => kind);
};

describe("log.db", () => {
  test("with one byte of a body changed: that body alone is lost", async () => {
    flipByte(gateway.logFile, recordAt(100).body, 25);
    const failed = await commandLine(["log", "verify", gateway.logFile]);
    expect(failed.code).toBe(1);
    expect(failed.out).toContain("/100: body hash differs");
    await expectRunning("LogSetAside");
    expect(await kept()).toHaveLength(TAPS + 3);
    expect(await gateway.value("cart-1", "visits")).toBe(1);
    expect(damagedFiles()).toHaveLength(1);
    expect((await commandLine(["log", "verify", gateway.logFile])).out).toContain(
      "1 bodies erased",
    );
  });

  test("with one byte of a header changed: what lies before it is kept", async () => {
    flipByte(gateway.logFile, recordAt(100).header, 50);
    await expectRunning("LogSetAside");
    expect(await kept()).toHaveLength(100);
    expect(await gateway.value("cart-1", "visits")).toBe(1);
  });

  test("with one byte of the checkpoint changed: whole blocks are kept", async () => {
    const { checkpoint } = recordAt(0);
    flipByte(gateway.logFile, utf8(checkpoint), checkpoint.length - 20);
    await expectRunning("LogSetAside");
    expect((await kept()).length).toBeGreaterThanOrEqual(256);
  });

  test("with one byte of its schema changed: set aside, and taps go on", async () => {
    flipByte(gateway.logFile, utf8("root BLOB NOT NULL"), 0);
    await expectRunning("LogSetAside");
    expect(damagedFiles()).toHaveLength(1);
  });

  test("cut short, or garbage: set aside, what verifies is kept, and taps go on", async () => {
    truncateSync(gateway.logFile, Math.floor(statSync(gateway.logFile).size / 2));
    await expectRunning("LogSetAside");
    await gateway.stop();
    const garbage = Buffer.from("garbage, garbage ".repeat(1_000));
    writeFileSync(gateway.logFile, garbage);
    await expectRunning("LogSetAside");
    const setAside = damagedFiles();
    expect(setAside).toHaveLength(2);
    const contents = setAside.map((name) => readFileSync(join(gateway.dataDir, name)));
    expect(contents.some((content) => content.equals(garbage))).toBe(true);
  });
});

test("state.db of garbage: folded anew from the log, and the same as before", async () => {
  await gateway.start();
  const { digest } = await gateway.status();
  await gateway.stop();
  writeFileSync(join(gateway.dataDir, "state.db"), "garbage ".repeat(1_000));
  await gateway.start();
  expect(await gateway.child.line("store.notice")).toMatchObject({ _tag: "StateFoldedAnew" });
  expect(await gateway.status()).toMatchObject({ digest });
});

test("mirror.db of garbage: set aside, and what it held comes again from the peer", async () => {
  await using pair = new TestFleet(["lobby", "dock"]);
  const brokers = [await pair.broker()];
  const lobby = pair.gateway("lobby", { readers: READERS, brokers });
  const dock = pair.gateway("dock", { brokers });
  await Promise.all([lobby.start(), dock.start()]);
  await lobby.enrol("cart-1", uidOf(1));
  await tapMany(lobby, READERS, 50);
  await untilEqual([lobby, dock]);
  await dock.stop();
  writeFileSync(join(dock.dataDir, "mirror.db"), "garbage ".repeat(1_000));
  await dock.start();
  expect(await dock.child.line("store.notice")).toMatchObject({ _tag: "LogSetAside" });
  await untilEqual([lobby, dock]);
  expect(await dock.value("cart-1", "visits")).toBe(1);
  expect((await commandLine(["log", "verify", join(dock.dataDir, "mirror.db")])).code).toBe(0);
});
