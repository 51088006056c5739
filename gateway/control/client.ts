/** The CLI's end of the control socket. */
import { connect, type Socket } from "node:net";
import * as E from "fp-ts/lib/Either.js";
import {
  ANSWER_BYTES_MAX,
  type ControlError,
  type ControlRequest,
  type DeviceRevert,
  type RequestOf,
  type ControlResults,
  type WatchEvent,
} from "#gateway/control/protocol.ts";
import { readLines, writeLine } from "#gateway/control/socket-lines.ts";

export type ControlFailure =
  /** Nobody listens: the gateway is not running, or another configuration is meant. */
  | { readonly _tag: "NotRunning"; readonly path: string }
  | { readonly _tag: "NotPermitted"; readonly path: string }
  | { readonly _tag: "ConnectionLost"; readonly path: string }
  | { readonly _tag: "Refused"; readonly error: ControlError };

const failureOf = (path: string, error: NodeJS.ErrnoException): ControlFailure => {
  if (error.code === "ENOENT" || error.code === "ECONNREFUSED") return { _tag: "NotRunning", path };
  return error.code === "EACCES"
    ? { _tag: "NotPermitted", path }
    : { _tag: "ConnectionLost", path };
};

interface AnswerLine {
  readonly progress?: DeviceRevert;
  readonly result?: unknown;
  readonly error?: ControlError;
}

/** Sends one request and waits for its answer; what comes before that is told line by line. */
export const askGateway = <Verb extends Exclude<ControlRequest["verb"], "watch">>(
  path: string,
  request: RequestOf<Verb>,
  onProgress: (progress: DeviceRevert) => void = () => undefined,
): Promise<E.Either<ControlFailure, ControlResults[Verb]>> =>
  new Promise((resolve) => {
    const socket: Socket = connect(path);
    socket.once("error", (error) => resolve(E.left(failureOf(path, error))));
    socket.once("close", () => resolve(E.left({ _tag: "ConnectionLost", path })));
    readLines(socket, ANSWER_BYTES_MAX, (line) => {
      // The process on the other end is this same code: the protocol file is the contract of both.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const answer = JSON.parse(line) as AnswerLine;
      if (answer.progress !== undefined) {
        onProgress(answer.progress);
        return;
      }
      if (answer.error !== undefined) resolve(E.left({ _tag: "Refused", error: answer.error }));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      else resolve(E.right(answer.result as ControlResults[Verb]));
      socket.end();
    });
    writeLine(socket, request);
  });

/** Calls back with each event until the signal aborts (Right) or the gateway goes away (Left). */
export const watchGateway = (
  path: string,
  onEvent: (event: WatchEvent) => void,
  signal: AbortSignal,
): Promise<E.Either<ControlFailure, void>> =>
  new Promise((resolve) => {
    const socket: Socket = connect(path);
    signal.addEventListener("abort", () => {
      resolve(E.right(undefined));
      socket.destroy();
    });
    socket.once("error", (error) => resolve(E.left(failureOf(path, error))));
    socket.once("close", () => resolve(E.left({ _tag: "ConnectionLost", path })));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    readLines(socket, ANSWER_BYTES_MAX, (line) => onEvent(JSON.parse(line) as WatchEvent));
    writeLine(socket, { verb: "watch" });
  });
