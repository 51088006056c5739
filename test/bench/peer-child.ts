/** The parent's end of gateways that run in a process of their own. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { LoadSpec, PeerAnswer, PeerRequest, PeerTimes } from "#test/bench/peer-process.ts";

/** A peer with much in its log folds it first. */
const START_TIMEOUT_MS = 60_000;

// written by peer-process.ts on the other end of the same channel
const isAnswer = (message: unknown): message is PeerAnswer =>
  typeof message === "object" && message !== null && "_tag" in message;

export class PeerChild implements AsyncDisposable {
  /** Resolves when the process is gone, asked or not. */
  readonly ended: Promise<unknown>;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.ended = once(child, "exit");
  }

  static async start(...configFiles: ReadonlyArray<string>): Promise<PeerChild> {
    const script = new URL("./peer-process.ts", import.meta.url);
    const child = new PeerChild(
      fork(script, [...configFiles], {
        execArgv: [],
        serialization: "advanced", // the times are maps
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      }),
    );
    await child.#answer("Ready");
    return child;
  }

  /** By the first of its gateways. */
  tap(): void {
    this.#send({ _tag: "Tap" });
  }

  async enrol(): Promise<void> {
    const enrolled = this.#answer("Enrolled");
    this.#send({ _tag: "Enrol" });
    await enrolled;
  }

  /** Cards that every one of its gateways knows. */
  async cards(): Promise<number> {
    const cards = this.#answer("Cards");
    this.#send({ _tag: "Cards" });
    return (await cards).count;
  }

  /** Every one of its gateways taps, evenly, for a while. */
  async load(taps: LoadSpec): Promise<void> {
    const loaded = this.#answer("Loaded", START_TIMEOUT_MS + taps.count * taps.periodMs);
    this.#send({ _tag: "Load", ...taps });
    await loaded;
  }

  async times(): Promise<PeerTimes> {
    const times = this.#answer("Times");
    this.#send({ _tag: "Times" });
    return await times;
  }

  #send(request: PeerRequest): void {
    this.#process.send(request);
  }

  #answer<Tag extends PeerAnswer["_tag"]>(
    tag: Tag,
    timeoutMs = START_TIMEOUT_MS,
  ): Promise<Extract<PeerAnswer, { _tag: Tag }>> {
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
      const timer = setTimeout(() => fail("time is up"), timeoutMs);
      this.#process.on("message", onMessage);
      this.#process.once("exit", onExit);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    this.#send({ _tag: "Stop" });
    await this.ended;
    clearTimeout(timer);
  }
}

const STOP_TIMEOUT_MS = 5_000;

const isTagged = <Tag extends PeerAnswer["_tag"]>(
  message: PeerAnswer,
  tag: Tag,
): message is Extract<PeerAnswer, { _tag: Tag }> => message._tag === tag;

/** From the sighting until the moment that the peer noted for its record. */
export const latencies = (
  taps: PeerTimes["taps"],
  notedMs: ReadonlyMap<string, number>,
): ReadonlyArray<number> =>
  taps.map(({ record, sightedMs }) => {
    const ms = notedMs.get(record);
    if (ms === undefined) throw new Error(`record ${record} did not reach the peer`);
    return ms - sightedMs;
  });

/** Whether the newest tap of each gateway there counts at the peer. */
export const hasArrived = async (author: PeerChild, peer: PeerChild): Promise<boolean> => {
  const { taps } = await author.times();
  const newest = new Map(taps.map(({ record }) => [record.split("/")[0], record]));
  const { visibleMs, durableMs } = await peer.times();
  return (
    newest.size > 0 &&
    [...newest.values()].every((record) => visibleMs.has(record) && durableMs.has(record))
  );
};
