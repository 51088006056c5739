/**
 * The standing writes of those registers that taps set, in memory: a tap names them as replaced without asking the
 * store. Built from entries, like the card index.
 */
import { equalBytes } from "#core/bytes.ts";
import { REPLACES_COUNT_MAX, TYPE, type WriteName } from "#core/log/operation.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";

export class KnownRegisters {
  readonly #keys: ReadonlySet<string>;
  readonly #names = new Map<string, ReadonlyArray<WriteName>>();

  /** `keys`: the registers that some reader's `on_tap` sets; others are passed over. */
  constructor(keys: ReadonlyArray<string>) {
    this.#keys = new Set(keys);
  }

  /** Takes over what an entry now says. */
  apply(entry: Entry): void {
    if (entry.type !== TYPE.register || !this.#keys.has(entry.key)) return;
    if (entry.content._tag !== "Survivors") return;
    const names = entry.content.writes.map(({ epoch, seq }) => ({ epoch, seq }));
    this.#names.set(entryKeyText(entry), names);
  }

  /** The writes that a new one replaces, but for those of the own epoch: a later write there replaces them anyway. */
  foreign(device: string, key: string, own: Uint8Array | undefined): ReadonlyArray<WriteName> {
    const names = this.#names.get(entryKeyText({ device, key, type: TYPE.register })) ?? [];
    return names
      .filter(({ epoch }) => own === undefined || !equalBytes(epoch, own))
      .slice(0, REPLACES_COUNT_MAX);
  }
}
