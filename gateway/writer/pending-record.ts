/** A record that waits to be written, and the writes that it is to replace. */
import { equalBytes } from "#core/bytes.ts";
import type { Body } from "#core/log/body.ts";
import { REPLACES_COUNT_MAX, TYPE, type WriteName } from "#core/log/operation.ts";
import type { KnownWritesQuery } from "#gateway/ports.ts";

/** A record to be written. Its body may name writes that are known only when its group is made. */
export interface PendingRecord {
  readonly wallMs: number;
  readonly monoMs: number;
  /** The keys whose known writes the body replaces. */
  readonly queries: ReadonlyArray<KnownWritesQuery>;
  /**
   * Gets the known writes in the order of the queries; of types other than sets but for the own epoch's, which later
   * ones replace anyway.
   */
  readonly body: (known: ReadonlyArray<ReadonlyArray<WriteName>>) => Body;
}

type Names = ReadonlyArray<ReadonlyArray<WriteName>>;

/**
 * What the writes may name: not the own epoch's, which later ones replace anyway, but for sets, where they don't; and not
 * more than a write may.
 */
export const namesToReplace = (
  queries: ReadonlyArray<KnownWritesQuery>,
  known: Names,
  own: Uint8Array | undefined,
): Names =>
  known.map((names, index) =>
    names
      .filter(
        ({ epoch }) =>
          queries[index]?.type === TYPE.set || own === undefined || !equalBytes(epoch, own),
      )
      .slice(0, REPLACES_COUNT_MAX),
  );
