/**
 * What the bodies of the kinds say: body = [salt(16), actor, …fields of the kind]. The salt keeps an erased
 * body from being guessed from its hash. Arrays grow only at the end; readers pass over what they don't know.
 */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, utf8 } from "#core/bytes.ts";
import {
  decodeActor,
  DEVICE_NAME_PATTERN,
  encodeActor,
  NAME_LENGTH_MAX,
  type Actor,
} from "#core/log/actor.ts";
import {
  decodeCbor,
  encodeCbor,
  isBytes,
  isCount,
  isList,
  isText,
  type CborValue,
} from "#core/log/cbor.ts";
import {
  decodeClockFix,
  decodeFork,
  decodeVoid,
  encodeCorrection,
  type CorrectionBody,
} from "#core/log/correction.ts";
import { decodeOperations, encodeOperation, type Operation } from "#core/log/operation.ts";
import { KIND } from "#core/log/record.ts";

export const OPEN_REASON = { boot: 0, rotate: 1, restore: 2, fault: 3 } as const;
export const CLOSE_REASON = { stop: 0, rotate: 1 } as const;
/** How far the author's clock could be trusted when the epoch was opened. */
export const CLOCK_CLASS = { none: 0, saved: 1, rtc: 2, ntp: 3 } as const;

/** An epoch that its gateway has left behind: `size` and `root` are what it knew of it, a lower bound. */
export interface EarlierEpoch {
  readonly epoch: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
}

export interface OpenBody {
  readonly _tag: "Open";
  readonly actor: Actor;
  readonly signature: Uint8Array;
  readonly fleet: string;
  readonly gateway: string;
  readonly gatewayKey: Uint8Array;
  readonly epochKey: Uint8Array;
  readonly bootId: Uint8Array;
  readonly reason: number;
  readonly clockClass: number;
  readonly earlier: ReadonlyArray<EarlierEpoch>;
}

export interface CloseBody {
  readonly _tag: "Close";
  readonly actor: Actor;
  readonly reason: number;
}

export const VERDICT = { accepted: 0, unknown: 1, refused: 2 } as const;
export const TAP_FLAG = { atStart: 1, simulated: 2 } as const;
export const TECHNOLOGY = { other: 0, type2: 1, type4: 2, mifareClassic: 3 } as const;

export interface TapBody {
  readonly _tag: "Tap";
  readonly actor: Actor;
  readonly technology: number;
  /** First 16 bytes of HMAC-SHA-256(fleet card key, UID). A UID itself never enters a body. */
  readonly card: Uint8Array;
  readonly atStart: boolean;
  readonly simulated: boolean;
  readonly verdict: number;
  /** A stable code; empty where accepted. */
  readonly reason: string;
  /** First 16 bytes of HMAC-SHA-256(fleet card key, NDEF message), or null where none was read. */
  readonly ndef: Uint8Array | null;
  /** The device, or null for a card that is enrolled for none. */
  readonly device: string | null;
  readonly operations: ReadonlyArray<Operation>;
}

/** `change`: operations without a tap. `enrol`: the operations that give a device its card. */
export interface ChangeBody {
  readonly _tag: "Change" | "Enrol";
  readonly actor: Actor;
  readonly device: string;
  readonly operations: ReadonlyArray<Operation>;
}

export type Body = OpenBody | CloseBody | TapBody | ChangeBody | CorrectionBody;

export type BodyError =
  /** Of a kind, or of a form, that this version doesn't know: keep it, fold nothing. */
  { readonly _tag: "BodyUnknown"; readonly kind: number };

/** Earlier epochs that one `open` may name: what fits a record of 8 KiB. */
export const EARLIER_COUNT_MAX = 128;
/** What the gateway key signs: all of the body but the salt's neighbour, the signature itself. */
export const openText = (
  salt: Uint8Array,
  body: Omit<OpenBody, "signature" | "_tag">,
): Uint8Array =>
  concatBytes(
    utf8("tapmesh/open/v1\n"),
    encodeCbor([salt, encodeActor(body.actor), ...openFields(body)]),
  );

const openFields = (body: Omit<OpenBody, "signature" | "_tag" | "actor">): CborValue[] => [
  body.fleet,
  body.gateway,
  body.gatewayKey,
  body.epochKey,
  body.bootId,
  body.reason,
  body.clockClass,
  body.earlier.map((known) => [known.epoch, known.size, known.root]),
];

const encodeFields = (body: Body): CborValue[] => {
  switch (body._tag) {
    case "Open":
      return [body.signature, ...openFields(body)];
    case "Close":
      return [body.reason];
    case "Tap":
      return [
        body.technology,
        body.card,
        (body.atStart ? TAP_FLAG.atStart : 0) + (body.simulated ? TAP_FLAG.simulated : 0),
        body.verdict,
        body.reason,
        body.ndef,
        body.device,
        body.operations.map(encodeOperation),
      ];
    case "Change":
    case "Enrol":
      return [body.device, body.operations.map(encodeOperation)];
    case "ClockFix":
    case "Void":
    case "Fork":
      return encodeCorrection(body);
  }
};

/** `salt` is 16 random bytes, new for every record. */
export const encodeBody = (salt: Uint8Array, body: Body): Uint8Array =>
  encodeCbor([salt, encodeActor(body.actor), ...encodeFields(body)]);

export const kindOf = (body: Body): number => {
  switch (body._tag) {
    case "Open":
      return KIND.open;
    case "Close":
      return KIND.close;
    case "Tap":
      return KIND.tap;
    case "Change":
      return KIND.change;
    case "Enrol":
      return KIND.enrol;
    case "ClockFix":
      return KIND.clockFix;
    case "Void":
      return KIND.void;
    case "Fork":
      return KIND.fork;
  }
};

const decodeEarlier = (value: CborValue): EarlierEpoch | undefined => {
  if (!isList(value, 8)) return undefined;
  const [epoch, size, root] = value;
  return isBytes(epoch, 16) && isCount(size) && isBytes(root, 32)
    ? { epoch, size, root }
    : undefined;
};

const decodeEarlierList = (value: CborValue | undefined): EarlierEpoch[] | undefined => {
  if (value === undefined || !isList(value, EARLIER_COUNT_MAX)) return undefined;
  const earlier = value.map(decodeEarlier).filter((known) => known !== undefined);
  return earlier.length === value.length ? earlier : undefined;
};

type Fields = ReadonlyArray<CborValue>;

const decodeOpen = (actor: Actor, fields: Fields): OpenBody | undefined => {
  const [signature, fleet, gateway, gatewayKey, epochKey, bootId, reason, clockClass] = fields;
  const earlier = decodeEarlierList(fields[8]);
  if (!isText(fleet, NAME_LENGTH_MAX) || !isText(gateway, NAME_LENGTH_MAX)) return undefined;
  if (!isBytes(signature, 64) || !isBytes(bootId, 16)) return undefined;
  if (!isBytes(gatewayKey, 32) || !isBytes(epochKey, 32)) return undefined;
  if (!isCount(reason) || !isCount(clockClass) || earlier === undefined) return undefined;
  const keys = { signature, gatewayKey, epochKey };
  return { _tag: "Open", actor, fleet, gateway, ...keys, bootId, reason, clockClass, earlier };
};

const decodeTapContext = (
  fields: Fields,
): Pick<TapBody, "technology" | "verdict" | "reason"> | undefined => {
  const [technology, , , verdict, reason] = fields;
  return isCount(technology) && isCount(verdict) && isText(reason, NAME_LENGTH_MAX)
    ? { technology, verdict, reason }
    : undefined;
};

const isDeviceName = (value: CborValue | undefined): value is string =>
  typeof value === "string" && DEVICE_NAME_PATTERN.test(value);

const decodeTap = (actor: Actor, fields: Fields): TapBody | undefined => {
  const [, card, flags, , , ndef, device] = fields;
  const context = decodeTapContext(fields);
  const operations = decodeOperations(fields[7]);
  if (context === undefined || operations === undefined) return undefined;
  if (!isBytes(card, 16) || !isCount(flags)) return undefined;
  if (ndef !== null && !isBytes(ndef, 16)) return undefined;
  if (device !== null && !isDeviceName(device)) return undefined;
  const atStart = (flags & TAP_FLAG.atStart) !== 0;
  const simulated = (flags & TAP_FLAG.simulated) !== 0;
  return { _tag: "Tap", actor, card, atStart, simulated, ndef, device, operations, ...context };
};

const decodeChange = (
  tag: ChangeBody["_tag"],
  actor: Actor,
  fields: Fields,
): ChangeBody | undefined => {
  const [device] = fields;
  const operations = decodeOperations(fields[1]);
  if (!isDeviceName(device) || operations === undefined) return undefined;
  return { _tag: tag, actor, device, operations };
};

const decodeFields = (kind: number, actor: Actor, fields: Fields): Body | undefined => {
  switch (kind) {
    case KIND.open:
      return decodeOpen(actor, fields);
    case KIND.close:
      return isCount(fields[0]) ? { _tag: "Close", actor, reason: fields[0] } : undefined;
    case KIND.tap:
      return decodeTap(actor, fields);
    case KIND.change:
      return decodeChange("Change", actor, fields);
    case KIND.enrol:
      return decodeChange("Enrol", actor, fields);
    case KIND.clockFix:
      return decodeClockFix(actor, fields);
    case KIND.void:
      return decodeVoid(actor, fields);
    case KIND.fork:
      return decodeFork(actor, fields);
    default:
      return undefined;
  }
};

/**
 * Decodes the body of a record of this kind. Left: `BodyUnknown` for kinds and forms of a later tapmesh;
 * such a record is stored and served like any other, and folded as nothing.
 */
export const decodeBody = (kind: number, bytes: Uint8Array): E.Either<BodyError, Body> => {
  const unknown: E.Either<BodyError, never> = E.left({ _tag: "BodyUnknown", kind });
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded) || !Array.isArray(decoded.right)) return unknown;
  const [salt, actorValue, ...fields] = decoded.right;
  const actor = decodeActor(actorValue);
  if (!isBytes(salt, 16) || actor === undefined) return unknown;
  const body = decodeFields(kind, actor, fields);
  return body === undefined ? unknown : E.right(body);
};

/**
 * The signed part of an `open` as received, so that fields of a later version are covered too. Undefined
 * for what is no array.
 */
export const openTextOf = (bytes: Uint8Array): Uint8Array | undefined => {
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded) || !Array.isArray(decoded.right)) return undefined;
  const [salt = null, actor = null, , ...rest] = decoded.right;
  return concatBytes(utf8("tapmesh/open/v1\n"), encodeCbor([salt, actor, ...rest]));
};
