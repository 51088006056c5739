/** Subscribers that stop reading, and publishers that don't care. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { residentMb } from "#test/bench/proc.ts";
import { type BrokerChild, startBrokerChild } from "#test/contract/broker-child.ts";
import {
  connect,
  connectFrozen,
  isReceived,
  isWithin,
  publishPaced,
} from "#test/contract/broker-clients.ts";

let broker: BrokerChild;
afterEach(async () => {
  await broker.kill();
});

const attack = { count: 8_000, payload: Buffer.alloc(20_000, 1) };

/** What a bare aedes makes of the attack depends on who is faster. Where 10 s are too few to see, this says nothing. */
test("control: 8,000 x 20 kB for a subscriber that stops reading are too much for a bare aedes", async () => {
  broker = await startBrokerChild("bare");
  const pid = broker.process.pid ?? 0;
  const beforeMb = residentMb(pid);
  await connectFrozen(broker.port, "frozen", "flood/#");
  const publisher = await connect(broker.port, "flood");
  const outcome = await Promise.race([
    once(broker.process, "exit").then(() => "crashed"),
    publishPaced(publisher, "flood/t", attack)
      .then(() => (residentMb(pid) - beforeMb > 100 ? "keeps all of it" : "served on"))
      .catch(() => "crashed"),
    delay(10_000, "not done in 10 s, as on a busy machine"),
  ]);
  expect(outcome).not.toBe("served on");
}, 60_000);

test.each([
  [8_000, 20_000],
  [20_000, 2_000],
])(
  "%i x %i bytes leave ours serving, in bounded memory",
  async (count, bytes) => {
    broker = await startBrokerChild("tapmesh");
    const before = await broker.status();
    await connectFrozen(broker.port, "frozen", "flood/#");
    const publisher = await connect(broker.port, "flood");
    await publishPaced(publisher, "flood/t", { count, payload: Buffer.alloc(bytes, 1) });
    const isPublished = async (): Promise<boolean> =>
      (await broker.status()).counters.published === count;
    expect(await isWithin(2_000, isPublished)).toBe(true);
    const after = await broker.status();
    expect(after.counters).toMatchObject({ droppedClients: 1, clients: 1 });
    expect(after.rssBytes - before.rssBytes).toBeLessThan(100e6); // a bare one keeps all 160 MB
    expect(broker.warnings).toEqual([expect.stringMatching(/^broker\.subscriber-slow: /)]);
  },
  15_000,
);

test("a subscriber that reads gets all 8,000", async () => {
  broker = await startBrokerChild("tapmesh");
  const reader = await connect(broker.port, "reader");
  await reader.client.subscribeAsync("flood/#", { qos: 1 });
  const publisher = await connect(broker.port, "flood");
  const payload = Buffer.alloc(20_000, 1);
  await Promise.all(
    Array.from({ length: attack.count }, async () =>
      publisher.client.publishAsync("flood/t", payload, { qos: 1 }),
    ),
  );
  expect(await isWithin(5_000, () => reader.received.length === attack.count)).toBe(true);
  await Promise.all([reader.end(), publisher.end()]);
}, 15_000);

test("a frozen subscriber is disconnected and delays nobody by more than 1 s", async () => {
  broker = await startBrokerChild("tapmesh");
  await connectFrozen(broker.port, "frozen", "#");
  const reader = await connect(broker.port, "reader");
  await reader.client.subscribeAsync("live/#");
  const flooder = await connect(broker.port, "flood");
  const live = await connect(broker.port, "live");
  const delaysMs: number[] = [];
  reader.client.on("message", (_topic, sentMs) => {
    delaysMs.push(performance.now() - Number(sentMs.toString()));
  });
  // as much at a time as one read of the broker's, so that it is the drain timeout that strikes
  const flood = setInterval(() => {
    for (let i = 0; i < 3; i += 1) flooder.client.publish("flood/t", attack.payload, { qos: 0 });
  }, 1);
  let sentCount = 0;
  const ticks = setInterval(() => {
    sentCount += 1;
    live.client.publish("live/t", String(performance.now()), { qos: 0 });
  }, 10);
  const isDropped = async (): Promise<boolean> =>
    (await broker.status()).counters.droppedClients === 1;
  expect(await isWithin(5_000, isDropped)).toBe(true);
  clearInterval(flood);
  clearInterval(ticks);
  expect(await isWithin(2_000, () => delaysMs.length === sentCount)).toBe(true);
  expect(broker.warnings).toEqual(["broker.subscriber-slow: drain timeout"]);
  expect(sentCount).toBeGreaterThan(10);
  expect(Math.max(...delaysMs)).toBeLessThan(1_000);
  expect(await isReceived(reader, { topic: "live/t" })).toBe(true);
  await Promise.all([reader.end(), flooder.end(), live.end()]);
}, 15_000);
