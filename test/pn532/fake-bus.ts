/** A bus with a fake PN532 on it, as the kernel would give it: whole transactions, and the chip's rules for them. */
import type { I2cTransactions, SpiTransfers } from "#gateway/reader/pn532/bus-chips.ts";
import type { Wire } from "#test/pn532/fake-pn532.ts";

/** What the chip puts out where it has nothing to say. */
const FILLER = 0xaa;

/** Frames wait to be fetched one by one; what is not fetched of one at once is lost. */
abstract class FakeBus implements Wire {
  abstract readonly device: string;
  readonly isBus = true as const;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #frames: Uint8Array[] = [];
  #isPlugged = false;

  constructor(onBytes: (bytes: Uint8Array) => void) {
    this.#onBytes = onBytes;
  }

  plug(): Promise<void> {
    this.#isPlugged = true;
    return Promise.resolve();
  }

  unplug(): Promise<void> {
    this.#isPlugged = false;
    this.#frames = [];
    return Promise.resolve();
  }

  write(frame: Uint8Array): void {
    this.#frames.push(frame);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unplug();
  }

  protected get isReady(): boolean {
    return this.#frames.length > 0;
  }

  protected fetch(byteCount: number): Uint8Array {
    const bytes = new Uint8Array(byteCount).fill(FILLER);
    bytes.set((this.#frames.shift() ?? new Uint8Array(0)).subarray(0, byteCount));
    return bytes;
  }

  /** The host speaks: whatever it did not fetch is dropped. */
  protected hear(frame: Uint8Array): void {
    this.#frames = [];
    this.#onBytes(frame);
  }

  protected insistOnPlug(): void {
    if (!this.#isPlugged) throw new Error("EREMOTEIO: nobody at that address");
  }
}

/** Each read begins with the ready byte: 01, or 00 and nothing of worth behind it. */
export class FakeI2c extends FakeBus {
  readonly device = "/dev/i2c-1";

  get transactions(): I2cTransactions {
    return {
      write: async (bytes) => {
        await Promise.resolve();
        this.insistOnPlug();
        this.hear(bytes);
      },
      read: async (byteCount) => {
        await Promise.resolve();
        this.insistOnPlug();
        const isReady = this.isReady;
        const bytes = new Uint8Array(byteCount).fill(FILLER);
        bytes[0] = isReady ? 0x01 : 0x00;
        if (isReady && byteCount > 1) bytes.set(this.fetch(byteCount - 1), 1);
        return bytes;
      },
      close: () => Promise.resolve(),
    };
  }
}

const MIRRORED: ReadonlyArray<number> = Array.from({ length: 256 }, (_, byte) =>
  Number.parseInt(byte.toString(2).padStart(8, "0").split("").toReversed().join(""), 2),
);
const mirror = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => MIRRORED[byte] ?? 0);

/** Least significant bit first, in both directions; the first byte says what the transfer is for. */
export class FakeSpi extends FakeBus {
  readonly device = "/dev/spidev0.0";

  get transfers(): SpiTransfers {
    return {
      transfer: async (sent) => {
        await Promise.resolve();
        const bytes = mirror(sent);
        return mirror(this.#answer(bytes[0] ?? 0, bytes.subarray(1)));
      },
      close: () => Promise.resolve(),
    };
  }

  /** Nobody on the bus: MISO stays low. */
  #answer(purpose: number, data: Uint8Array): Uint8Array {
    const answer = new Uint8Array(data.length + 1);
    try {
      this.insistOnPlug();
    } catch {
      return answer;
    }
    if (purpose === 0x01) this.hear(data);
    if (purpose === 0x02) answer.set([0x00, this.isReady ? 0x01 : 0x00]);
    if (purpose === 0x03) answer.set(this.fetch(data.length), 1);
    return answer;
  }
}
