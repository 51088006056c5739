/** Carries out the effects of core/sync: signs, sends, stores. Takes no decision of its own. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import { decodeBody } from "#core/log/body.ts";
import type { SignedGroup } from "#core/log/epoch.ts";
import { KIND } from "#core/log/record.ts";
import { rootOf } from "#core/log/tree.ts";
import { parseSyncTopic } from "#core/message/topics.ts";
import type { AlarmCode, SyncEffect } from "#core/sync/effects.ts";
import { initialSync, type SyncStart } from "#core/sync/initial.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import type { SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Roster } from "#core/trust/roster.ts";
import { Inbox } from "#gateway/sync/inbox.ts";
import {
  isOfStore,
  SyncStore,
  type StoreEffect,
  type SyncStoreDeps,
} from "#gateway/sync/sync-store.ts";
import { isSent, SyncSender, type SentEffect } from "#gateway/sync/sync-sender.ts";

export interface SyncLoopDeps extends SyncStoreDeps {
  /** Resolves when whatever else waits in the process has had its turn. */
  readonly nextTurn: () => Promise<void>;
  /** A peer's roster: checks and keeps it, then calls `onRoster` if it is newer. */
  readonly takeRoster: (note: Uint8Array, from: string) => void;
  /** What peers hold of this gateway's records has changed. */
  readonly onAcknowledged: () => void;
  readonly onEpochsHeard: (author: string, from: string) => void;
  readonly onAlarm: (code: AlarmCode, author: string) => void;
}

const REFUSAL_LINE_PERIOD_MS = 1_000;

export class SyncLoop {
  readonly #deps: SyncLoopDeps;
  #state: SyncState;
  readonly #inbox = new Inbox();
  readonly #sender: SyncSender;
  readonly #store: SyncStore;
  /** By code, of which there are few: when its line was last written, ms monotonic. */
  readonly #refusalsWritten = new Map<string, number>();
  #isRunning = false;

  constructor(deps: SyncLoopDeps, start: SyncStart) {
    this.#deps = deps;
    this.#state = initialSync(deps.crypto, start);
    this.#sender = new SyncSender(deps);
    this.#store = new SyncStore(deps);
  }

  get state(): SyncState {
    return this.#state;
  }

  /** Inputs that wait. */
  get waiting(): number {
    return this.#inbox.length;
  }

  /** Works out what the roster lets count, before anything is received. */
  start(): void {
    this.onRoster(this.#state.roster);
  }

  stop(): void {
    this.#inbox.clear();
  }

  /** To be called every 100 ms or so. */
  tick(): void {
    const { link } = this.#deps;
    if (!link.isConnected()) return;
    if (this.#deps.writer.head === null && this.#state.ownEpoch !== null) {
      this.#take({ _tag: "OwnLost" });
    }
    const relays = link.relays();
    if (relays !== this.#state.relays) this.#take({ _tag: "PathsChanged", relays });
    this.#take({ _tag: "Ticked" });
  }

  onConnect(): void {
    this.#take({ _tag: "Connected" });
  }

  onRoster(roster: Roster): void {
    this.#take({ _tag: "RosterChanged", roster });
  }

  /** A stored record proves that the epoch (hex) has two branches. */
  onFork(epoch: string, size: number): void {
    this.#take({ _tag: "ForkFound", epoch, size });
    // The store has cut it by itself already.
    void this.#store.refolded().then((inputs) => this.#applyAll(inputs));
  }

  /** Asks all peers what they hold of an author; `onEpochsHeard` tells of each answer. */
  askAuthor(author: string): void {
    this.#take({ _tag: "AuthorAsked", author });
  }

  onMessage(topic: string, payload: Uint8Array): void {
    const { fleet, gateway, counters } = this.#deps;
    const parsed = parseSyncTopic(topic, fleet, gateway);
    if (parsed === undefined) counters.count("sync.topic-unknown");
    else this.#take({ _tag: "Received", ...parsed, payload });
  }

  /** Own records are on disk: peers get them at once, without a place in the queue. */
  onOwnCommitted(group: SignedGroup): void {
    this.#sender.sendTail(group);
    const first = group.from === 0 ? group.records[0]?.body : null;
    const open = first === null || first === undefined ? null : decodeBody(KIND.open, first);
    const body = open !== null && E.isRight(open) && open.right._tag === "Open" ? open.right : null;
    this.#take({ _tag: "OwnCommitted", open: body, head: group.head });
  }

  #take(input: SyncInput): void {
    if (!this.#inbox.push(input)) this.#deps.counters.count("sync.inbox-full");
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let input = this.#inbox.shift(); input !== undefined; input = this.#inbox.shift()) {
      await this.#apply(input);
      // One message a turn: a tap must not wait for a queue of Ranges.
      if (this.#inbox.length > 0) await this.#deps.nextTurn();
    }
    this.#isRunning = false;
  }

  async #apply(input: SyncInput): Promise<void> {
    const { crypto, clock } = this.#deps;
    const { state, effects } = step({ crypto, nowMs: clock.monoMs() }, this.#state, input);
    this.#state = state;
    for (const effect of effects) await this.#carryOut(effect);
  }

  async #carryOut(effect: SyncEffect): Promise<void> {
    if (isSent(effect)) this.#sender.send(effect, this.#state.roster);
    else if (isOfStore(effect)) await this.#applyAll(await this.#store.carryOut(effect));
    else this.#tellGateway(effect);
  }

  async #applyAll(inputs: ReadonlyArray<SyncInput>): Promise<void> {
    for (const input of inputs) await this.#apply(input);
  }

  /** Effects that concern neither peers nor the store. */
  #tellGateway(effect: Exclude<SyncEffect, SentEffect | StoreEffect>): void {
    const deps = this.#deps;
    switch (effect._tag) {
      case "OpenEpoch":
        // Not awaited: the epoch's first commit comes back as an input.
        void deps.writer.ensureOpen();
        break;
      case "TakeRoster":
        deps.takeRoster(effect.note, effect.from);
        break;
      case "RecordFork":
        void this.#recordFork(effect.evidence);
        break;
      case "NoteEarlier": {
        const { epoch, range } = effect.head;
        deps.writer.noteEarlier({
          epoch,
          size: range.size,
          root: rootOf(deps.crypto.sha256, range),
        });
        break;
      }
      case "Acknowledged":
        deps.onAcknowledged();
        break;
      case "EpochsHeard":
        deps.onEpochsHeard(effect.author, effect.from);
        break;
      case "Alarm":
        deps.onAlarm(effect.code, effect.author);
        break;
      case "Refuse":
        this.#refuse(effect.from, effect.code);
        break;
    }
  }

  /** Counts every refusal; writes at most one line a second for each code, whatever a peer sends. */
  #refuse(from: string, code: string): void {
    const { counters, journal, clock } = this.#deps;
    counters.count(`sync.refused.${code}`);
    const nowMs = clock.monoMs();
    if (nowMs - (this.#refusalsWritten.get(code) ?? 0) < REFUSAL_LINE_PERIOD_MS) return;
    this.#refusalsWritten.set(code, nowMs);
    journal.warn("sync.refused", { from, code });
  }

  async #recordFork(evidence: Uint8Array): Promise<void> {
    const { writer, clock, journal, gateway } = this.#deps;
    const recorded = await writer.append({
      wallMs: clock.wallMs(),
      monoMs: clock.monoMs(),
      queries: [],
      body: () => ({ _tag: "Fork", actor: { kind: ACTOR.gateway, name: gateway }, evidence }),
    });
    if (E.isLeft(recorded)) journal.error("log.fork-not-recorded", { tag: recorded.left._tag });
    else journal.warn("log.fork-recorded", { epoch: toHex(recorded.right.epoch) });
  }
}
