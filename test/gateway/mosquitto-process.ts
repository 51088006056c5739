/** Mosquitto as a process that can be stopped, killed and started again on its port. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { DYING_WITH_PARENT } from "#test/gateway/child.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { freePort } from "#test/gateway/free-port.ts";

const MOSQUITTO = "/usr/sbin/mosquitto";

const isListening = async (port: number): Promise<boolean> => {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

export class MosquittoProcess {
  readonly host = "127.0.0.1";
  port = 0;
  readonly #folder: string;
  #child: ChildProcess | undefined;

  /** What it keeps on disk goes below that folder, which is the caller's to remove. */
  constructor(folder: string) {
    if (!existsSync(MOSQUITTO)) throw new Error("apt-get install mosquitto");
    this.#folder = mkdtempSync(join(folder, "mosquitto-"));
  }

  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const config = join(this.#folder, "mosquitto.conf");
    const lines = [
      `listener ${this.port} ${this.host}`,
      "allow_anonymous true",
      "set_tcp_nodelay true",
      "persistence true",
      `persistence_location ${this.#folder}/`,
      `user ${userInfo().username}`, // as root it would become a user who may not write there
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    const [program, ...options] = DYING_WITH_PARENT;
    this.#child = spawn(program, [...options, MOSQUITTO, "-c", config], { stdio: "ignore" });
    await eventuallyTrue("mosquitto listens", () => isListening(this.port), 5_000);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** In order: what it retains is on disk, and comes back with it. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** What it retained since its last start is gone with it. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }
}
