/**
 * MQTT clients for the broker tests: mqtt.js where a client behaves, a bare socket where it does
 * not.
 */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { isDeepStrictEqual } from "node:util";

export interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly qos: number;
}

export interface TestClient {
  readonly client: MqttClient;
  readonly received: ReadonlyArray<Received>;
  readonly end: () => Promise<void>;
}

export const isWithin = async (
  timeoutMs: number,
  isTrue: () => boolean | Promise<boolean>,
): Promise<boolean> => {
  const endMs = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) return false;
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  return true;
};

/** Connects once, without coming back; rejects when refused. */
export const connect = async (
  port: number,
  clientId: string,
  options: IClientOptions = {},
): Promise<TestClient> => {
  const client = await connectAsync(
    `mqtt://127.0.0.1:${port}`,
    { clientId, reconnectPeriod: 0, connectTimeout: 5_000, ...options },
    false,
  );
  // mqtt.js leaves Nagle's algorithm on
  if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") {
    client.stream.setNoDelay(true);
  }
  client.on("error", () => {}); // the tests judge by what arrives and by `close`
  const received: Received[] = [];
  client.on("message", (topic, payload, { retain, qos }) => {
    received.push({ topic, payload: payload.toString(), retain, qos });
  });
  return { client, received, end: async () => client.endAsync(true) };
};

/** Whether a message that equals `expected` comes within 2 s. */
export const isReceived = async (
  { received }: TestClient,
  expected: Partial<Received>,
): Promise<boolean> =>
  isWithin(2_000, () =>
    received.some((message) => isDeepStrictEqual({ ...message, ...expected }, message)),
  );

const field = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

/** A packet of less than 128 bytes: type and flags, remaining length, body. */
const packet = (type: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, body.length]), body]);

/** CONNECT, MQTT 3.1.1, clean session unless said otherwise, keepalive 60 s. */
export const connectPacket = (clientId: string, flags = 0x02): Buffer =>
  packet(0x10, Buffer.concat([field("MQTT"), Buffer.from([4, flags, 0, 60]), field(clientId)]));

export const subscribePacket = (filter: string, qos: number): Buffer =>
  packet(0x82, Buffer.concat([Buffer.from([0, 1]), field(filter), Buffer.from([qos])]));

export const publishPacket = (topic: string, payload: string, retain: boolean): Buffer =>
  packet(retain ? 0x31 : 0x30, Buffer.concat([field(topic), Buffer.from(payload)]));

/** A connected socket that does not mind being reset. */
export const openSocket = async (port: number): Promise<Socket> => {
  const socket = connectTcp({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
};

/** A subscriber that reads its CONNACK and SUBACK and then nothing any more. */
export const connectFrozen = async (
  port: number,
  clientId: string,
  filter: string,
): Promise<Socket> => {
  const socket = await openSocket(port);
  socket.write(connectPacket(clientId));
  await once(socket, "data");
  socket.write(subscribePacket(filter, 1));
  await once(socket, "data");
  socket.pause();
  return socket;
};

/** Publishes one after the other, each after the last one's acknowledgement. */
export const publishPaced = async (
  { client }: TestClient,
  topic: string,
  { count, payload }: { readonly count: number; readonly payload: Buffer },
): Promise<void> => {
  for (let i = 0; i < count; i += 1) await client.publishAsync(topic, payload, { qos: 1 });
};
