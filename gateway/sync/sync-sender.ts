/** Signs what this gateway says to its peers, and sends it. */
import type { SignedGroup } from "#core/log/epoch.ts";
import { encodeRange } from "#core/log/range.ts";
import {
  encodeHeadPayload,
  encodeHeldPayload,
  encodeSigned,
  headText,
  heldText,
  type AuthorHead,
} from "#core/message/envelopes.ts";
import {
  encodeAnswer,
  encodeAsk,
  ROSTER_PIECE_BYTES,
  type Answer,
} from "#core/message/exchange.ts";
import { answerTopic, askTopic, headTopic, heldTopic, tailTopic } from "#core/message/topics.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import type { Roster } from "#core/trust/roster.ts";
import type { Counters } from "#gateway/counters.ts";
import { ANSWERS_COUNT_MAX } from "#gateway/limits.ts";
import type { Link } from "#gateway/link/mqtt-link.ts";
import type { Store } from "#gateway/ports.ts";
import { SnapshotServer, type SnapshotServerDeps } from "#gateway/sync/snapshot-server.ts";
import type { LogWriter } from "#gateway/writer/log-writer.ts";

export interface SyncSenderDeps extends SnapshotServerDeps {
  readonly store: Store;
  readonly writer: LogWriter;
  readonly fleet: string;
  readonly gateway: string;
  readonly counters: Counters;
  readonly link: Pick<Link, "publish" | "isConnected" | "relays">;
  /** The text of the roster that is believed, for peers. */
  readonly rosterNote: () => Uint8Array;
}

/** Effects that are messages to peers. */
export type SentEffect = SyncEffect & {
  readonly _tag:
    | "PublishHead"
    | "SendHeld"
    | "SendAsk"
    | "SendAnswer"
    | "SendRange"
    | "SendRoster"
    | "SendSnapshot"
    | "SendChunk";
};

const SENT_TAGS: ReadonlySet<string> = new Set<SentEffect["_tag"]>([
  "PublishHead",
  "SendHeld",
  "SendAsk",
  "SendAnswer",
  "SendRange",
  "SendRoster",
  "SendSnapshot",
  "SendChunk",
]);

export const isSent = (effect: SyncEffect): effect is SentEffect => SENT_TAGS.has(effect._tag);

export class SyncSender {
  readonly #deps: SyncSenderDeps;
  readonly #snapshots: SnapshotServer;
  #answersUnderWay = 0;

  constructor(deps: SyncSenderDeps) {
    this.#deps = deps;
    this.#snapshots = new SnapshotServer(deps);
  }

  send(effect: SentEffect, roster: Roster): void {
    const { fleet, gateway, link } = this.#deps;
    switch (effect._tag) {
      case "PublishHead":
        this.#publishHead(effect.authors, effect.rosterVersion);
        break;
      case "SendHeld":
        this.#sendHeld(effect.statement);
        break;
      case "SendAsk":
        link.publish(askTopic(fleet, gateway, effect.to), encodeAsk(effect.ask));
        break;
      case "SendAnswer":
        this.#answer(effect.to, effect.answer);
        break;
      case "SendRange":
        void this.#answerFrom(effect.to, () => this.#range(effect));
        break;
      case "SendRoster":
        this.#sendRoster(effect.to, effect.offset, roster.version);
        break;
      case "SendSnapshot":
        void this.#answerFrom(effect.to, () => this.#snapshots.answer(roster));
        break;
      case "SendChunk":
        void this.#answerFrom(effect.to, () => this.#snapshots.chunk(effect.root, effect.index));
        break;
    }
  }

  /** Own records, as they were made. */
  sendTail({ epoch, from, checkpoint, records }: SignedGroup): void {
    const { fleet, gateway, link } = this.#deps;
    if (!link.isConnected()) return;
    const range = encodeRange({ epoch, from, checkpoint, proof: [], items: records });
    link.publish(tailTopic(fleet, gateway), range);
  }

  /** A piece of the roster that is believed. */
  #sendRoster(to: string, offset: number, version: number): void {
    const note = this.#deps.rosterNote();
    const bytes = note.slice(offset, offset + ROSTER_PIECE_BYTES);
    this.#answer(to, { _tag: "AnswerRoster", version, offset, total: note.length, bytes });
  }

  #answer(to: string, answer: Answer): void {
    const { fleet, gateway, link } = this.#deps;
    link.publish(answerTopic(fleet, gateway, to), encodeAnswer(answer));
  }

  #publishHead(authors: ReadonlyArray<AuthorHead>, rosterVersion: number): void {
    const { fleet, gateway, writer, link } = this.#deps;
    const own = writer.head;
    if (own === null) return;
    const payload = encodeHeadPayload({ gateway, epoch: own.epoch, rosterVersion, authors });
    const signature = writer.sign(headText(payload));
    if (signature === undefined) return;
    link.publish(headTopic(fleet, gateway), encodeSigned(payload, signature), true);
  }

  #sendHeld(statement: AuthorHead): void {
    const { fleet, gateway, writer, link } = this.#deps;
    const own = writer.head;
    if (own === null) return;
    const payload = encodeHeldPayload({ gateway, epoch: own.epoch, statement });
    const signature = writer.sign(heldText(payload));
    if (signature === undefined) return;
    link.publish(heldTopic(fleet, gateway, statement.author), encodeSigned(payload, signature));
  }

  async #range({
    epoch,
    from,
  }: SyncEffect & { readonly _tag: "SendRange" }): Promise<Answer | null> {
    const range = await this.#deps.store.range(epoch, from);
    return range === null ? null : { _tag: "AnswerRange", range };
  }

  /** Sends what is read from the store; a peer that finds too many others before it asks again. */
  async #answerFrom(to: string, read: () => Promise<Answer | null>): Promise<void> {
    if (this.#answersUnderWay >= ANSWERS_COUNT_MAX) {
      this.#deps.counters.count("sync.answers-full");
      return;
    }
    this.#answersUnderWay += 1;
    const answer = await read();
    this.#answersUnderWay -= 1;
    if (answer !== null) this.#answer(to, answer);
  }
}
