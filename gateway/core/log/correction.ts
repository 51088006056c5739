/**
 * Bodies of records that are about other records, behind [salt, actor]:
 *   5 clock-fix  boot id(16), wall ms at monoMs 0, ± ms        nearest in monoMs to its own header's wins
 *   6 void       epoch(16), seq, device | null, operations     what undoes the record's operations
 *   8 fork       evidence                                      see fork.ts; proves itself
 */
import { DEVICE_NAME_PATTERN, type Actor } from "#core/log/actor.ts";
import { isBytes, isCount, type CborValue } from "#core/log/cbor.ts";
import { decodeOperations, encodeOperation, type Operation } from "#core/log/operation.ts";
import type { WriteName } from "#core/log/operation.ts";

/** What the clock should have said: true time of any record of that boot = `wallAtBootMs` + its monoMs. */
export interface ClockFixBody {
  readonly _tag: "ClockFix";
  readonly actor: Actor;
  /** Only a boot of the author's own gateway counts. */
  readonly bootId: Uint8Array;
  readonly wallAtBootMs: number;
  readonly plusMinusMs: number;
}

/** Marks an earlier record as wrong. What it changes, it changes by its operations; the record itself stays. */
export interface VoidBody {
  readonly _tag: "Void";
  readonly actor: Actor;
  readonly target: WriteName;
  readonly device: string | null;
  readonly operations: ReadonlyArray<Operation>;
}

/** Two branches of one epoch, each signed by its key. */
export interface ForkBody {
  readonly _tag: "Fork";
  readonly actor: Actor;
  readonly evidence: Uint8Array;
}

export type CorrectionBody = ClockFixBody | VoidBody | ForkBody;

/** What fits a record beside salt and actor. */
export const EVIDENCE_BYTES_MAX = 7_936;

type Fields = ReadonlyArray<CborValue>;

export const encodeCorrection = (body: CorrectionBody): CborValue[] => {
  switch (body._tag) {
    case "ClockFix":
      return [body.bootId, body.wallAtBootMs, body.plusMinusMs];
    case "Void": {
      const operations = body.operations.map(encodeOperation);
      return [body.target.epoch, body.target.seq, body.device, operations];
    }
    case "Fork":
      return [body.evidence];
  }
};

export const decodeClockFix = (actor: Actor, fields: Fields): ClockFixBody | undefined => {
  const [bootId, wallAtBootMs, plusMinusMs] = fields;
  return isBytes(bootId, 16) && isCount(wallAtBootMs) && isCount(plusMinusMs)
    ? { _tag: "ClockFix", actor, bootId, wallAtBootMs, plusMinusMs }
    : undefined;
};

export const decodeVoid = (actor: Actor, fields: Fields): VoidBody | undefined => {
  const [epoch, seq, device] = fields;
  const operations = decodeOperations(fields[3]);
  if (!isBytes(epoch, 16) || !isCount(seq) || operations === undefined) return undefined;
  if (device !== null && !(typeof device === "string" && DEVICE_NAME_PATTERN.test(device))) {
    return undefined;
  }
  return { _tag: "Void", actor, target: { epoch, seq }, device, operations };
};

export const decodeFork = (actor: Actor, fields: Fields): ForkBody | undefined => {
  const [evidence] = fields;
  return evidence instanceof Uint8Array && evidence.length <= EVIDENCE_BYTES_MAX
    ? { _tag: "Fork", actor, evidence }
    : undefined;
};
