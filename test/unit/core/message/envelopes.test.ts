import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8 } from "#core/bytes.ts";
import { encodeCbor, type CborValue } from "#core/log/cbor.ts";
import { RANGE_BYTES_MAX } from "#core/log/range.ts";
import {
  decodeSignedHead,
  decodeSignedHeld,
  encodeHeldPayload,
  heldText,
  encodeHeadPayload,
  encodeSigned,
  endedHash,
  ENVELOPE_BYTES_MAX,
  headText,
  type EnvelopeError,
  type Head,
} from "#core/message/envelopes.ts";
import {
  decodeAnswer,
  decodeAsk,
  encodeAnswer,
  encodeAsk,
  EPOCHS_COUNT_MAX,
  type Answer,
  type Ask,
} from "#core/message/exchange.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { bytes, count } from "#test/unit/core/log/arbitraries.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";

const name = fc.stringMatching(/^[a-z0-9-]{1,32}$/);
const epochSize = fc.record({ epoch: bytes(16), size: count });
const author = fc.record({
  author: name,
  live: fc.array(epochSize, { maxLength: 16 }),
  ended: bytes(32),
  content: fc.option(bytes(32)),
});
const head: fc.Arbitrary<Head> = fc.record({
  gateway: name,
  epoch: bytes(16),
  rosterVersion: count,
  authors: fc.array(author, { maxLength: 20 }),
});
const held = fc.record({ gateway: name, epoch: bytes(16), statement: author });
const ask: fc.Arbitrary<Ask> = fc.oneof(
  fc.record({ _tag: fc.constant("AskRange" as const), epoch: bytes(16), from: count }),
  fc.record({
    _tag: fc.constant("AskEpochs" as const),
    author: name,
    after: fc.option(bytes(16)),
  }),
  fc.record({ _tag: fc.constant("AskRoster" as const), offset: count }),
  fc.record({ _tag: fc.constant("AskSnapshot" as const) }),
  fc.record({ _tag: fc.constant("AskChunk" as const), root: bytes(32), index: count }),
);
const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ _tag: fc.constant("AnswerRange" as const), range: fc.uint8Array() }),
  fc.record({
    _tag: fc.constant("AnswerEpochs" as const),
    author: name,
    epochs: fc.array(epochSize, { maxLength: 20 }),
  }),
  fc.record({
    _tag: fc.constant("AnswerRoster" as const),
    version: count,
    offset: count,
    total: count,
    bytes: fc.uint8Array(),
  }),
  fc.record({
    _tag: fc.constant("AnswerSnapshot" as const),
    epoch: bytes(16),
    manifest: fc.uint8Array(),
    signature: bytes(64),
  }),
  fc.record({
    _tag: fc.constant("AnswerChunk" as const),
    root: bytes(32),
    index: count,
    bytes: fc.uint8Array(),
  }),
);

test("a head decodes to what was said, in the bytes that were signed", () => {
  fc.assert(
    fc.property(head, bytes(64), (said, signature) => {
      const payload = encodeHeadPayload(said);
      const decoded = rightOf(decodeSignedHead(encodeSigned(payload, signature)));
      expect(decoded.statement).toEqual(said);
      expect(Uint8Array.from(decoded.payload)).toEqual(Uint8Array.from(payload));
      expect(decoded.signature).toEqual(signature);
    }),
  );
});

test("a held decodes to what was said", () => {
  fc.assert(
    fc.property(held, bytes(64), ({ gateway, epoch, statement }, signature) => {
      const payload = encodeHeldPayload({ gateway, epoch, statement });
      const decoded = rightOf(decodeSignedHeld(encodeSigned(payload, signature)));
      expect(decoded.statement).toEqual({ gateway, epoch, statement });
      expect(heldText(decoded.payload)).toEqual(concatBytes(utf8("tapmesh/held/v1\n"), payload));
    }),
  );
});

test("what is signed is named, so that no other signed text can pass for a head", () => {
  const payload = encodeHeadPayload({
    gateway: "lobby",
    epoch: new Uint8Array(16),
    rosterVersion: 1,
    authors: [],
  });
  expect(headText(payload)).toEqual(concatBytes(utf8("tapmesh/head/v1\n"), payload));
});

test("asks and answers decode to what was said", () => {
  fc.assert(
    fc.property(ask, answer, (asked, answered) => {
      expect(decodeAsk(encodeAsk(asked))).toEqual(E.right(asked));
      expect(decodeAnswer(encodeAnswer(answered))).toEqual(E.right(answered));
    }),
  );
});

test("the hash of ended epochs depends on the epochs and their sizes, not on their order", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(epochSize, { minLength: 1, maxLength: 8, selector: (e) => e.epoch.join() }),
      fc.nat(7),
      (epochs, i) => {
        const hash = endedHash(sha256, epochs);
        expect(endedHash(sha256, epochs.toReversed())).toEqual(hash);
        const where = i % epochs.length;
        const longer = epochs.map((e, at) => (at === where ? { ...e, size: e.size + 1 } : e));
        expect(endedHash(sha256, longer)).not.toEqual(hash);
        expect(endedHash(sha256, epochs.slice(1))).not.toEqual(hash);
      },
    ),
  );
});

const wrapped = (payload: CborValue): Uint8Array =>
  encodeSigned(encodeCbor(payload), new Uint8Array(64));

/** One way, at least, to each error, of each decoder. */
const REACHED: Readonly<
  Record<EnvelopeError["_tag"], ReadonlyArray<E.Either<EnvelopeError, unknown>>>
> = {
  EnvelopeTooLarge: [decodeSignedHead, decodeSignedHeld, decodeAsk, decodeAnswer].map((decode) =>
    decode(new Uint8Array(ENVELOPE_BYTES_MAX + 1)),
  ),
  EnvelopeMalformed: [decodeSignedHead, decodeSignedHeld, decodeAsk, decodeAnswer].map((decode) =>
    decode(encodeCbor("envelope")),
  ),
  EnvelopeVersionUnknown: [
    decodeSignedHead(wrapped([2, "lobby", new Uint8Array(16), 1, []])),
    decodeSignedHeld(wrapped([2, "lobby", new Uint8Array(16), []])),
    decodeAsk(encodeCbor([2, "epochs", "lobby"])),
    decodeAnswer(encodeCbor([2, "epochs", "lobby", []])),
  ],
};

test.each(Object.entries(REACHED))("reached: %s", (tag, results) => {
  expect(results.map(leftTag)).toEqual([tag, tag, tag, tag]);
});

const E16 = new Uint8Array(16);
const E32 = new Uint8Array(32);
const many = (howMany: number, value: CborValue): CborValue =>
  Array.from({ length: howMany }, () => value);

describe("malformed head", () => {
  test.each([
    ["no CBOR", Uint8Array.of(0x98, 0)],
    ["a payload that is no bytes", encodeCbor(["payload", new Uint8Array(64)])],
    ["a short signature", encodeSigned(encodeCbor([1, "a", E16, 1, []]), new Uint8Array(63))],
    ["a payload that is no CBOR", encodeSigned(Uint8Array.of(0x98, 0), new Uint8Array(64))],
    ["no version", wrapped([])],
    ["a version of text", wrapped(["1", "a", E16, 1, []])],
    ["a long name", wrapped([1, "x".repeat(33), E16, 1, []])],
    ["a short epoch", wrapped([1, "a", new Uint8Array(15), 1, []])],
    ["a negative roster version", wrapped([1, "a", E16, -1, []])],
    ["no authors", wrapped([1, "a", E16, 1])],
    ["authors that are no list", wrapped([1, "a", E16, 1, "a"])],
    ["an author that is no list", wrapped([1, "a", E16, 1, ["a"]])],
    ["an author of too many fields", wrapped([1, "a", E16, 1, [["a", [], E32, 0, 0, 0, 0, 0, 0]]])],
    ["an author with a long name", wrapped([1, "a", E16, 1, [["x".repeat(33), [], E32]]])],
    ["an author with a short hash", wrapped([1, "a", E16, 1, [["a", [], E16]]])],
    ["an author with a short content hash", wrapped([1, "a", E16, 1, [["a", [], E32, E16]]])],
    ["17 live epochs", wrapped([1, "a", E16, 1, [["a", many(17, [E16, 1]), E32]]])],
    ["a live epoch of three", wrapped([1, "a", E16, 1, [["a", [[E16, 1, 1]], E32]]])],
    ["a live epoch of a negative size", wrapped([1, "a", E16, 1, [["a", [[E16, -1]], E32]]])],
    ["513 authors", wrapped([1, "a", E16, 1, many(513, ["a", [], E32])])],
  ])("%s", (_, message) => {
    expect(leftTag(decodeSignedHead(message))).toBe("EnvelopeMalformed");
  });
});

describe("malformed held", () => {
  test.each([
    ["no statement", wrapped([1, "a", E16])],
    ["a statement that is no list", wrapped([1, "a", E16, "a"])],
    ["a short epoch", wrapped([1, "a", E32, ["a", [], E32]])],
    ["a long name", wrapped([1, "x".repeat(33), E16, ["a", [], E32]])],
  ])("%s", (_, message) => {
    expect(leftTag(decodeSignedHeld(message))).toBe("EnvelopeMalformed");
  });
});

describe("malformed ask", () => {
  test.each([
    [[1]],
    [[1, "range"]],
    [[1, "range", E16]],
    [[1, "range", E32, 0]],
    [[1, "range", E16, -1]],
    [[1, "epochs"]],
    [[1, "epochs", "x".repeat(33)]],
    [[1, "epochs", E16]],
    [[1, "epochs", "lobby", E32]],
    [[1, "roster"]],
    [[1, "roster", -1]],
    [[1, "chunk", E16, 0]],
    [[1, "chunk", E32]],
    [[1, "tiles", "lobby"]],
    [[1, 0, E16, 0]],
  ])("%j", (message) => {
    expect(leftTag(decodeAsk(encodeCbor(message)))).toBe("EnvelopeMalformed");
  });
});

describe("malformed answer", () => {
  test.each([
    [[1]],
    [[1, "range"]],
    [[1, "range", "bytes"]],
    [[1, "epochs", "lobby"]],
    [[1, "epochs", "lobby", [[E16]]]],
    [[1, "epochs", "lobby", [[E32, 0]]]],
    [[1, "epochs", E16, []]],
    [[1, "roster", 1, 0, 10]],
    [[1, "roster", 1, 0, 10, "bytes"]],
    [[1, "snapshot", E16, E32]],
    [[1, "snapshot", E16, E32, E32]],
    [[1, "chunk", E32, 0]],
    [[1, "chunk", E16, 0, E32]],
    [[1, "epochs", "lobby", many(EPOCHS_COUNT_MAX + 1, [E16, 1])]],
  ])("%#", (message) => {
    expect(leftTag(decodeAnswer(encodeCbor(message)))).toBe("EnvelopeMalformed");
  });
});

test("what a gateway may send, its peers take: the largest Range, and the longest list of epochs", () => {
  const range = new Uint8Array(RANGE_BYTES_MAX);
  expect(E.isRight(decodeAnswer(encodeAnswer({ _tag: "AnswerRange", range })))).toBe(true);
  const epochs = Array.from({ length: EPOCHS_COUNT_MAX }, () => ({ epoch: E16, size: 65_536 }));
  const answered = encodeAnswer({ _tag: "AnswerEpochs", author: "x".repeat(32), epochs });
  expect(E.isRight(decodeAnswer(answered))).toBe(true);
});
