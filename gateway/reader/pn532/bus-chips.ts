/** How a PN532 is spoken to on each bus: what the kernel's transactions carry beside frames. */
import { concatBytes } from "#core/bytes.ts";
import type { ChipBus } from "#gateway/reader/pn532/bus-line.ts";

const READY = 0x01;

/** The bus as the kernel gives it: whole transactions with the chip's address. */
export interface I2cTransactions {
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly read: (byteCount: number) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** Each read begins with a byte that says whether the rest is worth anything. */
export const chipOnI2c = (i2c: I2cTransactions): ChipBus => ({
  write: i2c.write,
  isReady: async () => ((await i2c.read(1)).at(0) ?? 0) === READY,
  read: async (byteCount) => (await i2c.read(byteCount + 1)).subarray(1),
  close: i2c.close,
});

const DATA_WRITE = 0x01;
const STATUS_READ = 0x02;
const DATA_READ = 0x03;
/** The bus as the kernel gives it: what goes out while as much comes in, most significant bit first. */
export interface SpiTransfers {
  readonly transfer: (sent: Uint8Array) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

const reverseBits = (byte: number): number => {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit += 1) reversed |= ((byte >> bit) & 1) << (7 - bit);
  return reversed;
};

/** The Pi's SPI can't send the least significant bit first. */
const mirrored = (bytes: Uint8Array): Uint8Array => bytes.map(reverseBits);

/** Every transfer begins with what it is for; the chip counts bits from the other end. */
export const chipOnSpi = (spi: SpiTransfers): ChipBus => {
  const read = async (purpose: number, byteCount: number): Promise<Uint8Array> => {
    const sent = new Uint8Array(1 + byteCount);
    sent[0] = purpose;
    return mirrored(await spi.transfer(mirrored(sent))).subarray(1);
  };
  return {
    write: async (frame) => {
      await spi.transfer(mirrored(concatBytes(Uint8Array.of(DATA_WRITE), frame)));
    },
    isReady: async () => (((await read(STATUS_READ, 1)).at(0) ?? 0) & READY) !== 0,
    read: (byteCount) => read(DATA_READ, byteCount),
    close: spi.close,
  };
};
