/**
 * One simulated machine: a Pi with its card, its clock, its link, and, while it is on, the gateway's process. It is
 * started, killed, cut from power, given an older card or a new one. Two machines of one name are a clone.
 */
import * as E from "fp-ts/lib/Either.js";
import { ACTOR } from "#core/log/actor.ts";
import type { Body } from "#core/log/body.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import type { Operation } from "#core/log/operation.ts";
import { syncSubscriptions } from "#core/message/topics.ts";
import { openRosterChain, type BelievedRoster } from "#core/trust/roster-chain.ts";
import { CLOCK_CHECK_PERIOD_MS } from "#gateway/clock-watch.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import type { PendingRecord } from "#gateway/writer/pending-record.ts";
import type { Client } from "#test/simulation/client.ts";
import { SimClock } from "#test/simulation/clock.ts";
import { SimDisk, type DiskImage } from "#test/simulation/disk.ts";
import { startProcess, type Process } from "#test/simulation/gateway-process.ts";
import { isOfOldVersion } from "#test/simulation/old-version.ts";
import type { Random } from "#test/simulation/random.ts";
import type { World } from "#test/simulation/world.ts";

const TICK_MIN_MS = 250;
const TICK_MAX_MS = 5_000;

/** All that a card holds. */
export interface CardImage {
  readonly disk: DiskImage;
  readonly believed: BelievedRoster;
}

/** What an operator writes about a device. */
export interface DeviceChange {
  readonly device: string;
  readonly writes: ReadonlyArray<Omit<Operation, "replaces">>;
  /** Made without looking at what stands: it replaces nothing. */
  readonly isBlind: boolean;
}

export class SimGateway {
  readonly name: string;
  /** Stands in traces and books: the name, and a stroke for each clone. */
  readonly machine: string;
  readonly clock: SimClock;
  readonly disk: SimDisk = new SimDisk();
  readonly client: Client;
  readonly random: Random;
  /** Until when a card lies on each reader, or lay there just now. */
  readonly readersBusyUntilMs: Map<string, number> = new Map();
  /** Copies of the card that somebody made. */
  readonly images: CardImage[] = [];
  gatewayKey: SigningKey;
  bootId: Uint8Array;
  /** Null while it is off or starting. */
  process: Process | null = null;
  /** The roster on its card. */
  believed: BelievedRoster;
  /** Revoked: promises no longer hold for it. */
  isOut = false;
  /** It speaks like the first version. */
  isOldVersion = false;
  readonly #world: World;
  /** Grows with each start and stop: what an earlier process still had to do is void. */
  #life = 0;
  #isStarting = false;
  #tickMs = TICK_MIN_MS;

  constructor(
    world: World,
    names: {
      readonly name: string;
      readonly machine: string;
      readonly brokers: ReadonlyArray<number>;
    },
    gatewayKey: SigningKey,
  ) {
    this.#world = world;
    this.name = names.name;
    this.machine = names.machine;
    this.gatewayKey = gatewayKey;
    this.random = world.random.fork();
    this.clock = new SimClock(world.scheduler);
    this.bootId = this.random.bytes(16);
    this.believed = world.roster;
    const subscriptions = syncSubscriptions(world.fleet, this.name);
    this.client = world.network.client(this.machine, subscriptions, names.brokers);
  }

  get isOn(): boolean {
    return this.process !== null || this.#isStarting;
  }

  /** The process starts; `boot`: the power was away before. */
  start(boot?: { readonly startsIn1970: boolean }): void {
    if (this.isOn) return;
    if (boot !== undefined) {
      this.bootId = this.random.bytes(16);
      this.clock.boot(boot.startsIn1970);
    }
    this.#life += 1;
    const life = this.#life;
    this.#isStarting = true;
    const isCurrent = (): boolean => this.#life === life;
    const run = async (): Promise<void> => {
      const process = await startProcess(this.#world, this, isCurrent);
      if (process === undefined) return;
      this.#isStarting = false;
      this.process = process;
      this.client.start({
        onConnect: () => process.sync.onConnect(),
        onMessage: (topic, payload) => {
          if (this.isOldVersion && !isOfOldVersion(topic, payload)) return;
          this.#tickMs = TICK_MIN_MS;
          process.sync.onMessage(topic, payload);
        },
      });
      this.#tickLater(process);
    };
    this.#world.watch(run());
  }

  /** The product ticks ten times a second; where nothing happens the simulation takes longer steps. */
  #tickLater(process: Process): void {
    this.#world.scheduler.after(this.#tickMs, `${this.machine} tick`, () => {
      if (this.process !== process) return;
      this.#tickMs = Math.min(TICK_MAX_MS, this.#tickMs * 2);
      process.sync.tick();
      if (this.#world.scheduler.nowMs >= process.clockCheckDueMs) {
        process.clockCheckDueMs = this.#world.scheduler.nowMs + CLOCK_CHECK_PERIOD_MS;
        this.#world.watch(process.clockWatch.check());
      }
      this.#world.onTick(this, process);
      this.#tickLater(process);
    });
  }

  /** kill -9, or a power cut: the process is gone this instant. */
  kill(): void {
    const before = this.disk.image;
    this.process?.store.die();
    this.#world.ledger.diskChanged(this.machine, before, this.disk.image);
    this.#end();
  }

  #end(): void {
    this.#life += 1;
    this.#isStarting = false;
    this.client.stop();
    if (this.process !== null) this.process.endedAtMs = this.#world.scheduler.nowMs;
    this.process = null;
  }

  /** An orderly stop: the log is closed, then the link, then the store. */
  stop(): void {
    const { process } = this;
    if (process === null || process.isStopping) return;
    process.isStopping = true;
    const close = async (): Promise<void> => {
      await process.writer.close();
      if (this.process !== process) return;
      process.sync.stop();
      this.client.stop();
      await process.store.close();
      if (this.process !== process) return;
      this.#end();
      if (this.#world.isHealed) this.start();
    };
    this.#world.watch(close());
  }

  get image(): CardImage {
    return { disk: this.disk.image, believed: this.believed };
  }

  /** Another content is in the card slot: an older copy, a clone's, or nothing. The process must be off. */
  putCard({ disk, believed }: CardImage): void {
    const before = this.disk.image;
    this.disk.putBack(disk);
    this.believed = believed;
    this.#world.ledger.diskChanged(this.machine, before, disk);
  }

  /** A roster, from the operator's hand or from a peer: taken over if it follows the one that is believed. */
  offerRoster(note: string): void {
    const opened = openRosterChain(this.#world.keys.crypto, this.believed, note);
    if (E.isLeft(opened)) return;
    this.believed = opened.right;
    this.process?.sync.onRoster(opened.right.roster);
  }

  onReaderEvent(event: ReaderEvent): void {
    this.process?.taps.onReaderEvent(event);
  }

  /** Appends a record as the command line does: its writes replace all that is known of their keys. */
  change(tag: "Change" | "Enrol", { device, writes, isBlind }: DeviceChange): Promise<void> {
    return this.append({
      wallMs: this.clock.wallMs(),
      monoMs: this.clock.monoMs(),
      queries: isBlind ? [] : writes.map(({ key, type }) => ({ device, key, type })),
      body: (known): Body => ({
        _tag: tag,
        actor: { kind: ACTOR.operator, name: "simulator" },
        device,
        operations: writes.map((write, i) => ({ ...write, replaces: known[i] ?? [] })),
      }),
    });
  }

  async append(record: PendingRecord): Promise<void> {
    const { process } = this;
    if (process === null) return;
    const appended = await process.writer.append(record);
    if (this.process === process && E.isRight(appended)) {
      this.#world.onCommitted(this, appended.right);
    }
  }

  /** Epoch (hex) → records on its card. */
  get sizes(): ReadonlyMap<string, number> {
    return new Map([...this.disk.image.epochs].map(([id, { records }]) => [id, records.length]));
  }
}
