/** The command line without a gateway: help, usage, and what is said when nothing runs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commandLine, jsonLines } from "#test/gateway/command-line.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tapmesh-cli-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** All verbs, `device show` and the like included, as --help lists them. */
const verbs = async (path: ReadonlyArray<string> = []): Promise<ReadonlyArray<string[]>> => {
  const { out } = await commandLine([...path, "--help"]);
  const listed =
    /\nCommands:\n(?<commands>[\s\S]*?)(?:\n\n|$)/.exec(out)?.groups?.["commands"] ?? "";
  const names = [...listed.matchAll(/^ {2}(?<name>[a-z-]+)/gm)]
    .map((match) => match.groups?.["name"] ?? "")
    .filter((name) => name !== "help");
  if (names.length === 0) return [[...path]];
  const below = await Promise.all(names.map((name) => verbs([...path, name])));
  return below.flat();
};

describe("--help", () => {
  test("of every verb ends with an example of that verb", async () => {
    const all = await verbs();
    expect(all.length).toBeGreaterThan(15);
    for (const verb of all) {
      const { code, out, err } = await commandLine([...verb, "--help"]);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(new RegExp(`Examples?:\\n {2}tapmesh ${verb.join(" ")}`));
    }
  });

  test("of the whole names the exit codes", async () => {
    expect((await commandLine(["--help"])).out).toContain("0 ok, 1 failure, 2 usage, 3 degraded");
  });
});

describe("usage", () => {
  test.each([
    ["an unknown verb", ["stauts"], /Did you mean status/],
    ["an unknown option", ["status", "--colour"], /unknown option/],
    ["a missing argument", ["tap"], /missing required argument/],
    ["an argument too many", ["status", "now"], /too many arguments/],
    ["an option without its value", ["tap", "ntag215", "--uid"], /argument missing/],
    ["both ways to enrol", ["device", "enrol", "x", "--last-tap", "--uid", "04"], /either/],
    ["neither way to enrol", ["device", "enrol", "x"], /either/],
    ["no assignment", ["device", "set", "x", "red"], /key=value/],
    ["an empty key", ["device", "set", "x", "=red"], /key=value/],
    ["a type that is none", ["device", "set", "x", "a=b", "--type", "set"], /Allowed choices/],
    ["a member without a key", ["device", "add", "x", "red"], /key=value/],
    ["a removal without a key", ["device", "remove", "x", "red"], /key=value/],
    ["a moment that is none", ["device", "show", "x", "--at", "soon"], /is no moment/],
    ["a moment to come", ["device", "show", "x", "--at", "2199-01-01 10:00"], /still to come/],
    ["a revert of nothing", ["device", "revert", "--to", "-1h"], /either a device or --all/],
    ["a revert to nowhere", ["device", "revert", "x"], /--to/],
    ["a record that is none", ["log", "void", "14:05"], /names no record/],
    ["a count of none", ["log", "show", "--count", "0"], /--count/],
    ["a count that is none", ["log", "show", "--count", "many"], /--count/],
    ["a log that isn't there", ["log", "verify", "/nowhere/log.db"], /no such file/],
    ["a place to listen that is none", ["broker", "--listen", "everywhere"], /host:port/],
    ["a port that is none", ["broker", "--listen", "127.0.0.1:99999"], /--listen|port/],
    ["a fleet name that is none", ["roster", "init", "Acme Inc"], /no fleet name/],
    ["a gateway name that is none", ["roster", "add", "Lobby", "--key", "x"], /a-z/],
    ["a key that is none", ["roster", "add", "lobby", "--key", "x"], /--key/],
    ["a configuration that isn't there", ["status", "--config", "/nowhere.yaml"], /can't be read/],
  ])("%s is exit 2, in words on stderr", async (_what, args, message) => {
    const { code, out, err } = await commandLine(args, folder);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
  });
});

describe("while nothing runs", () => {
  const asking = [
    ["status"],
    ["watch"],
    ["tap", "ntag215"],
    ["device", "enrol", "x", "--uid", "04A1B2C3D4E580"],
    ["device", "set", "x", "colour=red"],
    ["device", "add", "x", "tags=red"],
    ["device", "remove", "x", "tags=red"],
    ["device", "revert", "x", "--to", "-1h"],
    ["device", "revert", "--all", "--to", "28cf/3", "--yes"],
    ["log", "void", "28cf/3"],
    ["log", "void", "28cf/3", "--yes"],
    ["reader", "list"],
  ];

  test.each(asking.map((args) => ({ args })))(
    "$args is exit 1, and says what to start",
    async ({ args }) => {
      const plain = await commandLine(args, folder);
      expect({ code: plain.code, out: plain.out }).toEqual({ code: 1, out: "" });
      expect(plain.err).toContain("the gateway is not running");
      const json = await commandLine([...args, "--json"], folder);
      expect(json.code).toBe(1);
      expect(jsonLines(json.out)).toEqual([
        { error: expect.stringContaining("the gateway is not running") },
      ]);
    },
  );

  test.each([
    { args: ["device", "list"] },
    { args: ["device", "show", "x"] },
    { args: ["device", "show", "x", "--at", "-1h"] },
    { args: ["log", "show"] },
  ])("$args of a gateway that never ran: exit 1, and nothing is made", async ({ args }) => {
    const { code, out, err } = await commandLine(args, folder);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("no gateway has run");
  });

  test("doctor is exit 3, and says what mends it", async () => {
    const { code, out } = await commandLine(["doctor"], folder);
    expect(code).toBe(3);
    expect(out).toContain("→");
    const json = await commandLine(["doctor", "--json"], folder);
    expect(json.code).toBe(3);
    expect(jsonLines(json.out)).toContainEqual(expect.objectContaining({ what: "gateway" }));
  });
});

describe("config check", () => {
  test("shows every problem with its line, and is silent but for them", async () => {
    const file = join(folder, "gateway.yaml");
    writeFileSync(
      file,
      "gateway: lobby\nfleet: acme\nhtpp:\n  listen: 127.0.0.1:8080\nsite: A B\n",
    );
    const { code, out, err } = await commandLine(["config", "check", file]);
    expect(code).not.toBe(0);
    expect(out).toBe("");
    expect(err.split("\n")).toEqual([
      expect.stringMatching(/gateway\.yaml:5: site: must be/),
      expect.stringMatching(/gateway\.yaml:3: htpp: unknown key \(did you mean "http"\?\)/),
    ]);
  });

  test("of a good one says so, and shows it as JSON", async () => {
    const file = join(folder, "gateway.yaml");
    writeFileSync(file, "gateway: lobby\nfleet: acme\n");
    expect(await commandLine(["config", "check", file])).toMatchObject({ code: 0, err: "" });
    const { code, out } = await commandLine(["config", "check", file, "--json"]);
    expect(code).toBe(0);
    expect(jsonLines(out)).toMatchObject([{ gateway: "lobby", fleet: "acme" }]);
  });
});

describe("roster", () => {
  const KEY = Buffer.alloc(32, 7).toString("base64");

  test("init, add, sign, show; and no key is ever overwritten", async () => {
    const dir = ["--dir", "fleet"];
    expect(await commandLine(["roster", "init", "acme", ...dir], folder)).toMatchObject({
      code: 0,
    });
    const secret = readFileSync(join(folder, "fleet/fleet.key"), "utf8");
    const again = await commandLine(["roster", "init", "acme", ...dir], folder);
    expect(again.code).toBe(1);
    expect(again.err).toContain("never overwritten");
    expect(readFileSync(join(folder, "fleet/fleet.key"), "utf8")).toBe(secret);

    const add = ["roster", "add", "lobby", "--key", KEY, ...dir];
    expect(await commandLine(add, folder)).toMatchObject({ code: 0 });
    expect((await commandLine(add, folder)).err).toContain("already");
    expect((await commandLine(["roster", "show", ...dir], folder)).out).toContain("0 gateways");
    expect(await commandLine(["roster", "sign", ...dir], folder)).toMatchObject({ code: 0 });
    const nothing = await commandLine(["roster", "sign", ...dir], folder);
    expect(nothing.code).toBe(1);
    expect(nothing.err).toContain("nothing waits to be signed");
    const shown = await commandLine(["roster", "show", "--json", ...dir], folder);
    expect(jsonLines(shown.out)).toMatchObject([
      { fleet: "acme", version: 2, gateways: [{ name: "lobby", status: "active" }] },
    ]);
  });

  test("of a folder that is none: exit 1, and says how to make one", async () => {
    for (const verb of ["show", "sign"]) {
      const { code, err } = await commandLine(["roster", verb, "--dir", "nowhere"], folder);
      expect(code).toBe(1);
      expect(err).toContain("roster init");
    }
  });
});
