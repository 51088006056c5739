/** Phones with the app at a gateway that runs, at a simulated reader and on a real PC/SC stack. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DEBOUNCE_MS } from "#core/verdict/debounce.ts";
import type { TapView, WatchEvent } from "#gateway/control/protocol.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { type EmulatedPhoneApp, emulatedPhoneApp } from "#gateway/reader/emulated/phone-app.ts";
import { commandLine, type CommandResult } from "#test/gateway/command-line.ts";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";
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
  "    read: ndef",
  "    audit: first",
  "  - id: desk",
  "    driver: simulated",
  "    audit: first",
  "    hold_off_s: 60",
  "  - id: vault",
  "    driver: simulated",
  "    audit: first",
  "    level: counter",
];

let pcscd: TestPcscd;
let fleet: TestFleet;
let gateway: GatewayProcess;
let door: VirtualReader;
let events: ReadonlyArray<WatchEvent>;

beforeAll(async () => {
  pcscd = await TestPcscd.started(["ACS ACR122U PICC Interface"]);
  process.env["PCSCLITE_CSOCK_NAME"] = pcscd.socketPath;
  fleet = new TestFleet(["lobby"]);
  gateway = await fleet.gateway("lobby", { readers: [], brokers: [], lines: LINES }).start();
  door = firstOf(pcscd);
  await eventuallyTrue("the readers", async () =>
    (await gateway.status()).readers.every(({ up }) => up),
  );
  events = await gateway.watch();
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await pcscd[Symbol.asyncDispose]();
});

afterEach(() => door.remove());

const cli = (...args: ReadonlyArray<string>): Promise<CommandResult> =>
  commandLine([...args, "--config", gateway.config], fleet.folder);

/** A tap of the emulated phone of that owner. */
const tap = (owner: string, reader: string): Promise<TapView> =>
  gateway.ask<"tap">({ verb: "tap", card: "phone-app", uid: owner, reader });

const enrolLast = async (device: string): Promise<CommandResult> => {
  const enrolled = await cli("device", "enrol", device, "--last-tap");
  if (enrolled.code === 0) await gateway.device(device);
  return enrolled;
};

const eventsAtDoor = (): ReadonlyArray<WatchEvent> =>
  events.filter(
    (event) =>
      (event.event === "tap" && event.tap.reader === "door") ||
      (event.event === "unread" && event.reader === "door"),
  );

/** Sooner, the same phone would not have been away. */
const beyondDebounce = (): Promise<void> => delay(DEBOUNCE_MS + 50);

/** What is said once the phone is held to the door. */
const atDoor = async (phone: EmulatedCard, pullAfterApduCount?: number): Promise<WatchEvent> => {
  const before = eventsAtDoor().length;
  await door.insert(phone, pullAfterApduCount === undefined ? {} : { pullAfterApduCount });
  return eventually("an event at the door", () => Promise.resolve(eventsAtDoor()[before]));
};

const tapAtDoor = async (phone: EmulatedCard): Promise<TapView> => {
  const event = await atDoor(phone);
  if (event.event !== "tap") throw new Error(JSON.stringify(event));
  return event.tap;
};

/** The phone, with an app that answers some commands otherwise. */
const meddled = (
  phone: EmulatedPhoneApp,
  answer: (apdu: Uint8Array) => Uint8Array | undefined,
): EmulatedCard => {
  return {
    technology: phone.technology,
    atqa: phone.atqa,
    sak: phone.sak,
    ats: phone.ats,
    enterField: phone.enterField,
    get uid() {
      return phone.uid;
    },
    exchange: (apdu) => answer(apdu) ?? phone.exchange(apdu),
  };
};

const isProve = (apdu: Uint8Array): boolean => apdu[0] === 0x80 && apdu[1] === 0x20;

const toldCount = async (): Promise<number> => (await gateway.status()).counters["phone.told"] ?? 0;

describe("a phone with the app", () => {
  test("is unknown, is enrolled by its last tap, and is accepted with another UID", async () => {
    const first = await tap("08000001", "desk");
    expect(first).toMatchObject({ verdict: "unknown", reason: "not-enrolled", phone: true });
    expect((await cli("tap", "phone-app", "--uid", "08000001", "--reader", "desk")).out).toContain(
      `phone ${first.card}`,
    );
    expect(await enrolLast("anna")).toMatchObject({ code: 0 });
    expect(await tap("08000001", "desk")).toMatchObject({ verdict: "accepted", device: "anna" });
    expect(await gateway.value("anna", "card")).toMatch(new RegExp(`${first.card.slice(1)}$`));
    const again = await tap("08000001", "desk");
    expect(again).toMatchObject({ verdict: "already", card: first.card, phone: true });
    expect(await tap("08000002", "desk")).toMatchObject({ verdict: "unknown" });
  });

  test("is given the verdict at a simulated reader, too", async () => {
    const before = await toldCount();
    expect(await tap("08000007", "desk")).toMatchObject({ phone: true });
    await eventuallyTrue("it told", async () => (await toldCount()) === before + 1);
  });

  test("passes a reader that wants what can't be copied", async () => {
    expect(await tap("08000001", "vault")).toMatchObject({ verdict: "accepted", device: "anna" });
  });

  test("is known at another kind of reader, by the key alone", async () => {
    const phone = emulatedPhoneApp({ uid: hex("08000001") });
    expect(await tapAtDoor(phone)).toMatchObject({ verdict: "accepted", device: "anna" });
  });

  test("is shown by tag info as a phone, with its device", async () => {
    await beyondDebounce();
    await atDoor(emulatedPhoneApp({ uid: hex("08000001") }));
    const info = await cli("tag", "info", "--reader", "door");
    expect(info.out).toContain("phone with an app for tapmesh");
    expect(info.out).toContain("for anna");
    expect(info.out).not.toContain("use a tag");
  });
});

const unprovenCount = async (): Promise<number> =>
  (await gateway.status()).counters["tap.phone-unproven"] ?? 0;

describe("a phone at the door, once its tap is on disk", () => {
  test("is told the verdict: unknown, then, enrolled, accepted", async () => {
    const phone = emulatedPhoneApp({ uid: hex("08000005") });
    expect(await tapAtDoor(phone)).toMatchObject({ verdict: "unknown" });
    await eventuallyTrue("a verdict", () => phone.verdict !== null);
    expect(phone.verdict).toBe(1);
    expect(await enrolLast("emil")).toMatchObject({ code: 0 });
    await door.remove();
    await beyondDebounce();
    expect(await tapAtDoor(phone)).toMatchObject({ verdict: "accepted", device: "emil" });
    await eventuallyTrue("another verdict", () => phone.verdict === 0);
    expect(phone.state).toHaveLength(0); // nothing is given where nothing would be taken
  });

  test("is told when it comes back, if it has left too early; and that is no second tap", async () => {
    const phone = emulatedPhoneApp({ uid: hex("08000006") });
    const before = await toldCount();
    const event = await atDoor(phone, 3); // UID, SELECT, PROVE
    expect(event.event).toBe("tap");
    await eventuallyTrue("a try", async () => {
      const { counters } = await gateway.status();
      return (counters["phone.not-told"] ?? 0) > 0;
    });
    expect(phone.verdict).toBeNull();
    const tapsBefore = eventsAtDoor().length;
    await door.insert(phone);
    await eventuallyTrue("a verdict", () => phone.verdict === 1);
    await eventuallyTrue("its count", async () => (await toldCount()) === before + 1);
    expect(eventsAtDoor()).toHaveLength(tapsBefore);
  });
});

describe("a phone that claims to be another", () => {
  test("by a signature that was listened to is refused, recorded and counted, without an alarm", async () => {
    const phone = emulatedPhoneApp({ uid: hex("08000001") });
    let heard: Uint8Array | null = null;
    const listened = meddled(phone, (apdu) => {
      if (isProve(apdu)) heard = phone.exchange(apdu);
      return undefined;
    });
    await beyondDebounce();
    expect(await tapAtDoor(listened)).toMatchObject({ verdict: "accepted" });
    await door.remove();
    expect(heard).toHaveLength(66);
    const before = await unprovenCount();
    const replayed = meddled(phone, (apdu) => (isProve(apdu) ? (heard ?? undefined) : undefined));
    const refused = await tapAtDoor(replayed);
    expect(refused).toMatchObject({
      verdict: "refused",
      reason: "phone-unproven",
      device: "anna",
    });
    expect(refused.record).not.toBeNull();
    expect(await unprovenCount()).toBe(before + 1);
    expect((await gateway.status()).alarms).toEqual([]);
    expect((await enrolLast("bert")).err).toContain("did not prove");
    // Its owner comes at once, and is no bounce of that.
    await door.remove();
    expect(await tapAtDoor(phone)).toMatchObject({ verdict: "accepted" });
  });

  test("or is locked, and enrolled for nothing, is unknown with that reason", async () => {
    const phone = emulatedPhoneApp({ uid: hex("08000003") });
    const locked = meddled(phone, (apdu) => (isProve(apdu) ? hex("6985") : undefined));
    expect(await tapAtDoor(locked)).toMatchObject({ verdict: "unknown", reason: "phone-unproven" });
  });
});

test("an app of another version is told so, and never enrolled", async () => {
  const phone = emulatedPhoneApp({});
  const newer = meddled(phone, (apdu) => (apdu[1] === 0xa4 ? hex("0200AABB9000") : undefined));
  expect(await tapAtDoor(newer)).toMatchObject({ verdict: "unknown", reason: "phone-version" });
  expect((await enrolLast("carl")).err).toContain("update the older one");
});

test("a phone without the app is told that its UID changes, and never enrolled", async () => {
  const answer = { verb: "tap", card: "phone", uid: null, reader: "desk" } as const;
  const seen = await gateway.ask<"tap">(answer);
  expect(seen).toMatchObject({ verdict: "unknown", reason: "uid-random", phone: false });
  expect((await enrolLast("dora")).err).toContain("phone with an app");
});

test("a phone that is gone before it has proven itself is no tap", async () => {
  for (const count of [1, 2]) {
    const event = await atDoor(emulatedPhoneApp({ seed: Uint8Array.of(count) }), count);
    expect(event.event).toBe("unread");
    await door.remove();
  }
});
