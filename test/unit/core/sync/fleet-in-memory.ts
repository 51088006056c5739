/**
 * A fleet whose disks are Maps and whose broker is a list of messages. The effects of core/sync are carried out as
 * the gateway does; everything that happens by chance comes from one seed.
 */
import { toHex } from "#core/bytes.ts";
import type { EarlierEpoch, OpenBody } from "#core/log/body.ts";
import type { Draft, EpochHead } from "#core/log/epoch.ts";
import { encodeRange, type Range } from "#core/log/range.ts";
import { leafOf, type RecordBytes } from "#core/log/record.ts";
import { consistencyProof, rootOf, rootOfLeaves } from "#core/log/tree.ts";
import {
  encodeHeadPayload,
  encodeSigned,
  headText,
  heldText,
  encodeHeldPayload,
  type AuthorHead,
} from "#core/message/envelopes.ts";
import { encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import { replicaEpochOf, type ReplicaEpoch } from "#core/sync/replica.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { initialSync } from "#core/sync/initial.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import type { SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Roster } from "#core/trust/roster.ts";
import { FLEET, gatewayKeyOf, rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import { randomFrom } from "#test/unit/core/sync/storm.ts";
import {
  append,
  keyOf,
  newHead,
  openDraft,
  type EpochNames,
} from "#test/unit/core/log/sample-epoch.ts";

interface StoredEpoch extends ReplicaEpoch {
  readonly records: ReadonlyArray<RecordBytes>;
  readonly checkpoint: string;
  readonly proof: Range["proof"];
}

export type Disk = ReadonlyMap<string, StoredEpoch>;

export interface Message {
  readonly from: string;
  /** Undefined: to all. */
  readonly to: string | undefined;
  readonly channel: SyncChannel;
  readonly payload: Uint8Array;
}

export interface World {
  readonly random: () => number;
  nowMs: number;
  readonly send: (message: Message) => void;
  nextEpochKey: number;
  /** How often a disk refuses, of all times. */
  diskFailureRate: number;
  /** By epoch, hex: every header that its author ever wrote, whatever became of it. */
  readonly written: Map<string, ReadonlyArray<string>>;
}

const leavesOf = (records: ReadonlyArray<RecordBytes>): ReadonlyArray<Uint8Array> =>
  records.map(({ header }) => leafOf(sha256, header));

export class Gateway {
  readonly name: string;
  disk: Disk = new Map();
  state: SyncState;
  readonly refused: string[] = [];
  readonly alarms: string[] = [];
  readonly #index: number;
  readonly #world: World;
  readonly #roster: Roster;
  #own: { readonly names: EpochNames; readonly head: EpochHead } | null = null;

  constructor(world: World, roster: Roster, index: number) {
    this.#world = world;
    this.#roster = roster;
    this.#index = index;
    this.name = at(roster.gateways, index).name;
    this.state = initialSync(nodeCrypto, {
      self: this.name,
      roster,
      replica: new Map(),
      forks: new Map(),
      holes: new Map(),
    });
  }

  /** Comes up with what this disk holds, which may be an old copy, and with a new epoch. */
  start(disk: Disk = this.disk): void {
    this.disk = disk;
    this.#own = null;
    this.state = initialSync(nodeCrypto, {
      self: this.name,
      roster: this.#roster,
      replica: disk,
      forks: new Map(),
      holes: new Map(),
    });
    this.write([]);
    this.take({ _tag: "Connected" });
  }

  /** Commits own records, in a new epoch if none is open, and sends them. */
  write(drafts: ReadonlyArray<Draft>): void {
    const opening = this.#own === null ? [this.#openEpoch()] : [];
    const own = this.#own;
    if (own === null) throw new Error("no epoch is open");
    const group = append(own.names, own.head, [...opening, ...drafts]);
    this.#own = { ...own, head: group.head };
    const [first] = opening;
    const open: OpenBody | null = first?.body._tag === "Open" ? first.body : null;
    const id = toHex(group.epoch);
    const before = this.disk.get(id);
    const known = open === null ? before : replicaEpochOf(open, group.head, true);
    if (known === undefined) throw new Error("own epoch without its open");
    this.#put({
      ...known,
      head: group.head,
      records: [...(before?.records ?? []), ...group.records],
      checkpoint: group.checkpoint,
      proof: [],
    });
    const { epoch, from, checkpoint, records } = group;
    const headers = records.map(({ header }) => toHex(header));
    this.#world.written.set(id, [...(this.#world.written.get(id) ?? []), ...headers]);
    const payload = encodeRange({ epoch, from, checkpoint, proof: [], items: records });
    this.#send(undefined, "tail", payload);
    this.take({ _tag: "OwnCommitted", open, head: group.head });
  }

  take(input: SyncInput): void {
    const context = { crypto: nodeCrypto, nowMs: this.#world.nowMs };
    const { state, effects } = step(context, this.state, input);
    this.state = state;
    for (const effect of effects) this.#carryOut(effect);
  }

  #openEpoch(): Draft {
    this.#world.nextEpochKey += 1;
    const names: EpochNames = {
      fleet: FLEET,
      gateway: this.name,
      gatewayKey: gatewayKeyOf(this.#index),
      epochKey: keyOf(this.#world.nextEpochKey),
    };
    const own = [...this.disk.values()].filter(({ author }) => author === this.name);
    const named = new Set(own.flatMap(({ earlier }) => earlier));
    const unnamed = own.filter(({ head }) => !named.has(toHex(head.epoch)));
    const earlier = unnamed.map(({ head }): EarlierEpoch => ({
      epoch: head.epoch,
      size: head.range.size,
      root: rootOf(sha256, head.range),
    }));
    this.#own = { names, head: newHead(names) };
    return openDraft(names, earlier);
  }

  #put(stored: StoredEpoch): void {
    this.disk = new Map(this.disk).set(toHex(stored.head.epoch), stored);
  }

  #send(to: string | undefined, channel: SyncChannel, payload: Uint8Array): void {
    this.#world.send({ from: this.name, to, channel, payload });
  }

  #carryOut(effect: SyncEffect): void {
    if (effect._tag === "PublishHead") this.#publishHead(effect.authors, effect.rosterVersion);
    else if (effect._tag === "SendAsk") this.#send(effect.to, "ask", encodeAsk(effect.ask));
    else if (effect._tag === "SendAnswer") {
      this.#send(effect.to, "answer", encodeAnswer(effect.answer));
    } else if (effect._tag === "SendRange") this.#sendRange(effect);
    else if (effect._tag === "Store") this.#store(effect);
    else if (effect._tag === "Refuse") this.refused.push(effect.code);
    else if (effect._tag === "SendHeld") this.#sendHeld(effect.statement);
    else if (effect._tag === "OpenEpoch" && this.#own === null) this.write([]);
    else if (effect._tag === "Alarm") this.alarms.push(effect.code);
  }

  #sendRange({ to, epoch, from }: SyncEffect & { readonly _tag: "SendRange" }): void {
    const range = this.#range(epoch, from);
    if (range === null) return;
    const answer = encodeAnswer({ _tag: "AnswerRange", range: encodeRange(range) });
    this.#send(to, "answer", answer);
  }

  #publishHead(authors: ReadonlyArray<AuthorHead>, rosterVersion: number): void {
    if (this.#own === null) return;
    const { epoch } = this.#own.head;
    const payload = encodeHeadPayload({ gateway: this.name, epoch, rosterVersion, authors });
    const signature = this.#own.names.epochKey.sign(headText(payload));
    this.#send(undefined, "head", encodeSigned(payload, signature));
  }

  #sendHeld(statement: AuthorHead): void {
    if (this.#own === null) return;
    const payload = encodeHeldPayload({
      gateway: this.name,
      epoch: this.#own.head.epoch,
      statement,
    });
    const signature = this.#own.names.epochKey.sign(heldText(payload));
    this.#send(statement.author, "held", encodeSigned(payload, signature));
  }

  /**
   * A few records only, so that answers end before their checkpoint does and need a proof. What is held under the
   * checkpoint of more than that can only be served up to its end.
   */
  #range(epoch: Uint8Array, from: number): Range | null {
    const stored = this.disk.get(toHex(epoch));
    const size = stored?.head.range.size ?? 0;
    if (stored === undefined || from >= size) return null;
    const isPart = stored.proof.length > 0;
    const to = isPart ? size : Math.min(size, from + 1 + Math.floor(this.#world.random() * 4));
    const { checkpoint, records } = stored;
    const items = records.slice(from, to);
    if (to === size) return { epoch, from, checkpoint, proof: stored.proof, items };
    const leaves = leavesOf(records);
    const proof = consistencyProof(to, size, (a, b) => rootOfLeaves(sha256, leaves.slice(a, b)));
    return { epoch, from, checkpoint, proof, items };
  }

  /** Where the disk refuses, nothing is said of it. */
  #store({ addition, stored, from }: SyncEffect & { readonly _tag: "Store" }): void {
    const before = this.disk.get(toHex(addition.head.epoch));
    if ((before?.head.range.size ?? 0) !== addition.from) throw new Error("a gap on disk");
    if (this.#world.random() < this.#world.diskFailureRate) return;
    const { checkpoint, proof } = addition;
    const records = [...(before?.records ?? []), ...addition.records];
    this.#put({ ...stored, records, checkpoint, proof });
    this.take({ _tag: "Stored", stored, from, isLive: false });
  }
}

export interface Fleet {
  readonly world: World;
  readonly gateways: ReadonlyArray<Gateway>;
  readonly queue: Message[];
  /** Delivers one message, drawn from all that wait; false if none does. */
  readonly deliver: (fate?: "lost" | "doubled") => boolean;
  readonly tick: (ms: number) => void;
}

export const newFleet = (seed: number, size: number): Fleet => {
  const random = randomFrom(seed);
  const queue: Message[] = [];
  const world: World = {
    random,
    nowMs: 1_000_000,
    send: (message) => queue.push(message),
    nextEpochKey: 1_000,
    diskFailureRate: 0,
    written: new Map(),
  };
  const roster = rosterOf(["lobby", "dock", "yard"].slice(0, size));
  const gateways = roster.gateways.map((_, i) => new Gateway(world, roster, i));
  const deliver = (fate?: "lost" | "doubled"): boolean => {
    const [message] = queue.splice(Math.floor(random() * queue.length), 1);
    if (message === undefined) return false;
    if (fate === "lost") return true;
    if (fate === "doubled") queue.push(message);
    const { from, channel, payload, to } = message;
    for (const gateway of gateways) {
      if (gateway.name === from || (to !== undefined && to !== gateway.name)) continue;
      gateway.take({ _tag: "Received", from, channel, payload });
    }
    return true;
  };
  const tick = (ms: number): void => {
    world.nowMs += ms;
    for (const gateway of gateways) gateway.take({ _tag: "Ticked" });
  };
  for (const gateway of gateways) gateway.start();
  return { world, gateways, queue, deliver, tick };
};

/** What a gateway holds: every epoch with its size and last leaf. */
export const holdings = ({ disk }: Gateway): ReadonlyArray<string> =>
  [...disk].map(([id, { head }]) => `${id} ${head.range.size} ${toHex(head.lastLeaf)}`).toSorted();
