/** The whole gateway with a PN532: a card in its field becomes a verdict, a record and a value. */
import { afterEach, expect, test } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { DEBOUNCE_MS } from "#core/verdict/debounce.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { runTapmesh } from "#test/gateway/child.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { FakePn532 } from "#test/pn532/fake-pn532.ts";

const cleanup = new AsyncDisposableStack();
afterEach(() => cleanup.disposeAsync());

const tapsAt = async (gateway: GatewayProcess): Promise<ReadonlyArray<string>> =>
  (await gateway.records("lobby"))
    .filter(({ kind }) => kind === "tap")
    .map(({ summary }) => summary);

test("a tap on a PN532 gets a verdict and a record; its line is lost and found again", async () => {
  const fake = cleanup.use(await FakePn532.started());
  const fleet = cleanup.use(new TestFleet(["lobby"]));
  const lobby = fleet.gateway("lobby", {
    readers: [],
    brokers: [],
    lines: [
      "readers:",
      "  - id: door",
      "    driver: pn532",
      `    device: ${fake.device}`,
      "    poll_ms: 30",
      "    read: ndef",
      "    pins: { green: P30, red: P31, buzzer: P33 }",
    ],
  });
  await lobby.start();
  const untilUp = (isUp: boolean): Promise<void> =>
    eventuallyTrue(`reader up: ${isUp}`, async () =>
      (await lobby.status()).readers.every(({ up }) => up === isUp),
    );
  const untilTaps = (count: number): Promise<void> =>
    eventuallyTrue(`${count} taps`, async () => (await tapsAt(lobby)).length === count);
  await untilUp(true);
  const [reader] = (await lobby.status()).readers;
  expect(reader).toMatchObject({ id: "door", driver: "pn532", detail: "PN532 firmware 1.6" });

  const doctorOnDoor = async (): Promise<unknown> => {
    const { stdout } = await runTapmesh(["doctor", "--json", "--config", lobby.config]);
    const findings = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    return findings.find((finding) => JSON.stringify(finding).includes('"reader door"'));
  };
  expect(await doctorOnDoor()).toMatchObject({ found: "PN532 firmware 1.6", advice: null });

  const tag = emulatedNtag215({});
  fake.hold(tag);
  await untilTaps(1);
  const lit = fake.chip.pinChanges.map(({ low }) => low.join("+"));
  expect(lit.slice(0, 2)).toEqual(["P30+P31", "P30+P31+P33"]); // reading, then a card that nobody knows
  fake.take();
  await lobby.ask<"enrol">({ verb: "enrol", device: "cart-7", uid: null, user: "tester" });
  await delay(2 * DEBOUNCE_MS);
  fake.hold(tag);
  await untilTaps(2);

  // The adapter is pulled out and put back while the card lies there: state, and no further tap.
  await fake.unplug();
  await untilUp(false);
  const [lost] = (await lobby.status()).readers;
  expect(lost?.detail).toContain("plug the adapter in");
  expect(await doctorOnDoor()).toMatchObject({ found: `${fake.device} is not there` });
  await fake.plug();
  await untilUp(true);
  fake.take();
  await delay(2 * DEBOUNCE_MS);
  fake.hold(emulatedType4({}));
  await untilTaps(3);
  expect(await tapsAt(lobby)).toEqual([
    expect.stringMatching(/^unknown card/),
    expect.stringMatching(/^accepted cart-7 at door location=lobby visits\+1/),
    expect.stringMatching(/^unknown card/),
  ]);
  expect(await lobby.value("cart-7", "visits")).toBe(1);
  await lobby.stop();
  expect(fake.chip.lowPins).toEqual([]);
});
