/** What goes into a store of epochs and what comes out of it. */
import type { BlockRoot, EpochHead } from "#core/log/epoch.ts";
import type { RecordBytes } from "#core/log/record.ts";

/** An epoch as a store has it. */
export interface StoredEpoch {
  readonly gateway: string;
  readonly head: EpochHead;
  readonly checkpoint: string;
  readonly proof: ReadonlyArray<Uint8Array>;
}

/** Records to add behind what the store has of their epoch, and where the epoch then stands. */
export interface Addition extends StoredEpoch {
  readonly from: number;
  readonly records: ReadonlyArray<RecordBytes>;
  readonly blocks: ReadonlyArray<BlockRoot>;
}
