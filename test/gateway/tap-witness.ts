/**
 * The world outside the gateways: holds cards to readers, notes what it is answered, and later finds all of that in
 * every gateway's log, and nothing that nobody did.
 */
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { VERDICT, type TapBody } from "#core/log/body.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import type { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { readLogCopy } from "#test/gateway/log-copy.ts";
import { uidOf, untilEqual } from "#test/gateway/taps.ts";

/** Enrolled cards; each reader takes them in turn with cards that nobody has seen before. */
const DEVICES = [1, 2, 3, 4].map((card) => ({ device: `cart-${card}`, uid: uidOf(card) }));
const NEW_CARD_FIRST = 1_000;
/** A gateway that is dead or starting is tried again after this. */
const RETRY_DELAY_MS = 20;

export class TapWitness {
  /** Taps that were answered as recorded: `<epoch>/<seq>` → UID. */
  readonly answers: Map<string, string> = new Map();
  /** Taps that were answered as not recorded. */
  refused = 0;
  /** UID → how often it was held to a reader, answered or not. */
  readonly #held = new Map<string, number>();
  readonly #fleet: TestFleet;
  readonly #pauseMs: number;
  #answersTwice = 0;
  #newCard = NEW_CARD_FIRST;
  #stop = new AbortController();
  #tapping: Promise<void>[] = [];

  /** Between two taps at one reader it waits so long. */
  constructor(fleet: TestFleet, pauseMs = 10) {
    this.#fleet = fleet;
    this.#pauseMs = pauseMs;
  }

  /** Starts gateways, and enrols the cards that count visits; all know them when it resolves. */
  async startAll(gateways: ReadonlyArray<GatewayProcess>): Promise<void> {
    await Promise.all(gateways.map((gateway) => gateway.start()));
    for (const { device, uid } of DEVICES) await gateways[0]?.enrol(device, uid);
    await untilEqual(gateways);
  }

  /** One card to one reader; what the gateway says of it, or undefined where it says nothing. */
  async hold(gateway: GatewayProcess, reader: string, uid: string): Promise<string | undefined> {
    this.#held.set(uid, (this.#held.get(uid) ?? 0) + 1);
    const answer = await gateway.tryAsk<"tap">({ verb: "tap", card: "ntag215", uid, reader });
    if (E.isLeft(answer)) return undefined;
    const { record } = answer.right;
    if (record === null) {
      this.refused += 1;
      return undefined;
    }
    const name = `${record.epoch}/${record.seq}`;
    if (this.answers.has(name)) this.#answersTwice += 1;
    this.answers.set(name, uid);
    return name;
  }

  /** Taps so many at each of these gateways' readers, new and enrolled cards in turn. */
  async tap(gateways: ReadonlyArray<GatewayProcess>, count: number): Promise<void> {
    const tapping = gateways.map(async (gateway) => {
      for (let done = 0; done < count;) {
        if ((await this.hold(gateway, "r1", this.#nextCard(done))) !== undefined) done += 1;
        else await delay(RETRY_DELAY_MS);
      }
    });
    await Promise.all(tapping);
  }

  /** Taps at a gateway's reader from now on, dead or alive, until `stop`. */
  begin(gateway: GatewayProcess, reader = "r1"): void {
    const { signal } = this.#stop;
    const tapping = async (): Promise<void> => {
      for (let i = 0; !signal.aborted; i += 1) {
        const name = await this.hold(gateway, reader, this.#nextCard(i));
        await delay(name === undefined ? RETRY_DELAY_MS : this.#pauseMs);
      }
    };
    this.#tapping.push(tapping());
  }

  #nextCard(index: number): string {
    this.#newCard += 1;
    return (
      (index % 2 === 0 ? DEVICES[(index / 2) % DEVICES.length]?.uid : undefined) ??
      uidOf(this.#newCard)
    );
  }

  /** Ends what `begin` began. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#tapping);
    this.#stop = new AbortController();
    this.#tapping = [];
  }

  /** Waits until so many further taps have been answered as recorded. */
  async untilAnswered(count: number): Promise<void> {
    const target = this.answers.size + count;
    await eventuallyTrue(`${count} taps answered`, () => this.answers.size >= target, 60_000);
  }

  /** Records that a tap was answered with and that this gateway, which runs, doesn't hold. */
  async missingAt(gateway: GatewayProcess): Promise<ReadonlyArray<string>> {
    const names = new Set((await gateway.records()).map(({ epoch, seq }) => `${epoch}/${seq}`));
    return [...this.answers.keys()].filter((name) => !names.has(name));
  }

  /**
   * Stops these gateways, which had become equal, and says what is wrong; nothing is, if every one holds every tap
   * that was answered as recorded, with its card, and no tap that nobody did, if its state and its logs agree, and
   * if every epoch verifies.
   */
  async contradictionsOf(gateways: ReadonlyArray<GatewayProcess>): Promise<ReadonlyArray<string>> {
    const visits = await Promise.all(gateways.map(visitsAt));
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    const found = this.#answersTwice > 0 ? [`${this.#answersTwice} records answered twice`] : [];
    for (const [index, gateway] of gateways.entries()) {
      const { taps, failures } = await tapsHeldBy(gateway);
      const accepted = [...taps.values()].filter(({ verdict }) => verdict === VERDICT.accepted);
      if (visits[index] !== accepted.length) {
        failures.push(`${visits[index]} visits in the state, ${accepted.length} in the logs`);
      }
      failures.push(...this.#differences(taps));
      found.push(...failures.map((failure) => `${gateway.dataDir}: ${failure}`));
    }
    return found;
  }

  /** What these taps have too few and too many. */
  #differences(taps: ReadonlyMap<string, TapBody>): ReadonlyArray<string> {
    const isLost = ([name, uid]: readonly [string, string]): boolean => {
      const tap = taps.get(name);
      return tap === undefined || toHex(tap.card) !== this.#fleet.cardOf(uid);
    };
    const lost = [...this.answers].filter(isLost);
    const counts = new Map<string, number>();
    for (const { card } of taps.values()) {
      counts.set(toHex(card), (counts.get(toHex(card)) ?? 0) + 1);
    }
    const held = new Map([...this.#held].map(([uid, times]) => [this.#fleet.cardOf(uid), times]));
    const invented = [...counts].filter(([card, times]) => times > (held.get(card) ?? 0));
    return [
      ...lost.map(([name, uid]) => `${name} was answered to ${uid}, and is not there`),
      ...invented.map(([card, times]) => `${card} is there ${times} times, more than it was held`),
    ];
  }
}

const visitsAt = async (gateway: GatewayProcess): Promise<number> => {
  const values = await Promise.all(DEVICES.map(({ device }) => gateway.value(device, "visits")));
  return values.reduce<number>((sum, value) => sum + Number(value ?? 0), 0);
};

/** Every tap in the files of a gateway that has ended, own and mirrored, by record; and what does not verify. */
const tapsHeldBy = async (
  gateway: GatewayProcess,
): Promise<{ readonly taps: ReadonlyMap<string, TapBody>; readonly failures: string[] }> => {
  const taps = new Map<string, TapBody>();
  const failures: string[] = [];
  for (const file of [gateway.logFile, gateway.mirrorFile]) {
    const { code, out, err } = await commandLine(["log", "verify", file]);
    if (code !== 0 || err !== "") failures.push(`log verify: ${out}${err}`);
    for (const { epoch, seq, body } of readLogCopy(file).records) {
      if (body?._tag === "Tap") taps.set(`${epoch}/${seq}`, body);
    }
  }
  return { taps, failures };
};
