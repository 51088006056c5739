/** A reader of nfc-pcsc as the `Hardware` of a session: the traps of its connections end here. */
import type { Reader } from "nfc-pcsc";
import type { Hardware } from "#gateway/reader/pcsc/hardware.ts";

/** A short APDU's 256 bytes and the status word. */
const RESPONSE_BYTES_MAX = 258;

/** An ACR122U's "which firmware?"; any other reader refuses it, which is an answer too. */
const FIRMWARE_VERSION = Uint8Array.of(0xff, 0x00, 0x48, 0x00, 0x00);

/**
 * What the reader's driver says where the reader has no such command, or escapes are not switched on (CCID's
 * `ifdDriverOptions`): SCARD_E_NOT_TRANSACTED, SCARD_E_UNSUPPORTED_FEATURE of old and new. pcscd gives such an answer
 * only when it has the reader to itself: a driver that hangs in a call to it gives none.
 */
const REFUSED = /0x801000(?:16|1f|22)\b/i;

/** nfc-pcsc's errors say only what it was doing; why it failed is in the one before. */
const causeOf = (error: unknown): Error => {
  if (!(error instanceof Error)) return new Error(String(error));
  return "previous" in error && error.previous instanceof Error ? error.previous : error;
};

const plainly = async <A>(work: () => Promise<A>): Promise<A> => {
  try {
    return await work();
  } catch (error) {
    throw causeOf(error);
  }
};

/**
 * nfc-pcsc's own reaction to a card is switched off: it connects while its disconnect is still under
 * way and loses a failed connect; and it takes two cards for one when the swap falls between two
 * states. What remains in use of the Reader is connect, disconnect and transmit.
 */
export const hardwareOf = (reader: Reader): Hardware => {
  reader.reader.removeAllListeners("status");
  reader.autoProcessing = false;
  reader.card = {};
  const forget = (): void => {
    reader.connection = null;
    reader.reader.connected = false;
  };
  const askFirmware = async (): Promise<void> => {
    try {
      await plainly(() => reader.control(Buffer.from(FIRMWARE_VERSION), RESPONSE_BYTES_MAX));
    } catch (error) {
      if (!(error instanceof Error) || !REFUSED.test(error.message)) throw error;
    }
  };
  const disconnect = async (): Promise<void> => {
    if (reader.connection === null) return;
    try {
      await plainly(() => reader.disconnect());
    } finally {
      forget(); // after a failure, or the next connect would take the dead connection for a live one
    }
  };
  return {
    name: reader.name,
    connect: async () => {
      await plainly(() => reader.connect());
    },
    disconnect,
    ask: async () => {
      if (reader.connection !== null) return await askFirmware();
      await plainly(() => reader.connect("CONNECT_MODE_DIRECT"));
      try {
        await askFirmware();
      } finally {
        await disconnect();
      }
    },
    transmit: (apdu) => plainly(() => reader.transmit(Buffer.from(apdu), RESPONSE_BYTES_MAX)),
  };
};
