/** Values of every type, on a gateway that runs and between two that were cut off from each other. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandLine, jsonLines, type CommandResult } from "#test/gateway/command-line.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { uidOf, untilEqual } from "#test/gateway/taps.ts";

/** A broker that comes back is found within seconds; what was missed is then asked for. */
const CATCH_UP_MS = 30_000;

let fleet: TestFleet;
let gateway: GatewayProcess;

beforeAll(async () => {
  fleet = new TestFleet(["lobby"]);
  gateway = await fleet.gateway("lobby").start();
  await gateway.enrol("cart-1", uidOf(1));
  await gateway.tap(uidOf(1));
});

afterAll(() => fleet[Symbol.asyncDispose]());

const cli = (...args: ReadonlyArray<string>): Promise<CommandResult> =>
  commandLine([...args, "--config", gateway.config], fleet.folder);
const recordCount = async (): Promise<number> => (await gateway.records()).length;

describe("each type is written and read as what it is", () => {
  const cases = [
    { what: "a register", typed: ["set", "cart-1", "colour=red"], value: "red" },
    { what: "a register, again", typed: ["set", "cart-1", "colour=blue"], value: "blue" },
    {
      what: "an exclusive key",
      typed: ["set", "cart-1", "holder=ann", "--type", "exclusive"],
      value: "ann",
    },
    { what: "an exclusive key, again", typed: ["set", "cart-1", "holder=bob"], value: "bob" },
    { what: "a counter", typed: ["set", "cart-1", "dents=5", "--type", "counter"], value: 5 },
    { what: "a counter, down", typed: ["set", "cart-1", "dents=2"], value: 2 },
    { what: "a counter that taps count", typed: ["set", "cart-1", "visits=10"], value: 10 },
    { what: "a max", typed: ["set", "cart-1", "best=9", "--type", "max"], value: 9 },
    { what: "a max, higher", typed: ["set", "cart-1", "best=11"], value: 11 },
    { what: "a min", typed: ["set", "cart-1", "least=9", "--type", "min"], value: 9 },
    { what: "a min, lower", typed: ["set", "cart-1", "least=-3"], value: -3 },
    { what: "safety", typed: ["set", "cart-1", "safety=suspended"], value: "suspended" },
    { what: "safety, lifted", typed: ["set", "cart-1", "safety=active"], value: "active" },
    { what: "a set", typed: ["add", "cart-1", "tags=red"], value: ["red"] },
    { what: "a second member", typed: ["add", "cart-1", "tags=7"], value: [7, "red"] },
    { what: "a member added again", typed: ["add", "cart-1", "tags=red"], value: [7, "red"] },
    { what: "a member removed", typed: ["remove", "cart-1", "tags=red"], value: [7] },
    { what: "the last member removed", typed: ["remove", "cart-1", "tags=7"], value: [] },
  ];

  test("in their order, through processes", async () => {
    for (const { what, typed, value } of cases) {
      const done = await cli("device", ...typed);
      expect({ what, ...done }).toMatchObject({ what, code: 0, err: "" });
      const key = typed[2]?.split("=")[0] ?? "";
      expect({ what, value: await gateway.value("cart-1", key) }).toEqual({ what, value });
    }
  });

  test("what is a member already is not recorded again", async () => {
    await cli("device", "add", "cart-1", "tags=green");
    const before = await recordCount();
    const again = await cli("device", "add", "cart-1", "tags=green");
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("already") });
    expect(await recordCount()).toBe(before);
  });

  test("a tap counts on from what was set", async () => {
    await gateway.tap(uidOf(1));
    expect(await gateway.value("cart-1", "visits")).toBe(11);
  });
});

test("what doesn't fit is refused in words, exit 1, and nothing is recorded", async () => {
  await cli("device", "add", "cart-1", "marks=red");
  await cli("device", "set", "cart-1", "size=7");
  await cli("device", "set", "cart-1", "top=7", "--type", "max");
  const refused = [
    [["set", "cart-1", "visits=1", "--type", "register"], "is of type counter"],
    [["set", "cart-1", "size=7", "--type", "counter"], "is of type register"],
    [["set", "cart-1", "marks=blue"], "is a set"],
    [["add", "cart-1", "size=8"], "is of type register"],
    [["set", "cart-1", "visits=many"], "whole number"],
    [["set", "cart-1", "top=high"], "whole number"],
    [["set", "cart-1", "top=6"], "a max only rises"],
    [["set", "cart-1", "safety=lost", "--type", "register"], "is of type safety"],
    [["set", "cart-1", `visits=${2 ** 50}`], "too far"],
    [["remove", "cart-1", "marks=blue"], 'it has ["red"]'],
    [["add", "cart-1", "marks=null"], "can't be null"],
    [["add", "cart-1", "card=x"], "device enrol"],
    [["add", "nobody", "marks=x"], "no device is called"],
  ] as const;
  const before = await recordCount();
  for (const [typed, message] of refused) {
    const plain = await cli("device", ...typed);
    expect({ typed, ...plain }).toEqual({
      typed,
      code: 1,
      out: "",
      err: expect.stringContaining(message),
    });
    expect((await cli("device", ...typed, "--json")).code).toBe(1);
  }
  expect(await recordCount()).toBe(before);
});

test("a key that only readers have written so far is of the type that they write", async () => {
  await gateway.enrol("cart-new", uidOf(9));
  const typed = ["device", "set", "cart-new", "visits=1", "--type", "register"];
  expect((await cli(...typed)).err).toContain("is of type counter");
  expect(await cli("device", "set", "cart-new", "visits=3")).toMatchObject({ code: 0 });
  await gateway.tap(uidOf(9));
  expect(await gateway.value("cart-new", "visits")).toBe(4);
});

test("a list marks simulated values, and only those", async () => {
  await gateway.enrol("cart-untapped", uidOf(10));
  const rows = (await cli("device", "list")).out.split("\n");
  expect(rows.find((row) => row.startsWith("cart-1 "))).toContain("[simulated]");
  expect(rows.find((row) => row.startsWith("cart-untapped "))).not.toContain("[simulated]");
  const json = jsonLines((await cli("device", "list", "--json")).out);
  expect(json).toContainEqual(expect.objectContaining({ device: "cart-1", simulated: true }));
});

test(
  "two who did not know of each other: a conflict with both values and who wrote them, until it is set again",
  { timeout: 90_000 },
  async () => {
    await using pair = new TestFleet(["yard", "dock"]);
    const broker = await pair.broker();
    const yard = pair.gateway("yard", { brokers: [broker] });
    const dock = pair.gateway("dock", { brokers: [broker] });
    await Promise.all([yard.start(), dock.start()]);
    await yard.enrol("cart-1", uidOf(1));
    await untilEqual([yard, dock]);
    await broker.kill();
    const on = (of: GatewayProcess, ...args: ReadonlyArray<string>): Promise<CommandResult> =>
      commandLine(["device", ...args, "--config", of.config], pair.folder);
    await on(yard, "set", "cart-1", "holder=ann", "--type", "exclusive");
    await on(dock, "set", "cart-1", "holder=bob", "--type", "exclusive");
    await on(yard, "set", "cart-1", "place=here");
    await on(dock, "set", "cart-1", "place=there");
    await on(yard, "add", "cart-1", "tags=red");
    await on(dock, "add", "cart-1", "tags=blue");
    await broker.start();
    await untilEqual([yard, dock], CATCH_UP_MS);

    const shown = await on(dock, "show", "cart-1", "--why");
    expect(shown.out).toMatch(/^holder +CONFLICT {2}(?:ann \| bob|bob \| ann)$/m);
    expect(shown.out).toMatch(
      /^ +- ann {3}record [0-9a-f]{4}\/\d+ at yard, .*by local user tester$/m,
    );
    expect(shown.out).toMatch(
      /^ +- bob {3}record [0-9a-f]{4}\/\d+ at dock, .*by local user tester$/m,
    );
    expect(shown.out).toMatch(/^place +there {3}\[IN DOUBT: also here, by clocks alone\]$/m);
    expect(shown.out).toMatch(/^tags +\{blue, red\}$/m);
    expect((await on(dock, "list")).out).toContain("CONFLICT holder");
    // On how many disks a record is only its author has been told.
    const known = async (of: GatewayProcess): Promise<string> =>
      (await on(of, "show", "cart-1", "--json")).out.replaceAll(/"status":"[^"]*"/g, "");
    expect(await known(yard)).toBe(await known(dock));

    expect((await on(dock, "set", "cart-1", "holder=eve")).code).toBe(0);
    await untilEqual([yard, dock]);
    expect(await yard.value("cart-1", "holder")).toBe("eve");
    expect((await on(yard, "list")).out).not.toContain("CONFLICT");
  },
);
