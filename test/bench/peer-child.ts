/** The parent's end of a gateway that runs in a process of its own. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { PeerAnswer, PeerRequest, PeerTimes } from "#test/bench/peer-process.ts";

const START_TIMEOUT_MS = 20_000;

// written by peer-process.ts on the other end of the same channel
const isAnswer = (message: unknown): message is PeerAnswer =>
  typeof message === "object" && message !== null && "_tag" in message;

export class PeerChild implements AsyncDisposable {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(configFile: string): Promise<PeerChild> {
    const script = new URL("./peer-process.ts", import.meta.url);
    const child = new PeerChild(
      fork(script, [configFile], {
        execArgv: [],
        serialization: "advanced", // the times are maps
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      }),
    );
    await child.#answer("Ready");
    return child;
  }

  tap(): void {
    this.#send("tap");
  }

  async enrol(): Promise<void> {
    const enrolled = this.#answer("Enrolled");
    this.#send("enrol");
    await enrolled;
  }

  async times(): Promise<PeerTimes> {
    const times = this.#answer("Times");
    this.#send("times");
    return await times;
  }

  #send(request: PeerRequest): void {
    this.#process.send(request);
  }

  #answer<Tag extends PeerAnswer["_tag"]>(tag: Tag): Promise<Extract<PeerAnswer, { _tag: Tag }>> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#process.off("message", onMessage);
        this.#process.off("exit", onExit);
      };
      const fail = (why: string): void => {
        end();
        reject(new Error(`${tag} did not come: ${why}`));
      };
      const onExit = (code: number | null): void => fail(`the gateway ended with ${code}`);
      const onMessage = (message: unknown): void => {
        if (!isAnswer(message) || !isTagged(message, tag)) return;
        end();
        resolve(message);
      };
      const timer = setTimeout(() => fail("time is up"), START_TIMEOUT_MS);
      this.#process.on("message", onMessage);
      this.#process.once("exit", onExit);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    this.#send("stop");
    await exited;
    clearTimeout(timer);
  }
}

const STOP_TIMEOUT_MS = 5_000;

const isTagged = <Tag extends PeerAnswer["_tag"]>(
  message: PeerAnswer,
  tag: Tag,
): message is Extract<PeerAnswer, { _tag: Tag }> => message._tag === tag;
