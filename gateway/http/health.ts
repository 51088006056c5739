/** `/livez` and `/readyz` for supervisors and load balancers, on loopback. */
import { createServer, type Server } from "node:http";
import * as E from "fp-ts/lib/Either.js";
import type { ListenAddress } from "#gateway/config/config.ts";

/** Whether taps can be taken: each part by name, with a reason where it is not ready. */
export interface Readiness {
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, string>>;
}

export type HttpError = {
  readonly _tag: "HttpListenRefused";
  readonly address: ListenAddress;
  readonly detail: string;
};

export interface HealthServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** A broker is not among what readiness asks for: a gateway without network takes taps. */
export const startHealthServer = (
  address: ListenAddress,
  readiness: () => Readiness,
): Promise<E.Either<HttpError, HealthServer>> => {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (request.url === "/livez") answer(200, { live: true });
    else if (request.url === "/readyz") {
      const state = readiness();
      answer(state.ready ? 200 : 503, state);
    } else answer(404, { error: "there is /livez and /readyz" });
  });
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  return new Promise((resolve) => {
    server.once("error", (error) => {
      resolve(E.left({ _tag: "HttpListenRefused", address, detail: error.message }));
    });
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
      resolve(E.right({ port, close: () => closeServer(server) }));
    });
  });
};
