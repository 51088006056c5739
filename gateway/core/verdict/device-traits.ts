/**
 * Which of the values that some reader's policy asks for each device has, in memory: a bit a value. Built from entries,
 * like the card index.
 */
import { utf8 } from "#core/bytes.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import { TYPE, type Scalar } from "#core/log/operation.ts";
import type { Entry } from "#core/state/entry.ts";
import { membersOf, valueOf } from "#core/state/reading.ts";
import { ByteKeys } from "#core/verdict/byte-keys.ts";
import { bytes, grownTo } from "#core/verdict/columns.ts";
import { NAME_KEY, type DeviceCondition, type PlainValue } from "#core/verdict/reader-policy.ts";

/** The types under which a device's own description stands. A key may have several, and any of them counts. */
const TRAIT_TYPES: ReadonlyArray<number> = [TYPE.register, TYPE.exclusive, TYPE.set];

const BYTE_BITS = 8;

/** A value under a key and a type, which has a bit of its own. */
interface Trait {
  readonly value: PlainValue;
  readonly bit: number;
}

const traitKey = (key: string, type: number): string => `${type} ${key}`;

export class DeviceTraits {
  readonly #trueTime: TrueTime;
  readonly #devices: ByteKeys;
  /** By type and key. */
  readonly #traits = new Map<string, Trait[]>();
  readonly #bytesPerRow: number;
  #bits: Uint8Array = bytes(0);

  /** `devices`: may be shared with others that keep something a device. */
  constructor(
    trueTime: TrueTime,
    conditions: ReadonlyArray<DeviceCondition>,
    devices: ByteKeys = new ByteKeys(),
  ) {
    this.#trueTime = trueTime;
    this.#devices = devices;
    let bit = 0;
    for (const { key, values } of conditions.filter((condition) => condition.key !== NAME_KEY)) {
      for (const type of TRAIT_TYPES) {
        const traits = this.#traits.get(traitKey(key, type)) ?? [];
        this.#traits.set(traitKey(key, type), traits);
        for (const value of values) {
          if (traits.some((trait) => trait.value === value)) continue;
          traits.push({ value, bit });
          bit += 1;
        }
      }
    }
    this.#bytesPerRow = Math.ceil(bit / BYTE_BITS);
  }

  /** Takes over what an entry now says; entries of no interest are passed over. */
  apply(entry: Entry): void {
    const traits = this.#traits.get(traitKey(entry.key, entry.type));
    if (traits === undefined) return;
    const values = this.#valuesOf(entry);
    const row = this.#devices.add(utf8(entry.device));
    this.#bits = grownTo(this.#bits, (row + 1) * this.#bytesPerRow, bytes);
    for (const { value, bit } of traits) this.#put(row, bit, values.includes(value));
  }

  #valuesOf(entry: Entry): ReadonlyArray<Scalar> {
    return entry.type === TYPE.set
      ? membersOf(entry, this.#trueTime).map(({ value }) => value)
      : [valueOf(entry, this.#trueTime)];
  }

  #place(row: number, bit: number): { readonly at: number; readonly mask: number } {
    const at = row * this.#bytesPerRow + Math.floor(bit / BYTE_BITS);
    return { at, mask: 1 << (bit % BYTE_BITS) };
  }

  #put(row: number, bit: number, isSet: boolean): void {
    const { at, mask } = this.#place(row, bit);
    const before = this.#bits[at] ?? 0;
    this.#bits[at] = isSet ? before | mask : before & ~mask;
  }

  /** Whether the device has that value under that key, which some condition must have named. */
  has(device: string, key: string, value: PlainValue): boolean {
    const row = this.#devices.find(utf8(device));
    if (row === undefined) return false;
    return TRAIT_TYPES.some((type) => {
      const trait = this.#traits.get(traitKey(key, type))?.find((one) => one.value === value);
      if (trait === undefined) return false;
      const { at, mask } = this.#place(row, trait.bit);
      return ((this.#bits[at] ?? 0) & mask) !== 0;
    });
  }
}
