/** Messages to write, cards to write them on, and hands that pull the cards away. */
import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { expect } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import { encodeNdef, type NdefRecord } from "#core/card/ndef.ts";
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import { encodeNdefTlv } from "#core/card/tlv.ts";
import { uriRecord } from "#core/card/well-known.ts";
import { type CardWritten, writeCard } from "#core/card/write-card.ts";
import { emulatedCard } from "#gateway/reader/emulated/catalogue.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";

export const NONE: Uint8Array = new Uint8Array();

export const encoded = (record: NdefRecord): Uint8Array => {
  const message = encodeNdef([record]);
  if (E.isLeft(message)) throw new Error(message.left._tag);
  return message.right;
};
export const uri = (text: string): Uint8Array => encoded(uriRecord(text));
export const messageOf = (payload: Uint8Array): Uint8Array =>
  encoded({ tnf: "unknown", type: NONE, id: NONE, payload });

export const make = (name: string, ndef: Uint8Array): EmulatedCard => {
  const card = emulatedCard(name, { ndef });
  if (E.isLeft(card)) throw new Error(card.left._tag);
  return card.right;
};

/** What a tap finds; a card that can't be read is as good as a mixture. */
export const lookAt = (card: EmulatedCard): string => {
  const read = readEmulated(inPcscReader(card), SCOPE_NDEF);
  return E.isLeft(read) ? read.left._tag : toHex(read.right.ndef ?? NONE);
};

export type Written = E.Either<CardWriteError, CardWritten>;

export interface Pull {
  /** The command at which the card is pulled away, and whether it still carries it out. */
  readonly at: number;
  readonly isDone: boolean;
}

export const NEVER: Pull = { at: Infinity, isDone: false };

/** Writes; returns what came of it and how many commands it took. */
export const write = (
  card: EmulatedCard,
  wish: { readonly message: Uint8Array; readonly force?: boolean },
  pull: Pull = NEVER,
): { readonly written: Written; readonly commandCount: number } => {
  const held = inPcscReader(card);
  const flow = writeCard(card.technology, { force: false, ...wish });
  let commandCount = 0;
  let step = flow.next();
  while (step.done !== true) {
    const isGone = commandCount >= pull.at;
    const isCarriedOut = !isGone || (commandCount === pull.at && pull.isDone);
    const response = isCarriedOut ? held.transmit(step.value) : NONE;
    commandCount += 1;
    step = flow.next(isGone ? NONE : response);
  }
  return { written: step.value, commandCount };
};

export const NAMES = [
  "ntag213",
  "ntag215",
  "ntag216",
  "ultralight-ev1-48",
  "ultralight-ev1-128",
  "type4",
] as const;

export const payload = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength });
export const message: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constant(NONE),
  payload(12).map(messageOf),
  payload(60).map(messageOf),
  payload(300).map(messageOf),
  fc.webUrl().map(uri),
);
export const smallMessage: fc.Arbitrary<Uint8Array> = payload(30).map(messageOf);

export const long = (byte: number): Uint8Array => messageOf(new Uint8Array(200).fill(byte));

/** A fresh card each time: what a pull leaves is looked at and thrown away. */
export const everyPull = (
  start: () => EmulatedCard,
  wish: { readonly message: Uint8Array; readonly force?: boolean },
  allowed: ReadonlyArray<string>,
): void => {
  const { commandCount } = write(start(), wish);
  for (let at = 0; at < commandCount; at += 1) {
    for (const isDone of [false, true]) {
      const card = start();
      const { written } = write(card, wish, { at, isDone });
      expect(E.isLeft(written)).toBe(true);
      expect(allowed).toContain(lookAt(card));
    }
  }
};

/** As others left it: the message behind these blocks. */
export const prepared = (name: string, blocks: Uint8Array, before: Uint8Array): EmulatedCard => {
  const card = make(name, NONE);
  const area = concatBytes(blocks, encodeNdefTlv(before), new Uint8Array(3));
  for (let at = 0; at + 4 <= area.length; at += 4) {
    card.exchange(concatBytes(Uint8Array.of(0xa2, 4 + at / 4), area.subarray(at, at + 4)));
  }
  return card;
};
