/**
 * Brokers and the links to them. A message is lost, doubled, delayed and overtaken by chance; brokers die and come
 * back, forget what they retained or hand out something older; each direction of each link can be cut by itself.
 */
import { Client, type Connection } from "#test/simulation/client.ts";
import type { Random } from "#test/simulation/random.ts";
import type { Scheduler } from "#test/simulation/scheduler.ts";
import type { Trace } from "#test/simulation/trace.ts";

export interface Weather {
  /** Of each message on its way to each receiver. */
  lossRate: number;
  doubleRate: number;
  delayMinMs: number;
  delayMaxMs: number;
}

export const FAIR_WEATHER: Weather = { lossRate: 0, doubleRate: 0, delayMinMs: 1, delayMaxMs: 3 };

/** A dead connection is noticed after this, a new one made after that. */
const KEEPALIVE_MS = 7_500;
const RECONNECT_MS = 1_000;

const RECENT_COUNT = 40;

interface Retained {
  readonly payload: Uint8Array;
  /** The one before, for a broker that hands out something stale. */
  readonly before: Uint8Array | undefined;
}

class Broker {
  isUp = true;
  isStale = false;
  readonly retained: Map<string, Retained> = new Map();
}

export interface Publication {
  readonly from: Client;
  readonly connection: Connection;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
}

export class Network {
  readonly brokers: ReadonlyArray<Broker>;
  readonly weather: Weather = { ...FAIR_WEATHER };
  /** Pairs `from to` between which nothing gets through, whatever the brokers do. */
  readonly parted: Set<string> = new Set();
  messageCount = 0;
  /** What was said last, for whoever says it again. */
  recent: ReadonlyArray<{ readonly topic: string; readonly payload: Uint8Array }> = [];
  readonly #clients: Client[] = [];
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #trace: Trace;

  constructor(scheduler: Scheduler, random: Random, brokerCount: number) {
    this.#scheduler = scheduler;
    this.#trace = scheduler.trace;
    this.#random = random;
    this.brokers = Array.from({ length: brokerCount }, () => new Broker());
  }

  /** A client of those brokers; of all, where none are named. */
  client(
    name: string,
    subscriptions: ReadonlyArray<string>,
    brokers: ReadonlyArray<number> = [...this.brokers.keys()],
  ): Client {
    const client = new Client(this, name, { subscriptions, brokers });
    this.#clients.push(client);
    return client;
  }

  get clients(): ReadonlyArray<Client> {
    return this.#clients;
  }

  /** Connects when the broker can be reached; retained messages come behind the subscription. */
  connect(client: Client, connection: Connection): void {
    const { listener } = client;
    const broker = this.brokers[connection.broker];
    if (listener === null || broker === undefined || connection.isConnected) return;
    const delayMs = this.#delayMs(connection) + this.#random.between(0, RECONNECT_MS);
    this.#scheduler.after(delayMs, `${client.name} connects to ${connection.broker}`, () => {
      if (client.listener !== listener || connection.isConnected) return;
      if (!broker.isUp || connection.isUpCut || connection.isDownCut) {
        this.connect(client, connection);
        return;
      }
      connection.isConnected = true;
      connection.session += 1;
      for (const [topic, { payload, before }] of broker.retained) {
        if (!client.wants(topic)) continue;
        this.#deliver(client, connection, {
          topic,
          payload: (broker.isStale && before) || payload,
        });
      }
      listener.onConnect();
    });
  }

  /** Ends a connection at once; it is made again. */
  drop(client: Client, connection: Connection): void {
    if (!connection.isConnected) return;
    connection.isConnected = false;
    this.connect(client, connection);
  }

  /** Ends a connection whose other end is silent, once the keepalive notices. */
  #dropLater(client: Client, connection: Connection): void {
    const { session } = connection;
    this.#scheduler.after(KEEPALIVE_MS, `${client.name} keepalive`, () => {
      const isDead = connection.isUpCut || connection.isDownCut || !this.isUp(connection);
      if (isDead && connection.session === session) this.drop(client, connection);
    });
  }

  isUp(connection: Connection): boolean {
    return this.brokers[connection.broker]?.isUp === true;
  }

  cut(client: Client, connection: Connection, way: "up" | "down" | "both"): void {
    if (way !== "down") connection.isUpCut = true;
    if (way !== "up") connection.isDownCut = true;
    this.#dropLater(client, connection);
  }

  /** The broker dies: connections end as its clients notice. */
  stopBroker(index: number): void {
    const broker = this.brokers[index];
    if (broker === undefined) return;
    broker.isUp = false;
    for (const client of this.#clients) {
      const connection = client.to(index);
      if (connection === undefined) continue;
      if (this.#random.chance(0.5)) this.drop(client, connection);
      else this.#dropLater(client, connection);
    }
  }

  publish(publication: Publication): void {
    const { from, connection, topic, payload, retained } = publication;
    const broker = this.brokers[connection.broker];
    if (broker === undefined || !broker.isUp || connection.isUpCut) return;
    this.messageCount += 1;
    this.#trace.bytes(payload);
    this.#remember(topic, payload);
    if (retained) {
      const before = broker.retained.get(topic)?.payload;
      broker.retained.set(topic, { payload, before });
    }
    for (const to of this.#clients) {
      const receiving = to.to(connection.broker);
      if (receiving === undefined || !receiving.isConnected || !to.wants(topic)) continue;
      if (this.parted.has(`${from.name} ${to.name}`)) continue;
      if (this.#random.chance(this.weather.lossRate)) continue;
      const count = this.#random.chance(this.weather.doubleRate) ? 2 : 1;
      for (let copy = 0; copy < count; copy += 1) {
        this.#deliver(to, receiving, { topic, payload, delayMs: this.#delayMs(connection) });
      }
    }
  }

  #remember(topic: string, payload: Uint8Array): void {
    const said = [...this.recent.slice(1 - RECENT_COUNT), { topic, payload }];
    this.recent = said;
  }

  /** Somebody without a name publishes under any topic, at every broker. */
  inject(topic: string, payload: Uint8Array): void {
    for (const to of this.#clients) {
      if (!to.wants(topic)) continue;
      for (const connection of to.connections) {
        if (connection.isConnected) this.#deliver(to, connection, { topic, payload });
      }
    }
  }

  #delayMs(connection: Connection): number {
    const { delayMinMs, delayMaxMs } = this.weather;
    return this.#random.between(delayMinMs, delayMaxMs) + connection.slownessMs;
  }

  #deliver(
    to: Client,
    connection: Connection,
    message: { readonly topic: string; readonly payload: Uint8Array; readonly delayMs?: number },
  ): void {
    const { session } = connection;
    const { topic, payload } = message;
    const delayMs = (message.delayMs ?? 0) + this.#delayMs(connection);
    this.#scheduler.after(delayMs, `${topic} → ${to.name}`, () => {
      if (!connection.isConnected || connection.session !== session) return;
      if (connection.isDownCut) return;
      connection.heard.add(topic.split("/")[3] ?? "");
      to.listener?.onMessage(topic, payload);
    });
  }

  /** All is well again, from now on. */
  heal(): void {
    Object.assign(this.weather, FAIR_WEATHER);
    this.parted.clear();
    for (const broker of this.brokers) {
      broker.isUp = true;
      broker.isStale = false;
    }
    for (const client of this.#clients) {
      for (const connection of client.connections) {
        connection.isUpCut = false;
        connection.isDownCut = false;
        connection.slownessMs = 0;
        // What seemed alive over a cut line isn't.
        this.drop(client, connection);
        this.connect(client, connection);
      }
    }
  }
}
