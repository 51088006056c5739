import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, toHex } from "#core/bytes.ts";
import {
  epochIdOf,
  formatCheckpoint,
  formatOrigin,
  openCheckpoint,
  readCheckpoint,
  signCheckpoint,
  type CheckpointError,
} from "#core/log/checkpoint.ts";
import { signNote } from "#core/log/signed-note.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import { bytes, count } from "#test/unit/core/log/arbitraries.ts";
import { leftTag } from "#test/unit/core/log/either.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";

const KEY = keyOf(2);
const EPOCH = epochIdOf(sha256, KEY.publicKey);
const ORIGIN = formatOrigin("fleet", "lobby", EPOCH);
const EXPECTED = { origin: ORIGIN, epochKey: KEY.publicKey };
const ROOT = new Uint8Array(32).fill(1);

test("the origin is fleet, gateway and the first half of the key's hash", () => {
  expect(EPOCH).toEqual(sha256(KEY.publicKey).slice(0, 16));
  expect(ORIGIN).toBe(`fleet/lobby/${toHex(EPOCH)}`);
});

test("the example of C2SP tlog-checkpoint is read", () => {
  const note =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
  expect(readCheckpoint(note)).toEqual(
    E.right({
      origin: "example.com/behind-the-sofa",
      size: 20_852_163,
      root: hex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"),
    }),
  );
});

const sizes = count.filter((size) => size < 10 ** 15);

test("what is signed opens to the same statement", () => {
  fc.assert(
    fc.property(sizes, bytes(32), (size, root) => {
      const checkpoint = { origin: ORIGIN, size, root };
      const note = signCheckpoint(sha256, checkpoint, KEY);
      expect(note.startsWith(`${ORIGIN}\n${size}\n${toBase64(root)}\n\n— ${ORIGIN} `)).toBe(true);
      expect(readCheckpoint(note)).toEqual(E.right(checkpoint));
      expect(openCheckpoint(nodeCrypto, note, EXPECTED)).toEqual(E.right(checkpoint));
    }),
  );
});

/** A note of any text, validly signed by the epoch's key. */
const opened = (text: string): ReturnType<typeof openCheckpoint> =>
  openCheckpoint(nodeCrypto, signNote(sha256, text, { name: ORIGIN, ...KEY }), EXPECTED);

const VALID = formatCheckpoint({ origin: ORIGIN, size: 7, root: ROOT });

/**
 * One way, at least, to each error. A checkpoint's key is bytes, never a key's text, so the error of a key's text
 * can't come about.
 */
const REACHED: Readonly<
  Record<
    Exclude<CheckpointError["_tag"], "NoteKeyMalformed">,
    () => E.Either<CheckpointError, unknown>
  >
> = {
  CheckpointMalformed: () => opened("text\n"),
  NoteMalformed: () => openCheckpoint(nodeCrypto, VALID, EXPECTED),
  NoteNotSigned: () =>
    openCheckpoint(nodeCrypto, signNote(sha256, VALID, { name: ORIGIN, ...keyOf(3) }), EXPECTED),
  NoteSignatureWrong: () =>
    openCheckpoint(
      nodeCrypto,
      signNote(sha256, VALID, { name: ORIGIN, ...KEY }).replace("\n7\n", "\n8\n"),
      EXPECTED,
    ),
};

test.each(Object.entries(REACHED))("reached: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});

describe("malformed, though signed", () => {
  const root = toBase64(ROOT);
  test.each([
    ["no origin", `\n7\n${root}\n`],
    ["another epoch's origin", `fleet/lobby/00\n7\n${root}\n`],
    ["no size", `${ORIGIN}\n`],
    ["an empty size", `${ORIGIN}\n\n${root}\n`],
    ["a size with a leading zero", `${ORIGIN}\n07\n${root}\n`],
    ["a size with a sign", `${ORIGIN}\n+7\n${root}\n`],
    ["a negative size", `${ORIGIN}\n-7\n${root}\n`],
    ["a size in hex", `${ORIGIN}\n0x7\n${root}\n`],
    ["a size that is no exact number", `${ORIGIN}\n9007199254740993\n${root}\n`],
    ["a size with a blank", `${ORIGIN}\n7 \n${root}\n`],
    ["no root", `${ORIGIN}\n7\n`],
    ["a root of 31 bytes", `${ORIGIN}\n7\n${toBase64(ROOT.slice(1))}\n`],
    ["a root of 33 bytes", `${ORIGIN}\n7\n${toBase64(new Uint8Array(33))}\n`],
    ["a root without padding", `${ORIGIN}\n7\n${root.slice(0, -1)}\n`],
    ["a root in hex", `${ORIGIN}\n7\n${toHex(ROOT)}\n`],
  ])("%s", (_, text) => {
    expect(leftTag(opened(text))).toBe("CheckpointMalformed");
  });
});

test("extension lines are passed over", () => {
  const text = `${VALID}later 1\n`;
  expect(opened(text)).toEqual(E.right({ origin: ORIGIN, size: 7, root: ROOT }));
});

test("a checkpoint of one epoch says nothing about another of the same key's gateway", () => {
  const other = keyOf(4);
  const origin = formatOrigin("fleet", "lobby", epochIdOf(sha256, other.publicKey));
  const note = signCheckpoint(sha256, { origin, size: 7, root: ROOT }, other);
  expect(leftTag(openCheckpoint(nodeCrypto, note, EXPECTED))).toBe("NoteNotSigned");
});
