/** One run of the PC/SC child, as its parent sees it. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type * as E from "fp-ts/lib/Either.js";
import {
  type ChildMessage,
  decodeChildMessage,
  type MessageMalformed,
  type ParentMessage,
} from "#gateway/reader/pcsc/messages.ts";
import type { ChildExit } from "#gateway/reader/pcsc/supervision.ts";

/** Enough of stderr for the last words of a crash. */
const DETAIL_CHARS_MAX = 500;
/** pcscd serves at most 16 readers, and each may hold one thread while it does not answer. */
const THREADPOOL_SIZE = "16";

/** A release is bundled, and then has the child as one file beside its main one. */
const ENTRY = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./child.ts" : "./pcsc-child.js", import.meta.url),
);

export interface RunningChild {
  readonly send: (message: ParentMessage) => void;
  /** With SIGKILL: it has nothing to save, and may be beyond listening to anything else. */
  readonly kill: () => void;
}

export interface ChildListener {
  readonly onMessage: (message: E.Either<MessageMalformed, ChildMessage>) => void;
  /** Comes last, when all it has said has been heard. */
  readonly onExit: (exit: ChildExit) => void;
}

export const startChild = (listener: ChildListener): RunningChild => {
  const child = fork(ENTRY, [], {
    execArgv: [],
    serialization: "advanced", // an NDEF message stays bytes
    env: { ...process.env, UV_THREADPOOL_SIZE: THREADPOOL_SIZE },
    stdio: ["ignore", "ignore", "pipe", "ipc"], // stdout is the gateway's journal
  });
  let detail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    detail = (detail + text).slice(-DETAIL_CHARS_MAX);
  });
  child.on("message", (value) => listener.onMessage(decodeChildMessage(value)));
  child.on("error", (error) => {
    detail += error.message; // could not be forked or sent to; "close" follows
  });
  child.on("close", (code, signal) => listener.onExit({ code, signal, detail: detail.trim() }));
  return {
    // A failed send means that the child is ending, and "close" says so.
    send: (message) => child.send(message, () => undefined),
    kill: () => child.kill("SIGKILL"),
  };
};
