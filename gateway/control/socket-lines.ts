/** JSON lines over a Unix socket, both ways. */
import { once } from "node:events";
import type { Socket } from "node:net";

/** Calls back with each whole line. A line over the limit (bytes, and never more characters) ends the connection. */
export const readLines = (
  socket: Socket,
  bytesMax: number,
  onLine: (line: string) => void,
): void => {
  // Pieces, not one text: an answer of many megabytes would be searched anew with each packet of it.
  let pieces: string[] = [];
  let length = 0;
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const [first = "", ...rest] = chunk.split("\n");
    pieces.push(first);
    length += first.length;
    for (const next of rest) {
      const line = pieces.join("");
      pieces = [next];
      length = next.length;
      onLine(line);
    }
    if (length > bytesMax) socket.destroy();
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
