/**
 * What the main thread keeps of the state: enough for a verdict and a tap's record without asking the store. It follows
 * the folds one by one, and is read anew from the store where they don't tell all: after a cut, a fork or a clock fix.
 */
import { Clocks, type TrueTime } from "#core/clock/true-time.ts";
import { toHex } from "#core/bytes.ts";
import { AwaitedNames } from "#core/carried/awaited-names.ts";
import type { Entry } from "#core/state/entry.ts";
import { ByteKeys } from "#core/verdict/byte-keys.ts";
import { CardCounters } from "#core/verdict/card-counters.ts";
import { CardIndex } from "#core/verdict/card-index.ts";
import { DeviceTraits } from "#core/verdict/device-traits.ts";
import { KnownRegisters, type TypedKey } from "#core/verdict/known-registers.ts";
import type { DeviceCondition } from "#core/verdict/reader-policy.ts";
import type { Folded, Store } from "#gateway/ports.ts";

interface Loaded {
  readonly clocks: Clocks;
  readonly index: CardIndex;
  readonly registers: KnownRegisters;
  readonly traits: DeviceTraits;
  readonly counters: CardCounters;
  readonly awaited: AwaitedNames;
  /** Epoch (hex) → records folded. */
  readonly heads: Map<string, number>;
}

const apply = (loaded: Loaded, entry: Entry): void => {
  loaded.index.apply(entry);
  loaded.registers.apply(entry);
  loaded.traits.apply(entry);
  loaded.counters.apply(entry);
  loaded.awaited.apply(entry);
};

const raiseHead = ({ heads }: Loaded, epoch: string, size: number): void => {
  heads.set(epoch, Math.max(size, heads.get(epoch) ?? 0));
};

export class StateMemory {
  readonly #store: Pick<Store, "entriesAfter" | "facts" | "digest">;
  readonly #keys: ReadonlyArray<TypedKey>;
  readonly #conditions: ReadonlyArray<DeviceCondition>;
  #current: Loaded;
  /** What is being read; it follows the folds as well, so that none is missed. */
  #next: Loaded | null = null;
  #reading: Promise<void> | null = null;
  #isStale = false;

  /**
   * `keys`: what taps replace; `conditions`: what readers ask of devices. Empty until `reload` has resolved for the
   * first time.
   */
  constructor(
    store: Pick<Store, "entriesAfter" | "facts" | "digest">,
    keys: ReadonlyArray<TypedKey>,
    conditions: ReadonlyArray<DeviceCondition> = [],
  ) {
    this.#store = store;
    this.#keys = keys;
    this.#conditions = conditions;
    this.#current = this.#empty(new Clocks());
  }

  #empty(clocks: Clocks): Loaded {
    const devices = new ByteKeys();
    return {
      clocks,
      index: new CardIndex(clocks.trueTime, devices),
      registers: new KnownRegisters(this.#keys),
      traits: new DeviceTraits(clocks.trueTime, this.#conditions, devices),
      counters: new CardCounters(),
      awaited: new AwaitedNames(),
      heads: new Map(),
    };
  }

  get index(): CardIndex {
    return this.#current.index;
  }

  get registers(): KnownRegisters {
    return this.#current.registers;
  }

  get traits(): DeviceTraits {
    return this.#current.traits;
  }

  get counters(): CardCounters {
    return this.#current.counters;
  }

  get awaited(): AwaitedNames {
    return this.#current.awaited;
  }

  /** How many records of that epoch (hex) the state is made of. */
  foldedSize(epoch: string): number {
    return this.#current.heads.get(epoch) ?? 0;
  }

  get clocks(): Clocks {
    return this.#current.clocks;
  }

  readonly trueTime: TrueTime = (recorded) => this.#current.clocks.trueTime(recorded);

  /** Takes over what was folded. A clock fix or a fork changes what older entries say: all is then read anew. */
  onFolded({ epoch, size, entries, facts }: Folded): void {
    for (const loaded of [this.#current, this.#next]) {
      if (loaded === null) continue;
      raiseHead(loaded, toHex(epoch), size);
      for (const fact of facts) loaded.clocks.learn(fact);
      for (const entry of entries) apply(loaded, entry);
    }
    if (facts.some(({ _tag }) => _tag === "ClockFixed" || _tag === "Forked")) void this.reload();
  }

  /** Entries of a snapshot on its way: verdicts may use them before the rest is here. */
  onStaged(entries: ReadonlyArray<Entry>): void {
    for (const entry of entries) apply(this.#current, entry);
  }

  /**
   * Reads all anew; until that is done, what is known goes on being used. To be called where the store says that it
   * folded anew. Calls that come meanwhile make for one more reading together.
   */
  reload(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#readWhileStale();
    return this.#reading;
  }

  async #readWhileStale(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      this.#current = await this.#read();
      this.#next = null;
    }
    this.#reading = null;
  }

  async #read(): Promise<Loaded> {
    const loaded = this.#empty(new Clocks(await this.#store.facts()));
    this.#next = loaded;
    const { heads } = await this.#store.digest();
    for (const [epoch, size] of heads) raiseHead(loaded, epoch, size);
    let page = this.#store.entriesAfter("");
    for (;;) {
      const entries = await page;
      const last = entries.at(-1);
      if (last === undefined) return loaded;
      page = this.#store.entriesAfter(last.device); // read meanwhile
      for (const entry of entries) apply(loaded, entry);
    }
  }
}
