/** The interfaces between the core and the world, each with its promise. */
import type * as E from "fp-ts/lib/Either.js";
import type { CardReadError } from "#core/card/read-card.ts";
import type { Sighting } from "#core/card/sighting.ts";
import type { WriteName } from "#core/log/operation.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import type { Entry } from "#core/state/entry.ts";

/** What a person at the reader sees and hears. */
export type FeedbackSignal = "accepted" | "unknown" | "refused" | "failed";

export type ReaderEvent =
  /** A card was held to the reader and read whole. */
  | { readonly _tag: "CardArrived"; readonly sighting: Sighting }
  /** The card left the field. */
  | { readonly _tag: "CardLeft"; readonly reader: string; readonly monoMs: number }
  /** A card was there but could not be read whole: never a tap. */
  | { readonly _tag: "CardUnread"; readonly reader: string; readonly error: CardReadError }
  /** The reader can be used; `hardware` is the name it gives itself. */
  | { readonly _tag: "ReaderUp"; readonly reader: string; readonly hardware: string }
  /** The reader can't be used, and why, in words for an operator. */
  | { readonly _tag: "ReaderDown"; readonly reader: string; readonly reason: string };

export type FeedbackError =
  /** No card in the field or no such reader: nothing was shown. */
  | { readonly _tag: "ReaderAway" }
  /** The reader answered, but not with success. */
  | { readonly _tag: "FeedbackRefused"; readonly detail: string };

/**
 * Readers of one kind. Brings a lost reader back by itself and says so by events; never throws,
 * never ends the process.
 */
export interface ReaderAdaptor {
  /** Begins polling. Events come in the order in which things happened at each reader. */
  readonly start: (onEvent: (event: ReaderEvent) => void) => void;
  /** Shows the signal at once if the reader can; logged only, where it has no light and no buzzer. */
  readonly feedback: (
    reader: string,
    signal: FeedbackSignal,
  ) => Promise<E.Either<FeedbackError, void>>;
  /** Ends polling; no event comes after it resolves. Takes at most 1 s. */
  readonly stop: () => Promise<void>;
}

/** Wall and monotonic time, handed in so that tests can set them. */
export interface Clock {
  /** Unix time, whole ms. */
  readonly wallMs: () => number;
  /** CLOCK_MONOTONIC: whole ms since boot. */
  readonly monoMs: () => number;
  /** For durations: ms with fractions, from any start. */
  readonly preciseMs: () => number;
}

/** One line of the process's own log: JSON on stdout. `code` is stable, for alerts; never a UID. */
export interface Journal {
  readonly info: (code: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (code: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly error: (code: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** A group is either on disk or it isn't known to be: then its epoch must be dropped and the file reopened. */
export type CommitError =
  /** No space left: readers must refuse until there is. */
  | { readonly _tag: "DiskFull"; readonly detail: string }
  | { readonly _tag: "IoFailed"; readonly detail: string };

/** What changed in the state when records were folded. */
export interface Folded {
  readonly epoch: Uint8Array;
  /** Records of the epoch folded by now. */
  readonly size: number;
  /** The entries that changed, as they are now. */
  readonly entries: ReadonlyArray<Entry>;
}

/** Names the writes of one key of one device that a new write would replace. */
export interface KnownWritesQuery {
  readonly device: string;
  readonly key: string;
  readonly type: number;
}

/**
 * The log on disk and the state folded from it, in a worker thread. One writer: own groups are committed one at
 * a time, in order. Every committed or mirrored record is folded, once, after it is on disk.
 */
export interface Store {
  /** Own records. Right: records and checkpoint are on disk, fsynced. Left: whether they are is unknown. */
  readonly commit: (addition: Addition) => Promise<E.Either<CommitError, void>>;
  /** Records of a peer, verified by the caller. Right: on disk, fsynced. Left: nothing is kept; ask again later. */
  readonly mirror: (addition: Addition) => Promise<E.Either<CommitError, void>>;
  /** After a failed commit: closes and reopens the own log, and says what it then holds. Left: the disk is out of order. */
  readonly reopen: () => Promise<E.Either<CommitError, ReadonlyArray<StoredEpoch>>>;
  readonly knownWrites: (
    queries: ReadonlyArray<KnownWritesQuery>,
  ) => Promise<ReadonlyArray<ReadonlyArray<WriteName>>>;
  readonly entries: (device: string) => Promise<ReadonlyArray<Entry>>;
  /** All devices' entries after that device, a few hundred at a time, whole devices; empty at the end. */
  readonly entriesAfter: (device: string) => Promise<ReadonlyArray<Entry>>;
  /** An encoded Range from that record on, at most 64 KiB; null where there is nothing to prove it with. */
  readonly range: (epoch: Uint8Array, from: number) => Promise<Uint8Array | null>;
  readonly epochs: () => Promise<ReadonlyArray<StoredEpoch>>;
  readonly records: (
    epoch: Uint8Array,
    from: number,
    to: number,
  ) => Promise<ReadonlyArray<RecordBytes>>;
  readonly digest: () => Promise<StateDigest>;
  /** Saves, closes, ends the thread. */
  readonly close: () => Promise<void>;
}

export interface StateDigest {
  /** 64 hex digits; equal for equal states. */
  readonly digest: string;
  /** Epoch (hex) → records folded. */
  readonly heads: ReadonlyMap<string, number>;
}
