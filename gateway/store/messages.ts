/** What the main thread and the store's worker say to each other. */
import type { WriteName } from "#core/log/operation.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import type { Entry } from "#core/state/entry.ts";
import type { OpenFileError } from "#gateway/store/schema.ts";
import type { StateFileError } from "#gateway/store/state-file.ts";
import type { CommitError, Folded, KnownWritesQuery, StateDigest } from "#gateway/ports.ts";

export type StoreQuery =
  | { readonly _tag: "Commit"; readonly addition: Addition }
  | { readonly _tag: "Mirror"; readonly addition: Addition }
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
  /** Packed: packed-entries.ts. */
  readonly EntriesAfter: Uint8Array;
  readonly Range: Uint8Array | null;
  readonly Records: ReadonlyArray<RecordBytes>;
  readonly Epochs: ReadonlyArray<StoredEpoch>;
  readonly Digest: StateDigest;
  readonly Close: null;
}

export type StoreOpenError = OpenFileError | StateFileError;

/** Something that was wrong when the files were opened, and was mended. */
export type StoreNotice =
  | {
      readonly _tag: "LogSetAside";
      readonly path: string;
      readonly movedTo: string;
      readonly kept: number;
      readonly detail: string;
    }
  | { readonly _tag: "StateFoldedAnew"; readonly detail: string };

/** What the store's worker says. */
export type StoreMessage =
  | { readonly _tag: "Ready"; readonly notices: ReadonlyArray<StoreNotice> }
  | { readonly _tag: "Unopenable"; readonly error: StoreOpenError }
  | { readonly _tag: "Answer"; readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly _tag: "Folded"; readonly folded: Folded };
