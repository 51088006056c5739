/**
 * True time: what a gateway's clock should have said. A Pi has no clock battery, so records may carry 1970 or 2099; once
 * it knows better it appends a clock fix, which holds for all records of that boot, earlier and later. Applied when
 * reading and never stored, so a fix rewrites nothing. The reader's own clock has no part in it.
 */
import { toHex } from "#core/bytes.ts";
import type { Fact } from "#core/state/facts.ts";

/** When something was recorded, by its author's clocks. A `Write` is one, and so is a record. */
export interface RecordedTime {
  readonly epoch: Uint8Array;
  readonly wallMs: number;
  readonly monoMs: number;
}

/** Unix time, ms. */
export type TrueTime = (recorded: RecordedTime) => number;

/** The time as it was recorded: where no fix is known, and where none may count. */
export const recordedTime: TrueTime = ({ wallMs }) => wallMs;

export type ClockFix = Fact & { readonly _tag: "ClockFixed" };

/** A boot belongs to a gateway: what another one says about it is filed under that other one, and concerns nobody. */
const bootName = (gateway: string, bootId: string): string => `${gateway} ${bootId}`;

/** How many fixes, sorted by monoMs, are not later in their boot than that. */
const countUpTo = (fixes: ReadonlyArray<ClockFix>, monoMs: number): number => {
  let [low, high] = [0, fixes.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((fixes[middle]?.monoMs ?? 0) <= monoMs) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The fix nearest in monoMs; of two equally near, the later one. */
const nearestFix = (fixes: ReadonlyArray<ClockFix>, monoMs: number): ClockFix | undefined => {
  const count = countUpTo(fixes, monoMs);
  const before = fixes[count - 1];
  const after = fixes[count];
  if (before === undefined || after === undefined) return before ?? after;
  return after.monoMs - monoMs <= monoMs - before.monoMs ? after : before;
};

/** All clocks of the fleet, as far as records tell. It grows with what is learnt; nothing is ever unlearnt. */
export class Clocks {
  readonly #bootOf = new Map<string, string>();
  /** By boot, sorted by monoMs; of fixes made at one moment only the one with the latest time, which holds. */
  readonly #fixes = new Map<string, ClockFix[]>();

  constructor(facts: ReadonlyArray<Fact> = []) {
    for (const fact of facts) this.learn(fact);
  }

  learn(fact: Fact): void {
    if (fact._tag === "Opened") this.#bootOf.set(fact.epoch, bootName(fact.gateway, fact.bootId));
    if (fact._tag === "ClockFixed") this.#learnFix(fact);
  }

  #learnFix(fix: ClockFix): void {
    const boot = bootName(fix.gateway, fix.bootId);
    const fixes = this.#fixes.get(boot) ?? [];
    this.#fixes.set(boot, fixes);
    const at = countUpTo(fixes, fix.monoMs);
    const before = fixes[at - 1];
    if (before?.monoMs !== fix.monoMs) fixes.splice(at, 0, fix);
    else if (before.wallAtBootMs < fix.wallAtBootMs) fixes[at - 1] = fix;
  }

  /** True time by the fix nearest in monoMs of that boot; without one, the time as it was recorded. */
  readonly trueTime: TrueTime = (recorded) => {
    if (this.#fixes.size === 0) return recorded.wallMs;
    const boot = this.#bootOf.get(toHex(recorded.epoch)) ?? "";
    const fix = nearestFix(this.#fixes.get(boot) ?? [], recorded.monoMs);
    return fix === undefined ? recorded.wallMs : fix.wallAtBootMs + recorded.monoMs;
  };

  /** The newest fix of a boot. */
  newestFix(gateway: string, bootId: string): ClockFix | undefined {
    return this.#fixes.get(bootName(gateway, bootId))?.at(-1);
  }
}
