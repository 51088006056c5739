/** The control socket of a running gateway. Who may open it is said by the mode of its folder. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import {
  REQUEST_BYTES_MAX,
  type DeviceRevert,
  type WatchEvent,
} from "#gateway/control/protocol.ts";
import { parseRequest } from "#gateway/control/request.ts";
import { readLines, writeAndDrain, writeLine } from "#gateway/control/socket-lines.ts";
import type { ControlVerbs } from "#gateway/control/verbs.ts";
import type { Journal } from "#gateway/ports.ts";

/** Bytes waiting for a watcher that doesn't read; beyond it the watcher is dropped. */
const WATCHER_PENDING_BYTES_MAX = 1024 * 1024;

const serveWatcher = (socket: Socket, verbs: ControlVerbs): void => {
  const send = (event: WatchEvent): void => {
    if (socket.writableLength > WATCHER_PENDING_BYTES_MAX) socket.destroy();
    else writeLine(socket, event);
  };
  const stop = verbs.watch(send);
  socket.once("close", stop);
};

const answerLine = async (socket: Socket, verbs: ControlVerbs, line: string): Promise<void> => {
  const request = parseRequest(line);
  if (E.isLeft(request)) writeLine(socket, { error: request.left });
  else if (request.right.verb === "watch") serveWatcher(socket, verbs);
  else {
    const tell = (progress: DeviceRevert): Promise<void> => writeAndDrain(socket, { progress });
    const answer = await verbs.run(request.right, tell);
    writeLine(socket, E.isLeft(answer) ? { error: answer.left } : { result: answer.right });
  }
};

export interface ControlServer {
  readonly close: () => Promise<void>;
}

export type ControlServerError = {
  readonly _tag: "ControlSocketRefused";
  readonly path: string;
  readonly detail: string;
};

const closeServer = (server: Server, sockets: ReadonlySet<Socket>): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });

/** Listens; a socket that a dead process left behind is replaced (the data directory's lock says that it is dead). */
export const startControlServer = (
  path: string,
  verbs: ControlVerbs,
  journal: Journal,
): Promise<E.Either<ControlServerError, ControlServer>> => {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", (error) => journal.info("control.error", { detail: error.message }));
    readLines(socket, REQUEST_BYTES_MAX, (line) => void answerLine(socket, verbs, line));
  });
  return new Promise((resolve) => {
    server.once("error", (error) => {
      resolve(E.left({ _tag: "ControlSocketRefused", path, detail: error.message }));
    });
    server.listen(path, () => {
      chmodSync(path, 0o660);
      resolve(E.right({ close: () => closeServer(server, sockets) }));
    });
  });
};
