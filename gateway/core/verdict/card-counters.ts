/**
 * What is known of all cards' one-way counters, in memory: a row for each card and gateway that saw it, 31 bytes. Built
 * from entries, and told of this gateway's own taps at once, since their records take some milliseconds to be folded.
 */
import { concatBytes, toHex } from "#core/bytes.ts";
import type { Entry } from "#core/state/entry.ts";
import { ByteKeys } from "#core/verdict/byte-keys.ts";
import { doubles, grownTo } from "#core/verdict/columns.ts";
import {
  countsIn,
  decodeMark,
  encodeMark,
  MARK_PREFIX,
  markAfter,
  markNameOf,
  markOfReturn,
  type CounterMark,
} from "#core/verdict/counter-mark.ts";

/** What a card's count says beside those that are known. */
export interface CounterFinding {
  /** Not greater than the greatest: a copy of the card, or a tap played back. */
  readonly isRepeated: boolean;
  /** Counts between that nobody here knows of: somebody else has read the card. */
  readonly unlogged: number;
}

/** Why a card is held to have a copy. */
export interface CopiedCard {
  /** Hex. */
  readonly card: string;
  /** Gateways that saw it so. */
  readonly seenAt: ReadonlyArray<string>;
}

/** A card that shows its count at one of this gateway's own readers. */
export interface CountedTap {
  readonly card: Uint8Array;
  readonly gateway: string;
  readonly count: number;
}

interface SeenMark {
  readonly gateway: string;
  readonly mark: CounterMark;
}

/** What the marks of one card's gateways add up to. */
export interface MarksRead {
  /** The greatest count; -1 where there are no marks. */
  readonly count: number;
  /** Counts that nobody has seen, of those that can be told: newest first. */
  readonly unlogged: ReadonlyArray<number>;
  /** Counts that two gateways have seen, newest first. */
  readonly repeated: ReadonlyArray<number>;
  /** Gateways that saw such counts, or one come back. */
  readonly copiesSeenAt: ReadonlyArray<string>;
}

/** Two gateways' marks with a count in common are two taps with one count: no record has two authors. */
export const readMarks = (marks: ReadonlyArray<SeenMark>): MarksRead => {
  const seenBy = new Map<number, string[]>();
  for (const { gateway, mark } of marks) {
    for (const count of countsIn(mark)) seenBy.set(count, [...(seenBy.get(count) ?? []), gateway]);
  }
  const counts = [...seenBy.keys()].toSorted((a, b) => b - a);
  const repeated = counts.filter((count) => (seenBy.get(count)?.length ?? 0) > 1);
  const unlogged = counts.flatMap((count, at) => {
    const next = counts[at + 1] ?? count - 1;
    return Array.from({ length: count - next - 1 }, (_, back) => count - 1 - back);
  });
  const cameBackAt = marks.filter(({ mark }) => mark.cameBack).map(({ gateway }) => gateway);
  const sharedAt = repeated.flatMap((count) => seenBy.get(count) ?? []);
  return {
    count: Math.max(-1, ...marks.map(({ mark }) => mark.count)),
    unlogged,
    repeated,
    copiesSeenAt: [...new Set([...sharedAt, ...cameBackAt])].toSorted(),
  };
};

export class CardCounters {
  readonly #rows = new ByteKeys();
  #marks: Float64Array = doubles(0);
  /** Every gateway that has a mark; its place is part of a row's key. */
  readonly #gateways: string[] = [];
  readonly #copied = new Map<string, ReadonlyArray<string>>();

  #keyOf(card: Uint8Array, gatewayAt: number): Uint8Array {
    return concatBytes(card, new Uint8Array([gatewayAt >> 8, gatewayAt & 0xff]));
  }

  /** Takes over what an entry now says; entries of no interest are passed over. */
  apply(entry: Entry): void {
    const name = entry.key.startsWith(MARK_PREFIX) ? markNameOf(entry) : undefined;
    if (name === undefined || entry.content._tag !== "Extreme") return;
    const mark = decodeMark(entry.content.write.value);
    if (mark !== undefined) this.#learn(name.card, name.gateway, mark);
  }

  #learn(card: Uint8Array, gateway: string, mark: CounterMark): void {
    const known = this.#gateways.indexOf(gateway);
    const gatewayAt = known >= 0 ? known : this.#gateways.push(gateway) - 1;
    const row = this.#rows.add(this.#keyOf(card, gatewayAt));
    this.#marks = grownTo(this.#marks, row + 1, doubles);
    this.#marks[row] = Math.max(this.#marks[row] ?? 0, encodeMark(mark));
    const { copiesSeenAt } = readMarks(this.#marksOf(card));
    if (copiesSeenAt.length > 0) this.#copied.set(toHex(card), copiesSeenAt);
  }

  #marksOf(card: Uint8Array): ReadonlyArray<SeenMark> {
    return this.#gateways.flatMap((gateway, at) => {
      const row = this.#rows.find(this.#keyOf(card, at));
      const mark = row === undefined ? undefined : decodeMark(this.#marks[row]);
      return mark === undefined ? [] : [{ gateway, mark }];
    });
  }

  #own(card: Uint8Array, gateway: string): CounterMark | undefined {
    return this.#marksOf(card).find((seen) => seen.gateway === gateway)?.mark;
  }

  /**
   * What a count says. A card that lay there before the reader came up may show the count of its tap that was recorded
   * here last: that is no return.
   */
  find(tap: CountedTap, atStart: boolean): CounterFinding {
    const { card, gateway, count } = tap;
    const { count: greatest } = readMarks(this.#marksOf(card));
    if (greatest < 0) return { isRepeated: false, unlogged: 0 };
    const isLying = atStart && count === greatest && this.#own(card, gateway)?.count === count;
    const isRepeated = count <= greatest && !isLying;
    return { isRepeated, unlogged: Math.max(0, count - greatest - 1) };
  }

  /** Takes note of an own tap, and gives the mark (as a value) that its record is to have. */
  take(tap: CountedTap, isRepeated: boolean, between: ReadonlyArray<number> = []): number {
    const { card, gateway, count } = tap;
    const before = this.#own(card, gateway);
    const mark = isRepeated ? markOfReturn(before, count) : markAfter(before, count, between);
    this.#learn(card, gateway, mark);
    return encodeMark(mark);
  }

  /** Cards with a copy, as far as counts tell. */
  copied(): ReadonlyArray<CopiedCard> {
    return [...this.#copied].map(([card, seenAt]) => ({ card, seenAt }));
  }
}
