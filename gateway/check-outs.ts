/** The check-out sessions of this gateway's readers, in memory alone: a restart ends them all. */
import { toHex } from "#core/bytes.ts";
import { SAFETY, TYPE, type WriteName } from "#core/log/operation.ts";
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
  readonly memory: Pick<StateMemory, "index" | "traits" | "registers" | "foldedSize">;
  /** What tags have brought beyond that. */
  readonly carried: Pick<CarriedStates, "enrolled" | "has" | "newsOf">;
  readonly readers: Pick<Readers, "show">;
}

interface Running {
  readonly session: CheckOutSession;
  /** The badge that began it, hex. */
  readonly badge: string;
  /** Undefined: that its time is over was told. A thing that was held before may still be being read. */
  readonly timer: NodeJS.Timeout | undefined;
}

/** A tap whose record has been written, or failed. */
export interface SettledTap {
  readonly device: string;
  readonly outcome: CheckOutOutcome | null;
  /** Null: it failed. */
  readonly record: WriteName | null;
}

/** What an own tap has made of a thing, until that is folded: the next tap may come before. */
interface OwnWrite {
  readonly outcome: CheckOutOutcome;
  readonly holder: string | null;
  /** Null: not on disk yet. */
  readonly record: WriteName | null;
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
  /** By device, in the order of their taps. */
  readonly #own = new Map<string, ReadonlyArray<OwnWrite>>();

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
    // What was found lying there was not held now: it opens nothing, moves nothing, and whose turn it was isn't known.
    if (sighting.atStart) {
      this.#end(reader.id);
      return { _tag: "Nothing" };
    }
    const before = this.#sessionAt(reader.id, checkOut);
    if (this.#isPerson(checkOut, device, toHex(card))) {
      const input = { _tag: "Person", person: device, monoMs } as const;
      const { session, outcome } = checkOutStep(before, input, checkOut.withinMs);
      this.#keep(reader, session, toHex(card));
      return outcome;
    }
    const input = { _tag: "Thing", heldBy: this.#holdersOf(checkOut, device), monoMs } as const;
    const { session, outcome } = checkOutStep(before, input, checkOut.withinMs);
    this.#keep(reader, session, this.#running.get(reader.id)?.badge ?? "");
    if (outcome._tag === "CheckedOut" || outcome._tag === "CheckedIn") {
      const holder = outcome._tag === "CheckedOut" ? outcome.person : null;
      this.#own.set(device, [...this.#ownOf(device), { outcome, holder, record: null }]);
    }
    return outcome;
  }

  /** The tap's record is on disk or it failed. Then nothing of it stays, nor the session: nobody knows what the disk has. */
  settle({ checkOut, id }: ReaderConfig, { device, outcome, record }: SettledTap): void {
    if (checkOut === null || outcome === null) return;
    const own = (this.#own.get(device) ?? []).flatMap((write) => {
      if (write.outcome !== outcome) return [write];
      return record === null ? [] : [{ ...write, record }];
    });
    this.#own.set(device, own);
    for (const name of this.#own.keys()) if (this.#ownOf(name).length === 0) this.#own.delete(name);
    if (record === null) this.#end(id);
  }

  /** Those that no fold has told of yet. */
  #ownOf(device: string): ReadonlyArray<OwnWrite> {
    const isFolded = ({ epoch, seq }: WriteName): boolean =>
      this.#deps.memory.foldedSize(toHex(epoch)) > seq;
    return (this.#own.get(device) ?? []).filter(
      ({ record }) => record === null || !isFolded(record),
    );
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
    return isActive && this.#isPerson(checkOut, person, running.badge) ? running.session : null;
  }

  #isPerson(checkOut: CheckOutPolicy, device: string, badge: string): boolean {
    const { memory, carried } = this.#deps;
    const isKnownHere = memory.index.enrolled(badge) !== undefined;
    const has = (key: string, value: PlainValue): boolean => {
      const known = memory.traits.has(device, key, value);
      return carried.has(device, { key, value }, isKnownHere ? known : null);
    };
    return isPerson(checkOut, { device, has });
  }

  #holdersOf(checkOut: CheckOutPolicy, device: string): ReadonlyArray<string> {
    const { memory, carried } = this.#deps;
    const { key, type } = holderKey(checkOut);
    const own = this.#ownOf(device).at(-1);
    const brought = carried
      .newsOf(device)
      .filter((entry) => entry.key === key && entry.type === type)
      .map(({ value }) => value);
    const known = brought.length > 0 ? brought : memory.registers.valuesOf(device, { key, type });
    const values = own === undefined ? known : [own.holder];
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
    const { outcome } = checkOutStep(running.session, input, reader.checkOut.withinMs);
    if (outcome._tag !== "TimeOver") return this.#keep(reader, running.session, running.badge);
    this.#running.set(reader.id, { ...running, timer: undefined });
    const { person, thingCount } = outcome;
    this.#deps.readers.show(reader, "session-over");
    this.#onTimeOver({ reader: reader.id, person, thingCount });
  }
}
