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
  signersIn,
  statersOf,
  type StatersOf,
  type Stater,
} from "#core/carried/carried-state.ts";
import {
  carriedKey,
  isCardEntry,
  isSafetyEntry,
  isStronger,
  strongest,
} from "#core/carried/carry.ts";
import type { Crypto } from "#core/log/crypto.ts";
import type { Scalar, WriteName } from "#core/log/operation.ts";
import { isSameName } from "#core/state/entry.ts";
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
  /** Other writes of the key that tags have brought: a tap replaces them as well. */
  readonly also: ReadonlyArray<WriteName>;
}

/** Cut-off sites that wrote one key, each with a tag of its own image: more are not met at one. */
const ALSO_MAX = 8;

/** Of each key the strongest, with the names of the others. */
const merged = (entries: ReadonlyArray<BroughtEntry>): ReadonlyArray<BroughtEntry> =>
  strongest(entries).map((winner) => {
    const names = entries
      .filter((entry) => carriedKey(entry) === carriedKey(winner))
      .flatMap(({ write: { epoch, seq }, also }) => [{ epoch, seq }, ...also])
      .filter((name) => !isSameName(name, winner.write));
    const also = names.filter((name, at) => names.findIndex((one) => isSameName(one, name)) === at);
    return { ...winner, also: also.slice(-ALSO_MAX) };
  });

export interface CarriedStatesDeps {
  readonly fleet: string;
  readonly crypto: Crypto;
  readonly roster: () => Roster;
  readonly memory: Pick<StateMemory, "foldedSize" | "awaited">;
}

/** What a condition asks for. */
export interface KeyValue {
  readonly key: string;
  readonly value: Scalar;
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
      return { ...entry, value, by, statedMs, also: [] };
    });
    this.#put(device, merged([...this.newsOf(device), ...entries]));
    return E.right(undefined);
  }

  /** What records here say already is not kept: it would only drive out what they don't. */
  #put(device: string, entries: ReadonlyArray<BroughtEntry>): void {
    this.#forget(device);
    const news = this.#newsIn(device, entries).filter(
      (entry) => !isCardEntry(entry) || this.#isNewestOwner(entry),
    );
    if (news.length === 0) return;
    this.#byDevice.set(device, news);
    for (const card of cardsIn(news)) this.#byCard.set(card, device);
    const [oldest] = this.#byDevice.keys();
    if (this.#byDevice.size > DEVICES_MAX && oldest !== undefined) this.#forget(oldest);
  }

  /** An old image doesn't take a card back from the device that it went to. */
  #isNewestOwner(entry: BroughtEntry): boolean {
    const [card = ""] = cardsIn([entry]);
    const owner = this.#byCard.get(card);
    const claim = owner === undefined ? undefined : this.newsOf(owner).find(isCardEntry);
    return claim === undefined || isStronger(entry, claim);
  }

  #forget(device: string): void {
    for (const card of cardsIn(this.#byDevice.get(device) ?? [])) {
      if (this.#byCard.get(card) === device) this.#byCard.delete(card); // it may be another's by now
    }
    this.#byDevice.delete(device);
  }

  /** What was brought of the device and no record here has said or replaced since. */
  newsOf(device: string): ReadonlyArray<BroughtEntry> {
    return this.#newsIn(device, this.#byDevice.get(device) ?? []);
  }

  #newsIn(device: string, entries: ReadonlyArray<BroughtEntry>): ReadonlyArray<BroughtEntry> {
    const { memory } = this.#deps;
    const { cuts } = this.#deps.roster();
    const believed = this.#believedIn(entries);
    return entries.filter(({ key, type, write, by, through }) => {
      const epoch = toHex(write.epoch);
      const isCutOff = write.seq >= (cuts.get(epoch) ?? Infinity);
      const isKnown = memory.foldedSize(epoch) > write.seq;
      const isBelieved = believed.has(by) && signersIn(through).every(this.#isActive);
      return (
        isBelieved && !isCutOff && !isKnown && !memory.awaited.has({ device, key, type }, write)
      );
    });
  }

  /** What one statement has brought is all one gateway's: each is looked up once. */
  #believedIn(entries: ReadonlyArray<BroughtEntry>): ReadonlySet<Stater> {
    const { gateways } = this.#deps.roster();
    const staters = [...new Set(entries.map(({ by }) => by))];
    return new Set(
      staters.filter((by) =>
        gateways.some(({ status, key }) => status === "active" && equalBytes(key, by.key)),
      ),
    );
  }

  readonly #isActive = (signer: Uint8Array): boolean =>
    this.#statersOf()(signer).some(({ status }) => status === "active");

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
    return news === undefined
      ? []
      : [{ epoch: news.write.epoch, seq: news.write.seq }, ...news.also];
  }

  /**
   * Whether the device counts as having that value, for what opens something. `known`: whether it has it by records;
   * null: they know nothing of the device. Where both say something, both must say this: nothing here tells which is newer.
   */
  has(device: string, value: KeyValue, known: boolean | null): boolean {
    const brought = this.#says(device, value);
    return brought === undefined ? known === true : brought && known !== false;
  }

  /** The same for what refuses: either is enough. */
  mayHave(device: string, value: KeyValue, known: boolean): boolean {
    return known || this.#says(device, value) === true;
  }

  /** Undefined: nothing was brought under that key. */
  #says(device: string, { key, value }: KeyValue): boolean | undefined {
    const values = this.newsOf(device).filter((entry) => entry.key === key);
    return values.length === 0 ? undefined : values.some((entry) => entry.value === value);
  }
}
