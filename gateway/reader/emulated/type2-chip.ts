/** The chip of a Type 2 card with a 7-byte UID: memory, locks, counters and what else it answers. */
import { concatBytes } from "#core/bytes.ts";
import { PAGE_BYTES, READ_PAGES_BYTES } from "#core/card/apdu.ts";
import { SIGNATURE_BYTES } from "#core/card/ntag.ts";
import { encodeNdefTlv } from "#core/card/tlv.ts";
import { TYPE2_CAPABILITY_PAGE, TYPE2_DATA_PAGE } from "#core/card/type2.ts";

export interface Type2Chip {
  readonly version: Uint8Array;
  readonly pageCount: number;
  /** Page 3 as the card is delivered, ready for NDEF. */
  readonly capability: Uint8Array;
  /** Dynamic lock bytes, and how many pages each of their bits locks; null: there are none. */
  readonly dynamicLock: { readonly page: number; readonly pagesPerBit: number } | null;
  readonly configurationPage: number;
  /** NTAG21x has one counter, number 2, of its taps; Ultralight EV1 has three for others to count up. */
  readonly counters: "taps" | "others";
}

export interface ChipContents {
  readonly uid: Uint8Array;
  readonly ndef: Uint8Array;
  /** The maker's, 32 bytes; by default zeros, which are nobody's. */
  readonly signature?: Uint8Array;
  /** Whether taps are counted, which is off as the card is delivered. */
  readonly countsTaps: boolean;
  /** What the tap counter stands at. */
  readonly counter?: number;
}

const GET_VERSION = 0x60;
const READ = 0x30;
const WRITE = 0xa2;
const READ_CNT = 0x39;
const READ_SIG = 0x3c;
const ACK = Uint8Array.of(0x0a);

const CASCADE_TAG = 0x88;
const INTERNAL = 0x48;
const LOCK_PAGE = 2;
const STATIC_LOCK_AT = 10;
/** The first page that dynamic lock bits are for. */
const DYNAMICALLY_LOCKED_PAGE = 16;
const TAP_COUNTER = 2;
const COUNTER_MAX = 0xff_ffff;
/** No mirror, no page behind a password; then the access byte. PWD and PACK read as 0. */
const CONFIGURATION = Uint8Array.of(0x04, 0, 0, 0xff);
const NFC_CNT_EN = 0x10;

/** Pages 0 to 2: the UID with its two check bytes, the internal byte, the static lock bytes. */
const serialPages = (uid: Uint8Array): Uint8Array => {
  const [u0 = 0, u1 = 0, u2 = 0, u3 = 0, u4 = 0, u5 = 0, u6 = 0] = uid;
  const bcc0 = CASCADE_TAG ^ u0 ^ u1 ^ u2;
  const bcc1 = u3 ^ u4 ^ u5 ^ u6;
  return Uint8Array.of(u0, u1, u2, bcc0, u3, u4, u5, u6, bcc1, INTERNAL, 0, 0);
};

const formatted = (chip: Type2Chip, contents: ChipContents): Uint8Array => {
  const memory = new Uint8Array(chip.pageCount * PAGE_BYTES);
  memory.set(serialPages(contents.uid));
  memory.set(chip.capability, TYPE2_CAPABILITY_PAGE * PAGE_BYTES);
  memory.set(encodeNdefTlv(contents.ndef), TYPE2_DATA_PAGE * PAGE_BYTES);
  if (chip.dynamicLock !== null) memory[chip.dynamicLock.page * PAGE_BYTES + 3] = 0xbd;
  const access = Uint8Array.of(contents.countsTaps ? NFC_CNT_EN : 0, 0x05, 0, 0);
  memory.set(concatBytes(CONFIGURATION, access), chip.configurationPage * PAGE_BYTES);
  return memory;
};

/** One chip with its memory, which lasts as long as the value. */
export class Type2Memory {
  readonly #chip: Type2Chip;
  readonly #memory: Uint8Array;
  readonly #signature: Uint8Array;
  #tapCount: number;
  /** A tap counts once, at its first READ. */
  #isCounted = false;

  constructor(chip: Type2Chip, contents: ChipContents) {
    this.#chip = chip;
    this.#memory = formatted(chip, contents);
    this.#signature = contents.signature ?? new Uint8Array(SIGNATURE_BYTES);
    this.#tapCount = contents.counter ?? 0;
  }

  enterField(): void {
    this.#isCounted = false;
  }

  exchange(command: Uint8Array): Uint8Array | null {
    const [code = 0, address = -1] = command;
    switch (code) {
      case GET_VERSION:
        return this.#chip.version;
      case READ:
        return this.#read(address);
      case WRITE:
        return this.#write(address, command.subarray(2));
      case READ_CNT:
        return this.#readCounter(address);
      case READ_SIG:
        return address === 0 ? this.#signature : null;
      default:
        return null;
    }
  }

  /** 4 pages; after the last one it goes on at page 0. */
  #read(page: number): Uint8Array | null {
    if (page < 0 || page >= this.#chip.pageCount) return null;
    this.#countTap();
    const data = new Uint8Array(READ_PAGES_BYTES);
    for (let i = 0; i < data.length; i += 1) {
      data[i] = this.#memory[(page * PAGE_BYTES + i) % this.#memory.length] ?? 0;
    }
    return data;
  }

  #write(page: number, data: Uint8Array): Uint8Array | null {
    const isInside = page >= LOCK_PAGE && page < this.#chip.pageCount;
    if (!isInside || data.length !== PAGE_BYTES || this.#isLocked(page)) return null;
    const at = page * PAGE_BYTES;
    const isOneWay = page === TYPE2_CAPABILITY_PAGE || page === this.#chip.dynamicLock?.page;
    const bits = isOneWay ? this.#memory.subarray(at, at + PAGE_BYTES) : new Uint8Array(PAGE_BYTES);
    // Of page 2 only the lock bytes can be written, and they are one-way too.
    const from = page === LOCK_PAGE ? STATIC_LOCK_AT % PAGE_BYTES : 0;
    for (let i = from; i < PAGE_BYTES; i += 1) {
      const before = page === LOCK_PAGE ? (this.#memory[at + i] ?? 0) : (bits[i] ?? 0);
      this.#memory[at + i] = before | (data[i] ?? 0);
    }
    return ACK;
  }

  /** Static bits: pages 3 to 15, from bit 3 on. Dynamic bits: the pages from 16 up to the lock bytes. */
  #isLocked(page: number): boolean {
    const { dynamicLock } = this.#chip;
    if (page >= TYPE2_CAPABILITY_PAGE && page < DYNAMICALLY_LOCKED_PAGE) {
      return this.#isBitSet(STATIC_LOCK_AT, page);
    }
    if (dynamicLock === null || page < DYNAMICALLY_LOCKED_PAGE || page >= dynamicLock.page) {
      return false;
    }
    const bit = Math.floor((page - DYNAMICALLY_LOCKED_PAGE) / dynamicLock.pagesPerBit);
    return this.#isBitSet(dynamicLock.page * PAGE_BYTES, bit);
  }

  #isBitSet(at: number, bit: number): boolean {
    return (((this.#memory[at + (bit >> 3)] ?? 0) >> (bit & 7)) & 1) === 1;
  }

  #countTap(): void {
    if (this.#isCounted || !this.#isCounting()) return;
    this.#isCounted = true;
    this.#tapCount = Math.min(this.#tapCount + 1, COUNTER_MAX);
  }

  #isCounting(): boolean {
    const access = this.#memory[(this.#chip.configurationPage + 1) * PAGE_BYTES] ?? 0;
    return this.#chip.counters === "taps" && (access & NFC_CNT_EN) !== 0;
  }

  #readCounter(index: number): Uint8Array | null {
    if (this.#chip.counters === "others") {
      return index >= 0 && index <= TAP_COUNTER ? new Uint8Array(3) : null;
    }
    if (index !== TAP_COUNTER || !this.#isCounting()) return null;
    const count = this.#tapCount;
    return Uint8Array.of(count & 0xff, (count >> 8) & 0xff, count >> 16);
  }
}
