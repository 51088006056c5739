import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isClockTrusted } from "#core/clock/clock-class.ts";
import { formatSecret } from "#core/trust/secret-text.ts";
import { DAYS } from "#core/verdict/schedule.ts";
import { readClockSigns } from "#gateway/system.ts";
import { eventually } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { uidOf } from "#test/gateway/taps.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import type { RequestOf } from "#gateway/control/protocol.ts";

const set = (device: string, key: string, value: RequestOf<"set">["value"]): RequestOf<"set"> => ({
  verb: "set",
  device,
  key,
  type: null,
  value,
  user: "tester",
});

/** The machine of the tests may have a clock that somebody keeps, or none. */
const IS_TIME_KNOWN = isClockTrusted(readClockSigns());
const ANOTHER_DAY = DAYS[(new Date().getUTCDay() + 2) % DAYS.length] ?? "";

const READERS = {
  open: [],
  tools: ["allow: { kind: [tool] }"],
  "no-carts": ["deny: { device: [cart-1], kind: cart }"],
  "any-time": [
    "schedules: [{ days: mon-sun, from: '00:00', to: '24:00' }]",
    "when_time_unknown: refuse",
  ],
  "another-day": [`schedules: [{ days: ${ANOTHER_DAY}, from: '06:00', to: '22:00' }]`],
  reading: ["read: ndef"],
  slow: ["hold_off_s: 3600"],
  counting: ["level: counter"],
  original: ["level: originality"],
};

const options = {
  readers: Object.keys(READERS),
  readerLines: READERS,
  lines: ["time_zone: Europe/Berlin"],
};

/** Another process's emulated card with the same UID has counted as far as this one: that is a copy. */
const countOf = (gateway: GatewayProcess): Promise<number> =>
  gateway.records().then((records) => records.filter(({ kind }) => kind === "tap").length);

describe("one gateway with readers of every policy", () => {
  test("each reason, on the terminal, in the log and in the counters", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", options).start();
    const uid = uidOf(1);
    await gateway.enrol("cart-1", uid);
    const said = async (reader: string, card = uid): Promise<string | null> => {
      const { verdict, reason } = await gateway.tap(card, reader);
      return verdict === "accepted" ? "accepted" : reason;
    };
    expect(await said("open")).toBe("accepted");
    expect(await said("tools")).toBe("not-allowed-here");
    await gateway.ask<"set">(set("cart-1", "kind", "tool"));
    await gateway.device("cart-1");
    expect(await said("tools")).toBe("accepted");
    expect(await said("no-carts")).toBe("not-allowed-here");
    expect(await said("any-time")).toBe(IS_TIME_KNOWN ? "accepted" : "time-unknown");
    expect(await said("another-day")).toBe(IS_TIME_KNOWN ? "outside-schedule" : "accepted");
    expect(await said("original")).toBe("signature-wrong");
    await gateway.enrol("badge-1", "1A2B3C4D");
    const classic = { verb: "tap", card: "classic", uid: "1A2B3C4D" } as const;
    for (const [reader, reason] of [
      ["counting", "counter-missing"],
      ["original", "signature-missing"],
    ] as const) {
      expect(await gateway.ask<"tap">({ ...classic, reader })).toMatchObject({ reason });
    }
    const summaries = (await gateway.records()).map(({ summary }) => summary);
    expect(summaries).toContainEqual(expect.stringContaining("refused cart-1 (not-allowed-here)"));
    expect(summaries).toContainEqual(expect.stringContaining("refused cart-1 (signature-wrong)"));
  });

  test("a card that comes again at once is shown as accepted, and neither recorded nor counted", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", options).start();
    const uid = uidOf(1);
    await gateway.enrol("cart-1", uid);
    const events = await gateway.watch();
    expect((await gateway.tap(uid, "slow")).verdict).toBe("accepted");
    const again = await gateway.tap(uid, "slow");
    expect(again).toMatchObject({ verdict: "already", reason: "again", record: null });
    expect(again).toMatchObject({ device: "cart-1", values: { visits: 1 } });
    expect(await countOf(gateway)).toBe(1);
    const seen = await eventually("the watcher's event", () => {
      const taps = events.flatMap((event) => (event.event === "tap" ? [event.tap.verdict] : []));
      return Promise.resolve(taps.length === 2 ? taps : undefined);
    });
    expect(seen).toEqual(["accepted", "already"]);
    expect((await gateway.tap(uid, "open")).verdict).toBe("accepted");
  });

  test("what a card counts is known after a restart, and a card that begins anew is a copy", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", options).start();
    const uid = uidOf(1);
    await gateway.enrol("cart-1", uid);
    for (let tap = 1; tap <= 3; tap += 1) {
      expect((await gateway.tap(uid, "counting")).verdict).toBe("accepted");
    }
    expect(await gateway.value("cart-1", "counter")).toBe(3);
    await gateway.stop();
    await gateway.start(); // the emulated card of the new process counts from 1
    const copied = await gateway.tap(uid, "counting");
    expect(copied).toMatchObject({ verdict: "refused", reason: "counter-repeated" });
    const [alarm] = (await gateway.status()).alarms;
    expect(alarm).toMatchObject({ code: "card-copied", gateway: "lobby" });
    expect(alarm?.message).toContain("cart-1's card has a copy");
    expect(alarm?.message).toContain("at lobby");
    await gateway.tap(uid, "counting");
    await gateway.tap(uid, "counting");
    expect(await gateway.tap(uid, "counting")).toMatchObject({ verdict: "accepted", unlogged: 0 });
    await gateway.enrol("cart-1", uidOf(2));
    expect((await gateway.status()).alarms).toEqual([]);
  });
});

const tapBoth = async (
  fleet: TestFleet,
  taps: { readonly lobby: number; readonly dock: number },
): Promise<readonly [GatewayProcess, GatewayProcess]> => {
  const broker = await fleet.broker();
  const brokers = [{ port: broker.port }];
  const lobby = await fleet.gateway("lobby", { ...options, brokers }).start();
  const dock = await fleet.gateway("dock", { ...options, brokers }).start();
  await Promise.all([lobby, dock].map((gateway) => gateway.untilConnected()));
  await lobby.enrol("cart-1", uidOf(1));
  await eventually("the enrolment at the dock", async () =>
    (await dock.status()).cards === 1 ? true : undefined,
  );
  await broker.kill();
  for (let tap = 0; tap < taps.lobby; tap += 1) await lobby.tap(uidOf(1), "counting");
  for (let tap = 0; tap < taps.dock; tap += 1) await dock.tap(uidOf(1), "counting");
  await broker.start();
  return [lobby, dock];
};

test("a revert and a void leave a card's count alone and don't speak of it; what was missed is shown", async () => {
  await using fleet = new TestFleet(["lobby"]);
  const gateway = await fleet.gateway("lobby", options).start();
  const uid = uidOf(1);
  await gateway.enrol("cart-1", uid);
  await gateway.tap(uid, "counting");
  const first = (await gateway.records()).at(-1);
  await gateway.tap(uid, "reading"); // has the card count, and doesn't ask what
  const counted = await gateway.tap(uid, "counting");
  expect(counted).toMatchObject({ verdict: "accepted", unlogged: 1 });
  const { epoch = "", seq = 0 } = first ?? {};
  const change = { isToApply: true, shown: null };
  const reverted = await gateway.ask<"revert">({
    verb: "revert",
    device: "cart-1",
    to: { epoch, seq },
    change,
    user: "tester",
  });
  expect(reverted).toMatchObject({ applied: true, devices: 1 });
  expect(await gateway.value("cart-1", "visits")).toBe(1);
  const record = counted.record ?? { epoch: "", seq: 0 };
  const voiding = { verb: "void", record, change, user: "tester" } as const;
  const { differences } = await gateway.ask<"void">(voiding);
  expect(differences.map(({ key }) => key).filter((key) => key.includes("counter"))).toEqual([]);
  expect(await gateway.value("cart-1", "counter")).toBe(3);
  expect(await gateway.value("cart-1", "counter-unlogged")).toEqual([2]);
  expect(first?.summary).toContain("counter=1");
  expect(counted.values).toEqual({ location: "lobby", visits: 3 });
});

describe("tags that write their link anew at each tap", () => {
  const withSun = { readers: ["gate"], readerLines: { gate: ["level: sun"] } };
  const uid = "04C424D49A6190";
  const tapTag = async (gateway: GatewayProcess): Promise<string> => {
    const tap = await gateway.ask<"tap">({ verb: "tap", card: "ntag424", uid, reader: null });
    return tap.reason ?? tap.verdict;
  };

  test("pass with the fleet's keys, once for each count, and are refused with others", async () => {
    await using fleet = new TestFleet(["lobby"]);
    const gateway = await fleet.gateway("lobby", withSun).start();
    await gateway.enrol("key-1", uid);
    expect(await tapTag(gateway)).toBe("sun-wrong"); // emulated tags have the keys of a secret of zeros
    await gateway.enrol("cart-1", uidOf(1));
    expect((await gateway.tap(uidOf(1))).reason).toBe("sun-missing");
    await gateway.stop();
    const secret = formatSecret("sun-key", new Uint8Array(32));
    writeFileSync(join(fleet.fleetDir, "sun.key"), secret);
    await gateway.start();
    expect([await tapTag(gateway), await tapTag(gateway)]).toEqual(["accepted", "accepted"]);
    expect(await gateway.value("key-1", "counter")).toBe(2);
    await gateway.stop();
    await gateway.start();
    expect(await tapTag(gateway)).toBe("counter-repeated");
    await gateway.stop();
    rmSync(join(fleet.fleetDir, "sun.key"));
    const { code, stderr } = await gateway.startAndEnd();
    expect(code).not.toBe(0);
    expect(stderr).toContain("sun.key");
    expect(stderr).toContain("level: sun");
  });
});

describe("two gateways that are cut off from one another", () => {
  test("both saw one count: both raise the alarm once they hear of one another, and name both", async () => {
    await using fleet = new TestFleet(["lobby", "dock"]);
    const [lobby, dock] = await tapBoth(fleet, { lobby: 3, dock: 1 });
    for (const gateway of [lobby, dock]) {
      const [alarm] = await eventually("an alarm", async () => {
        const { alarms } = await gateway.status();
        return alarms.length > 0 ? alarms : undefined;
      });
      expect(alarm).toMatchObject({ code: "card-copied" });
      expect(alarm?.message).toContain("at dock and lobby");
    }
    expect(await lobby.value("cart-1", "counter-repeated")).toEqual([1]);
    await dock.ask<"set">(set("cart-1", "safety", "lost"));
    await eventually("the end of the alarm", async () =>
      (await lobby.status()).alarms.length === 0 ? true : undefined,
    );
  });
});
