/**
 * Writes that this gateway knows to be replaced, and has not seen itself, in memory: what a tag carries of them is old.
 * Built from entries, like the card index; there are some only while records come in another order than they were made.
 */
import { entryKeyText, isSameName, type Entry, type EntryKey } from "#core/state/entry.ts";
import type { WriteName } from "#core/log/operation.ts";

export class AwaitedNames {
  readonly #byKey = new Map<string, ReadonlyArray<WriteName>>();

  /** Takes over what an entry now says. */
  apply(entry: Entry): void {
    const awaited = entry.content._tag === "Survivors" ? entry.content.awaited : [];
    if (awaited.length > 0) this.#byKey.set(entryKeyText(entry), awaited);
    else this.#byKey.delete(entryKeyText(entry));
  }

  has(key: EntryKey, write: WriteName): boolean {
    const awaited = this.#byKey.get(entryKeyText(key)) ?? [];
    return awaited.some((name) => isSameName(name, write));
  }
}
