/**
 * Two-tap flows at one reader: a person's badge, then things. A held thing that is nobody's, or somebody else's, is
 * checked out to the person; the person's own is checked in. Pure: (session, input) → {session, outcome}.
 */
import type { TapRule } from "#core/verdict/on-tap.ts";
import { holds, type DeviceCondition, type KnownDevice } from "#core/verdict/reader-policy.ts";

/** What a reader with check-out is told. */
export interface CheckOutPolicy {
  /** Who is a person: all of them hold. Never empty. */
  readonly people: ReadonlyArray<DeviceCondition>;
  /** The exclusive key of a thing that names the person who has it. */
  readonly holder: string;
  /** How long a session lasts after the badge, and after each thing. */
  readonly withinMs: number;
}

/** The reader is this person's for a while. */
export interface CheckOutSession {
  /** The device name of the badge. */
  readonly person: string;
  /** It is over at this moment, ms monotonic. */
  readonly untilMs: number;
  /** Things that were checked out or in so far. */
  readonly thingCount: number;
}

export type CheckOutInput =
  | { readonly _tag: "Person"; readonly person: string; readonly monoMs: number }
  | {
      readonly _tag: "Thing";
      /** Who has it by what is known here; more than one where cut-off gateways said so at once. */
      readonly heldBy: ReadonlyArray<string>;
      readonly monoMs: number;
    }
  | { readonly _tag: "Clock"; readonly monoMs: number };

export type CheckOutOutcome =
  /** Things may be held now, each within this time. */
  | { readonly _tag: "Begun"; readonly person: string; readonly withinMs: number }
  /** The person's badge came again. */
  | { readonly _tag: "Ended"; readonly person: string; readonly thingCount: number }
  | { readonly _tag: "CheckedOut" | "CheckedIn"; readonly person: string }
  /** A thing, and nobody's session: the tap is to be refused. */
  | { readonly _tag: "PersonFirst" }
  | { readonly _tag: "TimeOver"; readonly person: string; readonly thingCount: number }
  | { readonly _tag: "Nothing" };

export interface CheckOutStep {
  /** Null: no session. */
  readonly session: CheckOutSession | null;
  readonly outcome: CheckOutOutcome;
}

const onPerson = (
  session: CheckOutSession | null,
  { person, monoMs }: Extract<CheckOutInput, { readonly _tag: "Person" }>,
  withinMs: number,
): CheckOutStep =>
  session?.person === person
    ? { session: null, outcome: { _tag: "Ended", person, thingCount: session.thingCount } }
    : {
        session: { person, untilMs: monoMs + withinMs, thingCount: 0 },
        outcome: { _tag: "Begun", person, withinMs },
      };

const onThing = (
  session: CheckOutSession | null,
  { heldBy, monoMs }: Extract<CheckOutInput, { readonly _tag: "Thing" }>,
  withinMs: number,
): CheckOutStep => {
  if (session === null) return { session, outcome: { _tag: "PersonFirst" } };
  const { person, thingCount } = session;
  const untilMs = Math.max(session.untilMs, monoMs + withinMs);
  return {
    session: { person, untilMs, thingCount: thingCount + 1 },
    outcome: { _tag: heldBy.includes(person) ? "CheckedIn" : "CheckedOut", person },
  };
};

const timeOver = ({ person, thingCount }: CheckOutSession): CheckOutOutcome => ({
  _tag: "TimeOver",
  person,
  thingCount,
});

/** A session that is over by the time of an input has no part in it, whether or not its end was told of. */
export const checkOutStep = (
  session: CheckOutSession | null,
  input: CheckOutInput,
  withinMs: number,
): CheckOutStep => {
  const over = session !== null && input.monoMs >= session.untilMs ? session : null;
  const current = over === null ? session : null;
  switch (input._tag) {
    case "Person":
      return onPerson(current, input, withinMs);
    case "Thing":
      return onThing(current, input, withinMs);
    case "Clock":
      return { session: current, outcome: over === null ? { _tag: "Nothing" } : timeOver(over) };
  }
};

/** Whether it is a person's badge; everything else is a thing. */
export const isPerson = ({ people }: CheckOutPolicy, known: KnownDevice): boolean =>
  people.every((condition) => holds(condition, known));

/** What the tap writes beside the reader's `on_tap`: who has the thing now. */
export const rulesOfCheckOut = (
  { holder }: CheckOutPolicy,
  outcome: CheckOutOutcome,
): ReadonlyArray<TapRule> => {
  if (outcome._tag !== "CheckedOut" && outcome._tag !== "CheckedIn") return [];
  const value = outcome._tag === "CheckedOut" ? outcome.person : null;
  return [{ _tag: "Claim", key: holder, to: { _tag: "Literal", value } }];
};
