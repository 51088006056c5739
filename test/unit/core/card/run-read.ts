import type * as E from "fp-ts/lib/Either.js";
import { concatBytes, toHex } from "#core/bytes.ts";
import { technologyOfAtr } from "#core/card/atr.ts";
import {
  type CardRead,
  type CardReadError,
  readCard,
  type ReadScope,
} from "#core/card/read-card.ts";
import { hex } from "#test/unit/core/card/hex.ts";

export const ATR_TYPE2: Uint8Array = hex("3B8F8001804F0CA0000003060300030000000068");
export const ATR_TYPE4: Uint8Array = hex("3B80800101");
export const ATR_CLASSIC: Uint8Array = hex("3B8F8001804F0CA000000306030001000000006A");
/** What phones are to sign. */
export const NONCE: Uint8Array = hex("000102030405060708090A0B0C0D0E0F");
export const UID: Uint8Array = hex("04A1B2C3D46C80");

/** What `readCard` promises. */
export const COMMAND_COUNT_MAX = 280;

export const GONE: Uint8Array = hex("6300");

/** A success with this data. */
export const ok = (data: string | Uint8Array = ""): Uint8Array =>
  concatBytes(typeof data === "string" ? hex(data) : data, hex("9000"));

/** Answers command number `index`, counted from 0. */
export type Answer = (command: Uint8Array, index: number) => Uint8Array;

export interface Run {
  readonly result: E.Either<CardReadError, CardRead>;
  /** In hex, in order. */
  readonly commands: ReadonlyArray<string>;
}

/** Runs the flow to its end; throws if it asks for more than it promises. */
export const runRead = (atr: Uint8Array, scope: ReadScope, answer: Answer): Run => {
  const commands: string[] = [];
  const flow = readCard(technologyOfAtr(atr), scope, NONCE);
  let step = flow.next();
  while (step.done !== true) {
    if (commands.length === COMMAND_COUNT_MAX) throw new Error("more commands than promised");
    commands.push(toHex(step.value));
    step = flow.next(answer(step.value, commands.length - 1));
  }
  return { result: step.value, commands };
};

/** These responses in their order, then the card is gone. */
export const script =
  (responses: ReadonlyArray<Uint8Array>): Answer =>
  (_, index) =>
    responses[index] ?? GONE;

/** A Type 2 card that holds these bytes from page 3 on, and zeros behind them. */
export const type2 =
  (fromPage3: Uint8Array): Answer =>
  ([, ins, , page = 0]) => {
    if (ins === 0xca) return ok(UID);
    const data = new Uint8Array(16);
    data.set(fromPage3.subarray((page - 3) * 4).subarray(0, 16));
    return ok(data);
  };

/** A Type 4 card with this capability container and this NDEF file; anything may be read of them. */
export const type4 = (capability: Uint8Array, ndefFile: Uint8Array): Answer => {
  let file = capability;
  return ([cla, ins, p1 = 0, p2 = 0, le = 0, , fileIdLow]) => {
    if (cla === 0xff) return ok(UID);
    if (ins === 0xb0) return ok(file.subarray(p1 * 0x100 + p2).subarray(0, le));
    file = fileIdLow === 0x03 ? capability : ndefFile;
    return ok();
  };
};

/** CC of mapping version 2.0 with this MLe, for a file E104 of this size that anyone may read. */
export const capabilityOf = (mle: string, fileSize: string): Uint8Array =>
  hex(`000F 20 ${mle} 0034 0406 E104 ${fileSize} 00 00`);
