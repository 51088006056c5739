/** What the main thread and the store's worker say to each other. */
import type { WriteName } from "#core/log/operation.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import type { Entry } from "#core/state/entry.ts";
import type { OpenFileError } from "#gateway/store/schema.ts";
import type { StateFileError } from "#gateway/store/state-schema.ts";
import type { Fact } from "#core/state/facts.ts";
import type {
  CommitError,
  Examined,
  Hole,
  Folded,
  HeldEpoch,
  KnownWritesQuery,
  SnapshotError,
  SnapshotScope,
  Moment,
  StateDigest,
} from "#gateway/ports.ts";

export type StoreQuery =
  | { readonly _tag: "Commit"; readonly addition: Addition }
  | { readonly _tag: "Mirror"; readonly addition: Addition; readonly kept: boolean }
  | { readonly _tag: "Reopen" }
  | { readonly _tag: "KnownWrites"; readonly queries: ReadonlyArray<KnownWritesQuery> }
  | { readonly _tag: "Entries"; readonly device: string }
  | { readonly _tag: "EntriesAfter"; readonly device: string }
  | { readonly _tag: "Range"; readonly epoch: Uint8Array; readonly from: number }
  | {
      readonly _tag: "Records";
      readonly epoch: Uint8Array;
      readonly from: number;
      readonly to: number;
    }
  | { readonly _tag: "Epochs" }
  | { readonly _tag: "Digest" }
  | { readonly _tag: "Facts" }
  | { readonly _tag: "Cut"; readonly cuts: ReadonlyMap<string, number> }
  | { readonly _tag: "Examine"; readonly range: Uint8Array }
  | { readonly _tag: "Holes" }
  | {
      readonly _tag: "Fill";
      readonly epoch: Uint8Array;
      readonly bodies: ReadonlyArray<{ readonly seq: number; readonly body: Uint8Array }>;
    }
  | { readonly _tag: "EntriesAt"; readonly moment: Moment; readonly device: string | null }
  | { readonly _tag: "Snapshot"; readonly scope: SnapshotScope }
  | { readonly _tag: "SnapshotChunk"; readonly root: Uint8Array; readonly index: number }
  | { readonly _tag: "Stage"; readonly manifest: Uint8Array }
  | { readonly _tag: "StageChunk"; readonly index: number; readonly bytes: Uint8Array }
  | { readonly _tag: "Adopt" }
  | { readonly _tag: "Close" };

export interface StoreRequest {
  readonly id: number;
  readonly query: StoreQuery;
}

/** What each query is answered with. */
export interface Answers {
  readonly Commit: CommitError | null;
  readonly Mirror: CommitError | null;
  readonly Reopen: CommitError | ReadonlyArray<StoredEpoch>;
  readonly KnownWrites: ReadonlyArray<ReadonlyArray<WriteName>>;
  readonly Entries: ReadonlyArray<Entry>;
  /** Packed: core/state/packed-entries.ts. */
  readonly EntriesAfter: Uint8Array;
  readonly Range: Uint8Array | null;
  readonly Records: ReadonlyArray<RecordBytes>;
  readonly Epochs: ReadonlyArray<HeldEpoch>;
  readonly Digest: StateDigest;
  readonly Facts: ReadonlyArray<Fact>;
  readonly Cut: boolean;
  readonly Examine: Examined;
  readonly Holes: ReadonlyArray<Hole>;
  readonly Fill: number;
  /** Packed, page by page. */
  readonly EntriesAt: ReadonlyArray<Uint8Array>;
  readonly Snapshot: { readonly manifest: Uint8Array } | null;
  readonly SnapshotChunk: Uint8Array | null;
  readonly Stage: SnapshotError | null;
  readonly StageChunk: SnapshotError | null;
  readonly Adopt: SnapshotError | null;
  readonly Close: null;
}

export type StoreOpenError = OpenFileError | StateFileError;

/** Something that was wrong, mostly when the files were opened, and was mended. */
export type StoreNotice =
  | {
      readonly _tag: "LogSetAside";
      readonly path: string;
      readonly movedTo: string;
      readonly kept: number;
      readonly detail: string;
    }
  | { readonly _tag: "StateFoldedAnew"; readonly detail: string }
  /** The logs contradict the snapshot that the state was taken from: it was folded anew from them. */
  | { readonly _tag: "SnapshotWrong"; readonly detail: string };

/** What the store's worker says. */
export type StoreMessage =
  | { readonly _tag: "Ready"; readonly notices: ReadonlyArray<StoreNotice> }
  | { readonly _tag: "Unopenable"; readonly error: StoreOpenError }
  | { readonly _tag: "Answer"; readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly _tag: "Folded"; readonly folded: Folded }
  /** Entries of a snapshot on its way, packed. */
  | { readonly _tag: "Staged"; readonly entries: Uint8Array }
  | { readonly _tag: "Notice"; readonly notice: StoreNotice };
