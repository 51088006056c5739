/** What replication is told: by the clock, by peers, by the store, by the gateway itself. */
import type { OpenBody } from "#core/log/body.ts";
import type { EpochHead } from "#core/log/epoch.ts";
import type { Examined } from "#core/log/examine.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import type { CutLeaf, ReplicaEpoch } from "#core/sync/replica.ts";
import type { Roster } from "#core/trust/roster.ts";

export type SyncInput =
  | { readonly _tag: "Connected" }
  | { readonly _tag: "Ticked" }
  /** Whether this gateway stands between brokers whose other peers don't hear of each other. */
  | { readonly _tag: "PathsChanged"; readonly relays: boolean }
  | { readonly _tag: "RosterChanged"; readonly roster: Roster }
  /** Own records are on disk. */
  | { readonly _tag: "OwnCommitted"; readonly open: OpenBody | null; readonly head: EpochHead }
  /** Records of a peer are on disk (or folded, where they are not kept): the answer to the effect `Store`. */
  | {
      readonly _tag: "Stored";
      readonly stored: ReplicaEpoch;
      readonly from: string;
      readonly isLive: boolean;
    }
  /** A stored record proves a fork. */
  | { readonly _tag: "ForkFound"; readonly epoch: string; readonly size: number }
  /** The answer to the effect `Examine`. */
  | {
      readonly _tag: "Examined";
      readonly from: string;
      readonly range: { readonly epoch: Uint8Array; readonly from: number; readonly to: number };
      readonly result: Examined;
      readonly code: string;
    }
  /** The state was folded anew: of the epochs that are only folded just these (hex → size) are left, others are asked for again. */
  | { readonly _tag: "Refolded"; readonly passing: ReadonlyMap<string, number> }
  /** The newest leaves that count of epochs (hex) that are held beyond their cuts: the answer to the effect `Cut`. */
  | { readonly _tag: "CutLeavesRead"; readonly leaves: ReadonlyMap<string, CutLeaf> }
  | { readonly _tag: "Filled"; readonly epoch: Uint8Array; readonly seqs: ReadonlyArray<number> }
  /** The own epoch's key is gone: a commit failed. */
  | { readonly _tag: "OwnLost" }
  /** The store has taken a snapshot over, or has found it wrong. */
  | { readonly _tag: "SnapshotAdopted" }
  /** Somebody wants to know all that is held anywhere of an author. */
  | { readonly _tag: "AuthorAsked"; readonly author: string }
  | {
      readonly _tag: "Received";
      readonly from: string;
      readonly channel: SyncChannel;
      readonly payload: Uint8Array;
    };
