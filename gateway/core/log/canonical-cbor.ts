/**
 * Reads the encoding of cbor.ts in one pass: each head is checked to be the shortest as it is read, so that nothing
 * has to be encoded again to be compared. It knows only right and wrong; what is wrong, `decodeCbor` asks cborg.
 */
import { fromUtf8 } from "#core/bytes.ts";
import type { CborValue } from "#core/log/cbor.ts";

/** Arrays within arrays; the deepest of ours (operations that name writes) has 5. */
export const DEPTH_MAX = 12;

/** The three upper bits of a head (RFC 8949 section 3.1). */
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, simple: 7 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;

/** The lower five bits say how many bytes of argument follow, or are the argument. */
const ARGUMENT_8 = 24;
const ARGUMENT_16 = 25;
const ARGUMENT_32 = 26;
const ARGUMENT_64 = 27;
/** What the upper half of an argument of 64 bits can be in a safe integer. */
const UPPER_HALF_MAX = 0x1f_ffff;
/** No argument, since an argument is never negative: the head is not the shortest, or not ours. */
const WRONG = -1;

class CanonicalReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): CborValue | undefined {
    const head = this.#uint8();
    const major = head >> 5;
    if (major === MAJOR.simple) return simpleValue(head);
    const argument = this.#argument(head & 31);
    if (argument === WRONG) return undefined;
    switch (major) {
      case MAJOR.unsigned:
        return argument;
      case MAJOR.negative:
        return argument === Number.MAX_SAFE_INTEGER ? undefined : -1 - argument;
      case MAJOR.bytes:
        return this.#byteString(argument);
      case MAJOR.text:
        return this.#text(argument);
      case MAJOR.array:
        return depth < DEPTH_MAX ? this.#array(argument, depth) : undefined;
      default:
        return undefined;
    }
  }

  /** Beyond the end 0: whoever reads on finds out by the length. */
  #uint8(): number {
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  #uint16(): number {
    return this.#uint8() * 0x100 + this.#uint8();
  }

  #uint32(): number {
    return this.#uint16() * 0x1_0000 + this.#uint16();
  }

  /** The argument of a head, or `WRONG`: each size has to be needed. */
  #argument(info: number): number {
    if (info < ARGUMENT_8) return info;
    switch (info) {
      case ARGUMENT_8:
        return atLeast(ARGUMENT_8, this.#uint8());
      case ARGUMENT_16:
        return atLeast(0x100, this.#uint16());
      case ARGUMENT_32:
        return atLeast(0x1_0000, this.#uint32());
      case ARGUMENT_64: {
        const upper = this.#uint32();
        const lower = this.#uint32();
        return upper > UPPER_HALF_MAX ? WRONG : atLeast(2 ** 32, upper * 2 ** 32 + lower);
      }
      default:
        return WRONG;
    }
  }

  /** The next bytes, as a view; undefined if there are not so many. */
  #take(count: number): Uint8Array | undefined {
    const from = this.#at;
    if (count > this.#bytes.length - from) return undefined;
    this.#at += count;
    return this.#bytes.subarray(from, this.#at);
  }

  /** In an array of its own: a view would keep the whole message in memory. */
  #byteString(count: number): Uint8Array | undefined {
    const view = this.#take(count);
    return view && new Uint8Array(view);
  }

  /** A leading byte order mark is refused, since other decoders drop it. */
  #text(count: number): string | undefined {
    const view = this.#take(count);
    if (view === undefined || (view[0] === 0xef && view[1] === 0xbb && view[2] === 0xbf)) {
      return undefined;
    }
    return fromUtf8(view);
  }

  #array(count: number, depth: number): ReadonlyArray<CborValue> | undefined {
    if (count > this.#bytes.length - this.#at) return undefined; // an item has one byte at least
    const items: CborValue[] = [];
    for (let i = 0; i < count; i += 1) {
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}

const atLeast = (min: number, argument: number): number => (argument < min ? WRONG : argument);

const simpleValue = (head: number): CborValue | undefined => {
  if (head === NULL) return null;
  return head === TRUE || head === FALSE ? head === TRUE : undefined;
};

/** The one value that fills `bytes` whole; undefined for whatever is malformed or not canonical. Never throws. */
export const readCanonical = (bytes: Uint8Array): CborValue | undefined => {
  const reader = new CanonicalReader(bytes);
  const value = reader.value(0);
  return reader.isAtEnd ? value : undefined;
};
