/**
 * The process that owns nfc-pcsc: forked by the gateway, killed by it when silent. nfc-pcsc can spin
 * for ever and crash, and must do neither in the process that keeps the log.
 */
import type { NFC, Reader } from "nfc-pcsc";
import * as E from "fp-ts/lib/Either.js";
import { PCSC_HEARTBEAT_PERIOD_MS, READER_ROUND_TRIP_PERIOD_MS } from "#gateway/limits.ts";
import { textOf } from "#gateway/reader/pcsc/error-text.ts";
import {
  type ChildMessage,
  decodeParentMessage,
  EXIT_MODULE_UNLOADABLE,
  EXIT_PARENT_GONE,
  EXIT_PCSCD_GONE,
  EXIT_PCSCD_REFUSED,
  type ParentMessage,
} from "#gateway/reader/pcsc/messages.ts";
import { hardwareOf } from "#gateway/reader/pcsc/nfc-reader.ts";
import { connectPcscd } from "#gateway/reader/pcsc/pcscd-socket.ts";
import { createSession, type Session } from "#gateway/reader/pcsc/session.ts";

/** CLOCK_MONOTONIC, and so the same as the gateway's. */
const monoMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

const sessions = new Map<string, Session>();

let isLeaving = false;

/** Through setImmediate: inside an event of nfc-pcsc, process.exit() would wait for itself. */
const leave = (exitCode: number, why: string): void => {
  if (isLeaving) return;
  isLeaving = true;
  process.stderr.write(why);
  setImmediate(() => process.exit(exitCode));
};

const report = (message: ChildMessage): void => {
  // While leaving, a reader's end is a consequence, and would be taken for the cause.
  if (isLeaving && message._tag === "ReaderDown") return;
  // A failed send means that the parent is gone; "disconnect" says so, and ends this process.
  process.send?.(message, undefined, undefined, () => undefined);
};

const onParentMessage = (message: ParentMessage): void => {
  const session = sessions.get(message.name);
  switch (message._tag) {
    case "Use":
      session?.use(message.scope);
      return;
    case "Reselect":
      session?.reselect();
      return;
    case "Feedback":
      if (session === undefined) {
        const { request } = message;
        report({ _tag: "FeedbackDone", request, error: { _tag: "ReaderAway" } });
      }
      session?.feedback(message.request, message.signal);
      return;
    case "Exchange":
      if (session === undefined) {
        report({ _tag: "ExchangeDone", request: message.request, response: new Uint8Array() });
      }
      session?.exchange(message.request, message.cardMonoMs, message.apdu);
      return;
  }
};

const addReader = (reader: Reader): void => {
  const { name } = reader;
  const session = createSession(hardwareOf(reader), monoMs, report);
  sessions.set(name, session);
  reader.reader.on("status", ({ state, atr = Buffer.alloc(0) }) => {
    session.onStatus({ state, atr, wallMs: Date.now(), monoMs: monoMs() });
  });
  // Its states are no longer followed then, and only another process can have them followed again.
  reader.on("error", (error) => leave(EXIT_PCSCD_GONE, error.message));
  reader.on("end", () => {
    if (sessions.get(name) === session) sessions.delete(name);
    session.onEnd(monoMs());
  });
  session.begin(); // not at its first state, or the order of several readers would be chance
};

/** A native module: it may be absent, or built for another Node. */
const loadNfc = async (): Promise<E.Either<string, typeof NFC>> => {
  try {
    const module = await import("nfc-pcsc");
    return E.right(module.NFC);
  } catch (error) {
    return E.left(textOf(error));
  }
};

const run = async (): Promise<void> => {
  // Before anything that may block: the parent measures silence from here.
  report({ _tag: "Heartbeat" });
  setInterval(() => report({ _tag: "Heartbeat" }), PCSC_HEARTBEAT_PERIOD_MS);
  setInterval(() => {
    for (const session of sessions.values()) session.ask();
  }, READER_ROUND_TRIP_PERIOD_MS);
  const loaded = await loadNfc();
  if (E.isLeft(loaded)) {
    leave(EXIT_MODULE_UNLOADABLE, loaded.left);
    return;
  }
  // Held open beside nfc-pcsc, which does not always tell when pcscd ends: if that happens just as
  // it lists the readers, it overwrites the error with the list and falls silent.
  const pcscd = await connectPcscd();
  void pcscd.closed.then(() => leave(EXIT_PCSCD_GONE, "pcscd closed the connection"));
  if (pcscd.probe !== "running") return;
  try {
    const nfc = new loaded.right();
    nfc.on("reader", addReader);
    nfc.on("error", (error) => leave(EXIT_PCSCD_GONE, error.message));
  } catch (error) {
    leave(EXIT_PCSCD_REFUSED, textOf(error));
  }
};

// Ctrl-C and systemd signal the whole group. This process ends when its parent does, no sooner.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("disconnect", () => leave(EXIT_PARENT_GONE, "the gateway is gone"));
process.on("message", (value) => {
  const message = decodeParentMessage(value);
  if (E.isLeft(message)) throw new Error(`message malformed: ${message.left.tag}`);
  onParentMessage(message.right);
});
await run();
