/** Messages and bodies that came after format 1 are read, and written the same, for ever. */
import { readFileSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { decodeBody, encodeBody, kindOf } from "#core/log/body.ts";
import {
  decodeSignedHead,
  decodeSignedHeld,
  encodeHeadPayload,
  encodeHeldPayload,
  encodeSigned,
} from "#core/message/envelopes.ts";
import { decodeAnswer, decodeAsk, encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import { decodeManifest, encodeManifest } from "#core/state/snapshot.ts";
import {
  ANSWERS,
  ASKS,
  BODIES,
  HEAD,
  HELD,
  MANIFEST,
  SALT,
  SIGNATURE,
} from "#test/fixtures/v2/values.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import { rightOf } from "#test/unit/core/log/either.ts";

interface Messages {
  readonly head: string;
  readonly held: string;
  readonly asks: ReadonlyArray<string>;
  readonly answers: ReadonlyArray<string>;
  readonly bodies: ReadonlyArray<string>;
  readonly manifest: string;
}

const MADE: Messages = JSON.parse(
  readFileSync(new URL("../../../fixtures/v2/messages.json", import.meta.url), "utf8"),
);

test("a head with contents, and an acknowledgement", () => {
  expect(rightOf(decodeSignedHead(hex(MADE.head))).statement).toEqual(HEAD);
  expect(toHex(encodeSigned(encodeHeadPayload(HEAD), SIGNATURE))).toBe(MADE.head);
  expect(rightOf(decodeSignedHeld(hex(MADE.held))).statement).toEqual(HELD);
  expect(toHex(encodeSigned(encodeHeldPayload(HELD), SIGNATURE))).toBe(MADE.held);
});

test("asks and answers", () => {
  expect(MADE.asks.map((ask) => decodeAsk(hex(ask)))).toEqual(ASKS.map(E.right));
  expect(ASKS.map((ask) => toHex(encodeAsk(ask)))).toEqual(MADE.asks);
  expect(MADE.answers.map((answer) => decodeAnswer(hex(answer)))).toEqual(ANSWERS.map(E.right));
  expect(ANSWERS.map((answer) => toHex(encodeAnswer(answer)))).toEqual(MADE.answers);
});

test("the bodies of clock-fix, void and fork", () => {
  const decoded = BODIES.map((body, i) => decodeBody(kindOf(body), hex(MADE.bodies[i] ?? "")));
  expect(decoded).toEqual(BODIES.map(E.right));
  expect(BODIES.map((body) => toHex(encodeBody(SALT, body)))).toEqual(MADE.bodies);
});

test("the manifest of a snapshot", () => {
  expect(decodeManifest(hex(MADE.manifest))).toEqual(E.right(MANIFEST));
  expect(toHex(encodeManifest(MANIFEST))).toBe(MADE.manifest);
});
