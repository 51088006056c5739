/**
 * What tags have brought that no record here says yet, in memory. It holds for verdicts and for what a tap replaces, and
 * goes as the records come; the state itself is made of records alone, so nothing of this is ever folded.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import {
  type CarriedEntry,
  type CarriedError,
  openCarried,
  type OpenedState,
  statersOf,
  type StatersOf,
  type Stater,
} from "#core/carried/carried-state.ts";
import { carriedKey, isCardEntry, isSafetyEntry, strongest } from "#core/carried/carry.ts";
import type { Crypto } from "#core/log/crypto.ts";
import type { Scalar, WriteName } from "#core/log/operation.ts";
import type { Roster } from "#core/trust/roster.ts";
import type { EnrolledCard } from "#core/verdict/decide.ts";
import type { TypedKey } from "#core/verdict/known-registers.ts";
import type { StateMemory } from "#gateway/state-memory.ts";

/** Some hundred bytes each; beyond, what came first goes, and comes again with the next tap of its tag. */
const DEVICES_MAX = 1_000;

/** A value that a tag has brought. */
export interface BroughtEntry extends CarriedEntry {
  /** Who stated it, and when by that gateway's clock. */
  readonly by: Stater;
  readonly statedMs: number;
}

export interface CarriedStatesDeps {
  readonly fleet: string;
  readonly crypto: Crypto;
  readonly roster: () => Roster;
  readonly memory: Pick<StateMemory, "foldedSize" | "awaited">;
}

const cardsIn = (entries: ReadonlyArray<BroughtEntry>): ReadonlyArray<string> =>
  entries.flatMap((entry) =>
    isCardEntry(entry) && entry.value instanceof Uint8Array ? [toHex(entry.value)] : [],
  );

export class CarriedStates {
  readonly #deps: CarriedStatesDeps;
  /** Under `card` stands the card's id. */
  readonly #byDevice = new Map<string, ReadonlyArray<BroughtEntry>>();
  /** Card (hex) → device, for each device's newest card. */
  readonly #byCard = new Map<string, string>();
  #rosterSeen: { readonly roster: Roster; readonly statersOf: StatersOf } | undefined;

  constructor(deps: CarriedStatesDeps) {
    this.#deps = deps;
  }

  #statersOf(): StatersOf {
    const roster = this.#deps.roster();
    if (roster !== this.#rosterSeen?.roster) {
      const { sha256 } = this.#deps.crypto;
      this.#rosterSeen = { roster, statersOf: statersOf(sha256, roster.gateways) };
    }
    return this.#rosterSeen.statersOf;
  }

  /** What the card with that id carries. Left: see {@link CarriedError}. */
  open(card: Uint8Array, bytes: Uint8Array): E.Either<CarriedError, OpenedState> {
    const { fleet, crypto } = this.#deps;
    return openCarried(crypto, bytes, { to: { fleet, card }, statersOf: this.#statersOf() });
  }

  /**
   * Takes it. Right: it was stated by a gateway of this fleet; what is known here already is passed over when it is
   * asked for. Left: nothing was taken.
   */
  take(card: Uint8Array, bytes: Uint8Array): E.Either<CarriedError, void> {
    const opened = this.open(card, bytes);
    if (E.isLeft(opened)) return opened;
    const { state, by } = opened.right;
    const { device, statedMs } = state;
    const entries = state.entries.map((entry) => {
      const value = isCardEntry(entry) ? card : entry.value;
      return { ...entry, value, by, statedMs };
    });
    this.#put(device, strongest([...this.newsOf(device), ...entries]));
    return E.right(undefined);
  }

  #put(device: string, entries: ReadonlyArray<BroughtEntry>): void {
    this.#forget(device);
    this.#byDevice.set(device, entries);
    for (const card of cardsIn(entries)) this.#byCard.set(card, device);
    const [oldest] = this.#byDevice.keys();
    if (this.#byDevice.size > DEVICES_MAX && oldest !== undefined) this.#forget(oldest);
  }

  #forget(device: string): void {
    for (const card of cardsIn(this.#byDevice.get(device) ?? [])) this.#byCard.delete(card);
    this.#byDevice.delete(device);
  }

  /** What was brought of the device and no record here has said or replaced since. */
  newsOf(device: string): ReadonlyArray<BroughtEntry> {
    const { memory } = this.#deps;
    const { cuts, gateways } = this.#deps.roster();
    const brought = this.#byDevice.get(device) ?? [];
    // What one statement has brought is all one gateway's: each is looked up once.
    const believed = new Set(
      [...new Set(brought.map(({ by }) => by))].filter((by) =>
        gateways.some(({ status, key }) => status === "active" && equalBytes(key, by.key)),
      ),
    );
    return brought.filter(({ key, type, write, by }) => {
      const isBelieved = believed.has(by);
      const epoch = toHex(write.epoch);
      const isCutOff = write.seq >= (cuts.get(epoch) ?? Infinity);
      const isKnown = memory.foldedSize(epoch) > write.seq;
      return (
        isBelieved && !isCutOff && !isKnown && !memory.awaited.has({ device, key, type }, write)
      );
    });
  }

  /** The card (hex) with what is known here of it and its device; what was brought makes it known, or less safe. */
  enrolled(card: string, known: EnrolledCard | undefined): EnrolledCard | undefined {
    const device = known?.device ?? this.#broughtDevice(card);
    if (device === undefined) return undefined;
    const safety = this.newsOf(device).find(isSafetyEntry)?.value ?? 0;
    return { device, safety: Math.max(known?.safety ?? 0, Number(safety)) };
  }

  #broughtDevice(card: string): string | undefined {
    const device = this.#byCard.get(card);
    return device !== undefined && this.newsOf(device).some(isCardEntry) ? device : undefined;
  }

  /** Whether it was brought, and no record here says yet, that the card is that device's. */
  saysOwner(card: Uint8Array, device: string): boolean {
    return this.newsOf(device).some(
      (entry) =>
        isCardEntry(entry) && entry.value instanceof Uint8Array && equalBytes(entry.value, card),
    );
  }

  #newsAt(device: string, key: TypedKey): BroughtEntry | undefined {
    return this.newsOf(device).find((entry) => carriedKey(entry) === carriedKey(key));
  }

  /** The writes that a new one replaces beside those that are known here. */
  replacedBy(device: string, key: TypedKey): ReadonlyArray<WriteName> {
    const news = this.#newsAt(device, key);
    return news === undefined ? [] : [{ epoch: news.write.epoch, seq: news.write.seq }];
  }

  /** Whether a value that was brought is that one; undefined: none was, and what is known here counts. */
  has(device: string, key: string, value: Scalar): boolean | undefined {
    const values = this.newsOf(device).filter((entry) => entry.key === key);
    return values.length === 0 ? undefined : values.some((entry) => entry.value === value);
  }
}
