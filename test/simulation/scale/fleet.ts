/**
 * A fleet of any size whose gateways do nothing but replicate: the real step functions, a broker that counts, no disk, and
 * signatures by a notary. What a message costs in time is measured elsewhere; here they are counted.
 */
import { toHex } from "#core/bytes.ts";
import type { Draft, EpochHead } from "#core/log/epoch.ts";
import { encodeRange } from "#core/log/range.ts";
import {
  encodeHeadPayload,
  encodeHeldPayload,
  encodeSigned,
  headText,
  heldText,
} from "#core/message/envelopes.ts";
import { encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { initialSync } from "#core/sync/initial.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import type { SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Roster } from "#core/trust/roster.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { createKeys, type Keys } from "#test/simulation/keys.ts";
import { append, newHead, openDraft, type EpochNames } from "#test/unit/core/log/sample-epoch.ts";

const FLEET = "scale";
const GATEWAYS_PER_SITE = 10;

/** Messages and bytes, by channel. */
export interface Traffic {
  readonly messages: Record<SyncChannel, number>;
  readonly bytes: Record<SyncChannel, number>;
}

const noTraffic = (): Traffic => ({
  messages: { head: 0, tail: 0, held: 0, ask: 0, answer: 0 },
  bytes: { head: 0, tail: 0, held: 0, ask: 0, answer: 0 },
});

const secretOf = (kind: number, index: number): Uint8Array =>
  sha256(Uint8Array.of(kind, index >> 8, index & 255));

const nameOf = (index: number): string => `g${index}`;

const rosterOf = (keys: Keys, count: number): Roster => ({
  fleet: FLEET,
  version: 1,
  previous: null,
  successor: null,
  fleetKeys: [],
  cuts: new Map(),
  gateways: Array.from({ length: count }, (_, index) => ({
    name: nameOf(index),
    site: `s${Math.floor(index / GATEWAYS_PER_SITE)}`,
    key: keys.keyOf(secretOf(1, index)).publicKey,
    status: "active",
  })),
});

type Send = (channel: SyncChannel, payload: Uint8Array, to?: string) => void;

class ScaleGateway {
  readonly names: EpochNames;
  state: SyncState;
  /** Records that would lie on this disk. */
  recordsKept = 0;
  #head: EpochHead;
  readonly #keys: Keys;
  readonly #send: Send;

  constructor(parts: {
    readonly keys: Keys;
    readonly roster: Roster;
    readonly index: number;
    readonly send: Send;
  }) {
    const { keys, roster, index } = parts;
    this.names = {
      fleet: FLEET,
      gateway: nameOf(index),
      gatewayKey: keys.keyOf(secretOf(1, index)),
      epochKey: keys.keyOf(secretOf(2, index)),
    };
    this.#keys = keys;
    this.#send = parts.send;
    this.#head = newHead(this.names);
    this.state = initialSync(keys.crypto, {
      self: this.names.gateway,
      roster,
      replica: new Map([["none", STANDS_FOR_A_PAST]]),
      forks: new Map(),
      holes: new Map(),
    });
  }

  write(drafts: ReadonlyArray<Draft>, nowMs: number): void {
    const isFirst = this.#head.range.size === 0;
    const group = append(
      this.names,
      this.#head,
      isFirst ? [openDraft(this.names), ...drafts] : drafts,
    );
    this.#head = group.head;
    this.recordsKept += group.records.length;
    const { epoch, from, checkpoint, records } = group;
    this.#send("tail", encodeRange({ epoch, from, checkpoint, proof: [], items: records }));
    const open = isFirst ? openDraft(this.names).body : null;
    this.take(
      {
        _tag: "OwnCommitted",
        open: open?._tag === "Open" ? open : null,
        head: group.head,
      },
      nowMs,
    );
  }

  take(input: SyncInput, nowMs: number): void {
    const { state, effects } = step({ crypto: this.#keys.crypto, nowMs }, this.state, input);
    this.state = state;
    for (const effect of effects) this.#carryOut(effect, nowMs);
  }

  #carryOut(effect: SyncEffect, nowMs: number): void {
    if (effect._tag === "PublishHead" || effect._tag === "SendHeld") this.#state(effect);
    else if (effect._tag === "SendAsk") this.#send("ask", encodeAsk(effect.ask), effect.to);
    else if (effect._tag === "SendAnswer") {
      this.#send("answer", encodeAnswer(effect.answer), effect.to);
    } else if (effect._tag === "Store") {
      const { stored, from, isLive, addition } = effect;
      if (stored.kept) this.recordsKept += addition.records.length;
      this.take({ _tag: "Stored", stored, from, isLive }, nowMs);
    }
  }

  #state(effect: SyncEffect & { readonly _tag: "PublishHead" | "SendHeld" }): void {
    const { gateway, epochKey } = this.names;
    const { epoch } = this.#head;
    if (effect._tag === "PublishHead") {
      const { authors, rosterVersion } = effect;
      const payload = encodeHeadPayload({ gateway, epoch, rosterVersion, authors });
      this.#send("head", encodeSigned(payload, epochKey.sign(headText(payload))));
      return;
    }
    const { statement } = effect;
    const payload = encodeHeldPayload({ gateway, epoch, statement });
    const signed = encodeSigned(payload, epochKey.sign(heldText(payload)));
    this.#send("held", signed, statement.author);
  }
}

/** Keeps a gateway from starting as a newcomer, which would ask for snapshots. */
const STANDS_FOR_A_PAST = {
  author: "none",
  gatewayKey: "",
  earlier: [],
  kept: false,
  head: {
    epoch: new Uint8Array(16),
    origin: "",
    epochKey: new Uint8Array(32),
    range: { size: 0, roots: [] },
    lastLeaf: new Uint8Array(32),
  },
} as const;

export interface ScaleFleet {
  readonly gateways: ReadonlyArray<ScaleGateway>;
  /** Since the last call: sent by all, and received by all. */
  readonly takeTraffic: () => { readonly sent: Traffic; readonly received: Traffic };
  /** Delivers everything that waits, and what comes of it. */
  readonly settle: (nowMs: number) => void;
}

const note = (traffic: Traffic, channel: SyncChannel, payload: Uint8Array): void => {
  traffic.messages[channel] += 1;
  traffic.bytes[channel] += payload.length;
};

export const newScaleFleet = (count: number): ScaleFleet => {
  const keys = createKeys();
  const roster = rosterOf(keys, count);
  const queue: Array<{
    readonly from: string;
    readonly channel: SyncChannel;
    readonly payload: Uint8Array;
    readonly to: string | undefined;
  }> = [];
  let [sent, received] = [noTraffic(), noTraffic()];
  const gateways = roster.gateways.map(
    ({ name }, index) =>
      new ScaleGateway({
        keys,
        roster,
        index,
        send: (channel, payload, to) => {
          note(sent, channel, payload);
          queue.push({ from: name, channel, payload, to });
        },
      }),
  );
  const byName = new Map(gateways.map((gateway) => [gateway.names.gateway, gateway]));
  const settle = (nowMs: number): void => {
    for (let at = 0; at < queue.length; at += 1) {
      const message = queue[at];
      if (message === undefined) break;
      const { from, channel, payload, to } = message;
      const one = to === undefined ? undefined : byName.get(to);
      const receivers = to === undefined ? gateways : one === undefined ? [] : [one];
      for (const gateway of receivers) {
        if (gateway.names.gateway === from) continue;
        note(received, channel, payload);
        gateway.take({ _tag: "Received", from, channel, payload }, nowMs);
      }
    }
    queue.length = 0;
  };
  const takeTraffic = (): { readonly sent: Traffic; readonly received: Traffic } => {
    const traffic = { sent, received };
    [sent, received] = [noTraffic(), noTraffic()];
    return traffic;
  };
  return { gateways, takeTraffic, settle };
};

/** Epochs (hex) of which a gateway keeps the records. */
export const keptEpochs = ({ state }: ScaleGateway): ReadonlyArray<string> =>
  [...state.replica.values()].filter(({ kept }) => kept).map(({ head }) => toHex(head.epoch));
