/** A reader of nfc-pcsc as the `Hardware` of a session: the traps of its connections end here. */
import type { Reader } from "nfc-pcsc";
import type { Hardware } from "#gateway/reader/pcsc/session.ts";

/** A short APDU's 256 bytes and the status word. */
const RESPONSE_BYTES_MAX = 258;

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
  return {
    name: reader.name,
    connect: async () => {
      await plainly(() => reader.connect());
    },
    disconnect: async () => {
      if (reader.connection === null) return;
      try {
        await plainly(() => reader.disconnect());
      } finally {
        forget(); // after a failure, or the next connect would take the dead connection for a live one
      }
    },
    transmit: (apdu) => plainly(() => reader.transmit(Buffer.from(apdu), RESPONSE_BYTES_MAX)),
  };
};
