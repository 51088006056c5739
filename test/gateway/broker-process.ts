/** `tapmesh broker` as a process that can be killed and started again on its port. */
import { TapmeshChild } from "#test/gateway/child.ts";
import { freePort } from "#test/gateway/free-port.ts";

/** Where it listens, if not on a free port of loopback. */
export interface BrokerPlace {
  readonly host?: string;
  readonly port?: number;
  /** A command that becomes the process. */
  readonly within?: ReadonlyArray<string>;
}

export class BrokerProcess {
  readonly host: string;
  port: number;
  readonly #within: ReadonlyArray<string>;
  #child: TapmeshChild | undefined;

  constructor({ host = "127.0.0.1", port = 0, within = [] }: BrokerPlace = {}) {
    this.host = host;
    this.port = port;
    this.#within = within;
  }

  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const listen = `${this.host}:${this.port}`;
    const child = new TapmeshChild(["broker", "--listen", listen], { within: this.#within });
    this.#child = child;
    await child.line("broker.listening");
  }

  /** What it retained is gone with it. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }
}
