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

const typedKeyText = ({ key, type }: TypedKey): string => `${type} ${key}`;

export class KnownRegisters {
  readonly #keys: ReadonlySet<string>;
  readonly #standing = new Map<string, ReadonlyArray<Standing>>();
  /** Each epoch once, by its hex: thousands of devices were written in the same one. */
  readonly #epochs = new Map<string, Uint8Array>();

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
    this.#standing.set(entryKeyText(entry), standing);
  }

  #shared(epoch: Uint8Array): Uint8Array {
    const name = toHex(epoch);
    const known = this.#epochs.get(name);
    if (known === undefined) this.#epochs.set(name, epoch);
    return known ?? epoch;
  }

  /** What stands under an exclusive key or a set: in a conflict more than one. */
  valuesOf(device: string, key: TypedKey): ReadonlyArray<Scalar> {
    return (this.#standing.get(entryKeyText({ device, ...key })) ?? []).map(({ value }) => value);
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
