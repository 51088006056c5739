/** Emulated cards on native level: what a real card answers to whatever reader holds it in its field. */
import { concatBytes, utf8 } from "#core/bytes.ts";
import * as E from "fp-ts/lib/Either.js";
import { encodeNdef } from "#core/card/ndef.ts";
import type { Technology } from "#core/card/sighting.ts";
import type { SunSecrets } from "#core/card/sun.ts";

/** One card. What is written on it stays, whichever reader it is held to next. */
export interface EmulatedCard {
  readonly technology: Technology;
  /** As the card gives it in anticollision; a random one is another after each `enterField`. */
  readonly uid: Uint8Array;
  /** SENS_RES, 2 bytes, most significant first: `00 44` of an NTAG, as data sheets and a PN532 write it. */
  readonly atqa: Uint8Array;
  /** SEL_RES. */
  readonly sak: number;
  /** Answer to select, TL first; null for a card that is not of ISO/IEC 14443-4. */
  readonly ats: Uint8Array | null;
  /** The card gets its power anew: whatever lasts no longer than that is forgotten. Called once for each tap. */
  readonly enterField: () => void;
  /**
   * One command in the card's own language, without CRC; with an ATS an APDU, without the block protocol around it.
   * Null: NAK, or no answer at all. ACK, which is 4 bits on the air, is one byte, `0A`. Never throws.
   */
  readonly exchange: (command: Uint8Array) => Uint8Array | null;
}

export interface EmulatedCardOptions {
  /** Of the size that the card has; by default always the same one. */
  readonly uid?: Uint8Array;
  /** The bytes of the message, well-formed or not; empty for a card not written yet. */
  readonly ndef?: Uint8Array;
  /** What only NTAG21x and Ultralight EV1 have; see `ChipContents`. */
  readonly signature?: Uint8Array;
  readonly countsTaps?: boolean;
  readonly counter?: number;
  /** Of a Type 4 card: the most bytes that one UPDATE BINARY may bring, at most 255. */
  readonly mlc?: number;
  /** The keys of an NTAG 424 DNA. */
  readonly sunSecrets?: SunSecrets;
}

/** One kind of card, and what can be put on it. */
export interface CardModel {
  readonly uidByteCounts: ReadonlyArray<number>;
  /** 0 for a card whose NDEF, if any, can't be read without keys. */
  readonly ndefByteCountMax: number;
  /** Throws a RangeError for options that go beyond the two sizes above: a mistake of the caller. */
  readonly make: (options: EmulatedCardOptions) => EmulatedCard;
}

/** One URI record, prefix code 04 for `https://`. */
export const uriMessage = (rest: string): Uint8Array => {
  const payload = concatBytes(Uint8Array.of(0x04), utf8(rest));
  const record = { tnf: "well-known", type: utf8("U"), id: new Uint8Array(0), payload } as const;
  return E.getOrElse((): Uint8Array => new Uint8Array(0))(encodeNdef([record]));
};

/** The UID for a card, or a RangeError. */
export const sizedUid = (uid: Uint8Array, byteCounts: ReadonlyArray<number>): Uint8Array => {
  if (!byteCounts.includes(uid.length)) {
    throw new RangeError(`UID of ${uid.length} bytes, not ${byteCounts.join(" or ")}`);
  }
  return uid;
};

/** The message for a card, or a RangeError. */
export const sizedNdef = (ndef: Uint8Array, byteCountMax: number): Uint8Array => {
  if (ndef.length > byteCountMax) {
    throw new RangeError(`NDEF of ${ndef.length} bytes, at most ${byteCountMax}`);
  }
  return ndef;
};
