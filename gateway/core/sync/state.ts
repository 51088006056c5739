/** The state, the inputs and the effects of replication. */
import type { OpenBody } from "#core/log/body.ts";
import type { Crypto } from "#core/log/crypto.ts";
import type { EpochHead } from "#core/log/epoch.ts";
import type { AcceptedRange } from "#core/log/range.ts";
import type { Addition } from "#core/log/stored.ts";
import type { Answer, Ask, AuthorHead } from "#core/message/envelopes.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import type { Replica, ReplicaEpoch } from "#core/sync/replica.ts";
import type { Roster } from "#core/trust/roster.ts";

/** An ask that is not answered in this time is forgotten; the next head brings it up again. */
export const ASK_TIMEOUT_MS = 3_000;
/** Asks under way at once: each answer is up to 64 KiB, and own taps go before. */
export const ASKS_COUNT_MAX = 8;
/** Of them to one peer: one that never answers must not keep this gateway from what others have. */
export const ASKS_PER_PEER_MAX = 2;
/** Epochs to be fetched that are remembered at once, and of them from one peer. */
export const WANTS_COUNT_MAX = 4_096;
export const WANTS_PER_PEER_MAX = 512;
/** Peers remembered for one epoch: if one doesn't answer, the next is asked. */
export const PEERS_PER_WANT_MAX = 4;
export const HEAD_PERIOD_MS = 30_000;
/** A head is not published more often, however many peers turn out to be behind. */
export const HEAD_PERIOD_MIN_MS = 200;

/** Something that a peer has and this gateway hasn't. */
export interface Want {
  /** Peers that say they have it, the one to ask first; never empty. */
  readonly peers: ReadonlyArray<string>;
  readonly epoch: Uint8Array;
  /** Records that the peer says it has. */
  readonly size: number;
}

export interface SyncState {
  readonly self: string;
  /** The epoch (hex) whose key this process has: nobody else can have more of it. */
  readonly ownEpoch: string | null;
  readonly roster: Roster;
  readonly replica: Replica;
  /** By epoch, hex: what is still to be fetched. Heads bring up again what is dropped from it. */
  readonly wants: ReadonlyMap<string, Want>;
  /** Epoch (hex) → until when its ask is under way, ms monotonic. */
  readonly asks: ReadonlyMap<string, number>;
  /** Heads whose sender's epoch is not known yet: one a peer, looked at again when it is. */
  readonly unverifiedHeads: ReadonlyMap<string, Uint8Array>;
  readonly headDueMs: number;
  readonly headSentMs: number;
}

export type SyncInput =
  | { readonly _tag: "Connected" }
  | { readonly _tag: "Ticked" }
  | { readonly _tag: "RosterChanged"; readonly roster: Roster }
  /** Own records are on disk. */
  | { readonly _tag: "OwnCommitted"; readonly open: OpenBody | null; readonly head: EpochHead }
  /** Records of a peer are on disk: the answer to the effect `Store`. */
  | { readonly _tag: "Stored"; readonly stored: ReplicaEpoch; readonly from: string }
  | {
      readonly _tag: "Received";
      readonly from: string;
      readonly channel: SyncChannel;
      readonly payload: Uint8Array;
    };

export type SyncEffect =
  | {
      readonly _tag: "PublishHead";
      readonly authors: ReadonlyArray<AuthorHead>;
      readonly rosterVersion: number;
    }
  | { readonly _tag: "SendAsk"; readonly to: string; readonly ask: Ask }
  | { readonly _tag: "SendEpochs"; readonly to: string; readonly answer: Answer }
  /** Read a Range from the store and send it, if the store has one. */
  | {
      readonly _tag: "SendRange";
      readonly to: string;
      readonly epoch: Uint8Array;
      readonly from: number;
    }
  /** Put on disk; then feed back `Stored`. If the disk refuses, feed back nothing: it will be asked for again. */
  | {
      readonly _tag: "Store";
      readonly addition: Addition;
      readonly stored: ReplicaEpoch;
      readonly accepted: AcceptedRange;
      readonly from: string;
      /** It came as it was made; otherwise it is a replay that answers an ask. */
      readonly isLive: boolean;
    }
  /** A message was dropped: the sender's fault, and counted by this stable code. */
  | { readonly _tag: "Refuse"; readonly from: string; readonly code: string };

export interface SyncStep {
  readonly state: SyncState;
  readonly effects: ReadonlyArray<SyncEffect>;
}

export const initialSync = (self: string, roster: Roster, replica: Replica): SyncState => ({
  self,
  roster,
  ownEpoch: null,
  replica,
  wants: new Map(),
  asks: new Map(),
  unverifiedHeads: new Map(),
  headDueMs: 0,
  headSentMs: Number.NEGATIVE_INFINITY,
});

/** What every step is handed beside its input. */
export interface Context {
  readonly crypto: Crypto;
  /** Monotonic, ms. */
  readonly nowMs: number;
}

export const only = (state: SyncState, ...effects: ReadonlyArray<SyncEffect>): SyncStep => ({
  state,
  effects,
});

export const refuse = (state: SyncState, from: string, code: string): SyncStep =>
  only(state, { _tag: "Refuse", from, code });

/** Takes a further step behind one. */
export const and = (before: SyncStep, then: (state: SyncState) => SyncStep): SyncStep => {
  const after = then(before.state);
  return { state: after.state, effects: [...before.effects, ...after.effects] };
};

/** A message from a peer. */
export interface Message {
  readonly from: string;
  readonly payload: Uint8Array;
}
