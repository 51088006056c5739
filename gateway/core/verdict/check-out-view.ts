/** What check-outs come to, as others read it. */
import type { CheckOutOutcome } from "#core/verdict/check-out.ts";

export type CheckOutView =
  /** Things may be held to the reader now, each within this time. */
  | { readonly step: "begun"; readonly person: string; readonly withinMs: number }
  | { readonly step: "ended"; readonly person: string; readonly thingCount: number }
  | { readonly step: "checked-out" | "checked-in"; readonly person: string };

/** A session whose time is over: nobody tapped, so there is no record of it. */
export interface SessionOver {
  readonly reader: string;
  readonly person: string;
  /** Things that were checked out or in. */
  readonly thingCount: number;
}

/** Null for what changed nothing: a badge that lay there at the start. */
export const checkOutView = (outcome: CheckOutOutcome | null): CheckOutView | null => {
  switch (outcome?._tag) {
    case "Begun":
      return { step: "begun", person: outcome.person, withinMs: outcome.withinMs };
    case "Ended":
      return { step: "ended", person: outcome.person, thingCount: outcome.thingCount };
    case "CheckedOut":
      return { step: "checked-out", person: outcome.person };
    case "CheckedIn":
      return { step: "checked-in", person: outcome.person };
    case undefined:
    case "PersonFirst":
    case "TimeOver":
    case "Nothing":
      return null;
  }
};
