/** The command line beside a gateway that runs, and beside one that is down. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BrokerProcess } from "#test/gateway/broker-process.ts";
import { runTapmesh, TapmeshChild } from "#test/gateway/child.ts";
import { commandLine, jsonLines, type CommandResult } from "#test/gateway/command-line.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { uidOf } from "#test/gateway/taps.ts";

let fleet: TestFleet;
let broker: BrokerProcess;
let gateway: GatewayProcess;

beforeAll(async () => {
  fleet = new TestFleet(["lobby"]);
  broker = await fleet.broker();
  gateway = await fleet.gateway("lobby", { brokers: [broker] }).start();
  await gateway.untilConnected();
  await gateway.enrol("cart-1", uidOf(1));
  await gateway.tap(uidOf(1));
});

afterAll(() => fleet[Symbol.asyncDispose]());

const cli = (...args: ReadonlyArray<string>): Promise<CommandResult> =>
  commandLine([...args, "--config", gateway.config], fleet.folder);

const recordCount = async (): Promise<number> => (await gateway.records()).length;

test("every verb that answers is exit 0, and each of its lines is JSON where that is asked for", async () => {
  const verbs = [
    ["status"],
    ["device", "list"],
    ["device", "show", "cart-1"],
    ["device", "show", "cart-1", "--why"],
    ["device", "set", "cart-1", "colour=red"],
    ["device", "enrol", "cart-json", "--uid", uidOf(77)],
    ["log", "show"],
    ["log", "verify", gateway.logFile],
    ["reader", "list"],
    ["config", "check"],
    ["roster", "show", "--dir", "fleet"],
    ["tap", "ntag215", "--uid", uidOf(2)],
  ];
  for (const verb of verbs) {
    const plain = await cli(...verb);
    expect({ verb, code: plain.code, err: plain.err }).toEqual({ verb, code: 0, err: "" });
    const json = await cli(...verb, "--json");
    expect({ verb, code: json.code }).toEqual({ verb, code: 0 });
    expect(jsonLines(json.out).length).toBeGreaterThan(0);
  }
});

test("what is refused is exit 1, on stderr in words, and as JSON where that is asked for", async () => {
  const verbs = [
    ["device", "show", "nobody"],
    ["device", "set", "nobody", "a=b"],
    ["device", "set", "cart-1", "card=x"],
    ["device", "set", "cart-1", "safety=fine"],
    ["device", "set", "cart-1", "Colour=red"],
    ["device", "enrol", "No Name", "--uid", uidOf(9)],
    ["device", "enrol", "cart-9", "--uid", "08112233"],
    ["device", "enrol", "cart-9", "--uid", "01020304"],
    ["device", "enrol", "cart-9", "--uid", "0411"],
    ["device", "enrol", "cart-9", "--uid", "xyz"],
    ["device", "enrol", "cart-9", "--uid", uidOf(1)],
    ["tap", "magstripe"],
    ["tap", "ntag215", "--uid", "0411"],
    ["tap", "ntag215", "--reader", "r9"],
  ];
  const before = await recordCount();
  for (const verb of verbs) {
    const plain = await cli(...verb);
    expect({ verb, code: plain.code, out: plain.out }).toEqual({ verb, code: 1, out: "" });
    expect(plain.err).not.toBe("");
    const json = await cli(...verb, "--json");
    expect(json.code).toBe(1);
    expect(jsonLines(json.out)).toEqual([{ error: expect.any(String) }]);
  }
  expect(await recordCount()).toBe(before);
});

describe("enrolment", () => {
  test("of a UID that names no thing says why", async () => {
    expect((await cli("device", "enrol", "x", "--uid", "08112233")).err).toContain("made anew");
    expect((await cli("device", "enrol", "x", "--uid", "01020304")).err).toContain("shared");
    expect((await cli("device", "enrol", "x", "--uid", uidOf(1))).err).toContain(
      "enrolled for cart-1 already",
    );
  });

  test("takes a UID as people write it, and the card tapped last", async () => {
    const spelt = uidOf(20).replaceAll(/(..)(?=.)/g, "$1:");
    expect(await cli("device", "enrol", "cart-20", "--uid", spelt)).toMatchObject({ code: 0 });
    await gateway.device("cart-20");
    expect(await gateway.tap(uidOf(20))).toMatchObject({ device: "cart-20" });
    await gateway.tap(uidOf(21));
    expect(await cli("device", "enrol", "cart-21", "--last-tap")).toMatchObject({ code: 0 });
    await gateway.device("cart-21");
    expect(await gateway.tap(uidOf(21))).toMatchObject({ device: "cart-21" });
  });
});

/** Writes a list of devices, and returns where. */
const csvFile = (lines: ReadonlyArray<string>): string => {
  const path = join(fleet.folder, "carts.csv");
  writeFileSync(path, lines.join("\n"));
  return path;
};

describe("an import", () => {
  test("checks with --dry-run and writes nothing, then writes all", async () => {
    const path = csvFile(["device,uid,colour", `i-1,${uidOf(30)},red`, `i-2,${uidOf(31)},7`]);
    const before = await recordCount();
    const checked = await cli("device", "import", path, "--dry-run");
    expect(checked).toMatchObject({ code: 0, err: "" });
    expect(checked.out).toContain("nothing was written");
    expect(await recordCount()).toBe(before);
    expect((await cli("device", "import", path)).out).toBe("2 of 2 devices enrolled");
    expect(await recordCount()).toBe(before + 2);
    expect(await gateway.value("i-2", "colour")).toBe(7);
  });

  test.each([
    ["a field too many", [`j-1,${uidOf(40)},red`, `j-2,${uidOf(41)},red,x`], "carts.csv:3:"],
    ["a UID that names no thing", [`j-1,${uidOf(40)},red`, "j-2,08112233,red"], "line 3: "],
    ["a card that is taken", [`j-1,${uidOf(40)},red`, `j-2,${uidOf(1)},red`], "line 3: "],
    ["a device name that is none", [`j-1,${uidOf(40)},red`, `J 2,${uidOf(41)},red`], "line 3: "],
  ])("with %s names the line, and writes nothing", async (_what, lines, place) => {
    const before = await recordCount();
    const { code, out, err } = await cli(
      "device",
      "import",
      csvFile(["device,uid,colour", ...lines]),
    );
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(place);
    expect(await recordCount()).toBe(before);
  });

  test("of a file that isn't there says so", async () => {
    const { code, err } = await cli("device", "import", "/nowhere.csv");
    expect(code).toBe(1);
    expect(err).toContain("/nowhere.csv");
  });
});

test("watch shows a tap as it happens, and ends in order", async () => {
  const child = new TapmeshChild(["watch", "--json", "--config", gateway.config]);
  await eventuallyTrue("the tap", async () => {
    await gateway.tap(uidOf(50));
    return child.stdout.includes('"event":"tap"');
  });
  expect(await child.kill("SIGINT")).toMatchObject({ code: 0 });
  expect(jsonLines(child.stdout)).toContainEqual(expect.objectContaining({ event: "tap" }));
});

test("as a process of its own it ends with the same code, and a closed pipe is no error", async () => {
  const shown = await runTapmesh(["device", "show", "cart-1", "--config", gateway.config]);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(shown.stdout).toContain("visits");
  expect(await runTapmesh(["device", "show", "nobody", "--config", gateway.config])).toMatchObject({
    code: 1,
  });
});

test("without its broker it is degraded, which is exit 3", async () => {
  await broker.kill();
  await eventuallyTrue("degradation", async () => (await cli("status")).code === 3);
  expect((await cli("status")).out).toContain("DEGRADED broker");
  expect((await cli("doctor")).code).toBe(3);
});

describe("while the gateway is down", () => {
  let online: string;

  beforeAll(async () => {
    online = (await cli("device", "show", "cart-1", "--json")).out;
    await gateway.stop();
  });

  test.each([
    { verb: ["device", "list"] },
    { verb: ["device", "show", "cart-1"] },
    { verb: ["log", "show"] },
  ])("$verb is read from the files, which is said once", async ({ verb }) => {
    const log = readFileSync(gateway.logFile);
    const { code, out, err } = await cli(...verb, "--json");
    expect(code).toBe(0);
    expect(jsonLines(out).length).toBeGreaterThan(0);
    expect(err).toBe(`(the gateway is not running: read from ${gateway.dataDir})`);
    expect(readFileSync(gateway.logFile).equals(log)).toBe(true);
  });

  test("a device is shown as it was while it ran", async () => {
    expect((await cli("device", "show", "cart-1", "--json")).out).toBe(online);
  });

  test("what is refused is JSON where that is asked for, as while it ran", async () => {
    const unknown = await cli("device", "show", "nobody", "--json");
    expect(unknown.code).toBe(1);
    expect(jsonLines(unknown.out)).toEqual([{ error: expect.any(String) }]);
  });
});
