/** The verdict on a tap, from memory: who it is, whether the reader lets it pass, and what its counter says. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { decodeNdef } from "#core/card/ndef.ts";
import type { Sighting } from "#core/card/sighting.ts";
import type { Sun, SunError } from "#core/card/sun.ts";
import type { Uid } from "#core/card/uid.ts";
import { decodeUri } from "#core/card/well-known.ts";
import { TYPE, type Operation } from "#core/log/operation.ts";
import type { CheckOutOutcome } from "#core/verdict/check-out.ts";
import type { CounterFinding } from "#core/verdict/card-counters.ts";
import { markKey, SEEN_BITS } from "#core/verdict/counter-mark.ts";
import { decide, type PhoneStanding, type Verdict } from "#core/verdict/decide.ts";
import { HoldOff } from "#core/verdict/hold-off.ts";
import { refusalBy } from "#core/verdict/reader-policy.ts";
import type { LocalTime } from "#core/verdict/schedule.ts";
import type { CarriedStates } from "#gateway/carried/carried-states.ts";
import type { CheckOuts } from "#gateway/check-outs.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import type { StateMemory } from "#gateway/state-memory.ts";

export interface TapJudgeDeps {
  readonly gateway: string;
  readonly memory: Pick<StateMemory, "index" | "traits" | "counters">;
  /** What tags have brought beyond that. */
  readonly carried: Pick<CarriedStates, "enrolled" | "has" | "mayHave">;
  readonly checkOuts: Pick<CheckOuts, "take">;
  /** Whether there is room to record; without it no tap is accepted. */
  readonly hasRoom: () => boolean;
  /** What the clock on the wall shows; null while it isn't trusted. */
  readonly localTime: (wallMs: number) => LocalTime | null;
  /** Whether the maker of the card with that UID made the signature. */
  readonly isOriginal: (uid: Uid, signature: Uint8Array) => boolean;
  /** Reads the link of an NTAG 424 DNA. */
  readonly readSun: (ndefUri: string) => E.Either<SunError, Sun>;
}

/** A card at one of this gateway's readers. */
export interface Arrived {
  readonly reader: ReaderConfig;
  readonly sighting: Sighting;
  readonly card: Uint8Array;
  /** Null for cards, and for phones without the app. */
  readonly phone: PhoneStanding | null;
}

/** What a tap shows of itself beside its UID. */
interface Shown {
  /** By the counter that was read, or the one in the link. */
  readonly count: number | null;
  readonly isSunRight: boolean | null;
}

export interface Judged {
  readonly verdict: Verdict;
  /** It was accepted here so long ago, which is too short: it is no tap of its own. Null for what is one. */
  readonly againAfterMs: number | null;
  /** Counts before this one that no log known here has. */
  readonly unlogged: number;
  /** What the tap means to a check-out at its reader; null where it has none, or the tap is not accepted. */
  readonly checkOut: CheckOutOutcome | null;
  /** What the card's counter adds to the record. */
  readonly operations: ReadonlyArray<Operation>;
}

/** The link of a message; undefined where it has none. */
const firstUri = (ndef: Uint8Array): string | undefined => {
  const records = decodeNdef(ndef);
  if (E.isLeft(records)) return undefined;
  const uri = records.right.map(decodeUri).find(E.isRight);
  return uri?.right;
};

/** Cards of whose passing counts something is remembered; the oldest goes first. */
const PASSED_CARDS_MAX = 4_096;

/** Signatures whose check is remembered: one takes some 20 ms, and a card shows the same one all its life. */
const ORIGINALS_MAX = 10_000;

export class TapJudge {
  readonly #deps: TapJudgeDeps;
  readonly #holdOff = new HoldOff();
  /** Card → counts that it showed at arrivals that were no taps of their own. They were seen, so they are no gap. */
  readonly #passed = new Map<string, ReadonlyArray<number>>();

  /** UID and signature → whether it is the maker's. */
  readonly #originals = new Map<string, boolean>();

  constructor(deps: TapJudgeDeps) {
    this.#deps = deps;
  }

  /** An arrival that is no tap: the field flickered, or the card lay there. */
  passOver(arrived: Arrived): void {
    const { count } = this.#shownBy(arrived);
    if (count !== null) this.#passCount(toHex(arrived.card), count);
  }

  #passCount(name: string, count: number): void {
    const counts = [...(this.#passed.get(name) ?? []), count].slice(-SEEN_BITS);
    this.#passed.delete(name);
    this.#passed.set(name, counts);
    const [oldest] = this.#passed.keys();
    if (this.#passed.size > PASSED_CARDS_MAX && oldest !== undefined) this.#passed.delete(oldest);
  }

  /** The tap could not be recorded, and is to be made again. */
  notRecorded({ reader, card }: Arrived): void {
    this.#holdOff.forget(reader.id, toHex(card));
  }

  judge(arrived: Arrived): Judged {
    const { reader, sighting, card } = arrived;
    const { memory, carried } = this.#deps;
    const enrolled = carried.enrolled(toHex(card), memory.index.enrolled(toHex(card)));
    const decided = decide(sighting.uid, enrolled, arrived.phone);
    const shown = this.#shownBy(arrived);
    const { count } = shown;
    const finding = enrolled === undefined ? null : this.#findingOf(arrived, count);
    const allowed = this.#withPolicy(decided, arrived, { ...shown, finding });
    const { verdict, checkOut } = this.#withCheckOut(allowed, arrived);
    if (verdict._tag === "Accepted") {
      const tap = { device: verdict.device, monoMs: sighting.monoMs };
      const agoMs = this.#holdOff.agoMs(reader.id, toHex(card), tap);
      if (agoMs !== undefined && agoMs < reader.policy.holdOffMs) {
        if (count !== null) this.#passCount(toHex(card), count);
        return { verdict, againAfterMs: agoMs, unlogged: 0, checkOut, operations: [] };
      }
      this.#holdOff.accept(reader.id, toHex(card), tap);
    }
    return {
      verdict,
      againAfterMs: null,
      unlogged: finding?.unlogged ?? 0,
      checkOut,
      operations: finding === null || count === null ? [] : this.#mark(card, count, finding),
    };
  }

  /** Last of all: a tap that something else refuses neither begins a session nor prolongs it. */
  #withCheckOut(allowed: Verdict, arrived: Arrived): Pick<Judged, "verdict" | "checkOut"> {
    if (allowed._tag !== "Accepted") return { verdict: allowed, checkOut: null };
    const { device } = allowed;
    const checkOut = this.#deps.checkOuts.take(arrived, device);
    return checkOut?._tag === "PersonFirst"
      ? { verdict: { _tag: "Refused", device, reason: "person-first" }, checkOut: null }
      : { verdict: allowed, checkOut };
  }

  #shownBy({ reader, sighting }: Arrived): Shown {
    if (reader.policy.level !== "sun") return { count: sighting.counter, isSunRight: null };
    const uri = sighting.ndef === null ? undefined : firstUri(sighting.ndef);
    const sun = uri === undefined ? undefined : this.#deps.readSun(uri);
    if (sun === undefined) return { count: null, isSunRight: null };
    if (E.isLeft(sun)) {
      return { count: null, isSunRight: sun.left._tag === "SunMissing" ? null : false };
    }
    const { uid, counter } = sun.right;
    // A link that one tag made says nothing of the chip that shows it with another UID.
    return uid === sighting.uid
      ? { count: counter, isSunRight: true }
      : { count: null, isSunRight: false };
  }

  #findingOf({ sighting, card }: Arrived, count: number | null): CounterFinding | null {
    if (count === null) return null;
    const { gateway, memory } = this.#deps;
    const finding = memory.counters.find({ card, gateway, count }, sighting.atStart);
    const passed = new Set(this.#passed.get(toHex(card)) ?? []).size;
    return { ...finding, unlogged: Math.max(0, finding.unlogged - passed) };
  }

  #withPolicy(
    decided: Verdict,
    arrived: Arrived,
    { isSunRight, finding }: Shown & { readonly finding: CounterFinding | null },
  ): Verdict {
    if (decided._tag !== "Accepted") return decided;
    const { device } = decided;
    const { memory, carried, localTime, hasRoom } = this.#deps;
    const isKnownHere = memory.index.enrolled(toHex(arrived.card)) !== undefined;
    const { policy } = arrived.reader;
    const reason = refusalBy(policy, {
      device,
      counter: finding,
      isSunRight,
      isProvenPhone: arrived.phone === "proven",
      has: (key, value) => {
        const known = memory.traits.has(device, key, value);
        return carried.has(device, { key, value }, isKnownHere ? known : null);
      },
      mayHave: (key, value) =>
        carried.mayHave(device, { key, value }, memory.traits.has(device, key, value)),
      isOriginal: this.#isOriginal(arrived),
      localTime: policy.schedules.length === 0 ? null : localTime(arrived.sighting.wallMs),
    });
    if (reason !== undefined) return { _tag: "Refused", device, reason };
    return hasRoom() ? decided : { _tag: "Refused", device, reason: "storage-full" };
  }

  #isOriginal({ reader, sighting }: Arrived): boolean | null {
    const { uid, signature } = sighting;
    if (reader.policy.level !== "originality" || signature === null) return null;
    const name = `${uid} ${toHex(signature)}`;
    const known = this.#originals.get(name);
    if (known !== undefined) return known;
    const isOriginal = this.#deps.isOriginal(uid, signature);
    if (this.#originals.size >= ORIGINALS_MAX) this.#originals.clear();
    this.#originals.set(name, isOriginal);
    return isOriginal;
  }

  /** Remembers the count at once, since the next tap may come before this one's record is folded. */
  #mark(card: Uint8Array, count: number, { isRepeated }: CounterFinding): ReadonlyArray<Operation> {
    const { gateway, memory } = this.#deps;
    const tap = { card, gateway, count };
    const passed = this.#passed.get(toHex(card));
    this.#passed.delete(toHex(card));
    const value = memory.counters.take(tap, isRepeated, passed);
    return [{ key: markKey({ card, gateway }), type: TYPE.max, value, replaces: [] }];
  }
}
