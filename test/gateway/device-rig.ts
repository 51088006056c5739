/** One gateway, its command line, and devices with a card each. */
import type { JsonValue } from "#gateway/queries/values.ts";
import { commandLine, type CommandResult } from "#test/gateway/command-line.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { uidOf } from "#test/gateway/taps.ts";

/** Numbers of cards that no test takes itself. */
const FIRST_CARD = 1_000;

export class DeviceRig implements AsyncDisposable {
  readonly fleet: TestFleet = new TestFleet(["lobby"]);
  readonly gateway: GatewayProcess = this.fleet.gateway("lobby");
  #nextCard = FIRST_CARD;

  async start(): Promise<this> {
    await this.gateway.start();
    return this;
  }

  /** `answer`: what a person at the terminal says. */
  cli(args: ReadonlyArray<string>, answer?: () => Promise<string>): Promise<CommandResult> {
    const all = [...args, "--config", this.gateway.config];
    return commandLine(all, this.fleet.folder, answer ?? null);
  }

  /** What it prints; it must succeed and complain of nothing. */
  async ok(...args: ReadonlyArray<string>): Promise<string> {
    const { code, out, err } = await this.cli(args);
    if (code !== 0 || err !== "") throw new Error(`${args.join(" ")}: exit ${code}, ${out} ${err}`);
    return out;
  }

  async recordCount(): Promise<number> {
    return (await this.gateway.records()).length;
  }

  /** The name of the newest record. */
  async newest(): Promise<string> {
    const record = (await this.gateway.records()).at(-1);
    return `${record?.epoch.slice(0, 8)}/${record?.seq}`;
  }

  async values(device: string): Promise<Readonly<Record<string, JsonValue>>> {
    const { values } = await this.gateway.device(device);
    return Object.fromEntries(values.map(({ key, value }) => [key, value]));
  }

  /** Enrols a device with a new card, and returns its UID. */
  async enrolled(device: string): Promise<string> {
    const uid = uidOf(this.#nextCard);
    this.#nextCard += 1;
    await this.gateway.enrol(device, uid);
    return uid;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.fleet[Symbol.asyncDispose]();
  }
}
