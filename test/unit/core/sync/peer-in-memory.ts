/** A gateway whose disk is a Map: the effects of core/sync are carried out as the gateway does it. */
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import type { OpenBody } from "#core/log/body.ts";
import type { Draft, EpochHead } from "#core/log/epoch.ts";
import { encodeRange } from "#core/log/range.ts";
import { leafOf, type RecordBytes } from "#core/log/record.ts";
import { rootOf } from "#core/log/tree.ts";
import {
  encodeHeadPayload,
  encodeHeldPayload,
  encodeSigned,
  headText,
  heldText,
} from "#core/message/envelopes.ts";
import { encodeAnswer, encodeAsk, type Answer } from "#core/message/exchange.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import { replicaEpochOf, type CutLeaf } from "#core/sync/replica.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { initialSync } from "#core/sync/initial.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import type { SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import type { Roster } from "#core/trust/roster.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import {
  append,
  keyOf,
  newHead,
  openDraft,
  type EpochNames,
} from "#test/unit/core/log/sample-epoch.ts";
import { FLEET, gatewayKeyOf } from "#test/unit/core/sync/roster-in-memory.ts";
import {
  crypto,
  examineIn,
  forkOf,
  leavesOf,
  rangeIn,
  type Log,
  type Logs,
} from "#test/unit/core/sync/log-in-memory.ts";

export interface Message {
  readonly from: string;
  /** Undefined: to all. */
  readonly to: string | undefined;
  readonly channel: SyncChannel;
  readonly payload: Uint8Array;
}

/** What a gateway finds around it. */
export interface World {
  readonly roster: Roster;
  readonly nowMs: number;
  /** What one message holds: few, so that much takes several. */
  readonly recordsPerRange: number;
  /** Of keys that nobody has yet. */
  readonly newKey: () => number;
  readonly send: (message: Message) => void;
}

const NO_SNAPSHOT: Answer = {
  _tag: "AnswerSnapshot",
  epoch: new Uint8Array(16),
  manifest: new Uint8Array(0),
  signature: new Uint8Array(64),
};

export class Peer {
  readonly name: string;
  logs: Map<string, Log> = new Map();
  state: SyncState;
  cuts: Cuts = new Map();
  /** All that it was told to do. */
  readonly seen: SyncEffect[] = [];
  readonly #world: World;
  readonly #keyIndex: number;
  #own: { readonly names: EpochNames; readonly head: EpochHead } | null = null;

  constructor(world: World, name: string, keyIndex: number) {
    this.#world = world;
    this.#keyIndex = keyIndex;
    this.name = name;
    this.state = this.#initial();
  }

  #initial(): SyncState {
    const { roster } = this.#world;
    const forks = new Map<string, number>();
    for (const { records } of this.logs.values()) {
      for (const fork of records.map(forkOf)) {
        if (fork?._tag !== "ForkFound") continue;
        forks.set(fork.epoch, Math.min(fork.size, forks.get(fork.epoch) ?? fork.size));
      }
    }
    return initialSync(crypto, {
      self: this.name,
      roster,
      replica: this.backup(),
      forks,
      holes: new Map(),
    });
  }

  /** Comes up with what this disk holds, which may be an old copy, without an epoch. */
  restart(logs: Logs = this.logs): void {
    this.logs = new Map(logs);
    this.#own = null;
    this.state = this.#initial();
    this.take({ _tag: "RosterChanged", roster: this.#world.roster });
    this.take({ _tag: "Connected" });
  }

  /** A copy of its disk. */
  backup(): Logs {
    return new Map(this.logs);
  }

  /** What the state of this gateway is folded from: epoch → leaf of the last record that counts, and how many. */
  folded(): ReadonlyMap<string, string> {
    const sizes = new Map<string, string>();
    for (const [id, { records }] of this.logs) {
      const counted = leavesOf(records).slice(0, this.cuts.get(id) ?? records.length);
      const last = counted.at(-1);
      if (last !== undefined) sizes.set(id, `${counted.length} ${toHex(last)}`);
    }
    return sizes;
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
    const before = this.logs.get(id);
    const known = open === null ? before : replicaEpochOf(open, group.head, true);
    if (known === undefined) throw new Error("own epoch without its open");
    const { head, checkpoint, from, records } = group;
    const all = [...(before?.records ?? []), ...records];
    this.#put({ ...known, head, records: all, checkpoint, proof: [] });
    const range = { epoch: head.epoch, from, checkpoint, proof: [], items: records };
    this.#send(undefined, "tail", encodeRange(range));
    this.take({ _tag: "OwnCommitted", open, head });
    this.#lookForForks(records);
  }

  /** Ends the epoch, as a rotation does. */
  rotate(): void {
    this.#own = null;
    this.write([]);
  }

  take(input: SyncInput): void {
    const context = { crypto, nowMs: this.#world.nowMs };
    const { state, effects } = step(context, this.state, input);
    this.state = state;
    for (const effect of effects) {
      this.seen.push(effect);
      this.#carryOut(effect);
    }
  }

  #openEpoch(): Draft {
    const names: EpochNames = {
      fleet: FLEET,
      gateway: this.name,
      gatewayKey: gatewayKeyOf(this.#keyIndex),
      epochKey: keyOf(this.#world.newKey()),
    };
    const own = [...this.logs.values()].filter(({ author }) => author === this.name);
    const named = new Set(own.flatMap(({ earlier }) => earlier));
    const unnamed = own.filter(({ head }) => !named.has(toHex(head.epoch)));
    this.#own = { names, head: newHead(names) };
    return openDraft(
      names,
      unnamed.map(({ head: { epoch, range } }) => ({
        epoch,
        size: range.size,
        root: rootOf(sha256, range),
      })),
    );
  }

  #put(log: Log): void {
    this.logs.set(toHex(log.head.epoch), log);
  }

  #send(to: string | undefined, channel: SyncChannel, payload: Uint8Array): void {
    this.#world.send({ from: this.name, to, channel, payload });
  }

  #carryOut(effect: SyncEffect): void {
    if (effect._tag === "PublishHead" || effect._tag === "SendHeld") this.#state(effect);
    else if (effect._tag === "SendAsk") this.#send(effect.to, "ask", encodeAsk(effect.ask));
    else if (effect._tag === "SendAnswer") this.#answer(effect.to, effect.answer);
    else if (effect._tag === "SendRange") {
      const range = this.rangeOf(effect.epoch, effect.from);
      if (range !== undefined) this.#answer(effect.to, { _tag: "AnswerRange", range });
    } else if (effect._tag === "SendSnapshot") this.#answer(effect.to, NO_SNAPSHOT);
    else this.#keep(effect);
  }

  #answer(to: string, answer: Answer): void {
    this.#send(to, "answer", encodeAnswer(answer));
  }

  #keep(effect: SyncEffect): void {
    if (effect._tag === "Store") this.#store(effect);
    else if (effect._tag === "Examine") {
      const { from, range, code, payload } = effect;
      const result = examineIn(this.logs.get(toHex(range.epoch)), payload);
      this.take({ _tag: "Examined", from, range, code, result });
    } else if (effect._tag === "RecordFork") {
      const actor = { kind: ACTOR.gateway, name: this.name };
      const body = { _tag: "Fork", actor, evidence: effect.evidence } as const;
      this.write([{ body, salt: new Uint8Array(16), wallMs: 1, monoMs: 1 }]);
    } else if (effect._tag === "Cut") this.#cut(effect);
    else if (effect._tag === "OpenEpoch" && this.#own === null) this.write([]);
  }

  #cut({ cuts, beyond }: SyncEffect & { readonly _tag: "Cut" }): void {
    this.cuts = cuts;
    const leaves = new Map<string, CutLeaf>();
    for (const { epoch, size } of beyond) {
      const record = this.logs.get(toHex(epoch))?.records[size - 1];
      if (record === undefined) continue;
      leaves.set(toHex(epoch), { size, leaf: leafOf(sha256, record.header) });
    }
    this.take({ _tag: "CutLeavesRead", leaves });
  }

  #state(effect: SyncEffect & { readonly _tag: "PublishHead" | "SendHeld" }): void {
    if (this.#own === null) return;
    const { names, head } = this.#own;
    const said = { gateway: this.name, epoch: head.epoch };
    if (effect._tag === "PublishHead") {
      const { authors, rosterVersion } = effect;
      const payload = encodeHeadPayload({ ...said, rosterVersion, authors });
      this.#send(undefined, "head", encodeSigned(payload, names.epochKey.sign(headText(payload))));
    } else {
      const payload = encodeHeldPayload({ ...said, statement: effect.statement });
      const signed = encodeSigned(payload, names.epochKey.sign(heldText(payload)));
      this.#send(effect.statement.author, "held", signed);
    }
  }

  rangeOf(epoch: Uint8Array, from: number): Uint8Array | undefined {
    return rangeIn(this.logs.get(toHex(epoch)), from, this.#world.recordsPerRange);
  }

  /** Where the records don't follow what is here nothing is kept, as in the store. */
  #store({ addition, stored, from, isLive }: SyncEffect & { readonly _tag: "Store" }): void {
    const id = toHex(addition.head.epoch);
    const held = this.logs.get(id);
    const before = held !== undefined && stored.kept && !held.kept ? undefined : held;
    if ((before?.records.length ?? 0) !== addition.from) return;
    const { checkpoint, proof, records } = addition;
    this.#put({ ...stored, records: [...(before?.records ?? []), ...records], checkpoint, proof });
    const input = { _tag: "Stored", stored, from, isLive } as const;
    this.take(input);
    this.#lookForForks(records);
  }

  #lookForForks(records: ReadonlyArray<RecordBytes>): void {
    for (const fork of records.map(forkOf)) if (fork !== undefined) this.take(fork);
  }
}
