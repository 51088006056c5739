/**
 * The standing writes of those keys that taps set, claim or collect, in memory: a tap names what it replaces without
 * asking the store. Built from entries, like the card index.
 */
import { equalBytes, toHex } from "#core/bytes.ts";
import { REPLACES_COUNT_MAX, TYPE, type Scalar, type WriteName } from "#core/log/operation.ts";
import { entryKeyText, type Entry, type EntryKey } from "#core/state/entry.ts";

/** A key as a type: one key under two types is two. */
export type TypedKey = Omit<EntryKey, "device">;

/** A write that a tap is about to make. */
export interface NextWrite extends TypedKey {
  readonly value: Scalar;
}

interface Standing extends WriteName {
  /** Of sets and exclusive keys alone: a register's value is of no interest to whoever replaces it. */
  readonly value: Scalar;
}

/** An own write that may not be among the standing ones yet. */
interface Taken {
  readonly value: Scalar;
  /** Own records with such a write whose commit has not ended. */
  readonly pendingCount: number;
}

const typedKeyText = ({ key, type }: TypedKey): string => `${type} ${key}`;

export class KnownRegisters {
  readonly #keys: ReadonlySet<string>;
  readonly #standing = new Map<string, ReadonlyArray<Standing>>();
  /** Each epoch once, by its hex: thousands of devices were written in the same one. */
  readonly #epochs = new Map<string, Uint8Array>();
  readonly #taken = new Map<string, Taken>();

  /** `keys`: what some reader's `on_tap` or check-out writes; others are passed over. */
  constructor(keys: ReadonlyArray<TypedKey>) {
    this.#keys = new Set(keys.map(typedKeyText));
  }

  /** Takes over what an entry now says. */
  apply(entry: Entry): void {
    if (entry.content._tag !== "Survivors" || !this.#keys.has(typedKeyText(entry))) return;
    const hasValue = entry.type === TYPE.set || entry.type === TYPE.exclusive;
    const standing = entry.content.writes.map(({ epoch, seq, value }) => ({
      epoch: this.#shared(epoch),
      seq,
      value: hasValue ? value : null,
    }));
    const name = entryKeyText(entry);
    this.#standing.set(name, standing);
    if (this.#taken.get(name)?.pendingCount === 0) this.#taken.delete(name);
  }

  #shared(epoch: Uint8Array): Uint8Array {
    const name = toHex(epoch);
    const known = this.#epochs.get(name);
    if (known === undefined) this.#epochs.set(name, epoch);
    return known ?? epoch;
  }

  /** Takes note of an own write at once, since the next tap may come before this one's record is folded. */
  take(device: string, write: NextWrite): void {
    const name = entryKeyText({ device, ...write });
    const pendingCount = (this.#taken.get(name)?.pendingCount ?? 0) + 1;
    this.#taken.set(name, { value: write.value, pendingCount });
  }

  /** The record of a write that was taken note of is on disk, or it failed and is forgotten. */
  settle(device: string, key: TypedKey, isRecorded: boolean): void {
    const name = entryKeyText({ device, ...key });
    const taken = this.#taken.get(name);
    if (taken === undefined) return;
    if (isRecorded) this.#taken.set(name, { ...taken, pendingCount: taken.pendingCount - 1 });
    else this.#taken.delete(name);
  }

  /**
   * What stands under an exclusive key or a set: in a conflict more than one. An own write comes before all, and then
   * what tags have `brought`, as no record here says it yet.
   */
  valuesOf(
    device: string,
    key: TypedKey,
    brought: ReadonlyArray<Scalar> = [],
  ): ReadonlyArray<Scalar> {
    const name = entryKeyText({ device, ...key });
    const taken = this.#taken.get(name);
    if (taken !== undefined) return [taken.value];
    if (brought.length > 0) return brought;
    return (this.#standing.get(name) ?? []).map(({ value }) => value);
  }

  /**
   * The writes that a new one replaces. In a set those of the same member, so that collecting it a hundred times leaves
   * one write; of other types all but those of the own epoch, which a later write there replaces by itself.
   */
  replacedBy(
    device: string,
    write: NextWrite,
    own: Uint8Array | undefined,
  ): ReadonlyArray<WriteName> {
    const standing = this.#standing.get(entryKeyText({ device, ...write })) ?? [];
    const replaced =
      write.type === TYPE.set
        ? standing.filter(({ value }) => value === write.value)
        : standing.filter(({ epoch }) => own === undefined || !equalBytes(epoch, own));
    return replaced.slice(0, REPLACES_COUNT_MAX).map(({ epoch, seq }) => ({ epoch, seq }));
  }
}
