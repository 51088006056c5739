/** What replication knows when a gateway starts. */
import type { Crypto } from "#core/log/crypto.ts";
import { restoredAtStart } from "#core/sync/clones.ts";
import { isSmallFleet, storersOf } from "#core/sync/mirrors.ts";
import { Replica, type ReplicaEpoch } from "#core/sync/replica.ts";
import type { SyncState } from "#core/sync/state.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import type { Roster } from "#core/trust/roster.ts";

/** What is known at the start. */
export interface SyncStart {
  readonly self: string;
  readonly roster: Roster;
  readonly replica: ReadonlyMap<string, ReplicaEpoch>;
  readonly forks: Cuts;
  /** Epoch (hex) → records whose bodies are missing. */
  readonly holes: ReadonlyMap<string, ReadonlySet<number>>;
}

const isNewcomer = ({ replica, roster }: SyncStart): boolean =>
  replica.size === 0 && isSmallFleet(roster);

export const initialSync = (crypto: Crypto, start: SyncStart): SyncState => ({
  ...start,
  replica: Replica.from(start.replica),
  ownEpoch: null,
  opening: null,
  stores: storersOf(crypto.sha256, start.roster, start.self),
  cuts: new Map(),
  cutLeaves: new Map(),
  holesDueMs: 0,
  holesCursor: 0,
  wants: new Map(),
  asks: new Map(),
  unverified: new Map(),
  peers: new Map(),
  unacknowledged: new Set(),
  heldSentMs: Number.NEGATIVE_INFINITY,
  hunts: new Map(),
  rosterFetch: null,
  // Only who holds nothing yet starts from a snapshot, and only where all logs are kept can it be checked.
  snapshot: { _tag: isNewcomer(start) ? "SnapshotWanted" : "SnapshotDone" },
  suspects: new Set(),
  restored: restoredAtStart(start.replica),
  cloned: new Set(),
  endless: new Set(),
  rosterOffers: new Map(),
  rosterLiars: new Map(),
  huntCursor: 0,
  relays: false,
  headDueMs: Number.POSITIVE_INFINITY,
  headSentMs: Number.NEGATIVE_INFINITY,
});
