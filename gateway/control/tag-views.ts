/** What the `tag` verbs answer. */
import type { Technology } from "#core/card/sighting.ts";
import type { BroughtView } from "#gateway/queries/brought.ts";
import type { PhoneStanding } from "#core/verdict/decide.ts";
import type { UidViews } from "#core/card/uid-views.ts";

/** A card as it tells of itself. */
export interface TagView {
  readonly reader: string;
  readonly technology: Technology;
  readonly chip: string | null;
  readonly uid: string;
  readonly views: UidViews;
  /** What a phone's app has shown; null for cards, and for phones without the app. */
  readonly phone: PhoneStanding | null;
  /** Null, or why it can't be enrolled. */
  readonly unfit: string | null;
  /** The device that it is enrolled for. */
  readonly device: string | null;
  /** Its own count of its taps. */
  readonly counter: number | null;
  /** Whether the maker's signature is NXP's; null: it gave none. */
  readonly original: boolean | null;
  /** A line for each record of its message; null: it holds none. */
  readonly content: ReadonlyArray<string> | null;
  /** What it carries of a device for gateways that have not heard of it; null: nothing. */
  readonly carried: CarriedView | null;
  /** Null, or why its message can't be read. */
  readonly unreadable: string | null;
}

export interface TagWritten {
  readonly reader: string;
  readonly uid: string;
  /** False: it held just this before. */
  readonly changed: boolean;
  readonly content: ReadonlyArray<string>;
}

export type CarriedView =
  | {
      readonly device: string;
      /** Who stated it, and when by that gateway's clock. */
      readonly gateway: string;
      readonly statedMs: number;
      readonly values: ReadonlyArray<BroughtView>;
    }
  /** Why it isn't believed here. */
  | { readonly refused: string };
