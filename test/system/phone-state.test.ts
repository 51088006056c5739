/** A phone with the app that carries what one gateway knew to another, which has never heard of it. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fromHex, toHex } from "#core/bytes.ts";
import { selectApplication } from "#core/card/apdu.ts";
import { PHONE_APPLICATION, putPhoneResult } from "#core/card/phone.ts";
import { signCarried } from "#core/carried/carried-state.ts";
import { TYPE } from "#core/log/operation.ts";
import { DEBOUNCE_MS } from "#core/verdict/debounce.ts";
import type { TapView, WatchEvent } from "#gateway/control/protocol.ts";
import { nodeEntropy, sha256 } from "#gateway/node-crypto.ts";
import { type EmulatedPhoneApp, emulatedPhoneApp } from "#gateway/reader/emulated/phone-app.ts";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { FakePn532 } from "#test/pn532/fake-pn532.ts";

let cleanup: AsyncDisposableStack;
beforeEach(() => {
  cleanup = new AsyncDisposableStack();
});
afterEach(() => cleanup.disposeAsync());

/** A gateway without a broker, and its reader's field. */
interface Site {
  readonly gateway: GatewayProcess;
  readonly fake: FakePn532;
  readonly events: ReadonlyArray<WatchEvent>;
  /** From then on a phone that was here before taps anew; by `performance.now`. */
  freeMs: number;
}

const siteOf = async (fleet: TestFleet, name: string): Promise<Site> => {
  const fake = cleanup.use(await FakePn532.started());
  const lines = [
    "readers:",
    "  - id: door",
    "    driver: pn532",
    `    device: ${fake.device}`,
    "    poll_ms: 30",
    "    audit: first",
    "    state_on_tag: true",
  ];
  const gateway = await fleet.gateway(name, { readers: [], lines }).start();
  const events = await gateway.watch();
  await eventuallyTrue("the reader up", async () =>
    (await gateway.status()).readers.every(({ up }) => up),
  );
  return { gateway, fake, events, freeMs: 0 };
};

const toldAt = async ({ gateway }: Site): Promise<number> =>
  (await gateway.status()).counters["phone.told"] ?? 0;

/** A tap that is held until the phone was told. */
const tap = async (site: Site, phone: EmulatedPhoneApp): Promise<TapView> => {
  const taps = (): ReadonlyArray<TapView> =>
    site.events.flatMap((event) => (event.event === "tap" ? [event.tap] : []));
  const [before, toldBefore] = [taps().length, await toldAt(site)];
  await delay(Math.max(0, site.freeMs - performance.now()));
  site.fake.hold(phone);
  const seen = await eventually("a tap", () => taps()[before]);
  await eventuallyTrue("its end", async () => (await toldAt(site)) > toldBefore);
  site.fake.take();
  site.freeMs = performance.now() + DEBOUNCE_MS + 200; // the poll that finds it gone, and the debounce
  return seen;
};

/** As a gateway would. */
const give = (phone: EmulatedPhoneApp, state: Uint8Array): void => {
  phone.enterField();
  phone.exchange(selectApplication(PHONE_APPLICATION));
  for (const command of putPhoneResult(0, state)) phone.exchange(command);
};

test("a phone brings a cut-off site what the last one knew, and nobody else's phone can", async () => {
  const fleet = cleanup.use(new TestFleet(["lobby", "yard"]));
  const [lobby, yard] = await Promise.all([siteOf(fleet, "lobby"), siteOf(fleet, "yard")]);
  const phone = emulatedPhoneApp({});
  expect(await tap(lobby, phone)).toMatchObject({ verdict: "unknown", reason: "not-enrolled" });
  expect([phone.verdict, phone.state.length]).toEqual([1, 0]);
  const enrol = { verb: "enrol", device: "anna", uid: null, user: "tester" } as const;
  await lobby.gateway.ask<"enrol">(enrol);
  await lobby.gateway.device("anna");
  expect(await tap(lobby, phone)).toMatchObject({ verdict: "accepted", device: "anna" });
  expect(phone.state.length).toBeGreaterThan(64);
  expect(phone.state.length).toBeLessThanOrEqual(1_024);

  // The yard has never heard of it, nor of the lobby's records.
  const brought = await tap(yard, phone);
  expect(brought).toMatchObject({ verdict: "accepted", device: "anna", phone: true });
  expect(brought.brought).toContainEqual(
    expect.objectContaining({ key: "location", value: "lobby", gateway: "lobby" }),
  );
  // And back: what it did at the yard is known at the lobby.
  const back = await tap(lobby, phone);
  expect(back.brought).toContainEqual(
    expect.objectContaining({ key: "location", value: "yard", gateway: "yard" }),
  );

  const carriedBefore = phone.state;

  // A state is one phone's own: in another it is none.
  const other = emulatedPhoneApp({ seed: Uint8Array.of(1) });
  give(other, phone.state);
  expect(toHex(other.state)).toBe(toHex(phone.state));
  expect(await tap(yard, other)).toMatchObject({ verdict: "unknown", reason: "not-enrolled" });

  // What a gateway has stated that the roster doesn't know yet may be newer: it is not taken, and stays where it is.
  const write = { epoch: new Uint8Array(16), seq: 0, wallMs: 0 };
  const through = new Uint8Array(0);
  const entry = { key: "location", type: TYPE.register, value: "moon", write, through };
  const state = { device: "anna", statedMs: 0, entries: [entry] };
  const card = fromHex(fleet.cardOf(toHex(phone.publicKey))) ?? new Uint8Array();
  const to = { fleet: fleet.name, card };
  const unknown = signCarried(sha256, nodeEntropy.generateSigningKey(), { state, to });
  give(phone, unknown);
  expect(await tap(lobby, phone)).toMatchObject({ verdict: "accepted", brought: [] });
  expect(toHex(phone.state)).toBe(toHex(unknown));

  // That it is lost goes along, too.
  give(phone, carriedBefore);
  const lost = { verb: "set", device: "anna", key: "safety", value: "lost", type: null } as const;
  await lobby.gateway.ask<"set">({ ...lost, user: "tester" });
  expect(await tap(lobby, phone)).toMatchObject({ verdict: "refused", reason: "device-lost" });
  expect(await tap(yard, phone)).toMatchObject({ verdict: "refused", reason: "device-lost" });
}, 60_000);
