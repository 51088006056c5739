/** What tags have brought, for people. */
import type { BroughtEntry } from "#gateway/carried/carried-states.ts";
import { CARD_KEY } from "#core/verdict/card-index.ts";
import { readableScalar, typeName, type JsonScalar } from "#gateway/queries/values.ts";

/** A value that a tag has brought and no record here says yet. */
export interface BroughtView {
  readonly key: string;
  readonly type: string;
  /** `this card`, where it says whose card it is. */
  readonly value: JsonScalar;
  /** Who stated it, and when by that gateway's clock. */
  readonly gateway: string;
  readonly statedMs: number;
}

export const broughtViews = (
  entries: ReadonlyArray<Omit<BroughtEntry, "also">>,
): ReadonlyArray<BroughtView> =>
  entries.map(({ key, type, value, by, statedMs }) => ({
    key,
    type: typeName(type),
    value: key === CARD_KEY ? "this card" : readableScalar(value, type),
    gateway: by.name,
    statedMs,
  }));
