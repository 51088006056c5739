/** Records and moments of the past, as a person names them. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { Entry } from "#core/state/entry.ts";
import type { HeldEpoch, Moment, Store } from "#gateway/ports.ts";
import type { RecordName } from "#gateway/queries/known.ts";

/** A record by the first digits of its epoch, or a time. */
export type AskedMoment = RecordName | { readonly trueMs: number };

export type QueryError =
  | { readonly _tag: "DeviceUnknown"; readonly device: string }
  | { readonly _tag: "EpochUnknown"; readonly epoch: string }
  | { readonly _tag: "EpochAmbiguous"; readonly epoch: string; readonly count: number }
  | { readonly _tag: "RecordUnknown"; readonly epoch: string; readonly size: number }
  /** In a large fleet a gateway keeps the records of some authors only: the past of a device may be in others'. */
  | { readonly _tag: "PastNotKept" };

export interface FoundRecord {
  readonly held: HeldEpoch;
  readonly seq: number;
}

/** Left: no such epoch, several of them, or no such record in it. */
export const findRecord = async (
  store: Store,
  asked: RecordName,
): Promise<E.Either<QueryError, FoundRecord>> => {
  const epoch = asked.epoch.toLowerCase();
  const epochs = await store.epochs();
  const [held, ...others] = epochs.filter(({ head }) => toHex(head.epoch).startsWith(epoch));
  if (held === undefined) return E.left({ _tag: "EpochUnknown", epoch });
  if (others.length > 0) {
    return E.left({ _tag: "EpochAmbiguous", epoch, count: others.length + 1 });
  }
  const { size } = held.head.range;
  return asked.seq < size
    ? E.right({ held, seq: asked.seq })
    : E.left({ _tag: "RecordUnknown", epoch, size });
};

const momentOf = async (
  store: Store,
  asked: AskedMoment,
): Promise<E.Either<QueryError, Moment>> => {
  if ("trueMs" in asked) return E.right({ _tag: "AtTime", trueMs: asked.trueMs });
  const found = await findRecord(store, asked);
  if (E.isLeft(found)) return found;
  const { held, seq } = found.right;
  return E.right({ _tag: "AtRecord", epoch: held.head.epoch, seq });
};

/** The entries of a device (null: of all) as they were. Left: as `findRecord`, or `PastNotKept`. */
export const pastEntries = async (
  store: Store,
  asked: AskedMoment,
  device: string | null,
): Promise<E.Either<QueryError, ReadonlyArray<Entry>>> => {
  const moment = await momentOf(store, asked);
  if (E.isLeft(moment)) return moment;
  const epochs = await store.epochs();
  return epochs.every(({ kept }) => kept)
    ? E.right(await store.entriesAt(moment.right, device))
    : E.left({ _tag: "PastNotKept" });
};
