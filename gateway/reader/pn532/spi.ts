/** A PN532 on SPI, by way of the kernel's spidev. */
import * as E from "fp-ts/lib/Either.js";
import { open, type SpiDevice } from "spi-device";
import { chipOnSpi, type SpiTransfers } from "#gateway/reader/pn532/bus-chips.ts";
import { busAdvice, busLine } from "#gateway/reader/pn532/bus-line.ts";
import type { OpenLine } from "#gateway/reader/pn532/line.ts";

/** The chip takes 5 MHz; wires on a bench don't. */
const CLOCK_HZ = 1_000_000;

const opened = (device: string): Promise<SpiDevice> =>
  new Promise((resolve, reject) => {
    const [bus, select] = /([0-9]+)\.([0-9]+)$/.exec(device)?.slice(1).map(Number) ?? [];
    const spi = open(bus ?? 0, select ?? 0, { mode: 0, maxSpeedHz: CLOCK_HZ }, (error) => {
      if (error) reject(error);
      else resolve(spi);
    });
  });

const openTransfers = async (device: string): Promise<SpiTransfers> => {
  const spi = await opened(device);
  return {
    transfer: (sent) =>
      new Promise((resolve, reject) => {
        const byteLength = sent.length;
        const receiveBuffer = Buffer.alloc(byteLength);
        const sendBuffer = Buffer.from(sent);
        spi.transfer([{ byteLength, sendBuffer, receiveBuffer }], (error) => {
          if (error) reject(error);
          else resolve(receiveBuffer);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        spi.close(() => resolve());
      }),
  };
};

export const openSpi: OpenLine = async ({ device }, listener) => {
  try {
    return E.right(busLine(chipOnSpi(await openTransfers(device)), listener));
  } catch (error) {
    const reason = busAdvice(device, error, "sudo raspi-config nonint do_spi 0, then reboot");
    return E.left({ _tag: "LineUnavailable", reason });
  }
};
