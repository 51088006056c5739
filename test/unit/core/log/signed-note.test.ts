import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import {
  formatVerifierKey,
  keyHashOf,
  openNote,
  parseNote,
  parseVerifierKey,
  signNote,
  type NoteError,
  type NoteKey,
} from "#core/log/signed-note.ts";
import { nodeCrypto, sha256, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";

/** The examples of C2SP signed-note and of Go's sumdb/note. */
const EXAMPLES = [
  {
    key: "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    text: "This is an example message.\n",
    signatures:
      "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
  },
  {
    key: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
    signatures:
      "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
  },
  {
    key: "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
    text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
    signatures:
      "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n" +
      "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n",
  },
];

describe.each(EXAMPLES)("$key", ({ key, text, signatures }) => {
  test("its key reads and is written the same", () => {
    const parsed = rightOf(parseVerifierKey(sha256, key));
    expect(formatVerifierKey(sha256, parsed)).toBe(key);
    expect(toHex(keyHashOf(sha256, parsed))).toBe(key.split("+")[1]);
  });

  test("its note opens, and with one character changed it doesn't", () => {
    const parsed = rightOf(parseVerifierKey(sha256, key));
    expect(openNote(nodeCrypto, `${text}\n${signatures}`, parsed)).toEqual(E.right(text));
    const altered = `${text.replace("i", "I")}\n${signatures}`;
    expect(leftTag(openNote(nodeCrypto, altered, parsed))).toBe("NoteSignatureWrong");
  });
});

test("the note of Go's documentation is signed to the same bytes", () => {
  // From PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz
  const seed = hex("810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173");
  const signer = { name: "PeterNeumann", ...signingKeyFromSeed(seed) };
  const [, peter] = EXAMPLES;
  expect(signNote(sha256, peter?.text ?? "", signer)).toBe(`${peter?.text}\n${peter?.signatures}`);
});

const name = fc.stringMatching(/^[A-Za-z0-9./_-]{1,40}$/);
/** Text as a note may hold it: any lines, blank ones too, of any characters but control characters. */
const noteText = fc
  .array(fc.string({ unit: "binary", maxLength: 30 }), { minLength: 1, maxLength: 6 })
  .map((lines) => lines.map((line) => line.replaceAll(/\p{Cc}/gu, "")))
  .filter((lines) => lines.every((line) => line.isWellFormed()))
  .map((lines) => `${lines.join("\n")}\n`);

const signed = (text: string, keyName: string, seed = 5): string =>
  signNote(sha256, text, { name: keyName, ...keyOf(seed) });

test("what is signed opens to the same text, and only with that key and name", () => {
  fc.assert(
    fc.property(noteText, name, (text, keyName) => {
      const note = signed(text, keyName);
      const { publicKey } = keyOf(5);
      expect(openNote(nodeCrypto, note, { name: keyName, publicKey })).toEqual(E.right(text));
      const foreign = { name: keyName, publicKey: keyOf(6).publicKey };
      expect(leftTag(openNote(nodeCrypto, note, foreign))).toBe("NoteNotSigned");
      const renamed = { name: `${keyName}x`, publicKey };
      expect(leftTag(openNote(nodeCrypto, note, renamed))).toBe("NoteNotSigned");
    }),
  );
});

const lineOf = (note = ""): string => note.slice(note.indexOf("—"));

test("signatures by others before and behind are passed over", () => {
  const [a, b, c] = ["a", "b", "c"].map((who, i) => signed("text\n", who, i + 10));
  const note = `text\n\n${lineOf(a)}${lineOf(b)}${lineOf(c)}`;
  for (const [i, who] of ["a", "b", "c"].entries()) {
    const key = { name: who, publicKey: keyOf(i + 10).publicKey };
    expect(openNote(nodeCrypto, note, key)).toEqual(E.right("text\n"));
  }
});

const KEY: NoteKey = { name: "log", publicKey: keyOf(5).publicKey };
const NOTE = signed("text\n", "log");
const LINE = lineOf(NOTE);

/** One way, at least, to each error. */
const REACHED: Readonly<Record<NoteError["_tag"], () => E.Either<NoteError, unknown>>> = {
  NoteMalformed: () => openNote(nodeCrypto, "text\n", KEY),
  NoteKeyMalformed: () => parseVerifierKey(sha256, "log+00000000+AAAA"),
  NoteNotSigned: () => openNote(nodeCrypto, signed("text\n", "other"), KEY),
  NoteSignatureWrong: () => openNote(nodeCrypto, NOTE.replace("text", "Text"), KEY),
};

test.each(Object.entries(REACHED))("reached: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});

test.each([
  ["nothing", ""],
  ["text alone", "text\n"],
  ["no signature", "text\n\n"],
  ["no newline at the end", NOTE.slice(0, -1)],
  ["a line behind the signature", `${NOTE}more\n`],
  ["a blank line behind the signature", `${NOTE}\n`],
  ["another dash", NOTE.replace("—", "-")],
  ["no name", NOTE.replace("— log ", "—  ")],
  ["a name with a plus", NOTE.replace("— log ", "— l+g ")],
  ["a name with a blank", NOTE.replace("— log ", "— l g ")],
  ["a name with a no-break space", NOTE.replace("— log ", "— l\u{A0}g ")],
  ["base64 without its padding", NOTE.replace("=\n", "\n")],
  ["base64 with bits behind its end", NOTE.replace(/.=\n$/, "9=\n")],
  ["a signature of four bytes", "text\n\n— log AAAAAA==\n"],
  ["a tab", NOTE.replace("text", "te\txt")],
  ["a carriage return", NOTE.replace("text\n", "text\r\n")],
  ["a NUL", NOTE.replace("text", "te\0xt")],
  ["17 signatures", `text\n\n${LINE.repeat(17)}`],
])("malformed: %s", (_, note) => {
  expect(leftTag(parseNote(note))).toBe("NoteMalformed");
});

test("16 signatures are read", () => {
  expect(rightOf(parseNote(`text\n\n${LINE.repeat(16)}`)).signatures).toHaveLength(16);
});

test.each([
  ["nothing", ""],
  ["no hash", "log+AYEK"],
  ["no name", formatVerifierKey(sha256, KEY).replace("log", "")],
  ["another name", formatVerifierKey(sha256, KEY).replace("log", "lag")],
  ["a name with a blank", formatVerifierKey(sha256, { ...KEY, name: "l g" })],
  ["another hash", formatVerifierKey(sha256, KEY).replace(/\+[0-9a-f]{8}\+/, "+00000000+")],
  ["a hash of three bytes", formatVerifierKey(sha256, KEY).replace(/[0-9a-f]{2}\+A/, "+A")],
  // Go's own cases: a key of another length, and another algorithm, each under its right hash.
  ["a longer key", "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="],
  ["no Ed25519", "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"],
])("bad key: %s", (_, text) => {
  expect(leftTag(parseVerifierKey(sha256, text))).toBe("NoteKeyMalformed");
});

test("one bit of a signature, and it is wrong", () => {
  fc.assert(
    fc.property(fc.integer({ min: 32, max: 543 }), (bit) => {
      const bytes = Buffer.from(LINE.slice("— log ".length, -1), "base64");
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const note = `text\n\n— log ${bytes.toString("base64")}\n`;
      expect(leftTag(openNote(nodeCrypto, note, KEY))).toBe("NoteSignatureWrong");
    }),
  );
});
