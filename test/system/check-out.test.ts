/** Check-out with real processes: a badge, then things, each in time. */
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { TapView } from "#gateway/control/protocol.ts";
import { formatEvent } from "#gateway/cli/tap.ts";
import { formatTap } from "#gateway/cli/words.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { eventually } from "#test/gateway/eventually.ts";
import { FaultyDisk } from "#test/gateway/faulty-disk.ts";
import { TestFleet, type GatewayOptions } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { uidOf, untilEqual } from "#test/gateway/taps.ts";
import { reasonWords } from "#gateway/cli/words.ts";

const BADGE_FIRST = reasonWords("person-first");

const [ADA, BOB, DRILL, SAW] = [uidOf(1), uidOf(2), uidOf(3), uidOf(4)];

/** Longer than a test takes between two taps on a busy machine. */
const LONG_S = 300;
const SHORT_S = 1;

const deskOf = (withinS: number): GatewayOptions => ({
  readers: ["desk", "door"],
  audit: "now",
  readerLines: { desk: [`check_out: { people: { kind: person }, within_s: ${withinS} }`] },
});

const makePerson = (gateway: GatewayProcess, device: string): Promise<unknown> =>
  gateway.ask<"set">({ verb: "set", device, key: "kind", type: null, value: "person", user: "t" });

/** ada and bob with badges, drill-1 and saw-1, all known to the next tap when it resolves. */
const enrolAll = async (gateway: GatewayProcess): Promise<void> => {
  await gateway.enrol("ada", ADA);
  await gateway.enrol("bob", BOB);
  await gateway.enrol("drill-1", DRILL);
  await gateway.enrol("saw-1", SAW);
  await makePerson(gateway, "ada");
  await makePerson(gateway, "bob");
  await gateway.device("bob"); // answered behind the fold
};

/** What the terminal says, without how long it took. */
const said = (tap: TapView): string => formatTap(tap).split("   verdict ")[0] ?? "";

/** One tap after the other at the desk. */
const sayAll = async (
  gateway: GatewayProcess,
  uids: ReadonlyArray<string>,
): Promise<ReadonlyArray<string>> => {
  const all: string[] = [];
  for (const uid of uids) all.push(said(await gateway.tap(uid, "desk")));
  return all;
};

/** Waits until the reader has shown so many signals, since the journal comes by another way than the answers. */
const shownBy = (gateway: GatewayProcess, count: number): Promise<ReadonlyArray<unknown>> =>
  eventually(`${count} signals`, () => {
    const signals = gateway.child
      .journal()
      .filter(({ code }) => code === "reader.feedback")
      .map(({ signal }) => signal);
    return Promise.resolve(signals.length < count ? undefined : signals);
  });

describe.concurrent("one gateway", () => {
  test("out, in, taken over from somebody else, refused without a badge; in words, lights and the log", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", deskOf(LONG_S)).start();
    await enrolAll(gateway);
    expect(await sayAll(gateway, [DRILL, ADA, DRILL, SAW, DRILL, BOB, SAW, BOB, SAW])).toEqual([
      `refused   drill-1   ${BADGE_FIRST}`,
      "accepted  ada: hold the first thing within 300 s; as long again after each",
      "accepted  drill-1 checked out to ada",
      "accepted  saw-1 checked out to ada",
      "accepted  drill-1 checked in",
      "accepted  bob: hold the first thing within 300 s; as long again after each",
      "accepted  saw-1 checked out to bob",
      "accepted  bob: done, 1 thing checked out or in",
      `refused   saw-1   ${BADGE_FIRST}`,
    ]);
    expect(await shownBy(gateway, 9)).toEqual([
      "refused",
      "accepted",
      "checked-out",
      "checked-out",
      "checked-in",
      "accepted",
      "checked-out",
      "session-over",
      "refused",
    ]);
    expect(await gateway.value("drill-1", "holder")).toBe(null);
    expect(await gateway.value("saw-1", "holder")).toBe("bob");
    // `on_tap` holds for badges and things alike, and a thing that was refused has not been there.
    expect(await gateway.value("ada", "visits")).toBe(1);
    expect(await gateway.value("drill-1", "visits")).toBe(2);
    const cli = (...args: ReadonlyArray<string>): Promise<{ readonly out: string }> =>
      commandLine([...args, "--config", gateway.config], fleet.folder);
    expect((await cli("device", "show", "saw-1", "--why")).out).toMatch(
      /^holder +bob {3}record \S+ at lobby, .* by reader desk/m,
    );
    expect((await cli("device", "list")).out).toMatch(/^saw-1 .*holder=bob/m);
    const summaries = (await gateway.records()).map(({ summary }) => summary);
    expect(summaries).toContainEqual(expect.stringContaining("refused saw-1 (person-first)"));
    // Elsewhere a thing is tapped for itself, and who has it stays.
    expect(said(await gateway.tap(SAW, "door"))).toBe("accepted  saw-1");
    expect(await gateway.value("saw-1", "holder")).toBe("bob");
  });

  test("the time: over by itself, said and shown once, and not recorded", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", deskOf(SHORT_S)).start();
    await enrolAll(gateway);
    const events = await gateway.watch();
    const overs = (): ReadonlyArray<string> =>
      events.flatMap((event) => (event.event === "session-over" ? [formatEvent(event)] : []));
    const untilOver = (count: number): Promise<true> =>
      eventually("the session's end", () =>
        Promise.resolve(overs().length === count ? true : undefined),
      );
    await gateway.tap(ADA, "desk");
    await untilOver(1);
    expect(said(await gateway.tap(DRILL, "desk"))).toBe(`refused   drill-1   ${BADGE_FIRST}`);
    expect(await shownBy(gateway, 3)).toEqual(["accepted", "session-over", "refused"]);
    expect(overs()).toEqual(["desk     over      ada: time is over, nothing checked out or in"]);
    // Nobody begins again: no second end of one session, however long it takes.
    await delay(3 * SHORT_S * 1_000);
    expect(overs()).toHaveLength(1);
    const records = (await gateway.records()).filter(({ kind }) => kind === "tap");
    expect(records).toHaveLength(2);
  });

  test("a session lives in memory alone; what was checked out stays so", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", deskOf(LONG_S)).start();
    await enrolAll(gateway);
    await sayAll(gateway, [ADA, DRILL]);
    await gateway.kill();
    await gateway.start();
    expect(await sayAll(gateway, [SAW, BOB, DRILL, DRILL])).toEqual([
      `refused   saw-1   ${BADGE_FIRST}`,
      "accepted  bob: hold the first thing within 300 s; as long again after each",
      "accepted  drill-1 checked out to bob",
      "accepted  drill-1 checked in",
    ]);
    const verified = await commandLine(["log", "verify", gateway.logFile]);
    expect(verified).toMatchObject({ code: 0 });
  });

  test("a person who is reported lost in between has no session any more", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", deskOf(LONG_S)).start();
    await enrolAll(gateway);
    await sayAll(gateway, [ADA]);
    const lost = { verb: "set", device: "ada", key: "safety", type: null, user: "t" } as const;
    await gateway.ask<"set">({ ...lost, value: "lost" });
    await gateway.device("ada");
    expect(await sayAll(gateway, [DRILL])).toEqual([`refused   drill-1   ${BADGE_FIRST}`]);
  });

  test("a record that can't be written takes back the session and what it said of the thing", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const disk = new FaultyDisk(`${fleet.folder}/fault`);
    const gateway = await fleet.gateway("lobby", { ...deskOf(LONG_S), env: disk.env }).start();
    await enrolAll(gateway);
    await sayAll(gateway, [ADA]);
    disk.fail("write");
    expect(await gateway.tap(DRILL, "desk")).toMatchObject({ record: null });
    expect(await shownBy(gateway, 3)).toEqual(["accepted", "checked-out", "failed"]);
    disk.mend();
    expect(await sayAll(gateway, [SAW, ADA, DRILL])).toEqual([
      `refused   saw-1   ${BADGE_FIRST}`,
      "accepted  ada: hold the first thing within 300 s; as long again after each",
      "accepted  drill-1 checked out to ada",
    ]);
  });
});

test.concurrent(
  "two sites that were cut off give one thing to two people: a conflict, until somebody brings it back",
  { timeout: 90_000 },
  async () => {
    await using fleet = new TestFleet(["yard", "dock"]);
    const broker = await fleet.broker();
    const options = { ...deskOf(LONG_S), brokers: [broker] };
    const [yard, dock] = [fleet.gateway("yard", options), fleet.gateway("dock", options)];
    await Promise.all([yard.start(), dock.start()]);
    await enrolAll(yard);
    await untilEqual([yard, dock]);
    await broker.kill();
    await sayAll(yard, [ADA, DRILL]);
    expect(await sayAll(dock, [BOB, DRILL])).toContain("accepted  drill-1 checked out to bob");
    await broker.start();
    await untilEqual([yard, dock], 60_000);
    const show = async (of: GatewayProcess): Promise<string> =>
      (await commandLine(["device", "show", "drill-1", "--config", of.config], fleet.folder)).out;
    for (const gateway of [yard, dock]) {
      expect(await show(gateway)).toMatch(
        /^holder +CONFLICT {2}(?:ada \| bob|bob \| ada) {3}\[simulated\]$/m,
      );
    }
    // Ada's session at the yard goes on: she is one of the two, so she brings it back.
    expect(await sayAll(yard, [DRILL])).toEqual(["accepted  drill-1 checked in"]);
    await untilEqual([yard, dock]);
    expect(await show(dock)).not.toContain("CONFLICT");
    expect(await dock.value("drill-1", "holder")).toBe(null);
    // Bob's session at the dock knows what the yard has said since.
    expect(await sayAll(dock, [DRILL])).toEqual(["accepted  drill-1 checked out to bob"]);
  },
);
