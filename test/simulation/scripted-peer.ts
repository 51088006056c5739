/** A member of the fleet that isn't this product: it has a valid key and speaks for itself. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import type { CborValue } from "#core/log/cbor.ts";
import { encodeCbor } from "#core/log/cbor.ts";
import {
  contentHash,
  encodeSigned,
  endedHash,
  headText,
  ENVELOPE_VERSION,
} from "#core/message/envelopes.ts";
import { decodeAsk, encodeAnswer } from "#core/message/exchange.ts";
import {
  answerTopic,
  headTopic,
  parseSyncTopic,
  syncSubscriptions,
  tailTopic,
} from "#core/message/topics.ts";
import type { Addition } from "#core/log/stored.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { Client } from "#test/simulation/client.ts";
import type { Random } from "#test/simulation/random.ts";
import { ScriptedEpoch } from "#test/simulation/scripted-epoch.ts";
import type { World } from "#test/simulation/world.ts";

export class ScriptedPeer {
  readonly name: string;
  readonly gatewayKey: SigningKey;
  readonly random: Random;
  readonly client: Client;
  /** By epoch, hex: what it answers asks with. */
  readonly epochs: Map<string, ScriptedEpoch> = new Map();
  /** Whether it is held to what it signs. */
  readonly isHonest: boolean;
  readonly #world: World;

  constructor(world: World, name: string, isHonest: boolean) {
    this.#world = world;
    this.name = name;
    this.isHonest = isHonest;
    this.random = world.random.fork();
    this.gatewayKey = world.keys.keyOf(this.random.bytes(32));
    this.client = world.network.client(name, syncSubscriptions(world.fleet, name));
  }

  start(): void {
    this.client.start({
      onConnect: () => this.publishHead(),
      onMessage: (topic, payload) => this.#onMessage(topic, payload),
    });
  }

  newEpoch(extra: ReadonlyArray<CborValue> = []): ScriptedEpoch {
    const { fleet, keys } = this.#world;
    const names = { fleet, gateway: this.name, gatewayKey: this.gatewayKey };
    const epoch = new ScriptedEpoch(this.random, keys.keyOf(this.random.bytes(32)), names);
    this.made(epoch.open(extra));
    this.epochs.set(toHex(epoch.head.epoch), epoch);
    return epoch;
  }

  /** Enters what it made into the books. */
  made(addition: Addition): Addition {
    const { ledger } = this.#world;
    ledger.made(this.name, addition, this.isHonest);
    ledger.durable(this.name, toHex(addition.head.epoch), addition.head.range.size);
    return addition;
  }

  publishTail(payload: Uint8Array): void {
    this.client.publish(tailTopic(this.#world.fleet, this.name), payload);
  }

  answer(to: string, range: Uint8Array): void {
    const answer = encodeAnswer({ _tag: "AnswerRange", range });
    this.client.publish(answerTopic(this.#world.fleet, this.name, to), answer);
  }

  /** `claims`: further authors; `extra`: fields that only a later version knows. */
  publishHead(claims: ReadonlyArray<CborValue> = [], extra: ReadonlyArray<CborValue> = []): void {
    const epochs = [...this.epochs.values()];
    const signer = epochs.at(-1);
    if (signer === undefined) return;
    const heads = epochs.map(({ head }) => head);
    const live = heads.slice(-16).map(({ epoch, range }) => [epoch, range.size]);
    const own = [this.name, live, endedHash(sha256, []), contentHash(sha256, heads), ...extra];
    const fields = [this.name, signer.head.epoch, 1, [own, ...claims], ...extra];
    const payload = encodeCbor([ENVELOPE_VERSION, ...fields]);
    const signed = encodeSigned(payload, signer.key.sign(headText(payload)));
    this.client.publish(headTopic(this.#world.fleet, this.name), signed, true);
  }

  #onMessage(topic: string, payload: Uint8Array): void {
    const parsed = parseSyncTopic(topic, this.#world.fleet, this.name);
    if (parsed?.channel !== "ask") return;
    const ask = decodeAsk(payload);
    if (E.isLeft(ask)) return;
    const { fleet } = this.#world;
    const asked = ask.right;
    if (asked._tag === "AskRange") {
      const epoch = [...this.epochs.values()].find(({ head }) =>
        equalBytes(head.epoch, asked.epoch),
      );
      if (epoch !== undefined && asked.from < epoch.records.length) {
        this.answer(parsed.from, epoch.range(asked.from));
      }
    }
    if (asked._tag === "AskEpochs" && asked.author === this.name) {
      const epochs = [...this.epochs.values()].map(({ head }) => ({
        epoch: head.epoch,
        size: head.range.size,
      }));
      const answer = encodeAnswer({ _tag: "AnswerEpochs", author: this.name, epochs });
      this.client.publish(answerTopic(fleet, this.name, parsed.from), answer);
    }
  }
}
