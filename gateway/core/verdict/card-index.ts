/**
 * Which card belongs to which device, and how safe the device is: all that a verdict needs, in memory. Built from
 * entries, so it is the same on every gateway with the same state.
 */
import { toHex } from "#core/bytes.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import type { Entry } from "#core/state/entry.ts";
import { decidingWrite, valueOf } from "#core/state/reading.ts";
import type { EnrolledCard } from "#core/verdict/decide.ts";

/** The register that holds a device's card id, and the one that holds its safety. */
export const CARD_KEY = "card";
export const SAFETY_KEY = "safety";

/** A device's claim to a card, as its enrolment's (true time, epoch, seq): the greatest has the card. */
interface Claim {
  readonly device: string;
  readonly trueMs: number;
  /** Hex, which orders as the bytes do. */
  readonly epoch: string;
  readonly seq: number;
}

const isLater = (a: Claim, b: Claim): boolean => {
  if (a.trueMs !== b.trueMs) return a.trueMs > b.trueMs;
  return a.epoch === b.epoch ? a.seq > b.seq : a.epoch > b.epoch;
};

/**
 * Mutable, since 100,000 cards would be copied for each tap otherwise. It holds true times as they were known when
 * entries were applied: where a clock fix changes them, a new index is built.
 */
export class CardIndex {
  readonly #trueTime: TrueTime;
  /** Card id → the devices that claim it. Two claims come about when a tag moves from one device to another. */
  readonly #claims = new Map<string, ReadonlyArray<Claim>>();
  readonly #cardOf = new Map<string, string>();
  readonly #safetyOf = new Map<string, number>();
  readonly #epochs = new Map<string, string>();

  constructor(trueTime: TrueTime) {
    this.#trueTime = trueTime;
  }

  /** Takes over what an entry now says; entries of no interest are passed over. */
  apply(entry: Entry): void {
    if (entry.key === SAFETY_KEY && entry.type === TYPE.safety) {
      const safety = Number(valueOf(entry, this.#trueTime) ?? SAFETY.active);
      if (safety === SAFETY.active) this.#safetyOf.delete(entry.device);
      else this.#safetyOf.set(entry.device, safety);
    }
    if (entry.key === CARD_KEY && entry.type === TYPE.register) this.#applyCard(entry);
  }

  #applyCard(entry: Entry): void {
    const { device } = entry;
    const before = this.#cardOf.get(device);
    if (before !== undefined) {
      const rest = (this.#claims.get(before) ?? []).filter((claim) => claim.device !== device);
      if (rest.length === 0) this.#claims.delete(before);
      else this.#claims.set(before, rest);
      this.#cardOf.delete(device);
    }
    const write = decidingWrite(entry, this.#trueTime);
    if (!(write?.value instanceof Uint8Array)) return;
    const card = toHex(write.value);
    this.#cardOf.set(device, card);
    const trueMs = this.#trueTime(write);
    const { seq } = write;
    const claim = { device, trueMs, epoch: this.#epochName(write.epoch), seq };
    this.#claims.set(card, [...(this.#claims.get(card) ?? []), claim]);
  }

  /** One text for each epoch, however many cards were enrolled in it. */
  #epochName(epoch: Uint8Array): string {
    const name = toHex(epoch);
    const known = this.#epochs.get(name);
    if (known === undefined) this.#epochs.set(name, name);
    return known ?? name;
  }

  /** The device that this card is enrolled for: of several, the one enrolled last. */
  enrolled(card: string): EnrolledCard | undefined {
    const [first, ...others] = this.#claims.get(card) ?? [];
    if (first === undefined) return undefined;
    const owner = others.reduce((best, claim) => (isLater(claim, best) ? claim : best), first);
    return { device: owner.device, safety: this.#safetyOf.get(owner.device) ?? SAFETY.active };
  }

  /** Device → the card that it claims, hex. */
  get cards(): ReadonlyMap<string, string> {
    return this.#cardOf;
  }

  /** Cards enrolled. */
  get size(): number {
    return this.#claims.size;
  }
}
