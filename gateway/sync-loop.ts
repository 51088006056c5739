/** Carries out the effects of core/sync: signs, sends, stores. Takes no decision of its own. */
import * as E from "fp-ts/lib/Either.js";
import { decodeBody } from "#core/log/body.ts";
import type { SignedGroup } from "#core/log/epoch.ts";
import { encodeRange, type AcceptedRange } from "#core/log/range.ts";
import { KIND } from "#core/log/record.ts";
import {
  encodeAnswer,
  encodeAsk,
  encodeHeadPayload,
  encodeSignedHead,
  headText,
  type AuthorHead,
} from "#core/message/envelopes.ts";
import {
  answerTopic,
  askTopic,
  headTopic,
  parseSyncTopic,
  tailTopic,
} from "#core/message/topics.ts";
import type { Replica } from "#core/sync/replica.ts";
import { initialSync, type SyncEffect, type SyncInput, type SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Roster } from "#core/trust/roster.ts";
import type { Counters } from "#gateway/counters.ts";
import { ANSWERS_COUNT_MAX, INBOX_BYTES_MAX, INBOX_COUNT_MAX } from "#gateway/limits.ts";
import type { Link } from "#gateway/link/mqtt-link.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import type { Clock, Journal, Store } from "#gateway/ports.ts";
import type { LogWriter } from "#gateway/writer/log-writer.ts";

export interface SyncLoopDeps {
  readonly fleet: string;
  readonly gateway: string;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly counters: Counters;
  readonly store: Store;
  readonly writer: LogWriter;
  readonly link: Pick<Link, "publish" | "isConnected">;
  /** Records of a peer are on disk here. */
  readonly onAccepted: (accepted: AcceptedRange, author: string, isLive: boolean) => void;
}

const TICK_MS = 100;
const REFUSAL_LINE_PERIOD_MS = 1_000;

export class SyncLoop {
  readonly #deps: SyncLoopDeps;
  #state: SyncState;
  #inbox: SyncInput[] = [];
  #inboxBytes = 0;
  #answersUnderWay = 0;
  /** By code, of which there are few: when its line was last written, ms monotonic. */
  readonly #refusalsWritten = new Map<string, number>();
  #isRunning = false;
  #ticker: NodeJS.Timeout | undefined;

  constructor(deps: SyncLoopDeps, roster: Roster, replica: Replica) {
    this.#deps = deps;
    this.#state = initialSync(deps.gateway, roster, replica);
  }

  get state(): SyncState {
    return this.#state;
  }

  start(): void {
    this.#ticker = setInterval(() => {
      if (this.#deps.link.isConnected()) this.#take({ _tag: "Ticked" });
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.#ticker);
    this.#inbox = [];
  }

  /** A broker was reached: a head is signed, for which an epoch must be open. */
  async onConnect(): Promise<void> {
    await this.#deps.writer.ensureOpen();
    this.#take({ _tag: "Connected" });
  }

  onRoster(roster: Roster): void {
    this.#take({ _tag: "RosterChanged", roster });
  }

  onMessage(topic: string, payload: Uint8Array): void {
    const { fleet, gateway, counters } = this.#deps;
    const parsed = parseSyncTopic(topic, fleet, gateway);
    if (parsed === undefined) counters.count("sync.topic-unknown");
    else this.#take({ _tag: "Received", ...parsed, payload });
  }

  /** Own records are on disk: peers get them at once, without a place in the queue. */
  onOwnCommitted(group: SignedGroup): void {
    const { fleet, gateway, link } = this.#deps;
    if (link.isConnected()) {
      const { epoch, from, checkpoint, records } = group;
      const range = encodeRange({ epoch, from, checkpoint, proof: [], items: records });
      link.publish(tailTopic(fleet, gateway), range);
    }
    const first = group.from === 0 ? group.records[0]?.body : null;
    const open = first === null || first === undefined ? null : decodeBody(KIND.open, first);
    const body = open !== null && E.isRight(open) && open.right._tag === "Open" ? open.right : null;
    this.#take({ _tag: "OwnCommitted", open: body, head: group.head });
  }

  #take(input: SyncInput): void {
    const byteCount = input._tag === "Received" ? input.payload.length : 0;
    const isFull =
      this.#inbox.length >= INBOX_COUNT_MAX || this.#inboxBytes + byteCount > INBOX_BYTES_MAX;
    if (isFull && input._tag === "Received") {
      this.#deps.counters.count("sync.inbox-full");
      return;
    }
    this.#inbox.push(input);
    this.#inboxBytes += byteCount;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let input = this.#inbox.shift(); input !== undefined; input = this.#inbox.shift()) {
      if (input._tag === "Received") this.#inboxBytes -= input.payload.length;
      await this.#apply(input);
      // One message a turn: a tap must not wait for a queue of Ranges.
      if (this.#inbox.length > 0) await new Promise(setImmediate);
    }
    this.#isRunning = false;
  }

  async #apply(input: SyncInput): Promise<void> {
    const context = { crypto: nodeCrypto, nowMs: this.#deps.clock.monoMs() };
    const { state, effects } = step(context, this.#state, input);
    this.#state = state;
    for (const effect of effects) await this.#carryOut(effect);
  }

  async #carryOut(effect: SyncEffect): Promise<void> {
    const { fleet, gateway, link } = this.#deps;
    switch (effect._tag) {
      case "PublishHead":
        this.#publishHead(effect.authors, effect.rosterVersion);
        break;
      case "SendAsk":
        link.publish(askTopic(fleet, gateway, effect.to), encodeAsk(effect.ask));
        break;
      case "SendEpochs":
        link.publish(answerTopic(fleet, gateway, effect.to), encodeAnswer(effect.answer));
        break;
      case "SendRange":
        void this.#sendRange(effect);
        break;
      case "Store":
        await this.#storeRange(effect);
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

  #publishHead(authors: ReadonlyArray<AuthorHead>, rosterVersion: number): void {
    const { fleet, gateway, writer, link } = this.#deps;
    const own = writer.head;
    if (own === null) return;
    const payload = encodeHeadPayload({ gateway, epoch: own.epoch, rosterVersion, authors });
    const signature = writer.sign(headText(payload));
    if (signature === undefined) return;
    link.publish(headTopic(fleet, gateway), encodeSignedHead(payload, signature), true);
  }

  async #sendRange(effect: SyncEffect & { readonly _tag: "SendRange" }): Promise<void> {
    const { fleet, gateway, store, link, counters } = this.#deps;
    if (this.#answersUnderWay >= ANSWERS_COUNT_MAX) {
      counters.count("sync.answers-full");
      return;
    }
    this.#answersUnderWay += 1;
    const range = await store.range(effect.epoch, effect.from);
    this.#answersUnderWay -= 1;
    if (range === null) return;
    const answer = encodeAnswer({ _tag: "AnswerRange", range });
    link.publish(answerTopic(fleet, gateway, effect.to), answer);
  }

  async #storeRange(effect: SyncEffect & { readonly _tag: "Store" }): Promise<void> {
    const { store, counters, journal, onAccepted } = this.#deps;
    const { addition, accepted, stored, from, isLive } = effect;
    const result = await store.mirror(addition);
    if (E.isLeft(result)) {
      counters.count(`sync.store-failed.${result.left._tag}`);
      journal.error("sync.store-failed", { detail: result.left.detail });
      return;
    }
    onAccepted(accepted, stored.author, isLive);
    await this.#apply({ _tag: "Stored", stored, from });
  }
}
