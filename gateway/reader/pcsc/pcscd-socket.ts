/** Whether pcscd can be reached. Asked before nfc-pcsc is: without pcscd that spins for ever. */
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const SOCKET_DEFAULT = "/run/pcscd/pcscd.comm";
const CONNECT_TIMEOUT_MS = 1_000;
/** pcscd accepts everybody, asks polkit, and only then hangs up on whom it does not want. */
const HANG_UP_WAIT_MS = 100;

export type PcscdProbe =
  /** Somebody accepts connections; under socket activation, asking has started pcscd. */
  | "running"
  /** No socket, or nobody behind it. */
  | "missing"
  /** A socket that this user may not open, or pcscd hangs up at once. */
  | "refused";

/** Whether pcscd does its work: one that is frozen has its connections accepted by the kernel, and never answers. */
export type PcscdPulse = "answers" | "silent" | "missing";

export interface PcscdConnection extends Disposable {
  readonly probe: PcscdProbe;
  /** Resolves when pcscd ends or hangs up; at once unless it is running. */
  readonly closed: Promise<void>;
}

/** Where libpcsclite looks for pcscd. */
const pcscdSocketPath = (): string => process.env["PCSCLITE_CSOCK_NAME"] ?? SOCKET_DEFAULT;

const outcomeOf = (error: NodeJS.ErrnoException): PcscdProbe =>
  error.code === "ENOENT" || error.code === "ECONNREFUSED" ? "missing" : "refused";

/** Connects to pcscd and says nothing, until disposed of. Takes at most 1 s; never rejects. */
export const connectPcscd = async (): Promise<PcscdConnection> => {
  const socket = createConnection(pcscdSocketPath());
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
  });
  const probe = await new Promise<PcscdProbe>((resolve) => {
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => resolve("refused"));
    socket.once("connect", () => resolve("running"));
    socket.on("error", (error) => resolve(outcomeOf(error)));
  });
  socket.setTimeout(0);
  if (probe === "running") socket.resume();
  else socket.destroy();
  return { probe, closed, [Symbol.dispose]: () => socket.destroy() };
};

/** Whether pcscd can be reached and wants us. Takes at most 1.1 s; never rejects. */
export const probePcscd = async (): Promise<PcscdProbe> => {
  using connection = await connectPcscd();
  if (connection.probe !== "running") return connection.probe;
  const hungUp = connection.closed.then((): PcscdProbe => "refused");
  const stayed = sleep<PcscdProbe>(HANG_UP_WAIT_MS, "running");
  return await Promise.race([hungUp, stayed]);
};

/**
 * "Which version do you speak?", the first words of every client: two words of header (size, command), then
 * major, minor and room for the result, in the machine's own byte order. Source: pcsc-lite, winscard_msg.h.
 */
const VERSION_ASKED = new Uint32Array([12, 0x11, 4, 4, 0]);
const PULSE_TIMEOUT_MS = 800;

/** Whether pcscd answers, be it with a refusal. Takes at most 0.8 s; never rejects. */
export const feelPcscdPulse = (): Promise<PcscdPulse> =>
  new Promise((resolve) => {
    const socket = createConnection(pcscdSocketPath());
    const end = (pulse: PcscdPulse): void => {
      resolve(pulse);
      socket.destroy();
    };
    const timer = setTimeout(() => end("silent"), PULSE_TIMEOUT_MS);
    socket.once("connect", () => socket.write(new Uint8Array(VERSION_ASKED.buffer)));
    socket.once("data", () => end("answers"));
    socket.on("error", (error) => end(outcomeOf(error) === "missing" ? "missing" : "answers"));
    socket.once("close", () => {
      clearTimeout(timer);
      end("answers"); // it hung up on us; whatever was said before stands
    });
  });
