/**
 * The standing writes of those keys that taps set, claim or collect, in memory: a tap names what it replaces without
 * asking the store. Built from entries, like the card index.
 */
import { equalBytes } from "#core/bytes.ts";
import { REPLACES_COUNT_MAX, TYPE, type Scalar, type WriteName } from "#core/log/operation.ts";
import { entryKeyText, type Entry, type EntryKey } from "#core/state/entry.ts";

/** A key as a type: one key under two types is two. */
export type TypedKey = Omit<EntryKey, "device">;

/** A write that a tap is about to make. */
export interface NextWrite extends TypedKey {
  readonly value: Scalar;
}

interface Standing extends WriteName {
  /** Of sets alone: a register's value is of no interest to whoever replaces it. */
  readonly member: Scalar;
}

const typedKeyText = ({ key, type }: TypedKey): string => `${type} ${key}`;

export class KnownRegisters {
  readonly #keys: ReadonlySet<string>;
  readonly #standing = new Map<string, ReadonlyArray<Standing>>();

  /** `keys`: what some reader's `on_tap` writes; others are passed over. */
  constructor(keys: ReadonlyArray<TypedKey>) {
    this.#keys = new Set(keys.map(typedKeyText));
  }

  /** Takes over what an entry now says. */
  apply(entry: Entry): void {
    if (entry.content._tag !== "Survivors" || !this.#keys.has(typedKeyText(entry))) return;
    const isSet = entry.type === TYPE.set;
    const standing = entry.content.writes.map(({ epoch, seq, value }) => ({
      epoch,
      seq,
      member: isSet ? value : null,
    }));
    this.#standing.set(entryKeyText(entry), standing);
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
        ? standing.filter(({ member }) => member === write.value)
        : standing.filter(({ epoch }) => own === undefined || !equalBytes(epoch, own));
    return replaced.slice(0, REPLACES_COUNT_MAX).map(({ epoch, seq }) => ({ epoch, seq }));
  }
}
