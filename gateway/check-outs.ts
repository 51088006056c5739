/** The check-out sessions of this gateway's readers, in memory alone: a restart ends them all. */
import { toHex } from "#core/bytes.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import {
  checkOutStep,
  isPerson,
  type CheckOutOutcome,
  type CheckOutPolicy,
  type CheckOutSession,
} from "#core/verdict/check-out.ts";
import type { PlainValue } from "#core/verdict/reader-policy.ts";
import type { CarriedStates } from "#gateway/carried/carried-states.ts";
import type { TypedKey } from "#core/verdict/known-registers.ts";
import type { SessionOver } from "#core/verdict/check-out-view.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import type { Clock } from "#gateway/ports.ts";
import type { Readers } from "#gateway/reader/readers.ts";
import type { StateMemory } from "#gateway/state-memory.ts";
import type { Arrived } from "#gateway/tap-judge.ts";

export interface CheckOutsDeps {
  readonly clock: Pick<Clock, "monoMs">;
  readonly memory: Pick<StateMemory, "index" | "traits" | "registers">;
  /** What tags have brought beyond that. */
  readonly carried: Pick<CarriedStates, "enrolled" | "has" | "newsOf">;
  readonly readers: Pick<Readers, "show">;
}

interface Running {
  readonly session: CheckOutSession;
  /** The badge that began it, hex. */
  readonly badge: string;
  readonly timer: NodeJS.Timeout;
}

/** A tap whose record has been written, or failed. */
export interface SettledTap {
  readonly device: string;
  readonly outcome: CheckOutOutcome | null;
  readonly isRecorded: boolean;
}

/** The key under which things name who has them. */
export const holderKey = ({ holder }: CheckOutPolicy): TypedKey => ({
  key: holder,
  type: TYPE.exclusive,
});

export class CheckOuts {
  readonly #deps: CheckOutsDeps;
  readonly #onTimeOver: (over: SessionOver) => void;
  /** By reader. */
  readonly #running = new Map<string, Running>();

  constructor(deps: CheckOutsDeps, onTimeOver: (over: SessionOver) => void) {
    this.#deps = deps;
    this.#onTimeOver = onTimeOver;
  }

  /**
   * What a tap that all else lets pass means; null where the reader has no check-out. The next tap sees it at once, so
   * `settle` must be told what became of the record.
   */
  take({ reader, sighting, card }: Arrived, device: string): CheckOutOutcome | null {
    const { checkOut } = reader;
    if (checkOut === null) return null;
    const { monoMs } = sighting;
    const before = this.#sessionAt(reader.id, checkOut);
    if (this.#isPerson(checkOut, device)) {
      // A badge that was found lying there was not tapped: it opens nothing for whoever comes by.
      if (sighting.atStart) return { _tag: "Nothing" };
      const input = { _tag: "Person", person: device, monoMs } as const;
      const { session, outcome } = checkOutStep(before, input, checkOut.withinMs);
      this.#keep(reader, session, toHex(card));
      return outcome;
    }
    const input = { _tag: "Thing", heldBy: this.#holdersOf(checkOut, device), monoMs } as const;
    const { session, outcome } = checkOutStep(before, input, checkOut.withinMs);
    this.#keep(reader, session, this.#running.get(reader.id)?.badge ?? "");
    if (outcome._tag === "CheckedOut" || outcome._tag === "CheckedIn") {
      const value = outcome._tag === "CheckedOut" ? outcome.person : null;
      this.#deps.memory.registers.take(device, { ...holderKey(checkOut), value });
    }
    return outcome;
  }

  /** The tap's record is on disk or it failed. Then nothing of it stays, nor the session: nobody knows what the disk has. */
  settle({ checkOut, id }: ReaderConfig, tap: SettledTap): void {
    if (checkOut === null || tap.outcome === null) return;
    if (tap.outcome._tag === "CheckedOut" || tap.outcome._tag === "CheckedIn") {
      this.#deps.memory.registers.settle(tap.device, holderKey(checkOut), tap.isRecorded);
    }
    if (!tap.isRecorded) this.#end(id);
  }

  /** Ends all sessions without a word. */
  stop(): void {
    for (const { timer } of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }

  /** The session, if its person may still have one: a badge may have been reported lost since. */
  #sessionAt(reader: string, checkOut: CheckOutPolicy): CheckOutSession | null {
    const running = this.#running.get(reader);
    if (running === undefined) return null;
    const { person } = running.session;
    const { memory, carried } = this.#deps;
    const enrolled = carried.enrolled(running.badge, memory.index.enrolled(running.badge));
    const isActive = enrolled?.device === person && enrolled.safety === SAFETY.active;
    return isActive && this.#isPerson(checkOut, person) ? running.session : null;
  }

  #isPerson(checkOut: CheckOutPolicy, device: string): boolean {
    const { memory, carried } = this.#deps;
    const has = (key: string, value: PlainValue): boolean =>
      carried.has(device, key, value) ?? memory.traits.has(device, key, value);
    return isPerson(checkOut, { device, has });
  }

  #holdersOf(checkOut: CheckOutPolicy, device: string): ReadonlyArray<string> {
    const { memory, carried } = this.#deps;
    const { key, type } = holderKey(checkOut);
    const brought = carried
      .newsOf(device)
      .filter((entry) => entry.key === key && entry.type === type)
      .map(({ value }) => value);
    const values = memory.registers.valuesOf(device, { key, type }, brought);
    return values.filter((value) => typeof value === "string");
  }

  #keep(reader: ReaderConfig, session: CheckOutSession | null, badge: string): void {
    this.#end(reader.id);
    if (session === null) return;
    const leftMs = Math.max(0, session.untilMs - this.#deps.clock.monoMs());
    const timer = setTimeout(() => this.#onTimer(reader), leftMs);
    this.#running.set(reader.id, { session, badge, timer });
  }

  #end(reader: string): void {
    clearTimeout(this.#running.get(reader)?.timer);
    this.#running.delete(reader);
  }

  /** A timer may fire a little early: the step decides, and what is not over goes on. */
  #onTimer(reader: ReaderConfig): void {
    const running = this.#running.get(reader.id);
    if (running === undefined || reader.checkOut === null) return;
    const input = { _tag: "Clock", monoMs: this.#deps.clock.monoMs() } as const;
    const { session, outcome } = checkOutStep(running.session, input, reader.checkOut.withinMs);
    this.#keep(reader, session, running.badge);
    if (outcome._tag !== "TimeOver") return;
    const { person, thingCount } = outcome;
    this.#deps.readers.show(reader, "session-over");
    this.#onTimeOver({ reader: reader.id, person, thingCount });
  }
}
