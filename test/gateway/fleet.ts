/** A fleet in a temporary folder: keys, a signed roster, gateways and brokers as processes. */
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { fleetCrypto } from "#gateway/cli/own-fleet.ts";
import { loadCardKey, loadGatewayKey } from "#gateway/fleet/fleet-files.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { addGateway, initFleet, signDraft } from "#provisioning/roster/fleet-folder.ts";
import { BrokerProcess, type BrokerPlace } from "#test/gateway/broker-process.ts";
import { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { MosquittoProcess } from "#test/gateway/mosquitto-process.ts";

export interface GatewayOptions {
  /** Ids of simulated readers. */
  readonly readers?: ReadonlyArray<string>;
  readonly audit?: "now" | "first";
  /** Further lines of YAML for some of them. */
  readonly readerLines?: Readonly<Record<string, ReadonlyArray<string>>>;
  readonly brokers?: ReadonlyArray<{ readonly host?: string; readonly port: number }>;
  /** Another folder than the usual one. */
  readonly dataDir?: string;
  readonly fleetDir?: string;
  /** Environment of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the process. */
  readonly within?: ReadonlyArray<string>;
  /** Further lines of YAML. */
  readonly lines?: ReadonlyArray<string>;
}

/** The value of an `Either` that a test takes for granted. */
export const right = <L, A>(result: E.Either<L, A>): A => {
  if (E.isRight(result)) return result.right;
  throw new Error(`expected a Right: ${JSON.stringify(result.left)}`);
};

export class TestFleet implements AsyncDisposable {
  readonly name: string;
  /** Holds everything; short enough for the path of a Unix socket. */
  readonly folder: string;
  readonly fleetDir: string;
  readonly #processes: Array<{ readonly kill: () => Promise<unknown> }> = [];

  /** The gateways are in the roster, version 2; none has run. */
  constructor(gateways: ReadonlyArray<string>, name = "acme") {
    this.name = name;
    this.folder = mkdtempSync(join(tmpdir(), "tapmesh-"));
    this.fleetDir = join(this.folder, "fleet");
    right(initFleet(fleetCrypto, this.fleetDir, name));
    for (const gateway of gateways) this.list(gateway);
    if (gateways.length > 0) this.sign();
  }

  dataDir(gateway: string): string {
    return join(this.folder, gateway);
  }

  /** The key that the gateway has made itself, or makes now. */
  keyOf(gateway: string, dataDir: string = this.dataDir(gateway)): SigningKey {
    return right(loadGatewayKey(dataDir));
  }

  /** Puts a gateway into the roster's draft. */
  list(gateway: string, dataDir: string = this.dataDir(gateway)): void {
    const key = this.keyOf(gateway, dataDir).publicKey;
    const listed = { name: gateway, site: "main", key, status: "active" } as const;
    right(addGateway(fleetCrypto, this.fleetDir, listed));
  }

  sign(): void {
    right(signDraft(fleetCrypto, this.fleetDir));
  }

  /** Writes a configuration file and returns its path. */
  config(gateway: string, options: GatewayOptions = {}): string {
    const { readers = ["r1"], audit = "first", brokers = [], lines = [] } = options;
    const dataDir = options.dataDir ?? this.dataDir(gateway);
    const urls = brokers.map(({ host = "127.0.0.1", port }) => `mqtt://${host}:${port}`);
    const file = join(this.folder, `${basename(dataDir)}.yaml`);
    const readerLines = readers.flatMap((id) => [
      `  - id: ${id}`,
      "    driver: simulated",
      `    audit: ${audit}`,
      ...(options.readerLines?.[id] ?? []).map((line) => `    ${line}`),
    ]);
    const text = [
      `gateway: ${gateway}`,
      `fleet: ${this.name}`,
      `data_dir: ${dataDir}`,
      `fleet_dir: ${options.fleetDir ?? this.fleetDir}`,
      ...(readers.length === 0 ? [] : ["readers:", ...readerLines]),
      ...(urls.length === 0 ? [] : ["link:", `  brokers: [${urls.join(", ")}]`]),
      ...lines,
      "",
    ];
    writeFileSync(file, text.join("\n"));
    return file;
  }

  /** A gateway that has not been started. */
  gateway(name: string, options: GatewayOptions = {}): GatewayProcess {
    const dataDir = options.dataDir ?? this.dataDir(name);
    const gateway = new GatewayProcess(this.config(name, options), dataDir, options);
    this.#processes.push(gateway);
    return gateway;
  }

  /** A broker that runs. */
  async broker(place: BrokerPlace = {}): Promise<BrokerProcess> {
    const broker = new BrokerProcess(place);
    this.#processes.push(broker);
    await broker.start();
    return broker;
  }

  /** Another engine that runs. */
  async mosquitto(): Promise<MosquittoProcess> {
    const broker = new MosquittoProcess(this.folder);
    this.#processes.push(broker);
    await broker.start();
    return broker;
  }

  /** What stands in records for a card, in hex. */
  cardOf(uid: string): string {
    const cardKey = join(this.fleetDir, "card.key");
    const key = right(loadCardKey({ cardKey }));
    return createHmac("sha256", key).update(uid, "hex").digest("hex").slice(0, 32);
  }

  /** A folder below the fleet's. */
  subfolder(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
