/** A gateway as `tapmesh run` starts it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { nowMs } from "#test/bench/clock.ts";

/** As in gateway/tapmesh.sh. */
export const NODE_FLAGS: ReadonlyArray<string> = [
  "--max-semi-space-size=1",
  "--disable-warning=ExperimentalWarning",
];
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 6_000;

export class GatewayProcess implements AsyncDisposable {
  readonly pid: number;
  /** From the call of spawn until the line `gateway.ready`, ms. */
  readonly readyMs: number;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, readyMs: number) {
    this.#process = child;
    this.pid = child.pid ?? 0;
    this.readyMs = readyMs;
  }

  static async start(
    mainFile: string,
    configFile: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<GatewayProcess> {
    const startMs = nowMs();
    const child = spawn(
      process.execPath,
      [...NODE_FLAGS, mainFile, "run", "--config", configFile],
      { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] },
    );
    const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.includes(`"gateway.ready"`)) continue;
      const readyMs = nowMs() - startMs;
      clearTimeout(timer);
      child.stdout.resume();
      return new GatewayProcess(child, readyMs);
    }
    throw new Error(`${mainFile} did not become ready`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    this.#process.kill("SIGTERM");
    await exited;
    clearTimeout(timer);
  }
}
