/** Clients that send what they must not. */
import { once } from "node:events";
import type { Socket } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BrokerChild, startBrokerChild } from "#test/contract/broker-child.ts";
import {
  connect,
  connectPacket,
  isReceived,
  isWithin,
  openSocket,
  publishPacket,
  subscribePacket,
} from "#test/contract/broker-clients.ts";
import { CONNECTION_COUNT_MAX, SUBSCRIPTION_COUNT_MAX } from "#broker/limits.ts";

let broker: BrokerChild;
beforeAll(async () => {
  broker = await startBrokerChild("tapmesh");
});
afterAll(async () => {
  await broker.kill();
});

/**
 * Unlike `once`, these don't reject when the broker resets the connection, which is its right here.
 */
const closeOf = async (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
const drainOf = async (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once("drain", resolve);
  });

const expectServing = async (): Promise<void> => {
  const client = await connect(broker.port, "probe");
  await client.client.subscribeAsync("probe/#", { qos: 1 });
  await client.client.publishAsync("probe/t", "still here", { qos: 1 });
  expect(await isReceived(client, { payload: "still here" })).toBe(true);
  await client.end();
};

test("an unfinished PUBLISH of 200 MB is refused at its header", async () => {
  const before = await broker.status();
  const socket = await openSocket(broker.port);
  socket.write(connectPacket("large"));
  await once(socket, "data");
  const closed = closeOf(socket);
  socket.write(Buffer.from([0x30, 0x80, 0x84, 0xaf, 0x5f])); // remaining length 200,000,000
  const part = Buffer.alloc(1_000_000);
  for (let sent = 0; sent < 199 && !socket.destroyed; sent += 1) {
    if (!socket.write(part)) await Promise.race([drainOf(socket), closed]);
  }
  await closed;
  const after = await broker.status();
  expect(after.counters.refusedPackets - before.counters.refusedPackets).toBe(1);
  expect(after.rssBytes - before.rssBytes).toBeLessThan(20e6);
  await expectServing();
});

test("random bytes, before and after CONNECT, leave the broker serving", async () => {
  const packets = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(
      connectPacket("fuzz"),
      connectPacket("fuzz", 0x1e), // a will of QoS 3 that does not follow
      subscribePacket("#", 2),
      subscribePacket("a/+b/#c", 1),
      publishPacket("fuzz/t", "x", false),
      publishPacket("", "x", false),
      Buffer.from([0x62, 2, 0, 1]), // PUBREL of nothing
      Buffer.from([0x40, 2, 0, 0]), // PUBACK 0
      Buffer.from([0xc0, 0, 0xc0, 0, 0xe0, 0]),
    ),
  );
  const input = fc.record({
    isConnected: fc.boolean(),
    bytes: fc.array(packets, { minLength: 1, maxLength: 6 }).map((parts) => Buffer.concat(parts)),
  });
  await fc.assert(
    fc.asyncProperty(input, async ({ isConnected, bytes }) => {
      const socket = await openSocket(broker.port);
      const closed = closeOf(socket);
      if (isConnected) {
        socket.write(connectPacket("fuzz"));
        await once(socket, "data");
      }
      socket.resume();
      socket.end(bytes);
      await closed;
      expect(broker.process.exitCode).toBeNull();
    }),
    { numRuns: 200 },
  );
  await expectServing();
  expect((await broker.status()).counters.protocolErrors).toBeGreaterThan(0);
}, 20_000);

test.each([
  ["of another gateway", "gw-2/head"],
  ["of the broker", "$SYS/gw-1/heartbeat"],
])("a publish to a topic %s closes the connection and reaches nobody", async (_whose, topic) => {
  const before = await broker.status();
  const watcher = await connect(broker.port, "watcher");
  await watcher.client.subscribeAsync(["#", "$SYS/gw-1/heartbeat"]);
  const intruder = await connect(broker.port, "gw-1");
  const closed = isWithin(2_000, () => !intruder.client.connected);
  intruder.client.publish(topic, "mine now", { qos: 0, retain: true });
  expect(await closed).toBe(true);
  const owner = await connect(broker.port, "gw-1");
  await owner.client.publishAsync("gw-1/mark", "end", { qos: 1 });
  expect(await isReceived(watcher, { topic: "gw-1/mark" })).toBe(true);
  expect(watcher.received.map((message) => message.topic)).toEqual(["gw-1/mark"]);
  const after = await broker.status();
  expect(after.counters.deniedPublishes - before.counters.deniedPublishes).toBe(1);
  expect(after.counters.retained).toBe(before.counters.retained);
  expect(broker.warnings).toContain("broker.publish-denied: gw-2/head");
  await Promise.all([watcher.end(), owner.end()]);
});

test.each(["gw-2/state", "$SYS/x", "gw-1/+"])(
  "a will for %j is refused at CONNECT",
  async (topic) => {
    const payload = Buffer.from("offline");
    const will = { topic, payload, qos: 0, retain: true } as const;
    await expect(connect(broker.port, "gw-1", { will })).rejects.toThrow(/refused|not authorized/i);
  },
);

test.each(["Connection refused/#", "a b", "$SYS", "x".repeat(65), "__proto__"])(
  "the client id %j is rejected",
  async (clientId) => {
    await expect(connect(broker.port, clientId)).rejects.toThrow(/identifier rejected/i);
  },
);

test.each(["", "mqttjs_8a0b12", "mosqsub|12-host.lan", "auto-2C1F0E6B-1D5A", "constructor"])(
  "the client id %j of a tool that only reads is let in",
  async (clientId) => {
    const tool = await connect(broker.port, clientId);
    expect(tool.client.connected).toBe(true);
    await tool.end();
  },
);

test("MQTT 5 is refused", async () => {
  await expect(connect(broker.port, "modern", { protocolVersion: 5 })).rejects.toThrow(
    /unacceptable protocol version/i,
  );
});

test("nothing is kept for a client that is away", async () => {
  const first = await connect(broker.port, "gw-5", { clean: false });
  await first.client.subscribeAsync("gw-6/t", { qos: 1 });
  await first.end();
  const publisher = await connect(broker.port, "gw-6");
  await publisher.client.publishAsync("gw-6/t", "while away", { qos: 1 });
  const second = await connect(broker.port, "gw-5", { clean: false });
  await second.client.subscribeAsync("gw-6/t", { qos: 1 });
  await publisher.client.publishAsync("gw-6/t", "now", { qos: 1 });
  expect(await isReceived(second, { payload: "now" })).toBe(true);
  expect(second.received).toHaveLength(1);
  await Promise.all([second.end(), publisher.end()]);
});

test("one topic filter too many is refused, the others work", async () => {
  const greedy = await connect(broker.port, "greedy");
  for (let i = 0; i < SUBSCRIPTION_COUNT_MAX; i += 1)
    await greedy.client.subscribeAsync(`greedy/${i}`);
  await expect(greedy.client.subscribeAsync("greedy/more")).rejects.toThrow(/unspecified error/i);
  await greedy.client.unsubscribeAsync("greedy/0");
  await greedy.client.subscribeAsync("greedy/more");
  await greedy.client.publishAsync("greedy/more", "room again");
  expect(await isReceived(greedy, { payload: "room again" })).toBe(true);
  await greedy.end();
});

test("connections beyond the maximum are closed at once, mute ones in time", async () => {
  const isEmpty = async (): Promise<boolean> => (await broker.status()).counters.connections === 0;
  expect(await isWithin(2_000, isEmpty)).toBe(true); // whoever was refused above is gone
  const sockets = await Promise.all(
    Array.from({ length: CONNECTION_COUNT_MAX + 50 }, async () => openSocket(broker.port)),
  );
  for (const socket of sockets) socket.resume();
  const openCount = (): number => sockets.filter((socket) => !socket.destroyed).length;
  expect(await isWithin(2_000, () => openCount() <= CONNECTION_COUNT_MAX)).toBe(true);
  const { counters } = await broker.status();
  expect(counters.refusedConnections).toBe(50);
  expect(counters.connections).toBe(CONNECTION_COUNT_MAX);
  expect(await isWithin(7_000, () => openCount() === 0)).toBe(true);
  await expectServing();
}, 15_000);
