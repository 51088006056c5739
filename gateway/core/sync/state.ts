/** The state, the inputs and the effects of replication. */
import type { Crypto } from "#core/log/crypto.ts";
import type { Restored } from "#core/sync/clones.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import type { Hunt } from "#core/sync/forks.ts";
import type { PeerHeld } from "#core/sync/held.ts";
import type { Storers } from "#core/sync/mirrors.ts";
import type { Replica, CutLeaf } from "#core/sync/replica.ts";
import type { RosterFetch } from "#core/sync/rosters.ts";
import type { Snapshot } from "#core/sync/snapshots.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import type { Roster } from "#core/trust/roster.ts";

/** An ask that is not answered in this time is forgotten; the next head brings it up again. */
export const ASK_TIMEOUT_MS = 3_000;
/** Asks under way at once: each answer is up to 64 KiB, and own taps go before. */
export const ASKS_COUNT_MAX = 8;
/** Of them to one peer: one that never answers must not keep this gateway from what others have. */
export const ASKS_PER_PEER_MAX = 4;
/** Epochs to be fetched that are remembered at once, and of them from one peer. */
export const WANTS_COUNT_MAX = 4_096;
export const WANTS_PER_PEER_MAX = 512;
/** Peers remembered for one epoch: if one doesn't answer, the next is asked. */
export const PEERS_PER_WANT_MAX = 4;
/** Epochs of one author that are taken: a start a day for eleven years. A liar with a valid key ends here. */
export const EPOCHS_PER_AUTHOR_MAX = 4_096;
export const HEAD_PERIOD_MS = 30_000;
/** A head is not published more often, however many peers turn out to be behind. */
export const HEAD_PERIOD_MIN_MS = 200;
/** Where the head only hints that something is missing, or passes on what a peer can't hear, it has more time. */
export const HEAD_PERIOD_HINT_MS = 1_000;
/** Fleets beyond this many gateways publish heads more rarely, so that each hears about four a second. */
export const HEAD_PERIOD_GATEWAYS = 128;
/** Acknowledgements to one author are not sent more often. */
export const HELD_PERIOD_MIN_MS = 100;
/** At a start peers are listened to so long before an epoch is opened; a tap opens it at once. */
export const HEADS_WAIT_MS = 2_000;
/** At least so long: retained heads arrive one after the other. */
export const HEADS_WAIT_MIN_MS = 200;

/** Something that a peer has and this gateway hasn't. */
export interface Want {
  /** Peers that say they have it, the one to ask first; never empty. */
  readonly peers: ReadonlyArray<string>;
  readonly epoch: Uint8Array;
  /** Records that the peer says it has. */
  readonly size: number;
}

/** Signed statements of a peer whose epoch is not known yet: looked at again when it is. */
export interface Unverified {
  readonly head?: Uint8Array;
  readonly held?: Uint8Array;
}

export interface SyncState {
  readonly self: string;
  /** The epoch (hex) whose key this process has: nobody else can have more of it. */
  readonly ownEpoch: string | null;
  /** Waiting for peers' heads before an epoch is opened: since when and until when. */
  readonly opening: { readonly sinceMs: number; readonly untilMs: number } | null;
  readonly roster: Roster;
  /** By author whose records are stored here: who else stores them. From the roster. */
  readonly stores: Storers;
  readonly replica: Replica;
  /** Where verified forks cut epochs. */
  readonly forks: Cuts;
  /** Roster and forks together: how many records of an epoch count. */
  readonly cuts: Cuts;
  /** By epoch (hex) that is held beyond its cut: what tells whether others hold the same up to there. */
  readonly cutLeaves: ReadonlyMap<string, CutLeaf>;
  /** Epoch (hex) → records whose bodies are missing here. */
  readonly holes: ReadonlyMap<string, ReadonlySet<number>>;
  readonly holesDueMs: number;
  readonly holesCursor: number;
  /** By epoch, hex: what is still to be fetched. Heads bring up again what is dropped from it. */
  readonly wants: ReadonlyMap<string, Want>;
  /** Epoch (hex) → until when its ask is under way, ms monotonic. */
  readonly asks: ReadonlyMap<string, number>;
  /** By peer. */
  readonly unverified: ReadonlyMap<string, Unverified>;
  /** By peer: what of this gateway's epochs it says to hold. */
  readonly peers: ReadonlyMap<string, PeerHeld>;
  /** Authors whose records were stored since they were told so last. */
  readonly unacknowledged: ReadonlySet<string>;
  readonly heldSentMs: number;
  /** By epoch, hex: two branches are suspected, and the place is looked for where they part. */
  readonly hunts: ReadonlyMap<string, Hunt>;
  readonly rosterFetch: RosterFetch | null;
  readonly snapshot: Snapshot;
  /** Authors of whom new epochs came since they were looked at last. */
  readonly suspects: ReadonlySet<string>;
  /** By author with several live epochs. */
  readonly restored: ReadonlyMap<string, Restored>;
  readonly cloned: ReadonlySet<string>;
  /** Authors that open epochs without end. */
  readonly endless: ReadonlySet<string>;
  /** Peers that offer a newer roster than is believed, while another one is asked → its version. */
  readonly rosterOffers: ReadonlyMap<string, number>;
  /** Peers that offered a roster and didn't deliver it → until when they aren't asked again, ms monotonic. */
  readonly rosterLiars: ReadonlyMap<string, number>;
  /** Where among an author's epochs the next hunt begins. */
  readonly huntCursor: number;
  /** Some peers are heard by one broker only, and others by another one only: they hear of each other from here. */
  readonly relays: boolean;
  readonly headDueMs: number;
  readonly headSentMs: number;
}

export interface SyncStep {
  readonly state: SyncState;
  readonly effects: ReadonlyArray<SyncEffect>;
}

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
