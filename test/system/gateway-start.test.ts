/** What keeps a gateway from starting is said in words, with what to do; nothing is changed by it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { TestFleet } from "#test/gateway/fleet.ts";
import { uidOf } from "#test/gateway/taps.ts";

/** A stack trace is for whoever wrote the code; an operator gets a sentence. */
const STACK = /\n\s+at |node:internal/;

describe("a configuration that can't be used", () => {
  test.each([
    ["is not there", undefined, /no such file/],
    ["is no YAML", "gateway: [lobby\nfleet: acme\n", /gateway\.yaml:[12]: /],
    [
      "has an unknown key",
      "gateway: lobby\nfleet: acme\ndatadir: x\n",
      /gateway\.yaml:3: datadir: unknown key \(did you mean "data_dir"\?\)/,
    ],
    [
      "is for production, with a simulated reader",
      "gateway: lobby\nfleet: acme\nproduction: true\nreaders:\n  - id: r1\n    driver: simulated\n",
      /gateway\.yaml:\d: readers: "r1" is simulated, which production: true forbids/,
    ],
  ])("because it %s: exit 2, with the place", async (_why, text, message) => {
    await using fleet = new TestFleet([]);
    const gateway = fleet.gateway("gateway");
    if (text === undefined) rmSync(gateway.config);
    else writeFileSync(gateway.config, text);
    const ended = await gateway.startAndEnd();
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(STACK);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("fleet files that can't be used", () => {
  test.each(["roster.txt", "card.key", "fleet.pub"])(
    "%s is missing: the message names it, and what to do",
    async (name) => {
      await using fleet = new TestFleet(["lobby"]);
      rmSync(join(fleet.fleetDir, name));
      const ended = await fleet.gateway("lobby").startAndEnd();
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain(join(fleet.fleetDir, name));
      expect(ended.stderr).toContain("`tapmesh roster init`");
      expect(ended.stderr).not.toMatch(STACK);
    },
  );

  test("a roster that a stranger signed is refused", async () => {
    await using fleet = new TestFleet(["lobby"]);
    await using stranger = new TestFleet(["lobby"]);
    const roster = readFileSync(join(stranger.fleetDir, "roster.txt"));
    writeFileSync(join(fleet.fleetDir, "roster.txt"), roster);
    const ended = await fleet.gateway("lobby").startAndEnd();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('not signed by the fleet key of "acme"');
  });

  test("a roster changed after it was signed is refused", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const path = join(fleet.fleetDir, "roster.txt");
    writeFileSync(path, readFileSync(path, "utf8").replace("status active", "status retired"));
    const ended = await fleet.gateway("lobby").startAndEnd();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("changed after it was signed");
  });

  test("a folder in place of the roster is said to be none", async () => {
    await using fleet = new TestFleet(["lobby"]);
    rmSync(join(fleet.fleetDir, "roster.txt"));
    mkdirSync(join(fleet.fleetDir, "roster.txt"));
    const ended = await fleet.gateway("lobby").startAndEnd();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(join(fleet.fleetDir, "roster.txt"));
    expect(ended.stderr).not.toMatch(STACK);
  });

  test("a damaged gateway key is not replaced by another", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const path = join(fleet.dataDir("lobby"), "gateway.key");
    writeFileSync(path, "no key");
    const ended = await fleet.gateway("lobby").startAndEnd();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(path);
    expect(readFileSync(path, "utf8")).toBe("no key");
  });
});

describe("a data directory that can't be used", () => {
  test("is a file: said in words", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const path = join(fleet.folder, "file");
    writeFileSync(path, "");
    const ended = await fleet.gateway("lobby", { dataDir: path }).startAndEnd();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(path);
    expect(ended.stderr).not.toMatch(STACK);
  });

  test.each([
    [
      "of a later version",
      "PRAGMA application_id = 0x7461706d; PRAGMA user_version = 2",
      "later tapmesh",
    ],
    ["of somebody else", "PRAGMA user_version = 1", "not tapmesh's"],
  ])("holds a log.db %s: exit 1, and the file is as it was", async (_whose, sql, message) => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = fleet.gateway("lobby");
    const database = new Database(gateway.logFile);
    database.exec(`CREATE TABLE theirs (a); ${sql}`);
    database.close();
    const before = readFileSync(gateway.logFile);
    const ended = await gateway.startAndEnd();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).toContain(gateway.logFile);
    expect(readFileSync(gateway.logFile).equals(before)).toBe(true);
  });

  test("is another gateway's that runs: refused, and that one goes on", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = fleet.gateway("lobby");
    await gateway.start();
    const second = await fleet.gateway("lobby").startAndEnd();
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("another gateway runs on this data directory");
    expect(await gateway.tap(uidOf(1))).toMatchObject({ verdict: "unknown", notRecorded: null });
  });
});

describe("a place to listen that is taken", () => {
  test("by another broker: taps are taken, the journal says so, and that broker is used", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const broker = await fleet.broker();
    const lines = ["broker:", `  listen: 127.0.0.1:${broker.port}`];
    const gateway = fleet.gateway("lobby", { lines });
    await gateway.start();
    const line = await gateway.child.line("broker.not-started");
    expect(line).toMatchObject({ level: "error" });
    expect(String(line["reason"])).toContain(`port ${broker.port} on 127.0.0.1 is in use`);
    await gateway.untilConnected();
    expect(await gateway.tap(uidOf(1))).toMatchObject({ notRecorded: null });
  });

  test("for health: taps are taken all the same, and the journal says so", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const gateway = fleet.gateway("lobby", { lines: ["http:", `  listen: 127.0.0.1:${port}`] });
    await gateway.start();
    expect(await gateway.child.line("http.not-started")).toMatchObject({ level: "error" });
    expect(await gateway.tap(uidOf(1))).toMatchObject({ notRecorded: null });
    server.close();
  });

  test("because the control socket's path is too long: exit 1, and the log is closed in order", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const lines = [`control_socket: ${join(fleet.folder, "x".repeat(120))}`];
    const ended = await fleet.gateway("lobby", { lines }).startAndEnd();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("can't listen on");
    expect(ended.stderr).not.toMatch(STACK);
  });
});
