/** The broker's connections: why each ends, and that a client id has one at most. */
import type { Socket } from "node:net";
import type { Client } from "aedes";
import type { Tally } from "#broker/counters.ts";
import { createPacketGuard } from "#broker/packet-guard.ts";
import type { ConnectRefusal } from "#broker/connect-rules.ts";
import { excerpt, type Warn } from "#broker/warnings.ts";

/** Why the broker itself ends a connection. */
export type EndReason =
  "packet-refused" | "protocol-error" | "publish-denied" | "subscriber-slow" | "connect-refused";

const tallyOf = {
  "packet-refused": "refusedPackets",
  "protocol-error": "protocolErrors",
  "publish-denied": "deniedPublishes",
  "subscriber-slow": "droppedClients",
  "connect-refused": "refusedConnects",
} as const satisfies Record<EndReason, keyof Tally>;

interface Connection {
  readonly socket: Socket;
  /** Its topic filters. */
  readonly filters: Set<string>;
  /**
   * What `preConnect` found; `authenticate`, which alone can answer with a return code, sends it.
   */
  refusal: ConnectRefusal | undefined;
  isEnding: boolean;
}

export interface Connections {
  /** Takes over a socket that aedes already reads. */
  readonly add: (socket: Socket, client: Client) => void;
  /** Undefined only for a client that aedes made without a socket, which it never does. */
  readonly of: (client: Client) => Connection | undefined;
  /**
   * Counts and warns, the first time only, and destroys the socket unless it shall end by itself.
   */
  readonly end: (client: Client, reason: EndReason, detail: string) => void;
  /**
   * The client has been accepted: one with the same id that is still there ends now. aedes does the
   * same, but forgets a client whose CONNECT came together with the end of its predecessor.
   */
  readonly accept: (client: Client) => void;
  readonly clientCount: () => number;
  readonly count: () => number;
  readonly destroyAll: () => void;
}

/**
 * Lost connections are the network's doing and part of life; only what a client did wrong is
 * counted.
 */
const reasonOf = (error: Error): EndReason | undefined => {
  if ("code" in error) return undefined; // ECONNRESET and its like
  switch (error.message) {
    case "drain timeout":
      return "subscriber-slow";
    case "connection closed": // a delivery that was under way when the client left
    case "keep alive timeout":
      return undefined;
    default:
      return "protocol-error";
  }
};

export const createConnections = (tally: Tally, warn: Warn): Connections => {
  const sockets = new Set<Socket>();
  const byClient = new WeakMap<Client, Connection>();
  const accepted = new Map<string, Client>();

  const end = (client: Client, reason: EndReason, detail: string): void => {
    const connection = byClient.get(client);
    if (connection === undefined || connection.isEnding) return;
    connection.isEnding = true;
    tally[tallyOf[reason]] += 1;
    // before CONNECT there is no id, the types notwithstanding
    const clientId = excerpt(client.id ?? "");
    warn(`broker.${reason}`, { clientId, detail: excerpt(detail) });
    // a refused CONNECT is answered first; aedes then closes
    if (reason !== "connect-refused") connection.socket.destroy();
  };

  const add = (socket: Socket, client: Client): void => {
    const connection = { socket, filters: new Set<string>(), refusal: undefined, isEnding: false };
    const guard = createPacketGuard();
    sockets.add(socket);
    byClient.set(client, connection);
    // Node emits `data` inside `read()`, before aedes' parser gets the bytes. The listener must
    // come after aedes' own for `readable`, or it would start the flow by itself.
    socket.on("data", (read: Buffer) => {
      const refusal = connection.isEnding ? undefined : guard(read);
      if (refusal !== undefined) end(client, "packet-refused", refusal._tag);
    });
    socket.once("close", () => {
      sockets.delete(socket);
      if (accepted.get(client.id) === client) accepted.delete(client.id);
    });
  };

  const accept = (client: Client): void => {
    const socket = byClient.get(client)?.socket;
    if (socket === undefined || socket.destroyed) return; // left while its predecessor was ending
    const old = accepted.get(client.id);
    accepted.set(client.id, client);
    if (old !== undefined && old !== client) byClient.get(old)?.socket.destroy();
  };

  return {
    add,
    of: (client) => byClient.get(client),
    end,
    accept,
    clientCount: () => accepted.size,
    count: () => sockets.size,
    destroyAll: () => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      accepted.clear();
    },
  };
};

/** Ends a connection over an error that aedes reports. */
export const onClientError =
  (connections: Connections) =>
  (client: Client, error: Error): void => {
    const reason = reasonOf(error);
    if (reason !== undefined) connections.end(client, reason, error.message);
  };
