/** What the PC/SC child and its parent say to each other, and the one place where it is decoded. */
import * as E from "fp-ts/lib/Either.js";
import type { CardRead, CardReadError, PhoneScope, ReadScope } from "#core/card/read-card.ts";
import type { PhoneRead } from "#core/card/phone.ts";
import type { Technology } from "#core/card/sighting.ts";
import { parseUid } from "#core/card/uid.ts";
import type { FeedbackError, FeedbackSignal } from "#gateway/ports.ts";

/** `name` is the hardware's name in PC/SC, unique while it is plugged in. Times as in `Sighting`. */
export type ChildMessage =
  | { readonly _tag: "Heartbeat" }
  /** The hardware is there; should it be a configured reader, `Use` is the answer. */
  | { readonly _tag: "HardwareFound"; readonly name: string }
  /** Its state is known and followed: a card that comes from now on is a card that arrives. */
  | { readonly _tag: "ReaderUp"; readonly name: string }
  /** The reader itself gave an answer. */
  | { readonly _tag: "Answered"; readonly name: string }
  | { readonly _tag: "ReaderDown"; readonly name: string; readonly reason: string }
  /** More than its UID is about to be read. */
  | { readonly _tag: "CardReading"; readonly name: string }
  | {
      readonly _tag: "CardArrived";
      readonly name: string;
      readonly read: CardRead;
      readonly atStart: boolean;
      readonly wallMs: number;
      readonly monoMs: number;
    }
  | { readonly _tag: "CardLeft"; readonly name: string; readonly monoMs: number }
  | {
      readonly _tag: "CardUnread";
      readonly name: string;
      readonly technology: Technology;
      readonly error: CardReadError;
      readonly monoMs: number;
    }
  /** What PC/SC complained about: for the journal, the consequences come as messages of their own. */
  | { readonly _tag: "Trouble"; readonly name: string; readonly detail: string }
  | {
      readonly _tag: "FeedbackDone";
      readonly request: number;
      readonly error: FeedbackError | null;
    }
  /** Empty: the card is gone, or gave no answer. */
  | { readonly _tag: "ExchangeDone"; readonly request: number; readonly response: Uint8Array };

export type ParentMessage =
  /** The hardware is a configured reader: from now on its cards are read. */
  | { readonly _tag: "Use"; readonly name: string; readonly scope: ReadScope }
  /** Let go of the hardware, and take it anew. */
  | { readonly _tag: "Reselect"; readonly name: string }
  | {
      readonly _tag: "Feedback";
      readonly request: number;
      readonly name: string;
      readonly signal: FeedbackSignal;
    }
  /** For the card that arrived at that time, and for no other. */
  | {
      readonly _tag: "Exchange";
      readonly request: number;
      readonly name: string;
      readonly cardMonoMs: number;
      readonly apdu: Uint8Array;
    };

/** Why the child says that a reader is down. */
export const REASON = {
  unavailable: "pcscd can't reach the reader: unplug it and plug it in again",
  unplugged: "the reader was unplugged: plug it in again",
  /** A call to PC/SC has not come back: nothing milder than another child can help. */
  silent: "the reader did not answer in time: if it stays so, unplug it and plug it in again",
  reselected: "the reader is let go of, and taken anew",
} as const;

/** Why the child ended by itself. Any other exit code is a crash. */
export const EXIT_PARENT_GONE = 0;
export const EXIT_MODULE_UNLOADABLE = 40;
export const EXIT_PCSCD_GONE = 41;
export const EXIT_PCSCD_REFUSED = 42;

/** The two programs are not of one version, or one has a bug. */
export interface MessageMalformed {
  readonly _tag: "MessageMalformed";
  readonly tag: string;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isText = (value: unknown): value is string => typeof value === "string";
const isMs = (value: unknown): value is number => Number.isSafeInteger(value);

const isOneOf =
  <A extends string>(all: Readonly<Record<A, unknown>>) =>
  (value: unknown): value is A =>
    isText(value) && Object.hasOwn(all, value);

const isSignal = isOneOf<FeedbackSignal>({
  reading: true,
  accepted: true,
  unknown: true,
  refused: true,
  failed: true,
  "checked-out": true,
  "checked-in": true,
  "session-over": true,
});
const isTechnology = isOneOf<Technology>({
  type2: true,
  type4: true,
  "mifare-classic": true,
  other: true,
});

const isPhoneScope = (value: unknown): value is PhoneScope =>
  isFields(value) && isText(value["gateway"]) && typeof value["state"] === "boolean";

const isScope = (value: unknown): value is ReadScope =>
  isFields(value) &&
  (value["phones"] === null || isPhoneScope(value["phones"])) &&
  [value["ndef"], value["counter"], value["signature"]].every((part) => typeof part === "boolean");

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isBytesOrNull = (value: unknown): value is Uint8Array | null =>
  value === null || isBytes(value);

const isPhone = (value: unknown): value is PhoneRead => {
  if (!isFields(value)) return false;
  const { _tag, publicKey, nonce, signature, state } = value;
  if (_tag === "OtherVersion") return true;
  const isWhole = isBytes(publicKey) && isBytes(nonce);
  return _tag === "Claimed" && isWhole && isBytesOrNull(signature) && isBytesOrNull(state);
};

type FieldKind = "text" | "count" | "tagged";

/** The fields of each error; what an inner, tagged error holds is only shown, never acted on. */
const READ_ERROR_FIELDS = {
  CardGone: { command: "text" },
  ResponseTruncated: { command: "text", byteCount: "count" },
  ResponseSizeWrong: { command: "text", byteCount: "count", byteCountAsked: "count" },
  StatusWordNotOk: { command: "text", sw: "count" },
  UidSizeUndefined: { byteCount: "count" },
  NdefTooLarge: { byteCount: "count", byteCountMax: "count" },
  Type2Unreadable: { error: "tagged" },
  Type4Unreadable: { error: "tagged" },
  NdefMalformed: { error: "tagged" },
} as const satisfies Readonly<Record<CardReadError["_tag"], Readonly<Record<string, FieldKind>>>>;

const isReadErrorTag = isOneOf<CardReadError["_tag"]>(READ_ERROR_FIELDS);

const isOfKind = (kind: FieldKind, value: unknown): boolean => {
  switch (kind) {
    case "text":
      return isText(value);
    case "count":
      return isMs(value);
    case "tagged":
      return isFields(value) && isText(value["_tag"]);
  }
};

const isReadError = (value: unknown): value is CardReadError => {
  if (!isFields(value)) return false;
  const tag = value["_tag"];
  if (!isReadErrorTag(tag)) return false;
  const expected = Object.entries(READ_ERROR_FIELDS[tag]);
  return expected.every(([name, kind]) => isOfKind(kind, value[name]));
};

const isFeedbackError = (value: unknown): value is FeedbackError =>
  isFields(value) &&
  (value["_tag"] === "ReaderAway" ||
    (value["_tag"] === "FeedbackRefused" && isText(value["detail"])));

const decodeRead = (value: unknown): CardRead | undefined => {
  if (!isFields(value)) return undefined;
  const { technology, uid, ndef, counter, signature, phone } = value;
  if (!isTechnology(technology) || !isText(uid)) return undefined;
  if (!isBytesOrNull(ndef) || !isBytesOrNull(signature)) return undefined;
  if (counter !== null && !isMs(counter)) return undefined;
  if (phone !== null && !isPhone(phone)) return undefined;
  const parsed = parseUid(uid);
  if (E.isLeft(parsed)) return undefined;
  return { technology, uid: parsed.right, ndef, counter, signature, phone };
};

const decodeCardArrived = (fields: Fields, name: string): ChildMessage | undefined => {
  const { atStart, wallMs, monoMs } = fields;
  const read = decodeRead(fields["read"]);
  if (read === undefined || typeof atStart !== "boolean") return undefined;
  if (!isMs(wallMs) || !isMs(monoMs)) return undefined;
  return { _tag: "CardArrived", name, read, atStart, wallMs, monoMs };
};

const decodeCardUnread = (fields: Fields, name: string): ChildMessage | undefined => {
  const { technology, error, monoMs } = fields;
  if (!isTechnology(technology) || !isReadError(error) || !isMs(monoMs)) return undefined;
  return { _tag: "CardUnread", name, technology, error, monoMs };
};

const decodeOfReader = (fields: Fields): ChildMessage | undefined => {
  const { _tag, name, reason, detail, monoMs } = fields;
  if (!isText(name)) return undefined;
  switch (_tag) {
    case "HardwareFound":
    case "ReaderUp":
    case "Answered":
    case "CardReading":
      return { _tag, name };
    case "ReaderDown":
      return isText(reason) ? { _tag, name, reason } : undefined;
    case "CardArrived":
      return decodeCardArrived(fields, name);
    case "CardLeft":
      return isMs(monoMs) ? { _tag, name, monoMs } : undefined;
    case "CardUnread":
      return decodeCardUnread(fields, name);
    case "Trouble":
      return isText(detail) ? { _tag, name, detail } : undefined;
    default:
      return undefined;
  }
};

const malformed = (fields: unknown): E.Either<MessageMalformed, never> =>
  E.left({ _tag: "MessageMalformed", tag: isFields(fields) ? String(fields["_tag"]) : "none" });

/** Decodes what came from the child. Left: `MessageMalformed`; drop it and say so. */
export const decodeChildMessage = (value: unknown): E.Either<MessageMalformed, ChildMessage> => {
  if (!isFields(value)) return malformed(value);
  const { _tag, request, error } = value;
  if (_tag === "Heartbeat") return E.right({ _tag });
  if (_tag === "FeedbackDone") {
    const isWhole = isMs(request) && (error === null || isFeedbackError(error));
    return isWhole ? E.right({ _tag, request, error }) : malformed(value);
  }
  if (_tag === "ExchangeDone") {
    const { response } = value;
    const isWhole = isMs(request) && isBytes(response);
    return isWhole ? E.right({ _tag, request, response }) : malformed(value);
  }
  const message = decodeOfReader(value);
  return message === undefined ? malformed(value) : E.right(message);
};

/** Decodes what came from the parent. Left: `MessageMalformed`; drop it and say so. */
export const decodeParentMessage = (value: unknown): E.Either<MessageMalformed, ParentMessage> => {
  if (!isFields(value)) return malformed(value);
  const { _tag, name, scope, request, signal } = value;
  if (!isText(name)) return malformed(value);
  if (_tag === "Use" && isScope(scope)) return E.right({ _tag, name, scope });
  if (_tag === "Reselect") return E.right({ _tag, name });
  if (!isMs(request)) return malformed(value);
  if (_tag === "Feedback" && isSignal(signal)) return E.right({ _tag, request, name, signal });
  const { cardMonoMs, apdu } = value;
  if (_tag === "Exchange" && isMs(cardMonoMs) && isBytes(apdu)) {
    return E.right({ _tag, request, name, cardMonoMs, apdu });
  }
  return malformed(value);
};
