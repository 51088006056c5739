/** What replication wants done. Carried out in order; what comes of it is fed back as an input. */
import type { EpochHead } from "#core/log/epoch.ts";
import type { AcceptedRange } from "#core/log/range.ts";
import type { Addition } from "#core/log/stored.ts";
import type { AuthorHead } from "#core/message/envelopes.ts";
import type { Answer, Ask } from "#core/message/exchange.ts";
import type { ReplicaEpoch } from "#core/sync/replica.ts";
import type { Cuts } from "#core/trust/cuts.ts";

export type AlarmCode =
  /** A new epoch of this author doesn't name one that is known: its disk was put back, or runs twice. */
  | "restored-or-cloned"
  /** Two epochs of one author grow: it runs twice. */
  | "cloned"
  /** An epoch has two branches under its own key: its author lies. */
  | "forked"
  /** An author opens epochs without end. */
  | "too-many-epochs";

export type SyncEffect =
  /** Opens an own epoch, if none is open. */
  | { readonly _tag: "OpenEpoch" }
  | {
      readonly _tag: "PublishHead";
      readonly authors: ReadonlyArray<AuthorHead>;
      readonly rosterVersion: number;
    }
  /** Tells an author what of its records is stored here. */
  | { readonly _tag: "SendHeld"; readonly statement: AuthorHead }
  | { readonly _tag: "SendAsk"; readonly to: string; readonly ask: Ask }
  | { readonly _tag: "SendAnswer"; readonly to: string; readonly answer: Answer }
  /** Read a Range from the store and send it, if the store has one. */
  | {
      readonly _tag: "SendRange";
      readonly to: string;
      readonly epoch: Uint8Array;
      readonly from: number;
    }
  /** A snapshot of the state, or word that there is none worth it. */
  | { readonly _tag: "SendSnapshot"; readonly to: string }
  | {
      readonly _tag: "SendChunk";
      readonly to: string;
      readonly root: Uint8Array;
      readonly index: number;
    }
  /** Keep a peer's snapshot beside the state, chunk by chunk, whose entries may be used at once. */
  | { readonly _tag: "StageSnapshot"; readonly manifest: Uint8Array }
  | { readonly _tag: "StageChunk"; readonly index: number; readonly bytes: Uint8Array }
  /** Take it over as the state, and feed back `SnapshotAdopted`. */
  | { readonly _tag: "AdoptSnapshot" }
  | { readonly _tag: "DropSnapshot" }
  | { readonly _tag: "SendRoster"; readonly to: string; readonly offset: number }
  /** A peer's roster, unverified: check its signature, keep it, and feed back `RosterChanged`. */
  | { readonly _tag: "TakeRoster"; readonly from: string; readonly note: Uint8Array }
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
  /** Compare with what is stored, and feed back `Examined`. */
  | {
      readonly _tag: "Examine";
      readonly from: string;
      readonly payload: Uint8Array;
      readonly range: { readonly epoch: Uint8Array; readonly from: number; readonly to: number };
      readonly code: string;
    }
  /** Put bodies in that are missing; then feed back `Filled`. */
  | {
      readonly _tag: "Fill";
      readonly epoch: Uint8Array;
      readonly bodies: ReadonlyArray<{ readonly seq: number; readonly body: Uint8Array }>;
    }
  /** Write a `fork` record. */
  | { readonly _tag: "RecordFork"; readonly evidence: Uint8Array }
  /** Tell the store what counts, read the newest leaf that does of each epoch held beyond, and feed back `CutLeavesRead`. */
  | {
      readonly _tag: "Cut";
      readonly cuts: Cuts;
      readonly beyond: ReadonlyArray<{ readonly epoch: Uint8Array; readonly size: number }>;
    }
  /** An own epoch came back from a peer: the next `open` names it. */
  | { readonly _tag: "NoteEarlier"; readonly head: EpochHead }
  /** What peers hold of this gateway's records has changed. */
  | { readonly _tag: "Acknowledged"; readonly by: string }
  /** A peer has answered what it holds of an author. */
  | { readonly _tag: "EpochsHeard"; readonly author: string; readonly from: string }
  | { readonly _tag: "Alarm"; readonly code: AlarmCode; readonly author: string }
  /** A message was dropped: the sender's fault, and counted by this stable code. */
  | { readonly _tag: "Refuse"; readonly from: string; readonly code: string };
