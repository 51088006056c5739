import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "#core/bytes.ts";
import { decodeCbor, encodeCbor, type CborValue } from "#core/log/cbor.ts";
import {
  checkRecord,
  decodeHeader,
  encodeHeader,
  leafOf,
  NO_RECORD_BEFORE,
  RECORD_BYTES_MAX,
  type Header,
  type RecordBytes,
  type RecordError,
} from "#core/log/record.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { body, bytes, count, mutation } from "#test/unit/core/log/arbitraries.ts";
import { encodeBody } from "#core/log/body.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";
import { naiveLeaf } from "#test/unit/core/log/naive-tree.ts";

const anyHeader: fc.Arbitrary<Header> = fc.record({
  seq: count,
  prev: bytes(32),
  wallMs: count,
  monoMs: count,
  kind: count,
  bodyHash: bytes(32),
});

const EXAMPLE: Header = {
  seq: 0,
  prev: NO_RECORD_BEFORE,
  wallMs: 1_790_000_000_000,
  monoMs: 5_000,
  kind: 2,
  bodyHash: sha256(encodeCbor([])),
};

test("a header decodes to what was encoded", () => {
  fc.assert(
    fc.property(anyHeader, (value) => {
      expect(decodeHeader(encodeHeader(value))).toEqual(E.right(value));
    }),
  );
});

test("whatever decodes as a header encodes to the same bytes: a leaf stands for one header only", () => {
  const mutated = fc
    .tuple(anyHeader, mutation)
    .map(([value, mutate]) => mutate(encodeHeader(value)));
  fc.assert(
    fc.property(mutated, (mangled) => {
      const decoded = decodeHeader(mangled);
      const again = E.isRight(decoded) ? encodeHeader(decoded.right) : mangled;
      expect(again).toEqual(mangled);
    }),
    { numRuns: 2_000 },
  );
});

test("the leaf is RFC 6962's, over the header's bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (encoded) => {
      expect(leafOf(sha256, encoded)).toEqual(naiveLeaf(encoded));
    }),
  );
});

const headerWith = (change: (fields: CborValue[]) => CborValue): Uint8Array => {
  const fields = rightOf(decodeCbor(encodeHeader(EXAMPLE)));
  return encodeCbor(change(Array.isArray(fields) ? [...fields] : []));
};

const checked = (
  record: Partial<RecordBytes>,
  place = { seq: 0, prev: NO_RECORD_BEFORE },
): E.Either<RecordError, Header> =>
  checkRecord(sha256, { header: encodeHeader(EXAMPLE), body: encodeCbor([]), ...record }, place);

const notCanonical = Uint8Array.of(0x98, 0);

/** One way, at least, to each error. */
const REACHED: Readonly<Record<RecordError["_tag"], () => E.Either<RecordError, Header>>> = {
  RecordTooLarge: () => checked({ body: new Uint8Array(RECORD_BYTES_MAX) }),
  HeaderUndecodable: () => checked({ header: concatBytes(encodeHeader(EXAMPLE), notCanonical) }),
  HeaderVersionUnknown: () => checked({ header: headerWith(([, ...rest]) => [2, ...rest]) }),
  HeaderMalformed: () => checked({ header: headerWith((fields) => fields.slice(0, -1)) }),
  SeqWrong: () => checked({}, { seq: 1, prev: NO_RECORD_BEFORE }),
  PrevDiffers: () => checked({}, { seq: 0, prev: new Uint8Array(32).fill(1) }),
  BodyHashDiffers: () => checked({ body: encodeCbor([0]) }),
  BodyNotCanonical: () =>
    checked({
      header: encodeHeader({ ...EXAMPLE, bodyHash: sha256(notCanonical) }),
      body: notCanonical,
    }),
};

test.each(Object.entries(REACHED))("checkRecord: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});

test("a record in its place is accepted, also without its body", () => {
  expect(checked({})).toEqual(E.right(EXAMPLE));
  expect(checked({ body: null })).toEqual(E.right(EXAMPLE));
});

test("a record of exactly the limit is accepted, one byte more is not", () => {
  const room = RECORD_BYTES_MAX - encodeHeader(EXAMPLE).length;
  const filled = encodeCbor(new Uint8Array(room - 3));
  const header = encodeHeader({ ...EXAMPLE, bodyHash: sha256(filled) });
  expect(header.length + filled.length).toBe(RECORD_BYTES_MAX);
  expect(E.isRight(checked({ header, body: filled }))).toBe(true);
  expect(leftTag(checked({ header, body: concatBytes(filled, Uint8Array.of(0)) }))).toBe(
    "RecordTooLarge",
  );
});

describe("a header is refused", () => {
  test.each([
    ["as no array", () => 7],
    ["with a version below 0", (fields: CborValue[]) => fields.with(0, -2)],
    ["with no version", (fields: CborValue[]) => fields.with(0, null)],
    ["with a version of text", (fields: CborValue[]) => fields.with(0, "1")],
    ["with a negative seq", ([v, , ...rest]: CborValue[]) => [v ?? 1, -1, ...rest]],
    ["with a text for its time", (fields: CborValue[]) => fields.with(3, "now")],
    ["with a short prev", (fields: CborValue[]) => fields.with(2, new Uint8Array(31))],
    ["with a long body hash", (fields: CborValue[]) => fields.with(6, new Uint8Array(33))],
    ["with a text as body hash", (fields: CborValue[]) => fields.with(6, "x".repeat(32))],
    ["with a negative kind", (fields: CborValue[]) => fields.with(5, -1)],
    ["with an eighth field", (fields: CborValue[]) => [...fields, 0]],
  ] as const)("%s", (_, change) => {
    expect(leftTag(decodeHeader(headerWith(change)))).toBe("HeaderMalformed");
  });
});

test("any single change to header or body of a record is noticed", () => {
  fc.assert(
    fc.property(anyHeader, body, mutation, (value, said, mutate) => {
      const bodyBytes = encodeBody(new Uint8Array(16), said);
      const encoded = encodeHeader({ ...value, bodyHash: sha256(bodyBytes) });
      const place = { seq: value.seq, prev: value.prev };
      const leaf = leafOf(sha256, encoded);
      const [otherHeader, otherBody] = [mutate(encoded), mutate(bodyBytes)];
      fc.pre(
        !Buffer.from(otherHeader).equals(encoded) && !Buffer.from(otherBody).equals(bodyBytes),
      );
      const wrongBody = checkRecord(sha256, { header: encoded, body: otherBody }, place);
      expect(["BodyHashDiffers", "RecordTooLarge"]).toContain(leftTag(wrongBody));
      // A header that still fits its place is another leaf: the chain behind it and the root tell.
      expect(leafOf(sha256, otherHeader)).not.toEqual(leaf);
    }),
  );
});
