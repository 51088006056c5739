/**
 * Which card belongs to which device, and how safe the device is: all that a verdict needs, in memory. Built from
 * entries, so it is the same on every gateway with the same state. Flat: a row a device in columns of numbers, some 36 bytes
 * with the name of the device beside, since 100,000 cards must fit 5 MB.
 */
import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from "#core/bytes.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import type { Entry } from "#core/state/entry.ts";
import { decidingWrite, valueOf } from "#core/state/reading.ts";
import { ByteKeys } from "#core/verdict/byte-keys.ts";
import { Claims, isLaterClaim } from "#core/verdict/claims.ts";
import { bytes, grownTo } from "#core/verdict/columns.ts";
import type { EnrolledCard } from "#core/verdict/decide.ts";
import { RowTable } from "#core/verdict/row-table.ts";

/** The register that holds a device's card id, and the one that holds its safety. */
export const CARD_KEY = "card";
export const SAFETY_KEY = "safety";

/** A card id's bytes. What stands under `card` and has another length is no card: nothing that is tapped has its name. */
export const CARD_BYTES = 16;

/** In the column of safeties: this row has a card. */
const HAS_CARD = 0x80;
/** Far above all known levels, and below the mark. */
const SAFETY_MAX = 0x7f;

/** The first bytes of an HMAC are as good a hash as any. */
const cardHash = (card: Uint8Array): number =>
  new DataView(card.buffer, card.byteOffset).getUint32(0);

/**
 * Mutable, since 100,000 cards would be copied for each tap otherwise. It holds true times as they were known when
 * entries were applied: where a clock fix changes them, a new index is built.
 */
export class CardIndex {
  readonly #trueTime: TrueTime;
  /** A device's row in the columns is its row here. */
  readonly #devices: ByteKeys;
  readonly #claims = new Claims();
  #cards: Uint8Array = bytes(0);
  /** How safe each device is, and whether it has a card. */
  #states: Uint8Array = bytes(0);
  /** Rows that have a card, by the card's first bytes; rows that claim one card stand in it together. */
  readonly #byCard = new RowTable((row) => cardHash(this.#cardAt(row)));
  #size = 0;

  /** `devices`: may be shared with others that keep something a device. */
  constructor(trueTime: TrueTime, devices: ByteKeys = new ByteKeys()) {
    this.#trueTime = trueTime;
    this.#devices = devices;
  }

  /** Takes over what an entry now says; entries of no interest are passed over. */
  apply(entry: Entry): void {
    if (entry.key === SAFETY_KEY && entry.type === TYPE.safety) {
      const safety = Number(valueOf(entry, this.#trueTime) ?? SAFETY.active);
      const row = this.#rowFor(entry.device);
      this.#states[row] = ((this.#states[row] ?? 0) & HAS_CARD) | Math.min(safety, SAFETY_MAX);
    }
    if (entry.key === CARD_KEY && entry.type === TYPE.register) this.#applyCard(entry);
  }

  #rowFor(device: string): number {
    const row = this.#devices.add(utf8(device));
    this.#states = grownTo(this.#states, row + 1, bytes);
    return row;
  }

  #applyCard(entry: Entry): void {
    const row = this.#rowFor(entry.device);
    this.#letGo(row);
    const write = decidingWrite(entry, this.#trueTime);
    if (!(write?.value instanceof Uint8Array) || write.value.length !== CARD_BYTES) return;
    if (this.#claimants(write.value).length === 0) this.#size += 1;
    this.#cards = grownTo(this.#cards, (row + 1) * CARD_BYTES, bytes);
    this.#cards.set(write.value, row * CARD_BYTES);
    this.#states[row] = (this.#states[row] ?? 0) | HAS_CARD;
    const { seq } = write;
    this.#claims.set(row, { trueMs: this.#trueTime(write), epoch: toHex(write.epoch), seq });
    this.#byCard.add(row);
  }

  #letGo(row: number): void {
    if (!this.#hasCard(row)) return;
    this.#byCard.remove(row);
    this.#states[row] = (this.#states[row] ?? 0) & ~HAS_CARD;
    if (this.#claimants(this.#cardAt(row)).length === 0) this.#size -= 1;
  }

  #hasCard(row: number): boolean {
    return ((this.#states[row] ?? 0) & HAS_CARD) !== 0;
  }

  #cardAt(row: number): Uint8Array {
    return this.#cards.subarray(row * CARD_BYTES, (row + 1) * CARD_BYTES);
  }

  /** The rows of devices that claim this card. Two come about when a tag moves from one device to another. */
  #claimants(card: Uint8Array): ReadonlyArray<number> {
    const rows: number[] = [];
    this.#byCard.find(cardHash(card), (row) => {
      if (equalBytes(this.#cardAt(row), card)) rows.push(row);
      return false;
    });
    return rows;
  }

  /** Whether row a's claim to its card is later than row b's. */
  #isLater(a: number, b: number): boolean {
    const [claimA, claimB] = [this.#claims.of(a), this.#claims.of(b)];
    return claimA !== undefined && (claimB === undefined || isLaterClaim(claimA, claimB));
  }

  /** The device that this card (hex) is enrolled for: of several, the one enrolled last. */
  enrolled(card: string): EnrolledCard | undefined {
    const id = fromHex(card);
    const [first, ...others] = id?.length === CARD_BYTES ? this.#claimants(id) : [];
    if (first === undefined) return undefined;
    const owner = others.reduce((best, row) => (this.#isLater(row, best) ? row : best), first);
    return { device: this.#nameOf(owner), safety: (this.#states[owner] ?? 0) & SAFETY_MAX };
  }

  #nameOf(row: number): string {
    return fromUtf8(this.#devices.key(row)) ?? "";
  }

  /** Device → the card that it claims, hex; made anew for whoever asks. */
  get cards(): ReadonlyMap<string, string> {
    const cards = new Map<string, string>();
    for (let row = 0; row < this.#states.length; row += 1) {
      if (this.#hasCard(row)) cards.set(this.#nameOf(row), toHex(this.#cardAt(row)));
    }
    return cards;
  }

  /** Cards enrolled. */
  get size(): number {
    return this.#size;
  }
}
