/** How a query is served: at once, in slices, or while the state is being folded too. */
import type { StoreQuery } from "#gateway/store/messages.ts";

/** What takes so long that other queries are served meanwhile. */
export type SlowQuery = StoreQuery & {
  readonly _tag: "Cut" | "Fill" | "EntriesAt" | "Snapshot" | "Adopt";
};
export type PromptQuery = Exclude<StoreQuery, SlowQuery>;

export const isSlow = (query: StoreQuery): query is SlowQuery =>
  ["Cut", "Fill", "EntriesAt", "Snapshot", "Adopt"].includes(query._tag);

/** These are answered from the log files alone, whatever becomes of the state meanwhile. */
export const isAboutLogs = ({ _tag }: StoreQuery): boolean =>
  ["Commit", "Reopen", "Range", "Records", "SnapshotChunk"].includes(_tag);
