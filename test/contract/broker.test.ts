/** What tapmesh relies on in any broker, asked of ours and of Mosquitto. */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connect,
  connectPacket,
  isReceived,
  isWithin,
  openSocket,
  publishPacket,
  subscribePacket,
} from "#test/contract/broker-clients.ts";
import { engines, type RunningBroker } from "#test/contract/broker-engines.ts";

describe.each(engines)("$name", ({ start }) => {
  let broker: RunningBroker;
  beforeAll(async () => {
    broker = await start();
  });
  afterAll(async () => {
    await broker.close();
  });

  test.each([0, 1] as const)("QoS %i reaches a subscriber of a wildcard filter", async (qos) => {
    const subscriber = await connect(broker.port, "subscriber");
    await subscriber.client.subscribeAsync("fleet/+/tail", { qos });
    const publisher = await connect(broker.port, "publisher");
    await publisher.client.publishAsync("fleet/gw-1/tail", `qos ${qos}`, { qos });
    expect(
      await isReceived(subscriber, { topic: "fleet/gw-1/tail", payload: `qos ${qos}`, qos }),
    ).toBe(true);
    await Promise.all([subscriber.end(), publisher.end()]);
  });

  test("500 messages come whole and in their order", async () => {
    const subscriber = await connect(broker.port, "subscriber");
    await subscriber.client.subscribeAsync("order", { qos: 1 });
    const publisher = await connect(broker.port, "publisher");
    const sent = Array.from({ length: 500 }, (_, i) => String(i));
    await Promise.all(
      sent.map(async (payload) => publisher.client.publishAsync("order", payload, { qos: 1 })),
    );
    await isWithin(2_000, () => subscriber.received.length >= sent.length);
    expect(subscriber.received.map(({ payload }) => payload)).toEqual(sent);
    await Promise.all([subscriber.end(), publisher.end()]);
  });

  test("a late subscriber gets the newest retained message; an empty one deletes it", async () => {
    const publisher = await connect(broker.port, "publisher");
    const options = { qos: 1, retain: true } as const;
    await publisher.client.publishAsync("head/gw-1", "old", options);
    await publisher.client.publishAsync("head/gw-1", "new", options);
    const late = await connect(broker.port, "late");
    await late.client.subscribeAsync("head/+");
    expect(await isReceived(late, { topic: "head/gw-1", payload: "new", retain: true })).toBe(true);
    expect(late.received).toHaveLength(1);

    await publisher.client.publishAsync("head/gw-1", "", options);
    const later = await connect(broker.port, "later");
    await later.client.subscribeAsync("head/+");
    await publisher.client.publishAsync("head/mark", "end");
    expect(await isReceived(later, { topic: "head/mark" })).toBe(true);
    expect(later.received).toHaveLength(1);
    await Promise.all([publisher.end(), late.end(), later.end()]);
  });

  test("a retained message and a plain one in one TCP segment both arrive", async () => {
    const subscriber = await connect(broker.port, "subscriber");
    await subscriber.client.subscribeAsync("gw/#");
    const socket = await openSocket(broker.port);
    socket.write(connectPacket("publisher"));
    await once(socket, "data");
    socket.write(
      Buffer.concat([publishPacket("gw/head", "1", true), publishPacket("gw/tail", "2", false)]),
    );
    expect(await isReceived(subscriber, { topic: "gw/tail", payload: "2" })).toBe(true);
    expect(await isReceived(subscriber, { topic: "gw/head", payload: "1" })).toBe(true);
    socket.destroy();
    await subscriber.end();
  });

  test("the will of a killed connection is published and retained", async () => {
    const watcher = await connect(broker.port, "watcher");
    await watcher.client.subscribeAsync("state/gw-2", { qos: 1 });
    const payload = Buffer.from("offline");
    const dying = await connect(broker.port, "gw-2", {
      will: { topic: "state/gw-2", payload, qos: 1, retain: true },
    });
    dying.client.stream.destroy();
    expect(await isReceived(watcher, { topic: "state/gw-2", payload: "offline" })).toBe(true);
    const late = await connect(broker.port, "late");
    await late.client.subscribeAsync("state/+");
    expect(await isReceived(late, { payload: "offline", retain: true })).toBe(true);
    await Promise.all([watcher.end(), late.end()]);
  });

  test("an orderly DISCONNECT publishes no will", async () => {
    const watcher = await connect(broker.port, "watcher");
    await watcher.client.subscribeAsync("state/gw-3");
    const payload = Buffer.from("offline");
    const leaving = await connect(broker.port, "gw-3", {
      will: { topic: "state/gw-3", payload, qos: 0, retain: false },
    });
    await leaving.client.endAsync();
    const marker = await connect(broker.port, "marker");
    await marker.client.publishAsync("state/gw-3", "mark", { qos: 1 });
    expect(await isReceived(watcher, { payload: "mark" })).toBe(true);
    expect(watcher.received).toHaveLength(1);
    await Promise.all([watcher.end(), marker.end()]);
  });

  test("of many clients with one id the last stays, alone", async () => {
    const rivals = await Promise.all(
      Array.from({ length: 10 }, async () => connect(broker.port, "gw-4").catch(() => undefined)),
    );
    const connected = (): number =>
      rivals.filter((rival) => rival !== undefined && rival.client.connected).length;
    const last = await connect(broker.port, "gw-4");
    expect(await isWithin(2_000, () => connected() === 0)).toBe(true);
    await last.client.subscribeAsync("echo");
    await last.client.publishAsync("echo", "here", { qos: 1 });
    expect(await isReceived(last, { payload: "here" })).toBe(true);
    expect(last.received).toHaveLength(1);
    await last.end();
  });

  test("an id is taken over while its old connection is just ending, and again", async () => {
    for (let round = 0; round < 10; round += 1) {
      const first = await openSocket(broker.port);
      first.write(connectPacket("gw-5"));
      await once(first, "data");
      first.write(subscribePacket("round/#", 0));
      await once(first, "data");
      const second = await openSocket(broker.port);
      await new Promise((resolve) => {
        setTimeout(resolve, 2); // accepted by now, so that CONNECT and the end come together
      });
      second.write(connectPacket("gw-5"));
      first.destroy();
      await once(second, "data");
      const third = await connect(broker.port, "gw-5");
      second.resume();
      expect(await isWithin(2_000, () => second.destroyed)).toBe(true);
      await third.end();
    }
  });

  test("64 KiB arrive whole", async () => {
    const subscriber = await connect(broker.port, "subscriber");
    await subscriber.client.subscribeAsync("answer/gw-1", { qos: 1 });
    const publisher = await connect(broker.port, "publisher");
    const payload = "0123456789abcdef".repeat(4_096);
    await publisher.client.publishAsync("answer/gw-1", payload, { qos: 1 });
    expect(await isReceived(subscriber, { payload })).toBe(true);
    await Promise.all([subscriber.end(), publisher.end()]);
  });
});
