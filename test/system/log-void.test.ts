/** Marking records as wrong, through processes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TapView } from "#gateway/control/protocol.ts";
import type { CommandResult } from "#test/gateway/command-line.ts";
import { DeviceRig } from "#test/gateway/device-rig.ts";
import { uidOf } from "#test/gateway/taps.ts";

let rig: DeviceRig;

beforeAll(async () => {
  rig = await new DeviceRig().start();
});

afterAll(() => rig[Symbol.asyncDispose]());

const nameOf = ({ record }: TapView): string => `${record?.epoch.slice(0, 8)}:${record?.seq}`;

test("undoes a tap and marks it, once", async () => {
  const uid = await rig.enrolled("void-1");
  await rig.ok("device", "set", "void-1", "location=shed");
  const tapped = await rig.gateway.tap(uid);
  expect(await rig.values("void-1")).toMatchObject({ location: "lobby", visits: 1 });
  const name = nameOf(tapped);
  const before = await rig.recordCount();
  const shown = await rig.cli(["log", "void", name]);
  expect(shown).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
  expect(shown.out).toContain("location  lobby → shed");
  expect(shown.out).toContain("visits  1 → 0");
  expect(await rig.recordCount()).toBe(before);

  await rig.ok("log", "void", name, "--yes");
  expect(await rig.values("void-1")).toMatchObject({ location: "shed", visits: 0 });
  const by = await rig.newest();
  const log = (await rig.ok("log", "show", "--count", "2")).split("\n");
  expect(log[0]).toContain(`[VOID by ${by.slice(0, 4)}/`);
  expect(log[1]).toMatch(/ void {3}record [0-9a-f]{4}\/\d+ is wrong void-1 location=shed visits-1/);
  const again = await rig.cli(["log", "void", name, "--yes"]);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining("already, by") });
  expect(await rig.gateway.tap(uid)).toMatchObject({ values: { visits: 1, location: "lobby" } });
});

test("of a write that was replaced since only marks; of a max says that it stays", async () => {
  await rig.enrolled("void-2");
  await rig.ok("device", "set", "void-2", "colour=red");
  const old = await rig.newest();
  await rig.ok("device", "set", "void-2", "colour=blue");
  expect(await rig.ok("log", "void", old, "--yes")).toContain("nothing is left to undo");
  expect(await rig.gateway.value("void-2", "colour")).toBe("blue");
  await rig.ok("device", "set", "void-2", "best=9", "--type", "max");
  const max = await rig.newest();
  expect(await rig.ok("log", "void", max, "--yes")).toContain("best  stays 9: a high-water mark");
  expect(await rig.ok("device", "show", "void-2", "--why")).toMatch(/best +9 .*\[VOID by /);
});

test("a tap of a card that is enrolled for nothing can be marked", async () => {
  const tapped = await rig.gateway.tap(uidOf(7_777));
  await rig.ok("log", "void", nameOf(tapped), "--yes");
  expect(await rig.ok("log", "show", "--count", "2")).toContain("[VOID by");
});

test("an enrolment is undone, but not so that two devices have one card", async () => {
  const uid = await rig.enrolled("void-3");
  await rig.gateway.enrol("void-3", uidOf(8_001));
  const enrolment = await rig.newest();
  await rig.gateway.enrol("void-thief", uid);
  const refused = await rig.cli(["log", "void", enrolment, "--yes"]);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("void-thief") });
  await rig.gateway.enrol("void-thief", uidOf(8_002));
  await rig.ok("log", "void", enrolment, "--yes");
  expect(await rig.gateway.tap(uid)).toMatchObject({ verdict: "accepted", device: "void-3" });
});

test("a person at a terminal is asked", async () => {
  const uid = await rig.enrolled("void-4");
  const name = nameOf(await rig.gateway.tap(uid));
  const answering = (answer: string): Promise<CommandResult> =>
    rig.cli(["log", "void", name], () => Promise.resolve(answer));
  expect(await answering("no")).toMatchObject({ code: 1 });
  expect(await rig.gateway.value("void-4", "visits")).toBe(1);
  expect(await answering("yes")).toMatchObject({ code: 0 });
  expect(await rig.gateway.value("void-4", "visits")).toBe(0);
});

test("what can't be marked is refused in words", async () => {
  const [epoch = ""] = (await rig.newest()).split("/");
  const before = await rig.recordCount();
  const cases = [
    { name: `${epoch}/0`, code: 1, words: "nothing to undo" },
    { name: `${epoch}/999999`, code: 1, words: "records here" },
    { name: "ffffffff/1", code: 1, words: "no epoch begins" },
    { name: "the last one", code: 2, words: "names no record" },
    { name: "14:05", code: 2, words: "names no record" },
  ];
  for (const { name, code, words } of cases) {
    const refused = await rig.cli(["log", "void", name, "--yes"]);
    expect(refused).toEqual({ code, out: "", err: expect.stringContaining(words) });
  }
  const first = (await rig.gateway.records()).find(({ kind }) => kind === "void");
  const refused = await rig.cli(["log", "void", `${first?.epoch}/${first?.seq}`, "--yes"]);
  expect(refused.err).toContain("is a void itself");
  expect(await rig.recordCount()).toBe(before);
});
