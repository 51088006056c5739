/** `tapmesh broker` as a process that can be killed and started again on its port. */
import { TapmeshChild } from "#test/gateway/child.ts";
import { freePort } from "#test/gateway/free-port.ts";

export class BrokerProcess {
  port = 0;
  #child: TapmeshChild | undefined;

  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const child = new TapmeshChild(["broker", "--listen", `127.0.0.1:${this.port}`]);
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
