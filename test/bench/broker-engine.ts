/** Brokers in a process of their own, through which gateways are measured. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { engines } from "#test/contract/broker-engines.ts";
import { CHECKOUT } from "#test/bench/bundle.ts";
import { freePort } from "#test/bench/fleet.ts";
import { NODE_FLAGS } from "#test/bench/gateway-process.ts";

export interface BenchBroker extends AsyncDisposable {
  readonly port: number;
}

/** `tapmesh broker`: the embedded broker alone. */
const startAedes = async (): Promise<BenchBroker> => {
  const port = await freePort();
  const main = join(CHECKOUT, "gateway/main.ts");
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, main, "broker", "--listen", `127.0.0.1:${port}`],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  const dispose = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('"broker.listening"')) continue;
    child.stdout.resume();
    return { port, [Symbol.asyncDispose]: dispose };
  }
  throw new Error("the broker did not listen");
};

/** Debian's package: no persistence, TCP_NODELAY set, the rest as it comes. */
const startMosquitto = async (): Promise<BenchBroker> => {
  const engine = engines.find(({ name }) => name === "mosquitto");
  if (engine === undefined) throw new Error("no mosquitto");
  const { port, close } = await engine.start();
  return { port, [Symbol.asyncDispose]: close };
};

export type BrokerName = "aedes" | "mosquitto";

export const startBenchBroker = (name: BrokerName): Promise<BenchBroker> =>
  name === "aedes" ? startAedes() : startMosquitto();
