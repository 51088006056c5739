/** `tapmesh roster …` as an operator types it: what it says, what it writes, and what it refuses. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toBase64, toHex } from "#core/bytes.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { formatJoinRequest, type JoinRequest } from "#core/trust/join-request.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { commandLine, jsonLines, type CommandResult } from "#test/gateway/command-line.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";

let folder: string;

const roster = (...args: ReadonlyArray<string>): Promise<CommandResult> =>
  commandLine(["roster", ...args], folder);
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

const [LOBBY, DOCK, NEW_DOCK] = [keyOf(60), keyOf(61), keyOf(62)] as const;
const request = (key: SigningKey, change: Partial<Omit<JoinRequest, "key">> = {}): string =>
  write(
    "dock.join",
    formatJoinRequest(
      sha256,
      { fleet: "acme", gateway: "dock", site: "yard", reason: "new", ...change },
      key,
    ),
  );

const said = { code: 0, err: "" };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tapmesh-cli-"));
  await roster("init", "acme");
  write("lobby.pub", `${toBase64(LOBBY.publicKey)}\n`);
  await roster("add", "lobby", "--key-file", "lobby.pub");
  await roster("sign");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const EPOCHS = ["0a".repeat(16), "0b".repeat(16), "0c".repeat(16)] as const;
/** Dock was replaced: two epochs by its first key, one by its second. */
const HEADS = JSON.stringify({
  gateway: "dock",
  epochs: [
    { epoch: EPOCHS[0], key: toHex(DOCK.publicKey), size: 40 },
    { epoch: EPOCHS[1], key: toHex(DOCK.publicKey), size: 7 },
    { epoch: EPOCHS[2], key: toHex(NEW_DOCK.publicKey), size: 9 },
  ],
  asked: ["lobby", "yard"],
  answered: ["lobby"],
});

describe("a join request", () => {
  test("is checked, said, and signed into the next roster", async () => {
    const result = await roster("sign", request(DOCK));
    expect(result).toMatchObject(said);
    expect(result.out).toContain("lets in the new gateway dock at site yard with the key");
    expect(result.out).toContain("version 3");
    expect(result.out).toContain("copy roster.txt to one gateway");
    expect(read("fleet/roster.txt")).toContain(
      `gateway dock site yard key ${toBase64(DOCK.publicKey)} status active`,
    );
    expect(read("fleet/roster.txt")).toMatch(/^tapmesh\/roster\/v1\n/);
  });

  test("to restore takes the place of the key before, and says so", async () => {
    await roster("sign", request(DOCK));
    const result = await roster("sign", request(NEW_DOCK, { reason: "restore" }));
    expect(result).toMatchObject(said);
    expect(result.out).toMatch(/dock.*the key that it had, [0-9a-f]{16}…, is retired/);
    const lines = read("fleet/roster.txt")
      .split("\n")
      .filter((line) => line.startsWith("gateway dock"));
    expect(lines.map((line) => line.split(" ").at(-1))).toEqual(["retired", "active"]);
  });

  test("is signed together with what the draft has", async () => {
    await roster("add", "gate", "--key", toBase64(keyOf(63).publicKey), "--site", "north");
    const { out } = await roster("sign", request(DOCK), "--json");
    expect(jsonLines(out)).toMatchObject([
      { version: 3, gateways: [{}, { name: "gate" }, { name: "dock" }] },
    ]);
  });

  test("can be put into the draft like a bare key, and says the site itself", async () => {
    const added = await roster("add", "dock", "--key-file", request(DOCK));
    expect(added).toMatchObject(said);
    expect(read("fleet/roster.draft")).toContain("gateway dock site yard");
    const wrong = await roster("add", "gate", "--key-file", request(DOCK));
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).toContain(`of the gateway "dock"`);
  });

  test.each<[string, number, RegExp, () => string]>([
    ["that isn't there", 2, /can't be read/, () => "nowhere.join"],
    ["that is none", 2, /no signed text/, () => write("dock.join", "hello\n")],
    ["a roster in its place", 2, /line 1/, () => "fleet/roster.txt"],
    [
      "changed afterwards",
      2,
      /changed after it was signed/,
      () => write("dock.join", read(request(DOCK)).replace("site yard", "site hall")),
    ],
    [
      "signed by another key",
      2,
      /not signed by the key in it/,
      () => {
        const other = toBase64(NEW_DOCK.publicKey);
        return write("dock.join", read(request(DOCK)).replace(toBase64(DOCK.publicKey), other));
      },
    ],
    ["of another fleet", 1, /for the fleet "other"/, () => request(DOCK, { fleet: "other" })],
    ["of a name that is taken", 1, /at work already/, () => request(DOCK, { gateway: "lobby" })],
    ["that was granted", 1, /already/, () => request(LOBBY, { gateway: "lobby" })],
  ])("%s is refused, and nothing is signed", async (...[, code, message, file]) => {
    const before = read("fleet/roster.txt");
    const result = await roster("sign", file());
    expect(result).toMatchObject({ code, out: "" });
    expect(result.err).toMatch(message);
    expect(read("fleet/roster.txt")).toBe(before);
  });
});

describe("revoke", () => {
  beforeEach(async () => {
    await roster("sign", request(DOCK));
    await roster("sign", request(NEW_DOCK, { reason: "restore" }));
  });

  test("without anybody asked says what would be lost, and does nothing", async () => {
    const before = read("fleet/roster.txt");
    const result = await roster("revoke", "dock");
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toContain("none of its records would count");
    expect(result.err).toContain("tapmesh log heads dock --json");
    expect(result.err).toContain("--yes");
    expect(read("fleet/roster.txt")).toBe(before);
  });

  test("with --yes lets nothing count", async () => {
    const result = await roster("revoke", "dock", "--yes");
    expect(result).toMatchObject(said);
    expect(result.out).toContain("none of its records count");
    expect(read("fleet/roster.txt").match(/status revoked/g)).toHaveLength(2);
    expect(read("fleet/roster.txt")).toMatch(/^tapmesh\/roster\/v1\n/);
  });

  test("with heads names what is held, and says who didn't answer", async () => {
    const result = await roster("revoke", "dock", "--heads", write("heads.json", HEADS));
    expect(result).toMatchObject(said);
    expect(result.out).toContain(`epoch ${EPOCHS[0]}: 40 records count`);
    expect(result.out).toContain("no answer from yard");
    const text = read("fleet/roster.txt");
    expect(text).toMatch(/^tapmesh\/roster\/v2\n/);
    expect(text.match(/^cut .*$/gm)).toEqual([
      `cut ${EPOCHS[0]} 40`,
      `cut ${EPOCHS[1]} 7`,
      `cut ${EPOCHS[2]} 9`,
    ]);
    expect((await roster("show")).out).toContain(`epoch ${EPOCHS[1]}   only 7 records count`);
    const json = jsonLines((await roster("show", "--json")).out);
    expect(json).toMatchObject([{ cuts: { [EPOCHS[2]]: 9 } }]);
  });

  test("of one key leaves the other at work, its epochs uncut", async () => {
    const heads = write("heads.json", HEADS);
    const prefix = toHex(DOCK.publicKey).slice(0, 8);
    expect(await roster("revoke", "dock", "--key", prefix, "--heads", heads)).toMatchObject(said);
    const text = read("fleet/roster.txt");
    expect(text).toContain(`key ${toBase64(NEW_DOCK.publicKey)} status active`);
    expect(text.match(/^cut .*$/gm)).toHaveLength(2);
  });

  test.each<[string, number, RegExp, ReadonlyArray<string>]>([
    ["a gateway that isn't there", 1, /no gateway "dok"/, ["dok", "--yes"]],
    ["a key that isn't there", 1, /no key to revoke that begins with ff/, ["dock", "--key", "ff"]],
    ["heads that aren't there", 2, /ENOENT/, ["dock", "--heads", "nowhere.json"]],
    ["heads that are none", 2, /is not what/, ["dock", "--heads", "lobby.pub"]],
    ["heads of another gateway", 2, /but of "dock"/, ["lobby", "--heads", "heads.json"]],
    ["a folder that is none", 1, /is missing/, ["dock", "--dir", "nowhere"]],
    ["a configuration that isn't there", 2, /can't be read/, ["dock", "--config", "nowhere.yaml"]],
    [
      "a configuration of another fleet",
      2,
      /of the fleet "other"/,
      ["dock", "--config", "other.yaml"],
    ],
    ["a configuration of a gateway that is down", 2, /--yes/, ["dock", "--config", "lobby.yaml"]],
  ])("%s is refused", async (...[, code, message, args]) => {
    write("heads.json", HEADS);
    write("other.yaml", "gateway: lobby\nfleet: other\ndata_dir: data\n");
    write("lobby.yaml", "gateway: lobby\nfleet: acme\ndata_dir: data\n");
    const before = read("fleet/roster.txt");
    const result = await roster("revoke", ...args);
    expect(result).toMatchObject({ code, out: "" });
    expect(result.err).toMatch(message);
    expect(read("fleet/roster.txt")).toBe(before);
  });

  test("a tail that turns up is let in later, and only more of it", async () => {
    await roster("revoke", "dock", "--heads", write("heads.json", HEADS));
    const result = await roster("admit", "dock", "0b0b", "12");
    expect(result).toMatchObject(said);
    expect(result.out).toContain(
      `the first 12 records of epoch ${EPOCHS[1]} of dock count; until now 7 did`,
    );
    expect(read("fleet/roster.txt")).toContain(`cut ${EPOCHS[1]} 12\n`);
    const turnedUp = await roster("admit", "dock", "0d".repeat(16), "3");
    expect(turnedUp.out).toContain("until now 0 did");
    for (const [args, code, message] of [
      [["dock", "0b0b", "12"], 1, /12 records .* count already/],
      [["dock", "0", "50"], 1, /neither an epoch/],
      [["lobby", "0e".repeat(16), "5"], 1, /no revoked key/],
      [["dock", "0b0b", "many"], 2, /no number/],
      [["dock", "0b0b", "0"], 2, /no number/],
    ] as const) {
      const refused = await roster("admit", ...args);
      expect(refused).toMatchObject({ code, out: "" });
      expect(refused.err).toMatch(message);
    }
  });
});

test("retire takes a gateway out of service; its records stand", async () => {
  const result = await roster("retire", "lobby");
  expect(result).toMatchObject(said);
  expect(result.out).toContain("what it recorded stands");
  expect(read("fleet/roster.txt")).toContain("status retired");
  expect(await roster("retire", "lobby")).toMatchObject({ code: 1, out: "" });
});

test("where the fleet key isn't, a change waits in the draft until it is signed", async () => {
  renameSync(join(folder, "fleet/fleet.key"), join(folder, "fleet.key"));
  const waiting = await roster("retire", "lobby");
  expect(waiting.code).toBe(1);
  expect(waiting.err).toContain("not signed yet");
  expect(waiting.err).toContain("fleet.key is missing");
  expect((await roster("show")).out).toContain(`a draft waits for "tapmesh roster sign"`);
  renameSync(join(folder, "fleet.key"), join(folder, "fleet/fleet.key"));
  expect((await roster("sign")).out).toContain("retired");
});

test("rotate-key makes the successor the fleet key, and says what to do", async () => {
  const before = read("fleet/fleet.pub");
  const result = await roster("rotate-key");
  expect(result).toMatchObject(said);
  expect(result.out).toContain("fleet key changed 1 time");
  expect(result.out).toContain("move it to another place");
  expect(read("fleet/fleet.pub")).not.toBe(before);
  expect(await roster("show")).toMatchObject(said);
  renameSync(join(folder, "fleet/successor.key"), join(folder, "away"));
  const missing = await roster("rotate-key");
  expect(missing).toMatchObject({ code: 1, out: "" });
  expect(missing.err).toContain("successor.key is missing");
  renameSync(join(folder, "fleet/fleet.key"), join(folder, "fleet/successor.key"));
  expect((await roster("rotate-key")).err).toContain("damaged");
});
