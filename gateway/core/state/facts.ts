/** What records say that is about no device: whose an epoch is, what its clock should have said, where it is forked. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { Body } from "#core/log/body.ts";
import type { Crypto } from "#core/log/crypto.ts";
import { verifyEvidence } from "#core/log/fork.ts";

export type Fact =
  | {
      readonly _tag: "Opened";
      /** Hex, as everywhere in facts. */
      readonly epoch: string;
      readonly gateway: string;
      readonly bootId: string;
      readonly clockClass: number;
    }
  | {
      readonly _tag: "ClockFixed";
      /** Who says so: only a gateway's own boots can be fixed by it. */
      readonly gateway: string;
      readonly bootId: string;
      /** Where in that boot it was noticed: the fix nearest in monoMs holds. */
      readonly monoMs: number;
      readonly wallAtBootMs: number;
      readonly plusMinusMs: number;
    }
  /** A verified fork: records of the epoch from `size` on don't count. */
  | { readonly _tag: "Forked"; readonly epoch: string; readonly size: number }
  /** A record is marked as wrong by another one. What that changes, the other one's operations change. */
  | {
      readonly _tag: "Voided";
      readonly epoch: string;
      readonly seq: number;
      /** The `void` record. */
      readonly by: { readonly epoch: string; readonly seq: number };
    };

/** What is learnt by folding, and forgotten with it. */
export type FoldedFact = Exclude<Fact, { readonly _tag: "Forked" }>;

/** A record that may say a fact, and where it stands. */
export interface FactRecord {
  readonly epoch: Uint8Array;
  readonly seq: number;
  readonly monoMs: number;
  readonly body: Body | undefined;
}

/**
 * What a record that counts says; `author`: the gateway whose epoch it stands in. Undefined for records about devices.
 * A fork isn't among it: `forkIn`.
 */
export const factIn = (record: FactRecord, author: string): FoldedFact | undefined => {
  const { body } = record;
  if (body?._tag === "Open") {
    const { gateway, clockClass } = body;
    const bootId = toHex(body.bootId);
    return { _tag: "Opened", epoch: toHex(record.epoch), gateway, bootId, clockClass };
  }
  if (body?._tag === "Void") {
    const { epoch, seq } = body.target;
    const by = { epoch: toHex(record.epoch), seq: record.seq };
    return { _tag: "Voided", epoch: toHex(epoch), seq, by };
  }
  if (body?._tag !== "ClockFix") return undefined;
  const { wallAtBootMs, plusMinusMs } = body;
  const { monoMs } = record;
  const bootId = toHex(body.bootId);
  return { _tag: "ClockFixed", gateway: author, bootId, monoMs, wallAtBootMs, plusMinusMs };
};

/**
 * The fork that a record proves. Evidence proves itself, so it counts wherever its record stands, even where that
 * doesn't count: a forked epoch may hold the evidence of another fork. Undefined for other records and for evidence
 * that proves nothing.
 */
export const forkIn = (
  crypto: Crypto,
  body: Body | undefined,
): (Fact & { readonly _tag: "Forked" }) | undefined => {
  if (body?._tag !== "Fork") return undefined;
  const proved = verifyEvidence(crypto, body.evidence);
  if (E.isLeft(proved)) return undefined;
  return { _tag: "Forked", epoch: toHex(proved.right.epoch), size: proved.right.size };
};
