/**
 * The MQTT client: one connection to each configured broker. Nothing is queued while a broker is away: the log is the
 * outbox, and heads bring up again whatever did not arrive.
 */
import mqtt, { type MqttClient } from "mqtt";
import {
  LINK_CONNECT_TIMEOUT_MS,
  LINK_KEEPALIVE_S,
  LINK_PAYLOAD_BYTES_MAX,
  LINK_RECONNECT_MAX_MS,
  LINK_RECONNECT_MIN_MS,
} from "#gateway/limits.ts";
import type { Journal } from "#gateway/ports.ts";

export interface LinkOptions {
  readonly gateway: string;
  readonly brokers: ReadonlyArray<string>;
  readonly subscriptions: ReadonlyArray<string>;
  /** Published by the broker, retained, when the connection is lost. */
  readonly will: { readonly topic: string; readonly payload: string };
  readonly onConnect: () => void;
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
  /** Who wrote a message, by its topic; null for what no peer wrote. */
  readonly senderOf: (topic: string) => string | null;
  /** A message was dropped unread: by a stable code. */
  readonly onDropped: (code: string) => void;
}

export interface BrokerStatus {
  readonly url: string;
  readonly connected: boolean;
  /** Why not, in the library's words; null while connected or before the first attempt ended. */
  readonly error: string | null;
}

export interface Link {
  readonly start: () => void;
  /** To every broker that is connected now; to none, if none is. */
  readonly publish: (topic: string, payload: Uint8Array | string, retained?: boolean) => void;
  readonly isConnected: () => boolean;
  /** Whether some peers were heard by one broker only, and others by another one only. */
  readonly relays: () => boolean;
  readonly status: () => ReadonlyArray<BrokerStatus>;
  /** Ends the connections in order, within a second. */
  readonly stop: () => Promise<void>;
}

const MQTT_PORT = 1_883;
const STOP_TIMEOUT_MS = 1_000;
/** Names beyond this many are not told apart: more than any roster lists. */
const PEERS_HEARD_MAX = 16_384;

const reconnectPeriodMs = (): number =>
  LINK_RECONNECT_MIN_MS + Math.random() * (LINK_RECONNECT_MAX_MS - LINK_RECONNECT_MIN_MS);

const connect = (url: string, options: LinkOptions): MqttClient => {
  const { hostname, port } = new URL(url);
  return mqtt.connect({
    protocol: "mqtt",
    host: hostname.replaceAll(/[[\]]/g, ""),
    port: port === "" ? MQTT_PORT : Number(port),
    clientId: options.gateway,
    protocolVersion: 4,
    clean: true,
    keepalive: LINK_KEEPALIVE_S,
    connectTimeout: LINK_CONNECT_TIMEOUT_MS,
    reconnectPeriod: reconnectPeriodMs(),
    reconnectOnConnackError: true,
    queueQoSZero: false,
    resubscribe: false,
    will: {
      topic: options.will.topic,
      payload: Buffer.from(options.will.payload),
      qos: 1,
      retain: true,
    },
  });
};

/** Tells Nagle's algorithm off: mqtt.js never does, and a lone tap would wait 40 ms for company. */
const setNoDelay = (client: MqttClient): void => {
  if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") {
    client.stream.setNoDelay(true);
  }
};

class BrokerConnection {
  readonly url: string;
  readonly client: MqttClient;
  error: string | null = null;
  /** Peers of whom something came this way. */
  readonly heard = new Set<string>();

  constructor(url: string, options: LinkOptions, journal: Journal) {
    this.url = url;
    this.client = connect(url, options);
    this.client.on("connect", () => {
      setNoDelay(this.client);
      this.error = null;
      journal.info("link.connected", { url });
      this.client.subscribe([...options.subscriptions], { qos: 1 }, (error) => {
        if (error === null || error === undefined) options.onConnect();
        else this.#note(journal, error);
      });
    });
    this.client.on("close", () => {
      if (this.error === null) journal.warn("link.lost", { url });
      this.error ??= "connection lost";
    });
    this.client.on("error", (error) => this.#note(journal, error));
    this.client.on("message", (topic, payload) => {
      if (payload.length > LINK_PAYLOAD_BYTES_MAX) options.onDropped("payload-too-large");
      else {
        const sender = options.senderOf(topic);
        if (sender !== null && this.heard.size < PEERS_HEARD_MAX) this.heard.add(sender);
        options.onMessage(topic, new Uint8Array(payload));
      }
    });
  }

  #note(journal: Journal, error: Error): void {
    const detail = error.message === "" ? error.name : error.message;
    if (this.error !== detail) journal.warn("link.failed", { url: this.url, detail });
    this.error = detail;
  }

  async end(): Promise<void> {
    const ended = this.client.endAsync();
    const timeout = new Promise<void>((resolve) => {
      setTimeout(resolve, STOP_TIMEOUT_MS).unref();
    });
    await Promise.race([ended, timeout]);
    if (!this.client.disconnected) this.client.stream.destroy();
  }
}

/** Whether a peer is heard this way that no other broker brings, while another broker brings one that this one doesn't. */
const hearsAlone = (one: BrokerConnection, all: ReadonlyArray<BrokerConnection>): boolean => {
  const others = all.filter((other) => other !== one);
  const isAlone = [...one.heard].some((peer) => others.every(({ heard }) => !heard.has(peer)));
  return isAlone && others.some(({ heard }) => [...heard].some((peer) => !one.heard.has(peer)));
};

export const createLink = (journal: Journal, options: LinkOptions): Link => {
  const connections: BrokerConnection[] = [];
  const connected = (): BrokerConnection[] => connections.filter(({ client }) => client.connected);
  return {
    start: () => {
      for (const url of options.brokers) {
        connections.push(new BrokerConnection(url, options, journal));
      }
    },
    publish: (topic, payload, retained = false) => {
      const content = typeof payload === "string" ? payload : Buffer.from(payload);
      for (const { client } of connected()) {
        client.publish(topic, content, { qos: retained ? 1 : 0, retain: retained });
      }
    },
    isConnected: () => connected().length > 0,
    relays: () => connections.length > 1 && connected().some((one) => hearsAlone(one, connected())),
    status: () =>
      connections.map(({ url, client, error }) => ({ url, connected: client.connected, error })),
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.end()));
    },
  };
};
