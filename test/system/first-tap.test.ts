/** The main job on real input: a card on a real PC/SC stack becomes a signed record, merged state and a message. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { DEBOUNCE_MS } from "#core/verdict/debounce.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";

const DOOR = [
  "readers:",
  "  - id: door",
  "    driver: pcsc",
  "    match: ACR122U",
  "    read: ndef",
];

const cleanup = new AsyncDisposableStack();
afterEach(() => cleanup.disposeAsync());

const tapsAt = async (gateway: GatewayProcess): Promise<ReadonlyArray<string>> =>
  (await gateway.records("lobby"))
    .filter(({ kind }) => kind === "tap")
    .map(({ summary }) => summary);

test("cards on a real pcscd are enrolled, accepted, recorded, and known at a peer; pcscd dies in between", async () => {
  const pcscd = cleanup.use(await TestPcscd.started(["ACS ACR122U PICC Interface"]));
  process.env["PCSCLITE_CSOCK_NAME"] = pcscd.socketPath;
  const fleet = cleanup.use(new TestFleet(["lobby", "dock"]));
  const broker = await fleet.broker();
  const lobby = fleet.gateway("lobby", { readers: [], brokers: [broker], lines: DOOR });
  const dock = fleet.gateway("dock", { readers: [], brokers: [broker] });
  await Promise.all([lobby.start(), dock.start()]);
  const [reader] = pcscd.readers;
  if (reader === undefined) throw new Error("one reader was prepared");
  const untilUp = (): Promise<void> =>
    eventuallyTrue("the reader", async () => (await lobby.status()).readers.every(({ up }) => up));
  const untilTaps = (count: number): Promise<void> =>
    eventuallyTrue(`${count} taps`, async () => (await tapsAt(lobby)).length === count);
  await untilUp();

  const tag = emulatedNtag215({});
  await reader.insert(tag);
  await untilTaps(1);
  await reader.remove();
  await lobby.ask<"enrol">({ verb: "enrol", device: "cart-7", uid: null, user: "tester" });
  await delay(2 * DEBOUNCE_MS);

  const events = await lobby.watch();
  await reader.insert(tag);
  await untilTaps(2);
  await eventuallyTrue("the tap in view", () =>
    Promise.resolve(events.some((event) => event.event === "tap")),
  );
  const tap = events.flatMap((event) => (event.event === "tap" ? [event.tap] : []))[0];
  expect(tap).toMatchObject({
    verdict: "accepted",
    device: "cart-7",
    reader: "door",
    simulated: false,
  });
  expect(tap?.content).toEqual(["https://tapmesh.example/tag/1"]);
  expect(tap?.values).toMatchObject({ location: "lobby", visits: 1 });

  // The card lies there while pcscd and the PC/SC child die: it is state, not another tap.
  await pcscd.kill();
  await pcscd.start({ card: tag });
  await untilUp();
  await reader.remove();
  for (const card of [emulatedType4({}), emulatedMifareClassic({})]) {
    const before = (await tapsAt(lobby)).length;
    await reader.insert(card);
    await untilTaps(before + 1);
    await reader.remove();
  }
  expect(await tapsAt(lobby)).toEqual([
    expect.stringMatching(/^unknown card/),
    expect.stringMatching(/^accepted cart-7 at door location=lobby visits\+1/),
    expect.stringMatching(/^unknown card/),
    expect.stringMatching(/^unknown card/),
  ]);

  await eventuallyTrue("equal digests", async () => {
    const digests = await Promise.all([lobby.status(), dock.status()]);
    return digests[0].digest === digests[1].digest && digests[0].digest !== "0".repeat(64);
  });
  expect(await dock.value("cart-7", "visits")).toBe(1);
  await lobby.stop();
  const verified = await commandLine(["log", "verify", lobby.logFile]);
  expect(verified.code).toBe(0);
  expect(readFileSync(lobby.logFile).includes(Buffer.from(tag.uid))).toBe(false);
});
