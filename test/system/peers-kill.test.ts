/** Three gateways and a broker, killed at random while taps arrive: nothing lost, nothing invented, all equal. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { slowDisk } from "#test/gateway/faulty-disk.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { TapWitness } from "#test/gateway/tap-witness.ts";
import { untilEqual } from "#test/gateway/taps.ts";
import { rounds } from "#test/long.ts";

const NAMES = ["lobby", "dock", "yard"];
const ROUNDS = rounds(20, 100);
const TIMEOUT_MS = rounds(150_000, 600_000);
/** Taps run for up to so long before a kill. */
const ALIVE_MS_MAX = 200;
/** As on a tired SD card: most kills then hit in the midst of a commit. */
const WRITE_DELAY_MS = 2;
/** An ask that nobody answers is given up after 3 s, and heads come every 30 s. */
const EQUAL_MS = 90_000;

const random = (below: number): number => Math.floor(Math.random() * below);

const isConnected = async (gateway: GatewayProcess): Promise<boolean> =>
  (await gateway.status()).brokers.every(({ connected }) => connected);

test(`${ROUNDS} times kill -9 of a gateway`, { timeout: TIMEOUT_MS }, async () => {
  await using fleet = new TestFleet(NAMES);
  const brokers = [await fleet.broker()];
  const gateways = NAMES.map((name) =>
    fleet.gateway(name, { brokers, env: slowDisk(WRITE_DELAY_MS) }),
  );
  const witness = new TapWitness(fleet);
  await witness.startAll(gateways);
  for (const gateway of gateways) witness.begin(gateway);

  for (let round = 0; round < ROUNDS; round += 1) {
    const victim = gateways[random(gateways.length)];
    await delay(random(ALIVE_MS_MAX));
    await victim?.kill();
    await victim?.start();
  }
  await witness.stop();
  await untilEqual(gateways, EQUAL_MS);
  expect(witness.answers.size).toBeGreaterThan(ROUNDS * 4);
  expect(await witness.contradictionsOf(gateways)).toEqual([]);
});

test(`${ROUNDS} times kill -9 of the broker`, { timeout: TIMEOUT_MS }, async () => {
  await using fleet = new TestFleet(NAMES);
  const broker = await fleet.broker();
  const gateways = NAMES.map((name) => fleet.gateway(name, { brokers: [broker] }));
  const witness = new TapWitness(fleet);
  await witness.startAll(gateways);
  for (const gateway of gateways) witness.begin(gateway);

  for (let round = 0; round < ROUNDS; round += 1) {
    await eventuallyTrue("a gateway that found the broker", async () =>
      (await Promise.all(gateways.map(isConnected))).includes(true),
    );
    await delay(random(ALIVE_MS_MAX));
    await broker.restart();
  }
  await witness.stop();
  await untilEqual(gateways, EQUAL_MS);
  expect(witness.refused).toBe(0);
  expect(witness.answers.size).toBeGreaterThan(ROUNDS * 4);
  expect(await witness.contradictionsOf(gateways)).toEqual([]);
});
