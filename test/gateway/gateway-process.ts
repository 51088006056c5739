/** One gateway as a process: started, asked through its control socket, stopped, killed. */
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { askGateway, watchGateway, type ControlFailure } from "#gateway/control/client.ts";
import type {
  ControlRequest,
  ControlResults,
  RequestOf,
  StatusView,
  TapView,
  WatchEvent,
} from "#gateway/control/protocol.ts";
import type { DeviceView } from "#gateway/queries/devices.ts";
import type { RecordView } from "#gateway/queries/records.ts";
import type { JsonValue } from "#gateway/queries/values.ts";
import { TapmeshChild, type Ended, type Surroundings } from "#test/gateway/child.ts";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";

type Verb = Exclude<ControlRequest["verb"], "watch">;

/** More than any test's log holds. */
const ALL_RECORDS = 100_000;

export class GatewayProcess {
  readonly config: string;
  readonly dataDir: string;
  readonly socket: string;
  readonly logFile: string;
  readonly mirrorFile: string;
  readonly #surroundings: Surroundings;
  #child: TapmeshChild | undefined;
  #watch = new AbortController();

  constructor(config: string, dataDir: string, surroundings: Surroundings = {}) {
    this.config = config;
    this.dataDir = dataDir;
    this.#surroundings = surroundings;
    this.socket = join(dataDir, "control.sock");
    this.logFile = join(dataDir, "log.db");
    this.mirrorFile = join(dataDir, "mirror.db");
  }

  /** The process that runs now, or ran last. */
  get child(): TapmeshChild {
    if (this.#child === undefined) throw new Error("it was never started");
    return this.#child;
  }

  /** Starts the process without waiting for it: `run`, or another verb that runs a gateway. */
  spawn(verb: ReadonlyArray<string> = ["run"]): TapmeshChild {
    this.#child = new TapmeshChild([...verb, "--config", this.config], this.#surroundings);
    return this.#child;
  }

  /** Starts it, and waits until its control socket answers. */
  async start(): Promise<this> {
    await this.spawn().line("gateway.ready");
    await this.status();
    return this;
  }

  /** Starts it, and waits for the end that a test expects. */
  async startAndEnd(): Promise<Ended & { readonly stdout: string; readonly stderr: string }> {
    const child = this.spawn();
    const ended = await child.ended;
    return { ...ended, stdout: child.stdout, stderr: child.stderr };
  }

  tryAsk<V extends Verb>(
    request: RequestOf<V>,
  ): Promise<E.Either<ControlFailure, ControlResults[V]>> {
    return askGateway<V>(this.socket, request);
  }

  async ask<V extends Verb>(request: RequestOf<V>): Promise<ControlResults[V]> {
    const answer = await this.tryAsk<V>(request);
    if (E.isRight(answer)) return answer.right;
    throw new Error(`${JSON.stringify(request).slice(0, 200)}: ${JSON.stringify(answer.left)}`);
  }

  status(): Promise<StatusView> {
    return this.ask<"status">({ verb: "status" });
  }

  /** Tries again while the card tapped before is in the field: on a busy machine it leaves late. */
  async tap(uid: string, reader: string | null = null): Promise<TapView> {
    return eventually("an answer to a tap", async () => {
      const request = { verb: "tap", card: "ntag215", uid, reader } as const;
      const answer = await this.tryAsk<"tap">(request);
      if (E.isRight(answer)) return answer.right;
      const isBusy = JSON.stringify(answer.left).includes("still in the reader's field");
      if (!isBusy) throw new Error(`tap: ${JSON.stringify(answer.left)}`);
      return undefined;
    });
  }

  /** Enrolled, and known to the next tap, when it resolves. */
  async enrol(device: string, uid: string): Promise<void> {
    await this.ask<"enrol">({ verb: "enrol", device, uid, user: "tester" });
    await this.device(device); // answered behind the fold
  }

  device(device: string): Promise<DeviceView> {
    return this.ask<"device">({ verb: "device", device, at: null });
  }

  /** A device's value; undefined for a key that no record has written. */
  async value(device: string, key: string): Promise<JsonValue | undefined> {
    const { values } = await this.device(device);
    return values.find((value) => value.key === key)?.value;
  }

  records(gateway: string | null = null): Promise<ReadonlyArray<RecordView>> {
    return this.ask<"records">({ verb: "records", gateway, epoch: null, count: ALL_RECORDS });
  }

  /** Collects events from now on, until the process ends. */
  async watch(): Promise<ReadonlyArray<WatchEvent>> {
    const events: WatchEvent[] = [];
    const take = (event: WatchEvent): void => void events.push(event);
    void watchGateway(this.socket, take, this.#watch.signal);
    await this.status(); // asked later on another connection of the same socket: the watcher is served by now
    return events;
  }

  /** Waits until it is connected to all its brokers. */
  async untilConnected(): Promise<void> {
    await eventuallyTrue("a connection to the broker", async () =>
      (await this.status()).brokers.every(({ connected }) => connected),
    );
  }

  async kill(): Promise<void> {
    this.#watch.abort();
    this.#watch = new AbortController();
    await this.#child?.kill();
  }

  /** Ends it in order; returns how, and how long that took. */
  async stop(
    signal: "SIGTERM" | "SIGINT" = "SIGTERM",
  ): Promise<Ended & { readonly tookMs: number }> {
    const beganMs = performance.now();
    const ended = await this.child.kill(signal);
    return { ...ended, tookMs: performance.now() - beganMs };
  }
}
