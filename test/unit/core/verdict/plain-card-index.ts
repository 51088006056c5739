/** The card index as one would write it without a thought for memory: the model that the flat one is compared with. */
import { toHex } from "#core/bytes.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { compareWrites, decidingWrite, valueOf } from "#core/state/reading.ts";
import { CARD_BYTES, CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import type { EnrolledCard } from "#core/verdict/decide.ts";

export class PlainCardIndex {
  readonly #trueTime: TrueTime;
  readonly #claims = new Map<string, { readonly card: string; readonly write: Write }>();
  readonly #safeties = new Map<string, number>();

  constructor(trueTime: TrueTime) {
    this.#trueTime = trueTime;
  }

  apply(entry: Entry): void {
    const { device, key, type } = entry;
    if (key === SAFETY_KEY && type === TYPE.safety) {
      this.#safeties.set(device, Number(valueOf(entry, this.#trueTime)));
    }
    if (key !== CARD_KEY || type !== TYPE.register) return;
    this.#claims.delete(device);
    const write = decidingWrite(entry, this.#trueTime);
    if (!(write?.value instanceof Uint8Array) || write.value.length !== CARD_BYTES) return;
    this.#claims.set(device, { card: toHex(write.value), write });
  }

  enrolled(card: string): EnrolledCard | undefined {
    const last = [...this.#claims]
      .filter(([, claim]) => claim.card === card)
      .toSorted(([, a], [, b]) => compareWrites(a.write, b.write, this.#trueTime))
      .at(-1);
    if (last === undefined) return undefined;
    const [device] = last;
    return { device, safety: this.#safeties.get(device) ?? SAFETY.active };
  }

  get cards(): ReadonlyMap<string, string> {
    return new Map([...this.#claims].map(([device, { card }]) => [device, card]));
  }

  get size(): number {
    return new Set([...this.#claims.values()].map(({ card }) => card)).size;
  }
}
