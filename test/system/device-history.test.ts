/** Looking back and going back, through processes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandLine, jsonLines, type CommandResult } from "#test/gateway/command-line.ts";
import { DeviceRig } from "#test/gateway/device-rig.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { uidOf } from "#test/gateway/taps.ts";

let rig: DeviceRig;

beforeAll(async () => {
  rig = await new DeviceRig().start();
});

afterAll(() => rig[Symbol.asyncDispose]());

describe("device show --at", () => {
  test("shows it as it was at a record and at a time, while it runs and while it is down", async () => {
    const uid = await rig.enrolled("past-1");
    await rig.ok("device", "set", "past-1", "colour=red");
    const then = await rig.newest();
    const shownThen = await rig.ok("device", "show", "past-1", "--json");
    const thenMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await rig.ok("device", "set", "past-1", "colour=blue");
    await rig.gateway.tap(uid);

    expect(await rig.ok("device", "show", "past-1", "--json", "--at", then)).toBe(shownThen);
    const time = new Date(thenMs).toISOString();
    expect(await rig.ok("device", "show", "past-1", "--json", "--at", time)).toBe(shownThen);
    expect(await rig.ok("device", "show", "past-1", "--at", "-1d")).toContain("nothing was known");
    expect(await rig.ok("device", "show", "past-1", "--why", "--at", then)).toContain(
      "red   record",
    );

    await rig.gateway.stop();
    const down = await rig.cli(["device", "show", "past-1", "--json", "--at", then]);
    expect(down).toMatchObject({ code: 0, out: shownThen });
    const unknown = await rig.cli(["device", "show", "past-1", "--at", "ffffffff/1"]);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("no epoch begins") });
    await rig.gateway.start();
  });

  test.each([
    { moment: "yesterday", code: 2, words: "is no moment" },
    { moment: "2099-01-01 10:00", code: 2, words: "still to come" },
    { moment: "ffffffff/1", code: 1, words: "no epoch begins with ffffffff" },
  ])("$moment: exit $code", async ({ moment, code, words }) => {
    await rig.enrolled(`past-${code}-${words.length}`);
    const shown = await rig.cli(["device", "show", "past-1", "--at", moment]);
    expect(shown).toEqual({ code, out: "", err: expect.stringContaining(words) });
  });

  test("a record beyond the end is refused, and says how many there are", async () => {
    const [epoch = ""] = (await rig.newest()).split("/");
    const shown = await rig.cli(["device", "show", "past-1", "--at", `${epoch}/999999`]);
    expect(shown).toMatchObject({ code: 1, err: expect.stringMatching(/has \d+ records/) });
  });
});

/** What a device was set to, and then was set to. */
const changeAll = async (device: string): Promise<string> => {
  await rig.ok("device", "set", device, "colour=red");
  await rig.ok("device", "set", device, "holder=ann", "--type", "exclusive");
  await rig.ok("device", "add", device, "tags=a");
  await rig.ok("device", "add", device, "tags=b");
  await rig.ok("device", "set", device, "dents=5", "--type", "counter");
  await rig.ok("device", "set", device, "best=5", "--type", "max");
  const then = await rig.newest();
  await rig.ok("device", "set", device, "colour=blue");
  await rig.ok("device", "set", device, "holder=bob");
  await rig.ok("device", "remove", device, "tags=a");
  await rig.ok("device", "add", device, "tags=c");
  await rig.ok("device", "set", device, "dents=9");
  await rig.ok("device", "set", device, "best=9");
  await rig.ok("device", "set", device, "safety=lost");
  await rig.ok("device", "set", device, "note=new");
  return then;
};

describe("device revert", () => {
  test("shows the difference and writes nothing, then with --yes brings back what can go back", async () => {
    const uid = await rig.enrolled("back-1");
    const then = await changeAll("back-1");
    const history = (await rig.gateway.records()).map(({ seq, summary }) => ({ seq, summary }));
    const preview = await rig.cli(["device", "revert", "back-1", "--to", then]);
    expect(preview).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
    expect(preview.out.split("\n")).toEqual([
      "back-1",
      expect.stringMatching(/^ {2}best {2}stays 9, not 5: a high-water mark/),
      "  colour  blue → red",
      "  dents  9 → 5",
      "  holder  bob → ann",
      "  note  new → (unset)",
      "  safety  lost → active",
      "  tags  {b, c} → {a, b}",
      expect.stringMatching(/^otherwise at record .*: 1 device; \d records would bring back/),
    ]);
    expect(await rig.recordCount()).toBe(history.length);

    const done = await rig.ok("device", "revert", "back-1", "--to", then, "--yes");
    expect(done).toContain("reverted to record");
    expect(await rig.values("back-1")).toMatchObject({
      best: 9,
      colour: "red",
      dents: 5,
      holder: "ann",
      note: null,
      safety: "active",
      tags: ["a", "b"],
    });
    const records = await rig.gateway.records();
    expect(records.slice(0, history.length)).toMatchObject(history);
    expect(records.length).toBeGreaterThan(history.length);
    expect(await rig.gateway.tap(uid)).toMatchObject({ verdict: "accepted" });
  });

  test("what differs only where it can't go back is said, and nothing is left to do", async () => {
    await rig.enrolled("back-2");
    await rig.ok("device", "set", "back-2", "best=5", "--type", "max");
    const then = await rig.newest();
    expect(await rig.ok("device", "revert", "back-2", "--to", then, "--yes")).toContain(
      "nothing differs",
    );
    await rig.ok("device", "set", "back-2", "best=6");
    await rig.ok("device", "set", "back-2", "safety=revoked");
    const before = await rig.recordCount();
    const shown = await rig.ok("device", "revert", "back-2", "--to", then);
    expect(shown).toContain("stays revoked, not active: revoked can't be lifted");
    await rig.ok("device", "revert", "back-2", "--to", then, "--yes");
    expect(await rig.recordCount()).toBe(before);
  });

  test("a card goes back too, which is said; not one that another device has by now", async () => {
    const uid = await rig.enrolled("back-3");
    const then = await rig.newest();
    await rig.gateway.enrol("back-3", uidOf(5_001));
    const shown = (await rig.cli(["device", "revert", "back-3", "--to", then])).out;
    expect(shown).toMatch(/its card too/);
    expect(shown).toMatch(/card {2}…[0-9a-f]{4} → …[0-9a-f]{4}/);
    await rig.gateway.enrol("thief-3", uid);
    const before = await rig.recordCount();
    const refused = await rig.cli(["device", "revert", "back-3", "--to", then, "--yes"]);
    expect(refused).toMatchObject({
      code: 1,
      out: expect.stringContaining("REFUSED: its card of then would be that of thief-3 too"),
    });
    expect(await rig.recordCount()).toBe(before);
    await rig.gateway.enrol("thief-3", uidOf(5_002));
    await rig.ok("device", "revert", "back-3", "--to", then, "--yes");
    expect(await rig.gateway.tap(uid)).toMatchObject({ verdict: "accepted", device: "back-3" });
  });

  test("a person at a terminal is asked, and what they have not seen is not done", async () => {
    await rig.enrolled("back-4");
    await rig.ok("device", "set", "back-4", "colour=red");
    const then = await rig.newest();
    await rig.ok("device", "set", "back-4", "colour=blue");
    const asked = (answer: () => Promise<string>): Promise<CommandResult> =>
      rig.cli(["device", "revert", "back-4", "--to", then], answer);
    expect(await asked(() => Promise.resolve(""))).toMatchObject({ code: 1 });
    expect(await asked(() => Promise.resolve("n"))).toMatchObject({ code: 1 });
    expect(await rig.gateway.value("back-4", "colour")).toBe("blue");
    const late = await asked(async () => {
      await rig.ok("device", "set", "back-4", "colour=green");
      return "y";
    });
    expect(late).toMatchObject({ code: 1, err: expect.stringContaining("look again") });
    expect(await rig.gateway.value("back-4", "colour")).toBe("green");
    expect(await asked(() => Promise.resolve("Y"))).toMatchObject({ code: 0 });
    expect(await rig.gateway.value("back-4", "colour")).toBe("red");
  });

  test("of all devices says how many, and leaves alone those that don't differ", async () => {
    await using other = new TestFleet(["dock"]);
    const dock = await other.gateway("dock").start();
    const all = Array.from({ length: 150 }, (_, n) => `all-${String(n).padStart(3, "0")}`);
    const rows = all.map((device, n) => ({
      line: n + 2,
      device,
      uid: uidOf(n + 1),
      values: { colour: "red" },
    }));
    await dock.ask<"import">({ verb: "import", rows, dryRun: false, user: "tester" });
    const record = (await dock.records()).at(-1);
    const then = `${record?.epoch}/${record?.seq}`;
    const set = { verb: "set", key: "colour", value: "blue", type: null, user: "tester" } as const;
    for (const device of all.slice(0, 100)) await dock.ask<"set">({ ...set, device });
    const revert = ["device", "revert", "--all", "--to", then, "--config", dock.config];
    const shown = await commandLine([...revert, "--json"], other.folder);
    expect(shown.code).toBe(2);
    expect(jsonLines(shown.out)).toHaveLength(101);
    const before = (await dock.records()).length;
    const done = await commandLine([...revert, "--yes", "--json"], other.folder);
    expect(done.code).toBe(0);
    expect(jsonLines(done.out).at(-1)).toMatchObject({
      applied: true,
      devices: 100,
      refused: 0,
      records: 100,
    });
    expect((await dock.records()).length).toBe(before + 100);
    const again = await commandLine([...revert, "--yes"], other.folder);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("nothing differs") });
  });

  test.each([
    { args: ["nobody", "--to", "-1s"], code: 1, words: "no device is called" },
    { args: ["--all", "--to", "whenever"], code: 2, words: "is no moment" },
    { args: ["--to", "-1h"], code: 2, words: "either a device or --all" },
    { args: ["x", "--all", "--to", "-1h"], code: 2, words: "either a device or --all" },
    { args: ["x"], code: 2, words: "--to" },
  ])("$args: exit $code", async ({ args, code, words }) => {
    const before = await rig.recordCount();
    const refused = await rig.cli(["device", "revert", ...args, "--yes"]);
    expect(refused).toMatchObject({ code, err: expect.stringContaining(words) });
    expect(await rig.recordCount()).toBe(before);
  });
});
