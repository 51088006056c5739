/** The interfaces between the core and the world, each with its promise. */
import type * as E from "fp-ts/lib/Either.js";
import type { CardReadError } from "#core/card/read-card.ts";
import type { Sighting, Technology } from "#core/card/sighting.ts";
import type { Examined } from "#core/log/examine.ts";
import type { WriteName } from "#core/log/operation.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import type { Entry } from "#core/state/entry.ts";
import type { ManifestError } from "#core/state/snapshot.ts";
import type { Fact } from "#core/state/facts.ts";
import type { Moment } from "#core/state/replay.ts";
import type { FeedbackSignal } from "#core/feedback/patterns.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import type { RecoveryStep } from "#core/reader/rungs.ts";

export type { FeedbackSignal } from "#core/feedback/patterns.ts";

export type ReaderEvent =
  /**
   * More than the UID is about to be read of a card; `CardArrived` or `CardUnread` follows, or the reader goes down.
   * Told again where a card is read again because the chip was at fault; if the card is gone by then, nothing follows.
   */
  | { readonly _tag: "CardReading"; readonly reader: string }
  /** A card was held to the reader and read whole. */
  | { readonly _tag: "CardArrived"; readonly sighting: Sighting }
  /** The card left the field. */
  | { readonly _tag: "CardLeft"; readonly reader: string; readonly monoMs: number }
  /** A card was there but could not be read whole: never a tap. */
  | {
      readonly _tag: "CardUnread";
      readonly reader: string;
      readonly technology: Technology;
      readonly error: CardReadError;
    }
  /** More than one card lies in the field: none of them arrives until one is alone. */
  | {
      readonly _tag: "CardsTogether";
      readonly reader: string;
      readonly wallMs: number;
      readonly monoMs: number;
    }
  /** The reader can be used; `hardware` is the name it gives itself. */
  | { readonly _tag: "ReaderUp"; readonly reader: string; readonly hardware: string }
  /** The reader can't be used, and why, in words for an operator. */
  | { readonly _tag: "ReaderDown"; readonly reader: string; readonly reason: string };

export type FeedbackError =
  /** No card in the field or no such reader: nothing was shown. */
  | { readonly _tag: "ReaderAway" }
  /** The reader answered, but not with success. */
  | { readonly _tag: "FeedbackRefused"; readonly detail: string };

/** The step could not be taken, or has failed: the next one is tried. */
export interface RecoveryError {
  readonly _tag: "StepFailed";
  readonly detail: string;
}

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
  /**
   * Sends one APDU to the card that arrived last, as `readCard` would have it. Empty: that card is gone, or gave no
   * answer. Never sent to a card whose arrival has not been told of.
   */
  readonly exchange: (reader: string, apdu: Uint8Array) => Promise<Uint8Array>;
  /** When the reader itself last gave an answer, ms monotonic; null while it is down. */
  readonly roundTripMonoMs: (reader: string) => number | null;
  /** What can be done here for a reader that does not answer, the mildest first. */
  readonly recoverySteps: ReadonlyArray<RecoveryStep>;
  /** The mildest step that can help a reader that does not answer; null: it isn't known. Takes at most 1 s. */
  readonly examine: (reader: string) => Promise<RecoveryStep | null>;
  /** Takes one of the steps. Right: it was taken; whether it has helped shows by the reader's answers. */
  readonly recover: (reader: string, step: RecoveryStep) => Promise<E.Either<RecoveryError, void>>;
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

/** Keys and random bytes, handed in so that a simulation can replay them from a seed. */
export interface Entropy {
  readonly randomBytes: (byteCount: number) => Uint8Array;
  /** A key that exists only in memory. */
  readonly generateSigningKey: () => SigningKey;
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
  /** Records of the epoch folded by now; 0, of no epoch, where facts alone are told: a snapshot was checked. */
  readonly size: number;
  /** The entries that changed, as they are now. */
  readonly entries: ReadonlyArray<Entry>;
  /** What the records say about epochs, clocks and forks. */
  readonly facts: ReadonlyArray<Fact>;
}

/** An epoch of the store. */
export interface HeldEpoch extends StoredEpoch {
  /** Its records are on this disk; of others only the `open` and the head are, so that they can be folded on. */
  readonly kept: boolean;
}

export type { Examined };

export type { Moment } from "#core/state/replay.ts";

/** Why a snapshot is not taken. */
export type SnapshotError =
  | ManifestError
  /** Nothing against it, but it doesn't go with this gateway: another version, or records that don't count here. */
  | { readonly _tag: "SnapshotUnfit"; readonly detail: string }
  /** Not the bytes that the manifest names: ask another peer. */
  | { readonly _tag: "ChunkWrong"; readonly index: number }
  /** It contradicts itself; whoever signed it made it up. */
  | { readonly _tag: "SnapshotFalse"; readonly detail: string }
  /** Nothing is staged, or not all of it; a full disk may have taken it away. Begin anew. */
  | { readonly _tag: "NotStaged" };

/** What goes into a snapshot beside the state. */
export interface SnapshotScope {
  readonly fleet: string;
  readonly rosterVersion: number;
  /** Gateway → its site. */
  readonly siteOf: ReadonlyMap<string, string>;
}

/** A record without its body. */
export interface Hole {
  readonly epoch: Uint8Array;
  readonly seq: number;
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
  /**
   * Records of a peer, verified by the caller, behind what is held of their epoch. With `kept`: Right means on disk,
   * fsynced. Without it they are folded and not kept; a crash may forget that, and they are asked for again. Left:
   * nothing is kept; ask again later.
   */
  readonly mirror: (addition: Addition, kept: boolean) => Promise<E.Either<CommitError, void>>;
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
  readonly epochs: () => Promise<ReadonlyArray<HeldEpoch>>;
  readonly records: (
    epoch: Uint8Array,
    from: number,
    to: number,
  ) => Promise<ReadonlyArray<RecordBytes>>;
  readonly digest: () => Promise<StateDigest>;
  /** All that folded records say about epochs, clocks and forks. */
  readonly facts: () => Promise<ReadonlyArray<Fact>>;
  /**
   * Epoch (hex) → records of it that count; all of an epoch that isn't named. What lies beyond stays and is served,
   * but isn't folded. True if the state had to be folded anew: what is kept of it in memory must be read again.
   */
  readonly cut: (cuts: ReadonlyMap<string, number>) => Promise<boolean>;
  /** Compares a Range (encoded) of a kept epoch, whose checkpoint is valid, with what is held. */
  readonly examine: (range: Uint8Array) => Promise<Examined>;
  /** Records whose bodies damage has taken, some hundreds at most. */
  readonly holes: () => Promise<ReadonlyArray<Hole>>;
  /** Puts bodies in whose hashes are those that the headers name, and folds anew; how many there were. */
  readonly fill: (
    epoch: Uint8Array,
    bodies: ReadonlyArray<{ readonly seq: number; readonly body: Uint8Array }>,
  ) => Promise<number>;
  /** The entries of a device (null: of all) as they were; folded from the logs, so it takes its time. */
  readonly entriesAt: (moment: Moment, device: string | null) => Promise<ReadonlyArray<Entry>>;
  /**
   * Makes a snapshot of the state as it is now, in slices that no commit waits for, and keeps it until the next. Null
   * where none can be made: the state is itself taken from one that isn't confirmed yet, or the disk is full.
   */
  readonly snapshot: (scope: SnapshotScope) => Promise<{ readonly manifest: Uint8Array } | null>;
  /** A chunk of the snapshot with that root; null where it was replaced by another. */
  readonly snapshotChunk: (root: Uint8Array, index: number) => Promise<Uint8Array | null>;
  /** Begins to take over a peer's snapshot, whose signature the caller has verified. Replaces one that was begun. */
  readonly stage: (manifest: Uint8Array) => Promise<E.Either<SnapshotError, void>>;
  /** Right: its entries were told of by `onStaged`, and are kept beside the state. */
  readonly stageChunk: (index: number, bytes: Uint8Array) => Promise<E.Either<SnapshotError, void>>;
  /**
   * Once all chunks are there: puts them in place of the state, and folds what the logs hold beyond. All that is kept in
   * memory of state and epochs must be read again; passing epochs are gone, and are kept when they come again, until
   * the logs have confirmed the snapshot. If they contradict it, the notice `SnapshotWrong` follows some day.
   */
  readonly adopt: () => Promise<E.Either<SnapshotError, void>>;
  /** Saves, closes, ends the thread. */
  readonly close: () => Promise<void>;
}

export interface StateDigest {
  /** 64 hex digits; equal for equal states. */
  readonly digest: string;
  /** Epoch (hex) → records folded. */
  readonly heads: ReadonlyMap<string, number>;
}
