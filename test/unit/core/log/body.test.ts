import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "#core/bytes.ts";
import {
  decodeBody,
  EARLIER_COUNT_MAX,
  encodeBody,
  kindOf,
  openText,
  openTextOf,
  type Body,
} from "#core/log/body.ts";
import { decodeCbor, encodeCbor, type CborValue } from "#core/log/cbor.ts";
import { encodeOperation, OPERATIONS_COUNT_MAX, type Operation } from "#core/log/operation.ts";
import { KIND, RECORD_BYTES_MAX } from "#core/log/record.ts";
import { body, bytes, openBody, tapBody } from "#test/unit/core/log/arbitraries.ts";
import { at, leftTag, rightOf } from "#test/unit/core/log/either.ts";
import { NAMES, openDraft, tap } from "#test/unit/core/log/sample-epoch.ts";

const SALT = new Uint8Array(16).fill(3);

const fieldsOf = (encoded: Uint8Array): CborValue[] => {
  const decoded = rightOf(decodeCbor(encoded));
  return Array.isArray(decoded) ? [...decoded] : [];
};

test("a body decodes to what was encoded", () => {
  fc.assert(
    fc.property(bytes(16), body, (salt, value) => {
      expect(decodeBody(kindOf(value), encodeBody(salt, value))).toEqual(E.right(value));
    }),
    { numRuns: 300 },
  );
});

test("what a later version adds at the end is passed over", () => {
  fc.assert(
    fc.property(body, (value) => {
      const longer = encodeCbor([...fieldsOf(encodeBody(SALT, value)), "later", [1]]);
      expect(decodeBody(kindOf(value), longer)).toEqual(E.right(value));
    }),
  );
});

test("tap flags that a later version sets are passed over", () => {
  fc.assert(
    fc.property(tapBody, (value) => {
      const fields = fieldsOf(encodeBody(SALT, value));
      const flags = Number(fields[4]) + 4 + 2 ** 40;
      expect(decodeBody(KIND.tap, encodeCbor(fields.with(4, flags)))).toEqual(E.right(value));
    }),
  );
});

test("the bodies of kinds that are not known are left alone", () => {
  const { erase: _erase, shed: _shed, ...others } = KIND;
  const known = Object.values(others);
  fc.assert(
    fc.property(fc.nat(1_000), body, (kind, value) => {
      fc.pre(!known.some((other) => other === kind));
      expect(decodeBody(kind, encodeBody(SALT, value))).toEqual(
        E.left({ _tag: "BodyUnknown", kind }),
      );
    }),
  );
});

test("what the gateway key signs is everything but the signature, in the bytes received", () => {
  fc.assert(
    fc.property(bytes(16), openBody, bytes(64), (salt, value, signature) => {
      const text = openTextOf(encodeBody(salt, value));
      expect(text).toEqual(openText(salt, value));
      expect(openTextOf(encodeBody(salt, { ...value, signature }))).toEqual(text);
      const longer = encodeCbor([...fieldsOf(encodeBody(salt, value)), "later"]);
      expect(openTextOf(longer)).not.toEqual(text);
    }),
  );
  expect(openTextOf(encodeCbor(7))).toBeUndefined();
  expect(openTextOf(Uint8Array.of(0x98, 0))).toBeUndefined();
  const prefix = utf8("tapmesh/open/v1\n");
  expect(openTextOf(encodeCbor([]))).toEqual(concatBytes(prefix, encodeCbor([null, null])));
});

const mangledTap = (index: number, value: CborValue): Uint8Array =>
  encodeCbor(fieldsOf(encodeBody(SALT, tap(1).body)).with(index, value));
const mangledOpen = (index: number, value: CborValue): Uint8Array =>
  encodeCbor(fieldsOf(encodeBody(SALT, openDraft(NAMES).body)).with(index, value));

describe("a body is unknown", () => {
  const operation: Operation = { key: "place", type: 0, value: 1, replaces: [] };
  const tooMany = Array.from({ length: OPERATIONS_COUNT_MAX + 1 }, (_, i) =>
    encodeOperation({ ...operation, key: `k${i}` }),
  );
  const twice = [operation, { ...operation, value: 2 }].map(encodeOperation);
  const earlier = [new Uint8Array(16), 1, new Uint8Array(32)];
  test.each([
    ["that is no CBOR", KIND.tap, Uint8Array.of(0x98, 0)],
    ["that is no array", KIND.tap, encodeCbor("tap")],
    ["that is empty", KIND.tap, encodeCbor([])],
    ["with a short salt", KIND.tap, mangledTap(0, new Uint8Array(15))],
    ["with no actor", KIND.tap, mangledTap(1, null)],
    ["with an actor's name that is too long", KIND.tap, mangledTap(1, [1, "x".repeat(65)])],
    ["with an actor of too many fields", KIND.tap, mangledTap(1, [1, "x", 0, 0, 0, 0, 0, 0, 0])],
    ["with a technology that is no number", KIND.tap, mangledTap(2, "nfc")],
    ["with a whole UID for a card", KIND.tap, mangledTap(3, new Uint8Array(7))],
    ["with flags below 0", KIND.tap, mangledTap(4, -1)],
    ["with a verdict that is no number", KIND.tap, mangledTap(5, null)],
    ["with a reason that is too long", KIND.tap, mangledTap(6, "x".repeat(65))],
    ["with a whole message for its hash", KIND.tap, mangledTap(7, new Uint8Array(17))],
    ["with a device of another alphabet", KIND.tap, mangledTap(8, "Cart 1")],
    ["with a device of no name", KIND.tap, mangledTap(8, "")],
    ["with a device name that is too long", KIND.tap, mangledTap(8, "x".repeat(65))],
    ["with too many operations", KIND.tap, mangledTap(9, tooMany)],
    ["with two writes to one key", KIND.tap, mangledTap(9, twice)],
    ["with something else than operations", KIND.tap, mangledTap(9, "place")],
    ["with a short signature", KIND.open, mangledOpen(2, new Uint8Array(63))],
    ["with a fleet's name that is too long", KIND.open, mangledOpen(3, "x".repeat(65))],
    ["with no gateway", KIND.open, mangledOpen(4, null)],
    ["with a short gateway key", KIND.open, mangledOpen(5, new Uint8Array(31))],
    ["with a long epoch key", KIND.open, mangledOpen(6, new Uint8Array(33))],
    ["with a short boot id", KIND.open, mangledOpen(7, new Uint8Array(15))],
    ["with a reason below 0", KIND.open, mangledOpen(8, -1)],
    ["with a clock class of text", KIND.open, mangledOpen(9, "ntp")],
    ["with an earlier epoch that is none", KIND.open, mangledOpen(10, [[1, 2, 3]])],
    [
      "with too many earlier epochs",
      KIND.open,
      mangledOpen(
        10,
        Array.from({ length: EARLIER_COUNT_MAX + 1 }, () => earlier),
      ),
    ],
    ["that closes for no reason", KIND.close, encodeCbor([SALT, [0, "lobby"]])],
    ["that changes no device", KIND.change, encodeCbor([SALT, [0, "lobby"], null, []])],
    ["that changes nothing", KIND.change, encodeCbor([SALT, [0, "lobby"], "cart-1"])],
  ] as const)("%s", (_, kind, encoded) => {
    expect(leftTag(decodeBody(kind, encoded))).toBe("BodyUnknown");
  });
});

test("an open that names as many earlier epochs as it may fits a record", () => {
  const earlier = { epoch: new Uint8Array(16), size: 65_536, root: new Uint8Array(32) };
  const many = Array.from({ length: EARLIER_COUNT_MAX }, () => earlier);
  const { body: opened } = openDraft(NAMES, many);
  const encoded = encodeBody(SALT, opened);
  expect(encoded.length + 100).toBeLessThanOrEqual(RECORD_BYTES_MAX);
  const decoded: Body = rightOf(decodeBody(KIND.open, encoded));
  expect(decoded).toEqual(opened);
});

test("every field of a tap stands where the layout says", () => {
  const said = tap(5, { atStart: true, verdict: 2, reason: "device-lost" }).body;
  const fields = fieldsOf(encodeBody(SALT, said));
  expect(fields).toEqual([
    SALT,
    [1, "door"],
    1,
    new Uint8Array(16).fill(5),
    3,
    2,
    "device-lost",
    null,
    "cart-1",
    [],
  ]);
  expect(at(fields, 0)).toEqual(SALT);
});
