import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import { deserialize, serialize } from "node:v8";
import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import type { CardReadError } from "#core/card/read-card.ts";
import { decodeUid } from "#core/card/uid.ts";
import {
  type ChildMessage,
  decodeChildMessage,
  decodeParentMessage,
  type ParentMessage,
} from "#gateway/reader/pcsc/messages.ts";

const uid = decodeUid(Uint8Array.of(0x04, 0xa1, 0xb2, 0xc3, 0xd4, 0x6c, 0x80));
if (E.isLeft(uid)) throw new Error("the test's UID is none");

const name = "ACS ACR122U PICC Interface 00 00";
const read = {
  technology: "type2",
  uid: uid.right,
  counter: null,
  signature: null,
  phone: null,
} as const;
const arrived = { _tag: "CardArrived", name, atStart: false, wallMs: 1_795_362_000_000, monoMs: 7 };

const unread = { _tag: "CardUnread", name, technology: "type2", monoMs: 7 } as const;

const PHONE = {
  _tag: "Claimed",
  publicKey: new Uint8Array(33),
  nonce: new Uint8Array(16),
  signature: new Uint8Array(64),
  state: null,
} as const;

const ERRORS: ReadonlyArray<CardReadError> = [
  { _tag: "CardGone", command: "GET DATA" },
  { _tag: "ResponseTruncated", command: "READ page", byteCount: 1 },
  { _tag: "ResponseSizeWrong", command: "READ page", byteCount: 4, byteCountAsked: 16 },
  { _tag: "StatusWordNotOk", command: "SELECT file", sw: 0x6a82 },
  { _tag: "UidSizeUndefined", byteCount: 5 },
  { _tag: "NdefTooLarge", byteCount: 5_000, byteCountMax: 4_096 },
  { _tag: "Type2Unreadable", error: { _tag: "Type2ReadProtected", access: 15 } },
  { _tag: "Type4Unreadable", error: { _tag: "MleTooSmall", mle: 3 } },
  { _tag: "NdefMalformed", error: { _tag: "MessageEndMissing" } },
];

const FROM_CHILD: ReadonlyArray<ChildMessage> = [
  { _tag: "Heartbeat" },
  { _tag: "HardwareFound", name },
  { _tag: "ReaderUp", name },
  { _tag: "CardReading", name },
  { _tag: "ReaderDown", name, reason: "unplugged" },
  { ...arrived, _tag: "CardArrived", read: { ...read, ndef: null } },
  { ...arrived, _tag: "CardArrived", read: { ...read, ndef: Uint8Array.of(0xd0, 0, 0) } },
  { _tag: "CardLeft", name, monoMs: 7 },
  {
    ...arrived,
    _tag: "CardArrived",
    read: { ...read, ndef: null, counter: 258, signature: new Uint8Array(32) },
  },
  { ...arrived, _tag: "CardArrived", read: { ...read, ndef: null, phone: PHONE } },
  {
    ...arrived,
    _tag: "CardArrived",
    read: { ...read, ndef: null, phone: { ...PHONE, signature: null, state: Uint8Array.of(1) } },
  },
  {
    ...arrived,
    _tag: "CardArrived",
    read: { ...read, ndef: null, phone: { _tag: "OtherVersion" } },
  },
  ...ERRORS.map((error): ChildMessage => ({ ...unread, _tag: "CardUnread", error })),
  { _tag: "ExchangeDone", request: 3, response: Uint8Array.of(0x90, 0x00) },
  { _tag: "Trouble", name, detail: "SCardConnect error" },
  { _tag: "FeedbackDone", request: 1, error: null },
  { _tag: "FeedbackDone", request: 1, error: { _tag: "ReaderAway" } },
  { _tag: "FeedbackDone", request: 1, error: { _tag: "FeedbackRefused", detail: "6300" } },
];

const FROM_PARENT: ReadonlyArray<ParentMessage> = [
  { _tag: "Use", name, scope: SCOPE_NDEF },
  { _tag: "Use", name, scope: { ...SCOPE_UID, phones: { gateway: "lobby", state: true } } },
  { _tag: "Feedback", request: 2, name, signal: "refused" },
  { _tag: "Exchange", request: 3, name, cardMonoMs: 7, apdu: Uint8Array.of(0xff, 0xca, 0, 0, 0) },
];

/** As child_process sends it with serialization "advanced". */
const sent = (message: unknown): unknown => deserialize(serialize(message));

describe("what the child says", () => {
  test.each(FROM_CHILD)("$_tag arrives as it was sent", (message) => {
    expect(decodeChildMessage(sent(message))).toEqual(E.right(message));
  });

  test.each([
    ["no object", "Heartbeat"],
    ["null", null],
    ["an unknown tag", { _tag: "CardSwallowed", name }],
    ["no name", { _tag: "ReaderUp" }],
    ["no reason", { _tag: "ReaderDown", name }],
    ["a UID of 5 bytes", { ...arrived, read: { ...read, uid: "0102030405", ndef: null } }],
    ["a UID that is no text", { ...arrived, read: { ...read, uid: 4, ndef: null } }],
    ["an unknown technology", { ...arrived, read: { ...read, technology: "felica", ndef: null } }],
    ["NDEF that is no bytes", { ...arrived, read: { ...read, ndef: "d00000" } }],
    ["NDEF left out", { ...arrived, read }],
    ["a time with fractions", { ...arrived, read: { ...read, ndef: null }, monoMs: 0.5 }],
    ["atStart left out", { ...arrived, read: { ...read, ndef: null }, atStart: undefined }],
    ["an unknown read error", { ...unread, error: { _tag: "toString" } }],
    ["a read error cut short", { ...unread, error: { _tag: "NdefTooLarge" } }],
    ["an unread card without its time", { ...unread, error: ERRORS[0], monoMs: undefined }],
    ["a counter that is no number", { ...arrived, read: { ...read, ndef: null, counter: "1" } }],
    ["a signature left out", { ...arrived, read: { ...read, ndef: null, signature: undefined } }],
    ["a phone left out", { ...arrived, read: { ...read, ndef: null, phone: undefined } }],
    ["a phone of a kind unknown", { ...arrived, read: { ...read, ndef: null, phone: {} } }],
    [
      "a phone without its key",
      { ...arrived, read: { ...read, ndef: null, phone: { ...PHONE, publicKey: null } } },
    ],
    [
      "a phone whose state is a word",
      { ...arrived, read: { ...read, ndef: null, phone: { ...PHONE, state: "none" } } },
    ],
    ["a response that is no bytes", { _tag: "ExchangeDone", request: 1, response: "9000" }],
    ["a feedback error cut short", { _tag: "FeedbackDone", request: 1, error: {} }],
  ])("is malformed with %s", (_what, message) => {
    expect(decodeChildMessage(sent(message))).toMatchObject({
      _tag: "Left",
      left: { _tag: "MessageMalformed" },
    });
  });
});

describe("what the parent says", () => {
  test.each(FROM_PARENT)("$_tag arrives as it was sent", (message) => {
    expect(decodeParentMessage(sent(message))).toEqual(E.right(message));
  });

  test.each([
    ["no name", { _tag: "Use", scope: SCOPE_UID }],
    ["an unknown scope", { _tag: "Use", name, scope: { ndef: true, counter: false } }],
    ["phones left out", { _tag: "Use", name, scope: { ...SCOPE_UID, phones: undefined } }],
    [
      "a gateway without a name",
      { _tag: "Use", name, scope: { ...SCOPE_UID, phones: { gateway: 7, state: true } } },
    ],
    ["a scope that is a word", { _tag: "Use", name, scope: "ndef" }],
    [
      "an exchange without its card",
      { _tag: "Exchange", request: 1, name, apdu: new Uint8Array() },
    ],
    ["an unknown signal", { _tag: "Feedback", request: 1, name, signal: "constructor" }],
    ["no request", { _tag: "Feedback", name, signal: "accepted" }],
  ])("is malformed with %s", (_what, message) => {
    expect(E.isLeft(decodeParentMessage(sent(message)))).toBe(true);
  });
});

test("neither throws, whatever comes", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(decodeChildMessage(value)._tag).toMatch(/^(?:Left|Right)$/);
      expect(decodeParentMessage(value)._tag).toMatch(/^(?:Left|Right)$/);
    }),
  );
});
