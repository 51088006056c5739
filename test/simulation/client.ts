/** A client of the brokers: a gateway's link, or whoever else speaks to them. */
import type { Network } from "#test/simulation/network.ts";

/** What a link tells whoever it belongs to. */
export interface LinkListener {
  readonly onConnect: () => void;
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
}

/** One client's way to one broker. */
export class Connection {
  readonly broker: number;
  isConnected = false;
  /** Nothing gets through in this direction; the connection seems to live until the keepalive ends it. */
  isUpCut = false;
  isDownCut = false;
  /** Added to the delay, each way. */
  slownessMs = 0;
  /** Peers of whom something came this way, by the topics' levels. */
  readonly heard: Set<string> = new Set();
  /** Grows with each connection: what was sent to an earlier one is gone. */
  session = 0;

  constructor(broker: number) {
    this.broker = broker;
  }
}

/** `+` stands for one level, as in MQTT; nobody here subscribes with `#`. */
const patternOf = (filter: string): RegExp =>
  new RegExp(`^${filter.replaceAll("+", "[^/]+")}$`, "u");

const hearsAlone = (a: Connection, b: Connection): boolean =>
  [...a.heard].some((peer) => !b.heard.has(peer));

/** A client: a gateway's link, or whoever else speaks to the brokers. */
export class Client {
  readonly name: string;
  readonly connections: ReadonlyArray<Connection>;
  readonly #network: Network;
  readonly #patterns: ReadonlyArray<RegExp>;
  /** Topic → wanted; there are few topics. */
  readonly #wanted = new Map<string, boolean>();
  listener: LinkListener | null = null;

  constructor(
    network: Network,
    name: string,
    options: {
      readonly subscriptions: ReadonlyArray<string>;
      readonly brokers: ReadonlyArray<number>;
    },
  ) {
    this.#network = network;
    this.name = name;
    this.#patterns = options.subscriptions.map(patternOf);
    this.connections = options.brokers.map((broker) => new Connection(broker));
  }

  /** Its way to that broker, if it has one. */
  to(broker: number): Connection | undefined {
    return this.connections.find((connection) => connection.broker === broker);
  }

  wants(topic: string): boolean {
    let wanted = this.#wanted.get(topic);
    if (wanted === undefined) {
      wanted = this.#patterns.some((pattern) => pattern.test(topic));
      this.#wanted.set(topic, wanted);
    }
    return wanted;
  }

  /** The process is up: it connects to every broker. */
  start(listener: LinkListener): void {
    this.listener = listener;
    for (const connection of this.connections) this.#network.connect(this, connection);
  }

  /** The process is gone, and its connections with it. */
  stop(): void {
    this.listener = null;
    for (const connection of this.connections) {
      connection.isConnected = false;
      connection.heard.clear();
    }
  }

  /** As the product's link: some peers were heard here only, and others there only. */
  relays = (): boolean => {
    const [one, other] = this.connections.filter(({ isConnected }) => isConnected);
    if (one === undefined || other === undefined) return false;
    return hearsAlone(one, other) && hearsAlone(other, one);
  };

  isConnected = (): boolean => this.connections.some(({ isConnected }) => isConnected);

  publish = (topic: string, payload: Uint8Array | string, retained = false): void => {
    if (typeof payload === "string") return;
    for (const connection of this.connections) {
      if (connection.isConnected) {
        this.#network.publish({ from: this, connection, topic, payload, retained });
      }
    }
  };
}
