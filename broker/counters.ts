/** What the broker has seen since its start. */
export interface BrokerCounters {
  /** Clients connected now (CONNACK sent); connections now, those before CONNECT included. */
  readonly clients: number;
  readonly connections: number;
  /** Messages of clients taken in and handed to subscribers. */
  readonly published: number;
  /**
   * Connections ended for a packet over a limit; for bytes that are not MQTT 3.1.1 or came too
   * late.
   */
  readonly refusedPackets: number;
  readonly protocolErrors: number;
  /** Connections ended for a publish that the client may not make. */
  readonly deniedPublishes: number;
  /** Subscribers disconnected because they read too slowly. */
  readonly droppedClients: number;
  /**
   * CONNECTs refused for their client id or will; connections refused because there were too many.
   */
  readonly refusedConnects: number;
  readonly refusedConnections: number;
  /** Topic filters refused because the client had too many. */
  readonly refusedSubscriptions: number;
  /**
   * Retained messages held, their cost in memory, and those delivered but not kept for want of
   * room.
   */
  readonly retained: number;
  readonly retainedBytes: number;
  readonly retainedNotKept: number;
}

/** The counters that only ever grow. */
export type Tally = {
  -readonly [
    name in Exclude<keyof BrokerCounters, "clients" | "connections" | "retained" | "retainedBytes">
  ]: number;
};

export const createTally = (): Tally => ({
  published: 0,
  refusedPackets: 0,
  protocolErrors: 0,
  deniedPublishes: 0,
  droppedClients: 0,
  refusedConnects: 0,
  refusedConnections: 0,
  refusedSubscriptions: 0,
  retainedNotKept: 0,
});
