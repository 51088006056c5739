/** The MQTT 3.1.1 broker inside a gateway process: aedes with tapmesh's rules and limits. */
import { type EventEmitter, once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Aedes } from "aedes";
import * as E from "fp-ts/lib/Either.js";
import { type Connections, createConnections, onClientError } from "#broker/connections.ts";
import type { MayPublish } from "#broker/connect-rules.ts";
import { type BrokerCounters, createTally, type Tally } from "#broker/counters.ts";
import { createDelivery } from "#broker/delivery.ts";
import {
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  CONNECTION_COUNT_MAX,
  INBOUND_QOS2_COUNT_MAX,
  SUBSCRIBER_DRAIN_TIMEOUT_MS,
  TCP_KEEPALIVE_DELAY_MS,
  TOPIC_LEVEL_COUNT_MAX,
} from "#broker/limits.ts";
import { createRetainedBudget } from "#broker/retained-budget.ts";
import { createRules } from "#broker/rules.ts";
import { type BrokerJournal, createWarn, type Warn } from "#broker/warnings.ts";

export interface BrokerDeps {
  readonly journal: BrokerJournal;
}

export interface BrokerOptions {
  /** An address of this machine. Until there is authentication: loopback. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /**
   * A publish it denies closes the client's connection. Topics beginning with `$` are denied before
   * it is asked.
   */
  readonly mayPublish: MayPublish;
}

export type BrokerError =
  /** Another process listens there, perhaps another broker: stop it or choose another port. */
  | { readonly _tag: "PortInUse"; readonly host: string; readonly port: number }
  /**
   * The system refused, `code` says why: EACCES (port below 1024), EADDRNOTAVAIL (no such address
   * here), ...
   */
  | {
      readonly _tag: "ListenRefused";
      readonly host: string;
      readonly port: number;
      readonly code: string;
    };

export interface EmbeddedBroker {
  readonly host: string;
  /** The one it got, if 0 was asked for. */
  readonly port: number;
  readonly counters: () => BrokerCounters;
  /**
   * Ends all connections and frees the port within 1 s, whatever the clients do. May be called
   * again.
   */
  readonly close: () => Promise<void>;
}

const listen = async (
  server: Server,
  { host, port }: BrokerOptions,
): Promise<E.Either<BrokerError, number>> => {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return E.left(
      code === "EADDRINUSE"
        ? { _tag: "PortInUse", host, port }
        : { _tag: "ListenRefused", host, port, code },
    );
  }
  const address = server.address();
  return E.right(address !== null && typeof address === "object" ? address.port : port);
};

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

const closeAedes = async (aedes: Aedes): Promise<void> =>
  new Promise((resolve) => {
    aedes.close(() => resolve());
  });

const createServerFor = (
  aedes: Aedes,
  { connections, tally, warn }: { connections: Connections; tally: Tally; warn: Warn },
): Server => {
  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_DELAY_MS,
  });
  server.maxConnections = CONNECTION_COUNT_MAX;
  server.on("connection", (socket) => {
    connections.add(socket, aedes.handle(socket));
  });
  server.on("drop", () => {
    tally.refusedConnections += 1;
    warn("broker.connection-refused", { connections: CONNECTION_COUNT_MAX });
  });
  return server;
};

/** The events of aedes that count. An `error` without a listener would end the process. */
const observe = (
  aedes: Aedes,
  { connections, tally, warn }: { connections: Connections; tally: Tally; warn: Warn },
): void => {
  aedes.on("client", connections.accept);
  aedes.on("clientError", onClientError(connections));
  aedes.on("connectionError", onClientError(connections));
  const emitter: EventEmitter = aedes; // aedes' types leave `error` out
  emitter.on("error", (error: Error) => {
    warn("broker.error", { detail: error.message });
  });
  aedes.on("publish", (_packet, client) => {
    if (client !== null) tally.published += 1;
  });
  aedes.on("unsubscribe", (filters, client) => {
    for (const filter of filters) connections.of(client)?.filters.delete(filter);
  });
};

/**
 * Starts a broker. It keeps everything in memory, and nothing of it outlives the process; nothing
 * in tapmesh depends on it (see README). Left: nothing was left behind, trying again is safe.
 */
export const startBroker = async (
  deps: BrokerDeps,
  options: BrokerOptions,
): Promise<E.Either<BrokerError, EmbeddedBroker>> => {
  const { journal } = deps;
  const warn = createWarn(journal, () => performance.now());
  const tally = createTally();
  const retained = createRetainedBudget();
  const connections = createConnections(tally, warn);
  const aedes = await Aedes.createBroker({
    mq: createDelivery(),
    concurrency: 0, // here only the factor of aedes' setMaxListeners: no limit
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: SUBSCRIBER_DRAIN_TIMEOUT_MS,
    maxTopicLevels: TOPIC_LEVEL_COUNT_MAX,
    maxInflightInbound: INBOUND_QOS2_COUNT_MAX,
    ...createRules({ connections, retained, tally, warn, mayPublish: options.mayPublish }),
  });
  observe(aedes, { connections, tally, warn });
  const server = createServerFor(aedes, { connections, tally, warn });
  const listening = await listen(server, options);
  if (E.isLeft(listening)) {
    await closeAedes(aedes);
    return listening;
  }
  // Whoever reaches the port can connect under any gateway's id.
  if (!isLoopback(options.host)) journal.warn("broker.open-to-network", { host: options.host });
  // Accepting can fail later too, when file descriptors run out; without a listener that would end
  // the process.
  server.on("error", (error) => {
    warn("broker.error", { detail: error.message });
  });

  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    await Promise.race([closeAedes(aedes), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    connections.destroyAll();
    await closed;
  };
  let closing: Promise<void> | undefined;
  return E.right({
    host: options.host,
    port: listening.right,
    counters: () => ({
      ...tally,
      clients: connections.clientCount(),
      connections: connections.count(),
      retained: retained.count(),
      retainedBytes: retained.bytes(),
    }),
    close: async () => (closing ??= close()),
  });
};
