/** Three gateways and a broker as processes of their own on this machine, that can be killed and cut off. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { askGateway } from "#gateway/control/client.ts";
import type { StatusView } from "#gateway/control/protocol.ts";
import { layWire, type CuttableWire } from "#gateway/demo/cuttable-wire.ts";
import { loadGatewayKey } from "#gateway/fleet/fleet-files.ts";
import { nodeCrypto, randomBytes, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import { addGateway, initFleet, signDraft } from "#provisioning/roster/fleet-folder.ts";

export const DEMO_GATEWAYS = ["lobby", "dock", "yard"] as const;
const BROKER_PORT = 18_830;
const RESTART_DELAY_MS = 1_000;

const configText = (folder: string, gateway: string, brokerPort: number): string =>
  [
    `gateway: ${gateway}`,
    "fleet: demo",
    `data_dir: ${join(folder, gateway)}`,
    `fleet_dir: ${join(folder, "fleet")}`,
    "readers:",
    "  - id: sim-1",
    "    driver: simulated",
    "    audit: first",
    "link:",
    `  brokers: [mqtt://127.0.0.1:${brokerPort}]`,
    "",
  ].join("\n");

const orThrow = <A>(result: E.Either<{ readonly _tag: string }, A>): A => {
  if (E.isRight(result)) return result.right;
  throw new Error(`the demonstration can't be set up: ${result.left._tag}`);
};

/** Makes the fleet's keys and a roster of the three. */
const makeFleet = (folder: string): void => {
  const crypto = { ...nodeCrypto, randomBytes, signingKeyFromSeed };
  const fleetDir = join(folder, "fleet");
  orThrow(initFleet(crypto, fleetDir, "demo"));
  for (const name of DEMO_GATEWAYS) {
    const { publicKey } = orThrow(loadGatewayKey(join(folder, name)));
    orThrow(addGateway(crypto, fleetDir, { name, site: "main", key: publicKey, status: "active" }));
  }
  orThrow(signDraft(crypto, fleetDir));
};

/** A process that is started again after it dies, unless it was told to stay down. */
class Lasting {
  readonly #args: ReadonlyArray<string>;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #wanted = false;

  constructor(args: ReadonlyArray<string>, logFile: string) {
    this.#args = args;
    this.#logFile = logFile;
  }

  get isUp(): boolean {
    return this.#child !== undefined;
  }

  up(): void {
    this.#wanted = true;
    if (this.#child !== undefined) return;
    const log = openSync(this.#logFile, "a");
    const child = spawn(process.execPath, [...this.#args], { stdio: ["ignore", log, log] });
    this.#child = child;
    child.once("exit", () => {
      this.#child = undefined;
      setTimeout(() => {
        if (this.#wanted) this.up();
      }, RESTART_DELAY_MS).unref();
    });
  }

  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  async down(): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (child === undefined) return;
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
  }
}

export interface DemoGateway {
  readonly name: string;
  readonly socket: string;
  readonly process: Lasting;
  readonly wire: CuttableWire;
}

export interface DemoFleet {
  readonly gateways: ReadonlyArray<DemoGateway>;
  readonly broker: Lasting;
  readonly stop: () => Promise<void>;
}

/** Starts afresh in `folder`: whatever an earlier demonstration left there is deleted. */
export const startDemoFleet = async (folder: string, mainFile: string): Promise<DemoFleet> => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  makeFleet(folder);
  const listen = `127.0.0.1:${BROKER_PORT}`;
  const broker = new Lasting([mainFile, "broker", "--listen", listen], join(folder, "broker.log"));
  broker.up();
  const gateways: DemoGateway[] = [];
  for (const name of DEMO_GATEWAYS) {
    const wire = await layWire(BROKER_PORT);
    const config = join(folder, `${name}.yaml`);
    writeFileSync(config, configText(folder, name, wire.port));
    const lasting = new Lasting([mainFile, "run", "--config", config], join(folder, `${name}.log`));
    lasting.up();
    gateways.push({ name, socket: join(folder, name, "control.sock"), process: lasting, wire });
  }
  const stop = async (): Promise<void> => {
    await Promise.all(gateways.map((gateway) => gateway.process.down()));
    await broker.down();
    for (const { wire } of gateways) wire.close();
  };
  return { gateways, broker, stop };
};

export const statusOf = async (gateway: DemoGateway): Promise<StatusView | null> => {
  const status = await askGateway(gateway.socket, { verb: "status" });
  return E.isRight(status) ? status.right : null;
};

/** Waits until all gateways answer. */
export const untilReady = async (fleet: DemoFleet, timeoutMs: number): Promise<boolean> => {
  for (let waited = 0; waited < timeoutMs; waited += 50) {
    const answers = await Promise.all(fleet.gateways.map(statusOf));
    if (answers.every((status) => status !== null)) return true;
    await delay(50);
  }
  return false;
};
