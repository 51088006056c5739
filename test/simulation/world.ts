/** All that one run has: time, brokers, gateways, the roster, and the books that tell whether promises were kept. */
import * as E from "fp-ts/lib/Either.js";
import { toHex, utf8 } from "#core/bytes.ts";
import { decodeBody } from "#core/log/body.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import { decodeHeader, KIND, type RecordBytes } from "#core/log/record.ts";
import { openFirstRoster, type BelievedRoster } from "#core/trust/roster-chain.ts";
import { signRoster, type Roster } from "#core/trust/roster.ts";
import { createCardHmac, sha256, type CardHmac } from "#gateway/node-crypto.ts";
import type { Journal } from "#gateway/ports.ts";
import { tapOf } from "#gateway/start-state.ts";
import type { TapReport } from "#gateway/tap-path.ts";
import type { AlarmCode } from "#core/sync/effects.ts";
import { HEAD_PERIOD_MS } from "#core/sync/state.ts";
import type { Committed } from "#gateway/writer/log-writer.ts";
import { SimGateway } from "#test/simulation/gateway.ts";
import type { Process } from "#test/simulation/gateway-process.ts";
import { createKeys, type Keys } from "#test/simulation/keys.ts";
import { lineOf } from "#test/simulation/members.ts";
import { Ledger } from "#test/simulation/ledger.ts";
import { checkAcknowledged, checkMemory } from "#test/simulation/invariants.ts";
import { Network } from "#test/simulation/network.ts";
import type { Plan } from "#test/simulation/plan.ts";
import { Random } from "#test/simulation/random.ts";
import { ScriptedPeer } from "#test/simulation/scripted-peer.ts";
import { Scheduler } from "#test/simulation/scheduler.ts";

export const FLEET = "acme";
const NAMES = ["lobby", "dock", "yard", "barn", "shed", "attic", "quay", "mill"];

/** A card held to a reader, and what came of it. */
export interface ExpectedTap {
  readonly gateway: SimGateway;
  /** The process that saw it: if it died, nobody answers. */
  readonly process: Process;
  readonly atMs: number;
  /** Whether the card can't have worked for a while since then. */
  readonly isDiskSick: () => boolean;
  report: TapReport | undefined;
}

const silent = (): void => undefined;

export class World {
  readonly fleet: string = FLEET;
  readonly settings: Pick<Plan, "rangeCountMax" | "isSpread">;
  readonly random: Random;
  readonly scheduler: Scheduler = new Scheduler();
  readonly ledger: Ledger = new Ledger();
  readonly keys: Keys = createKeys();
  readonly network: Network;
  readonly gateways: SimGateway[] = [];
  readonly journal: Journal = { info: silent, warn: silent, error: silent };
  readonly cardHmac: CardHmac = createCardHmac(sha256(utf8("card key")));
  /** By the hash of the NDEF message, which is another for each tap. */
  readonly taps: Map<string, ExpectedTap> = new Map();
  /** Records whose writer was told that they are on disk: `epoch:seq`. */
  readonly committed: Set<string> = new Set();
  /** No fault is left, and nothing new happens. */
  isHealed = false;
  /** A member that lies: what it signs is its own to answer for. */
  readonly liar: ScriptedPeer | null;
  /** A member of a later version. */
  readonly later: ScriptedPeer | null;
  /** `code author`, by whomever. */
  readonly alarms: Set<string> = new Set();
  readonly #fleetKey: SigningKey;
  #roster: BelievedRoster;

  constructor(plan: Plan) {
    this.settings = plan;
    this.random = new Random(plan.seed ^ 0x51ed270b);
    this.#fleetKey = this.keys.keyOf(this.random.bytes(32));
    this.network = new Network(this.scheduler, this.random.fork(), plan.brokerCount);
    const keys = NAMES.slice(0, plan.gatewayCount).map((name) => ({
      name,
      gatewayKey: this.keys.keyOf(this.random.bytes(32)),
    }));
    const member = (name: "liar" | "later"): ScriptedPeer | null =>
      plan.members.includes(name) ? new ScriptedPeer(this, name, name === "later") : null;
    this.liar = member("liar");
    this.later = member("later");
    const scripted = [this.liar, this.later].filter((peer) => peer !== null);
    this.#roster = this.#signed({
      fleet: FLEET,
      version: 1,
      previous: null,
      successor: null,
      fleetKeys: [],
      gateways: [...keys, ...scripted].map(({ name, gatewayKey }) => lineOf(name, gatewayKey)),
      cuts: new Map(),
    });
    for (const { name, gatewayKey } of keys) this.add(name, gatewayKey);
    for (const peer of scripted) peer.start();
  }

  /** A machine of that name: a second one of a name is a clone. */
  add(name: string, gatewayKey: SigningKey): SimGateway {
    const copies = this.gateways.filter((gateway) => gateway.name === name).length;
    const all = [...this.network.brokers.keys()];
    const place = this.gateways.length % 3;
    const brokers = this.settings.isSpread && place > 0 && all.length > 1 ? [place - 1] : all;
    const names = { name, machine: name + "'".repeat(copies), brokers };
    const gateway = new SimGateway(this, names, gatewayKey);
    this.gateways.push(gateway);
    return gateway;
  }

  /** The newest roster: what the operator has. */
  get roster(): BelievedRoster {
    return this.#roster;
  }

  /** The operator signs a new roster and puts it onto one gateway; the others hear of it from each other. */
  signRoster(change: (roster: Roster) => Partial<Roster>): BelievedRoster {
    const { roster } = this.#roster;
    this.#roster = this.#signed({ ...roster, ...change(roster), version: roster.version + 1 });
    return this.#roster;
  }

  #signed(roster: Roster): BelievedRoster {
    const { sign, publicKey } = this.#fleetKey;
    const note = signRoster(sha256, roster, { publicKey, sign });
    const opened = openFirstRoster(this.keys.crypto, note, { name: FLEET, publicKey });
    if (E.isLeft(opened)) throw new Error(opened.left._tag);
    return opened.right;
  }

  /** Machines that promises are made about. */
  get honest(): ReadonlyArray<SimGateway> {
    return this.gateways.filter(({ isOut }) => !isOut);
  }

  /** Everything works from now on, and everybody is on. */
  heal(): void {
    this.isHealed = true;
    this.liar?.client.stop();
    this.#speakLater();
    for (const gateway of this.gateways) gateway.disk.heal();
    this.network.heal();
    for (const gateway of this.gateways) gateway.start();
    // First versions don't hear of rosters from their peers, nor do others from them: the operator brings it.
    const old = this.gateways.filter(({ isOldVersion }) => isOldVersion);
    const other = this.honest.find(({ isOldVersion }) => !isOldVersion);
    for (const gateway of [...old, other]) gateway?.offerRoster(this.#roster.note);
  }

  /** The later version goes on saying what it has, as any gateway does. */
  #speakLater(): void {
    this.later?.publishHead([], ["a later field"]);
    this.scheduler.after(HEAD_PERIOD_MS, "later speaks", () => this.#speakLater());
  }

  /** Whether every honest machine has looked at all that it was sent and asked for. */
  isQuiet(): boolean {
    return this.honest.every(({ process }) => {
      if (process === null) return false;
      const { state, waiting } = process.sync;
      return state.wants.size === 0 && state.ownEpoch !== null && waiting === 0;
    });
  }

  /** Whatever rejects is a bug. */
  watch(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.failed(error));
  }

  failed(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.ledger.violated(`an exception: ${text}`);
  }

  onReport(gateway: SimGateway, report: TapReport): void {
    const name = toHex(this.cardHmac(report.sighting.ndef ?? new Uint8Array(0)));
    const tap = this.taps.get(name);
    if (tap === undefined || tap.report !== undefined) {
      this.ledger.violated(`${gateway.machine} reported a tap that was none, or twice`);
      return;
    }
    tap.report = report;
    if (E.isRight(report.recorded)) this.onCommitted(gateway, report.recorded.right);
    else if (!tap.isDiskSick()) {
      const { _tag } = report.recorded.left;
      this.ledger.violated(`${gateway.machine} lost a tap (${_tag}) though its card is well`);
    }
  }

  /** A writer was told that its record is on disk: so it must be, now. */
  onCommitted(gateway: SimGateway, { epoch, seq }: Committed): void {
    const id = toHex(epoch);
    this.committed.add(`${id}:${seq}`);
    if ((gateway.disk.image.epochs.get(id)?.records.length ?? 0) <= seq) {
      this.ledger.violated(`${gateway.machine} was told that ${id}:${seq} is on disk; it isn't`);
    }
  }

  onAlarm(gateway: SimGateway, code: AlarmCode, author: string): void {
    this.alarms.add(`${code} ${author}`);
    // A fork may be heard of before the epoch is: then nobody is named.
    if (code === "forked" && author !== "" && author !== this.liar?.name) {
      this.ledger.violated(`${gateway.machine} says that ${author} forked an epoch; it didn't`);
    }
  }

  onTick(gateway: SimGateway, process: Process): void {
    checkMemory(this, gateway, process);
  }

  onAcknowledged(gateway: SimGateway): void {
    if (gateway.process !== null) checkAcknowledged(this, gateway, gateway.process);
  }

  /** Devices that a record, which counts, revoked for good. */
  revokedDevices(): ReadonlySet<string> {
    const devices = new Set<string>();
    for (const { disk, process } of this.honest) {
      for (const [id, { records }] of disk.image.epochs) {
        const counted = process?.sync.state.cuts.get(id) ?? records.length;
        for (const record of records.slice(0, counted)) {
          const device = revokedBy(record);
          if (device !== undefined) devices.add(device);
        }
      }
    }
    return devices;
  }

  /** Taps on the cards of all machines: `epoch:seq` of each record, by the hash of its NDEF message. */
  recordedTaps(): ReadonlyMap<string, ReadonlySet<string>> {
    const places = new Map<string, Set<string>>();
    const seen = new Set<string>();
    for (const { disk } of this.honest) {
      for (const [id, { records }] of disk.image.epochs) {
        for (const [seq, record] of records.entries()) {
          const place = `${id}:${seq}`;
          if (seen.has(place)) continue;
          seen.add(place);
          const ndef = tapOf(record)?.ndef;
          if (ndef === null || ndef === undefined) continue;
          places.set(toHex(ndef), (places.get(toHex(ndef)) ?? new Set()).add(place));
        }
      }
    }
    return places;
  }
}

const revokedBy = ({ header, body }: RecordBytes): string | undefined => {
  const decoded = decodeHeader(header);
  if (E.isLeft(decoded) || decoded.right.kind !== KIND.change || body === null) return undefined;
  const change = decodeBody(KIND.change, body);
  if (E.isLeft(change) || change.right._tag !== "Change") return undefined;
  const { device, operations } = change.right;
  const isRevoked = operations.some(
    ({ type, value }) => type === TYPE.safety && value === SAFETY.revoked,
  );
  return isRevoked ? device : undefined;
};
