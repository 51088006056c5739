/** The brokers that must all behave alike where tapmesh relies on it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { startBroker } from "#broker/embedded.ts";
import { openSocket } from "#test/contract/broker-clients.ts";

export interface RunningBroker {
  readonly port: number;
  readonly close: () => Promise<void>;
}

export interface Engine {
  readonly name: string;
  readonly start: () => Promise<RunningBroker>;
}

const silent = { info: (): void => {}, warn: (): void => {} };

const embedded: Engine = {
  name: "embedded",
  start: async () => {
    const options = { host: "127.0.0.1", port: 0, mayPublish: (): boolean => true };
    const started = await startBroker({ journal: silent }, options);
    if (E.isLeft(started)) throw new Error(JSON.stringify(started.left));
    return started.right;
  },
};

/**
 * Mosquitto can't choose a port by itself. Another process may take this one in between; then the
 * start fails.
 */
const findFreePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
};

const MOSQUITTO = "/usr/sbin/mosquitto";

const isListening = async (port: number): Promise<boolean> => {
  try {
    (await openSocket(port)).destroy();
    return true;
  } catch {
    return false;
  }
};

const mosquitto: Engine = {
  name: "mosquitto",
  start: async () => {
    if (!existsSync(MOSQUITTO)) throw new Error("apt-get install mosquitto");
    const folder = await mkdtemp(join(tmpdir(), "tapmesh-mosquitto-"));
    const port = await findFreePort();
    const config = join(folder, "mosquitto.conf");
    const lines = [`listener ${port} 127.0.0.1`, "allow_anonymous true", "set_tcp_nodelay true"];
    await writeFile(config, `${lines.join("\n")}\n`);
    const child = spawn(MOSQUITTO, ["-c", config], { stdio: "ignore" });
    const close = async (): Promise<void> => {
      if (child.exitCode === null) {
        const exited = once(child, "exit");
        child.kill();
        await exited;
      }
      await rm(folder, { recursive: true });
    };
    for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt += 1) {
      if (await isListening(port)) return { port, close };
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    await close();
    throw new Error("mosquitto did not listen within 2 s");
  },
};

export const engines: ReadonlyArray<Engine> = [embedded, mosquitto];
