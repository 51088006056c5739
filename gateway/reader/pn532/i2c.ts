/** A PN532 on I2C, by way of the kernel's i2c-dev. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import * as E from "fp-ts/lib/Either.js";
import { openPromisified } from "i2c-bus";
import { chipOnI2c, type I2cTransactions } from "#gateway/reader/pn532/bus-chips.ts";
import { busAdvice, busLine } from "#gateway/reader/pn532/bus-line.ts";
import type { OpenLine } from "#gateway/reader/pn532/line.ts";

/** 7 bits. */
const ADDRESS = 0x24;

const openTransactions = async (device: string): Promise<I2cTransactions> => {
  await access(device, constants.R_OK | constants.W_OK); // i2c-bus itself finds out with the first byte
  const bus = await openPromisified(Number(/[0-9]+$/.exec(device)?.[0]));
  return {
    write: async (bytes) => {
      await bus.i2cWrite(ADDRESS, bytes.length, Buffer.from(bytes));
    },
    read: async (byteCount) =>
      (await bus.i2cRead(ADDRESS, byteCount, Buffer.alloc(byteCount))).buffer,
    close: () => bus.close(),
  };
};

export const openI2c: OpenLine = async ({ device }, listener) => {
  try {
    return E.right(busLine(chipOnI2c(await openTransactions(device)), listener));
  } catch (error) {
    const reason = busAdvice(device, error, "sudo raspi-config nonint do_i2c 0, then reboot");
    return E.left({ _tag: "LineUnavailable", reason });
  }
};
