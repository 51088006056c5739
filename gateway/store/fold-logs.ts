/** Brings the state up to the logs, step by step, so that it can be done in slices. */
import type { Folded } from "#gateway/ports.ts";
import type { LogFile } from "#gateway/store/log-file.ts";
import type { StateFile } from "#gateway/store/state-file.ts";

/** Records of one step: a few milliseconds. */
const RECORDS_PER_STEP = 64;

/** What is read and written; asked for at each step, since a log may be reopened between two. */
export interface FoldFiles {
  readonly log: LogFile;
  readonly mirror: LogFile;
  readonly state: StateFile;
}

/** What lies beyond a cut is looked at too: it may prove a fork. */
function* catchUp(state: StateFile, file: () => LogFile): Generator<Folded, void, undefined> {
  for (const { gateway, head } of file().epochs()) {
    const { epoch, range } = head;
    for (let from = state.nextSeq(epoch); from < range.size; from += RECORDS_PER_STEP) {
      const to = Math.min(from + RECORDS_PER_STEP, range.size);
      const records = [...file().records(epoch, from, to)]; // no cursor stays open between steps
      const taken = state.take({ epoch, gateway, from }, records);
      yield { epoch, size: state.foldedSize(epoch), ...taken };
    }
  }
}

/**
 * Folds whatever the logs have beyond the state; first of all throws the state away if it holds what doesn't count. A
 * fork that turns up on the way may do that once more.
 */
export function* foldLogs(files: () => FoldFiles): Generator<Folded, void, undefined> {
  const { state } = files();
  do {
    if (state.isBeyondCuts) state.clear();
    yield* catchUp(state, () => files().log);
    yield* catchUp(state, () => files().mirror);
  } while (state.isBeyondCuts);
}
