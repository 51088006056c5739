/** `tapmesh tag …` on a real PC/SC stack, and what it says where there is nothing to say it of. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import {
  emulatedNtag215,
  NTAG213,
  ULTRALIGHT_EV1_48,
} from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { PHONE } from "#gateway/reader/emulated/uid-cards.ts";
import { commandLine, type CommandResult } from "#test/gateway/command-line.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { firstOf } from "#test/pcscd/door.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";
import type { VirtualReader } from "#test/pcscd/virtual-reader.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const LINES = [
  "readers:",
  "  - id: door",
  "    driver: pcsc",
  "    match: ACR122U",
  "  - id: desk",
  "    driver: simulated",
];

let pcscd: TestPcscd;
let fleet: TestFleet;
let gateway: GatewayProcess;
let door: VirtualReader;

beforeAll(async () => {
  pcscd = await TestPcscd.started(["ACS ACR122U PICC Interface"]);
  process.env["PCSCLITE_CSOCK_NAME"] = pcscd.socketPath;
  fleet = new TestFleet(["lobby"]);
  gateway = await fleet.gateway("lobby", { readers: [], brokers: [], lines: LINES }).start();
  door = firstOf(pcscd);
  await eventuallyTrue("the readers", async () =>
    (await gateway.status()).readers.every(({ up }) => up),
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await pcscd[Symbol.asyncDispose]();
});

const cli = (...args: ReadonlyArray<string>): Promise<CommandResult> =>
  commandLine(["tag", ...args, "--config", gateway.config], fleet.folder);
const atDoor = (...args: ReadonlyArray<string>): Promise<CommandResult> =>
  cli(...args, "--reader", "door");

/** Nobody sees from outside when the command waits, so the card is tapped until it has been met. */
const whileTapped = async (asked: Promise<CommandResult>): Promise<string> => {
  for (;;) {
    await gateway.ask<"tap">({ verb: "tap", card: "ntag213", uid: null, reader: "desk" });
    const result = await Promise.race([asked, delay(0)]);
    if (result !== undefined) return result.out;
  }
};

test("a tag that lies there is looked at, written, read back and erased", async () => {
  const uid = hex("04AB87F2CA1190");
  const signature = hex("67B1750BCCEB1174F9A33BF20E0226551A6366939B31F949848C3C087350FA90");
  await door.insert(emulatedNtag215({ uid, signature, counter: 41 }));
  const before = await atDoor("info");
  expect(before).toMatchObject({ code: 0, err: "" });
  for (const text of [
    "NTAG215 (Type 2)",
    "04AB87F2CA1190",
    "bytes reversed 40551959996377860", // 0x9011CAF287AB04
    "42, counted by the card",
    "NXP's: an original chip",
    "URI https://tapmesh.example/tag/1",
    "for nothing yet",
  ]) {
    expect(before.out).toContain(text);
  }

  expect((await atDoor("write", "--text", "Grüezi", "--lang", "de-CH")).out).toContain(
    "written, and read back: text (de-CH) Grüezi",
  );
  const file = join(fleet.folder, "tool.bin");
  writeFileSync(file, Uint8Array.of(1, 2, 3));
  const mime = await atDoor("write", "--mime", "application/x-tool", "--file", file);
  expect(mime.out).toContain("media application/x-tool, 3 bytes");
  const same = await atDoor("write", "--mime", "application/x-tool", "--file", file);
  expect(same.out).toContain("held just this already");
  expect((await atDoor("erase")).out).toContain("is empty now");
  const after = JSON.parse((await atDoor("info", "--json")).out) as unknown;
  expect(after).toMatchObject({ content: null, original: true, unreadable: null, unfit: null });
  await door.remove();
});

test("a Type 4 tag, too; and one that comes only later", async () => {
  await door.insert(emulatedType4({}));
  const url = "https://tapmesh.example/card/2";
  expect((await atDoor("write", "--uri", url)).out).toContain(url);
  await door.remove();
  const waiting = atDoor("info", "--seconds", "20");
  await delay(100);
  await door.insert(NTAG213.make({}));
  expect((await waiting).out).toContain("NTAG213 (Type 2)");
  await door.remove();
});

test("a tag with a broken message is told of, and can be written anew", async () => {
  await door.insert(NTAG213.make({ ndef: hex("D101FF") }));
  expect((await atDoor("info")).out).toContain("message is broken");
  expect(await atDoor("write", "--uri", "https://tapmesh.example/new")).toMatchObject({ code: 0 });
  await door.remove();
});

test("cards that are no tags are told of, with what can't be done", async () => {
  await door.insert(PHONE.make({}));
  expect((await atDoor("info")).out).toContain("made anew at every tap");
  await door.remove();
  await door.insert(emulatedMifareClassic({}));
  expect((await atDoor("info")).out).toContain("MIFARE Classic");
  const written = await atDoor("write", "--uri", "https://tapmesh.example/x");
  expect(written).toMatchObject({ code: 1 });
  expect(written.err).toContain("Use an NTAG213");
  await door.remove();
});

test("what needs force is not done without", async () => {
  await door.insert(ULTRALIGHT_EV1_48.make({}));
  const url = "https://tapmesh.example/tag/2/of/9";
  const refused = await atDoor("write", "--uri", url);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.err).toContain("--force");
  expect((await atDoor("info")).out).toContain("https://tapmesh.example/tag/1");
  expect((await atDoor("write", "--uri", url, "--force")).out).toContain(url);
  await door.remove();
});

test("a tag pulled away while it is written is told of", async () => {
  await door.insert(emulatedNtag215({}), { pullAfterApduCount: 45 });
  const pulled = await atDoor("write", "--text", "x".repeat(120));
  expect(pulled).toMatchObject({ code: 1 });
  expect(pulled.err).toMatch(/still holds its old message, or the new one/);
  await door.remove();
});

test("a simulated card that is tapped while the command waits is written for its next tap", async () => {
  const url = "https://tapmesh.example/written";
  const atDesk = ["--reader", "desk"];
  expect(await whileTapped(cli("write", ...atDesk, "--uri", url))).toContain(url);
  await delay(100); // the card that was written leaves; the next tap is another
  expect(await whileTapped(cli("info", ...atDesk))).toContain(url);
});

test.each([
  { args: ["info", "--reader", "window"], code: 1, says: "there is door, desk" },
  { args: ["info"], code: 1, says: "--reader: door, desk" },
  {
    args: ["info", "--reader", "door", "--seconds", "0"],
    code: 1,
    says: "no tag was held to door",
  },
  { args: ["info", "--reader", "door", "--seconds", "x"], code: 2, says: "--seconds" },
  { args: ["write", "--reader", "door"], code: 2, says: "--uri" },
  { args: ["write", "--uri", "https://x", "--text", "y"], code: 2, says: "one of" },
  { args: ["write", "--uri", "example.com"], code: 2, says: "no URI" },
  { args: ["write", "--text", "x", "--lang", "d e"], code: 2, says: "no language" },
  { args: ["write", "--mime", "text/plain"], code: 2, says: "--file" },
  { args: ["write", "--mime", "text/plain", "--file", "/nowhere"], code: 2, says: "can't be read" },
  { args: ["write", "--mime", "plain", "--file", "/dev/null"], code: 2, says: "no MIME type" },
  { args: ["write", "--external", "tool", "--file", "/dev/null"], code: 2, says: "external type" },
])("tag $args is refused in words", async ({ args, code, says }) => {
  const result = await cli(...args);
  expect(result.code).toBe(code);
  expect(result.err).toContain(says);
});
