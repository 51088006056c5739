/** Queries that are answered from what is held of the epochs, whatever the state says. */
import type { Answers, StoreQuery } from "#gateway/store/messages.ts";
import { examine, fileOf, heldEpochs, recordsOf } from "#gateway/store/held-epochs.ts";
import { holesIn } from "#gateway/store/holes.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import { rangeFrom } from "#gateway/store/provable.ts";

const TAGS = ["Range", "Records", "Epochs", "Examine", "Holes"] as const;

type LogQuery = StoreQuery & { readonly _tag: (typeof TAGS)[number] };

export const isFromLogs = (query: StoreQuery): query is LogQuery =>
  TAGS.some((tag) => tag === query._tag);

/** `directory`: where files that were set aside tell that something may be missing. */
export const answerFromLogs = (
  files: StoreFiles,
  directory: string,
  query: LogQuery,
): Answers[LogQuery["_tag"]] => {
  switch (query._tag) {
    case "Range":
      return rangeFrom(fileOf(files, query.epoch), query.epoch, query.from);
    case "Records":
      return recordsOf(files, query.epoch, [query.from, query.to]);
    case "Epochs":
      return heldEpochs(files);
    case "Examine":
      return examine(files, query.range);
    case "Holes":
      return holesIn(directory, [files.log, files.mirror]);
  }
};
