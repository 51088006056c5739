/** The fleet that the drill plays on: three gateways at two sites, a broker, and the account of every tap. */
import { copyFileSync, cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { BrokerProcess } from "#test/gateway/broker-process.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { runTapmesh, type TapmeshChild } from "#test/gateway/child.ts";
import { uidOf, untilEqual } from "#test/gateway/taps.ts";

export const DEVICE = "cart-1";
export const UID: string = uidOf(1);
/** What a recovery may take before the drill has failed. */
export const RECOVERY_TIMEOUT_MS = 60_000;
const NAMES = ["lobby", "dock", "yard"];
const FIRST_TAPS = 4;

export class DrilledFleet implements AsyncDisposable {
  readonly fleet: TestFleet = new TestFleet(["lobby", "dock", "yard"]);
  readonly broker: BrokerProcess;
  readonly gateways: ReadonlyArray<GatewayProcess>;
  #tapped = 0;

  private constructor(broker: BrokerProcess) {
    this.broker = broker;
    this.gateways = NAMES.map((name) =>
      this.fleet.gateway(name, { brokers: [broker], fleetDir: this.#handOver(name) }),
    );
  }

  /** What a gateway is given of its fleet: never a key that signs. */
  #handOver(name: string): string {
    const folder = this.fleet.subfolder(`fleet-of-${name}`);
    for (const file of ["fleet.pub", "card.key", "roster.txt"]) {
      copyFileSync(join(this.fleet.fleetDir, file), join(folder, file));
    }
    return folder;
  }

  /** The operator copies the newest roster to one gateway; the others get it from there. */
  handOverRoster(name: string): void {
    const folder = this.fleet.subfolder(`fleet-of-${name}`);
    copyFileSync(join(this.fleet.fleetDir, "roster.txt"), join(folder, "roster.txt"));
  }

  async untilRoster(
    version: number,
    gateways: ReadonlyArray<GatewayProcess> = this.gateways,
  ): Promise<void> {
    await eventuallyTrue(
      `roster ${version} everywhere`,
      async () => {
        const states = await Promise.all(gateways.map((gateway) => gateway.status()));
        return states.every(({ rosterVersion }) => rosterVersion === version);
      },
      RECOVERY_TIMEOUT_MS,
    );
  }

  static async start(): Promise<DrilledFleet> {
    const broker = new BrokerProcess();
    await broker.start();
    const drilled = new DrilledFleet(broker);
    await Promise.all(drilled.gateways.map((gateway) => gateway.start()));
    await Promise.all(drilled.gateways.map((gateway) => gateway.untilConnected()));
    await drilled.gateway(0).enrol(DEVICE, UID);
    await untilEqual(drilled.gateways, RECOVERY_TIMEOUT_MS);
    for (const gateway of drilled.gateways) await drilled.tap(gateway, FIRST_TAPS);
    await drilled.settle();
    return drilled;
  }

  gateway(index: number): GatewayProcess {
    const gateway = this.gateways[index];
    if (gateway === undefined) throw new Error(`there is no gateway ${index}`);
    return gateway;
  }

  /** Taps the enrolled card; each must be accepted and recorded. */
  async tap(gateway: GatewayProcess, count = 1): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const { verdict, record } = await gateway.tap(UID);
      if (verdict !== "accepted" || record === null) throw new Error(`a tap was ${verdict}`);
      this.#tapped += 1;
    }
  }

  /** All hold the same, and every tap that was acknowledged counts once. Returns how many don't. */
  async settle(gateways: ReadonlyArray<GatewayProcess> = this.gateways): Promise<number> {
    await untilEqual(gateways, RECOVERY_TIMEOUT_MS);
    const visits = await gateways[0]?.value(DEVICE, "visits");
    return this.#tapped - Number(visits);
  }

  /** No own record of this gateway is on its disk alone. */
  async untilMirrored(gateway: GatewayProcess): Promise<void> {
    await eventuallyTrue(
      "every record on another disk too",
      async () => (await gateway.status()).risk.records === 0,
      RECOVERY_TIMEOUT_MS,
    );
  }

  /** The disk is gone, key and all. */
  loseDisk({ dataDir }: GatewayProcess): void {
    rmSync(dataDir, { recursive: true, force: true });
  }

  /** A copy of what is on the disk now, and a way to put it back. */
  imageOf({ dataDir }: GatewayProcess): () => void {
    const image = join(this.fleet.subfolder("images"), `${Date.now()}`);
    mkdirSync(image, { recursive: true });
    cpSync(dataDir, image, { recursive: true });
    return () => {
      rmSync(dataDir, { recursive: true, force: true });
      cpSync(image, dataDir, { recursive: true });
    };
  }

  /** Runs a verb to its end; what it wrote. */
  async command(...argv: ReadonlyArray<string>): Promise<string> {
    const { code, stdout, stderr } = await runTapmesh(argv, { cwd: this.fleet.folder });
    if (code !== 0) throw new Error(`${argv.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** `tapmesh restore` on a blank machine, up to its first second; the operator signs meanwhile. */
  async restore(gateway: GatewayProcess, ...options: ReadonlyArray<string>): Promise<TapmeshChild> {
    const child = gateway.spawn(["restore", ...options]);
    await child.line("gateway.ready");
    return child;
  }

  /** The operator signs what the machine asks for, and hands the roster to one gateway that lives. */
  async sign(gateway: GatewayProcess, handedTo: string): Promise<void> {
    const request = join(gateway.dataDir, "join-request.txt");
    await this.command("roster", "sign", request, "--dir", this.fleet.fleetDir);
    this.handOverRoster(handedTo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
    await this.broker.kill();
  }
}

/** How long something takes, s. */
export const seconds = async (work: () => Promise<void>): Promise<number> => {
  const beganMs = performance.now();
  await work();
  return (performance.now() - beganMs) / 1_000;
};
