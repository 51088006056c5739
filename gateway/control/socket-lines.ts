/** JSON lines over a Unix socket, both ways. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { CONTROL_LINE_BYTES_MAX } from "#gateway/control/protocol.ts";

/** Calls back with each whole line. A line over the limit ends the connection. */
export const readLines = (socket: Socket, onLine: (line: string) => void): void => {
  let pending = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    if (pending.length > CONTROL_LINE_BYTES_MAX) socket.destroy();
    for (const line of lines) onLine(line);
  });
};

export const writeLine = (socket: Socket, message: unknown): void => {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
};

/** Resolves when the other end has room for more, or is gone. */
export const writeAndDrain = async (socket: Socket, message: unknown): Promise<void> => {
  writeLine(socket, message);
  if (!socket.writableNeedDrain) return;
  const either = new AbortController();
  const { signal } = either;
  await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]);
  either.abort(); // takes the other listener away
};
