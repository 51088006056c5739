/** What one reader demands of a tap beside an enrolled card: pure, from values in memory. */
import type { ReadScope } from "#core/card/read-card.ts";
import type { CounterFinding } from "#core/verdict/card-counters.ts";
import { isOpenAt, type LocalTime, type Schedule } from "#core/verdict/schedule.ts";

/** A value that a device may have under a key. */
export type PlainValue = boolean | number | string;

/** The device has one of these values under that key; under `device` stands its own name. */
export interface DeviceCondition {
  readonly key: string;
  readonly values: ReadonlyArray<PlainValue>;
}

/** The key of a condition that means the device's name. */
export const NAME_KEY = "device";

/** What a card must show: its UID, which anybody can copy, or something that is harder to copy. */
export const LEVELS = ["uid", "counter", "originality", "sun"] as const;
export type Level = (typeof LEVELS)[number];

export interface ReaderPolicy {
  /** All of them must hold. */
  readonly allow: ReadonlyArray<DeviceCondition>;
  /** None of them may hold. */
  readonly deny: ReadonlyArray<DeviceCondition>;
  /** One of them must be open; none: always. */
  readonly schedules: ReadonlyArray<Schedule>;
  /** What a schedule does while the clock isn't trusted. */
  readonly whenTimeUnknown: "allow" | "refuse";
  /** A card that was accepted here less than this ago is not counted again. 0: each tap counts. */
  readonly holdOffMs: number;
  readonly level: Level;
}

/** What a reader demands whose configuration says nothing of it. */
export const OPEN_POLICY: ReaderPolicy = {
  allow: [],
  deny: [],
  schedules: [],
  whenTimeUnknown: "allow",
  holdOffMs: 0,
  level: "uid",
};

export type PolicyRefusal =
  | "counter-missing"
  | "counter-repeated"
  | "signature-missing"
  | "signature-wrong"
  | "sun-missing"
  | "sun-wrong"
  | "not-allowed-here"
  | "outside-schedule"
  | "time-unknown";

/** A device, by the values that conditions ask for. */
export interface KnownDevice {
  readonly device: string;
  /** Whether the device has that value under that key. */
  readonly has: (key: string, value: PlainValue) => boolean;
}

/** What is known of a tap whose card is enrolled for an active device. */
export interface Circumstances extends KnownDevice {
  /** Whether anybody says that it has it: enough to refuse, not to let pass. */
  readonly mayHave: (key: string, value: PlainValue) => boolean;
  /** What the card's counter says beside those that are known; null where none could be read. */
  readonly counter: CounterFinding | null;
  /** Whether the maker has signed the card; null where no signature could be read. */
  readonly isOriginal: boolean | null;
  /** Whether this fleet's tag made the link that was read; null where there is no such link. */
  readonly isSunRight: boolean | null;
  /** A phone that has proven itself: it can't be copied, which is what levels ask for. */
  readonly isProvenPhone: boolean;
  /** Null while the clock isn't trusted. */
  readonly localTime: LocalTime | null;
}

/** What has to be read of a card, so that the level can be judged. */
export const scopeOf = (read: ReadScope, { level }: ReaderPolicy): ReadScope => ({
  ...read,
  ndef: read.ndef || level === "sun",
  counter: read.counter || level === "counter",
  signature: read.signature || level === "originality",
});

export const holds = ({ key, values }: DeviceCondition, { device, has }: KnownDevice): boolean =>
  values.some((value) => (key === NAME_KEY ? value === device : has(key, value)));

/** What a level without which nothing passes finds: right, wrong, or nothing to judge by. */
const refusalByProof = (
  isRight: boolean | null,
  [missing, wrong]: readonly [PolicyRefusal, PolicyRefusal],
): PolicyRefusal | undefined => {
  if (isRight === true) return undefined;
  return isRight === null ? missing : wrong;
};

/** A counter that repeats speaks of a copied card wherever it was read, also where nobody demands one. */
const refusalByEvidence = (level: Level, tap: Circumstances): PolicyRefusal | undefined => {
  if (tap.counter?.isRepeated === true) return "counter-repeated";
  if (tap.isProvenPhone) return undefined;
  switch (level) {
    case "uid":
      return undefined;
    case "counter":
      return tap.counter === null ? "counter-missing" : undefined;
    case "originality":
      return refusalByProof(tap.isOriginal, ["signature-missing", "signature-wrong"]);
    case "sun":
      return refusalByProof(tap.isSunRight, ["sun-missing", "sun-wrong"]);
  }
};

const refusalByTime = (
  { schedules, whenTimeUnknown }: ReaderPolicy,
  { localTime }: Circumstances,
): PolicyRefusal | undefined => {
  if (schedules.length === 0) return undefined;
  if (localTime === null) return whenTimeUnknown === "refuse" ? "time-unknown" : undefined;
  return isOpenAt(schedules, localTime) ? undefined : "outside-schedule";
};

/** Why the reader refuses, or undefined if it doesn't. A copied card comes first: it is the one that somebody must look at. */
export const refusalBy = (policy: ReaderPolicy, tap: Circumstances): PolicyRefusal | undefined => {
  const byEvidence = refusalByEvidence(policy.level, tap);
  if (byEvidence !== undefined) return byEvidence;
  const isAllowed =
    policy.allow.every((condition) => holds(condition, tap)) &&
    !policy.deny.some((condition) => holds(condition, { ...tap, has: tap.mayHave }));
  return isAllowed ? refusalByTime(policy, tap) : "not-allowed-here";
};
