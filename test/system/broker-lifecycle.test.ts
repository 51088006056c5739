/** Start, stop, and what is in between for well-behaved clients. */
import { once } from "node:events";
import { createServer } from "node:net";
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { type BrokerError, type EmbeddedBroker, startBroker } from "#broker/embedded.ts";
import { runBroker } from "#broker/standalone.ts";
import type { Fields } from "#broker/warnings.ts";
import {
  connect,
  connectFrozen,
  isReceived,
  isWithin,
  openSocket,
} from "#test/contract/broker-clients.ts";

interface Line {
  readonly code: string;
  readonly fields: Fields | undefined;
}

const createJournal = (): {
  lines: Line[];
  info: (code: string, fields?: Fields) => void;
  warn: (code: string, fields?: Fields) => void;
} => {
  const lines: Line[] = [];
  const write = (code: string, fields?: Fields): void => {
    lines.push({ code, fields });
  };
  return { lines, info: write, warn: write };
};

const options = { host: "127.0.0.1", port: 0, mayPublish: (): boolean => true };

const start = async (): Promise<EmbeddedBroker> => {
  const started = await startBroker({ journal: createJournal() }, options);
  if (E.isLeft(started)) throw new Error(started.left._tag);
  return started.right;
};

const startError = async (host: string, port: number): Promise<BrokerError | undefined> => {
  const started = await startBroker({ journal: createJournal() }, { ...options, host, port });
  return E.isLeft(started) ? started.left : undefined;
};

test("a port in use and an address of another machine are told apart", async () => {
  const broker = await start();
  const { port } = broker;
  expect(await startError("127.0.0.1", port)).toEqual({
    _tag: "PortInUse",
    host: "127.0.0.1",
    port,
  });
  expect(await startError("192.0.2.1", port)).toEqual({
    _tag: "ListenRefused",
    host: "192.0.2.1",
    port,
    code: "EADDRNOTAVAIL",
  });
  await broker.close();
});

test.each([
  ["127.0.0.1", []],
  ["0.0.0.0", ["broker.open-to-network"]],
])("listening on %s warns %j", async (host, codes) => {
  const journal = createJournal();
  const started = await startBroker({ journal }, { ...options, host });
  if (E.isRight(started)) await started.right.close();
  expect(journal.lines.map(({ code }) => code)).toEqual(codes);
});

test("close ends within 1 s with clients in every state, and frees the port", async () => {
  const broker = await start();
  const idle = await connect(broker.port, "idle");
  const frozen = await connectFrozen(broker.port, "frozen", "#");
  const silent = await openSocket(broker.port);
  const writer = await connect(broker.port, "writer");
  const payload = Buffer.alloc(60_000);
  for (let i = 0; i < 200; i += 1) writer.client.publish("t", payload);
  await isWithin(2_000, () => broker.counters().published > 20);
  const startMs = performance.now();
  await Promise.all([broker.close(), broker.close()]);
  expect(performance.now() - startMs).toBeLessThan(1_000);
  expect(broker.counters()).toMatchObject({ clients: 0, connections: 0 });
  expect(await isWithin(1_000, () => !idle.client.connected)).toBe(true);
  const successor = createServer().listen(broker.port, "127.0.0.1");
  await once(successor, "listening");
  successor.close();
  for (const socket of [frozen, silent]) socket.destroy();
  await Promise.all([idle.end(), writer.end()]);
});

test("counters follow clients, messages and retained messages", async () => {
  const broker = await start();
  const client = await connect(broker.port, "gw-1");
  await client.client.subscribeAsync("#", { qos: 2 });
  await client.client.publishAsync("a", "x", { qos: 2, retain: true });
  await client.client.publishAsync("b", "y", { qos: 1, retain: true });
  await client.client.publishAsync("b", "", { qos: 1, retain: true });
  expect(await isReceived(client, { topic: "b", payload: "" })).toBe(true);
  expect(client.received.map(({ topic }) => topic)).toEqual(["a", "b", "b"]);
  expect(broker.counters()).toMatchObject({
    clients: 1,
    connections: 1,
    published: 3,
    retained: 1,
  });
  await client.end();
  expect(await isWithin(1_000, () => broker.counters().connections === 0)).toBe(true);
  expect(broker.counters().clients).toBe(0);
  await broker.close();
});

test("retained messages beyond the budget are delivered but not kept", async () => {
  const broker = await start();
  const client = await connect(broker.port, "gw-1");
  await client.client.subscribeAsync("last");
  const payload = Buffer.alloc(200_000);
  for (let i = 0; i < 200; i += 1) {
    await client.client.publishAsync(`r/${i}`, payload, { qos: 1, retain: true });
  }
  await client.client.publishAsync("last", payload, { qos: 1, retain: true });
  expect(await isReceived(client, { topic: "last" })).toBe(true);
  const { retained, retainedBytes, retainedNotKept } = broker.counters();
  expect(retainedBytes).toBeLessThanOrEqual(32 * 1024 * 1024);
  expect(retained + retainedNotKept).toBe(201);
  expect(retainedNotKept).toBeGreaterThan(0);
  await client.end();
  await broker.close();
});

test("the standalone broker says where it listens, serves, and ends with its signal", async () => {
  const journal = createJournal();
  const abort = new AbortController();
  const running = runBroker({ journal }, options, abort.signal);
  expect(await isWithin(2_000, () => journal.lines.length > 0)).toBe(true);
  const port = Number(journal.lines[0]?.fields?.["port"]);
  const client = await connect(port, "gw-1");
  abort.abort();
  expect(E.isRight(await running)).toBe(true);
  expect(journal.lines.map(({ code }) => code)).toEqual(["broker.listening", "broker.closed"]);
  await client.end();
});
