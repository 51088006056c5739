/**
 * What format 1 wrote decodes, verifies and is written the same for ever. A failure here is never mended in the
 * fixtures: it says that gateways in the field would no longer understand each other.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { decodeBody, encodeBody, type Body } from "#core/log/body.ts";
import { decodeCbor } from "#core/log/cbor.ts";
import { formatProof, parseProof, verifyProof } from "#core/log/proof.ts";
import { decodeRange, encodeRange, verifyRange, type Range } from "#core/log/range.ts";
import { decodeHeader, encodeHeader } from "#core/log/record.ts";
import { checkHead, extendHead, headFromOpen, verifyOpen } from "#core/log/verify-epoch.ts";
import {
  decodeSignedHead,
  encodeHeadPayload,
  encodeSigned,
  endedHash,
  headText,
} from "#core/message/envelopes.ts";
import { decodeAnswer, decodeAsk, encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import { formatRoster, openRoster } from "#core/trust/roster.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import { at, leftTag, rightOf } from "#test/unit/core/log/either.ts";

interface Fixtures {
  readonly epoch: {
    readonly epoch: string;
    readonly epochKey: string;
    readonly gatewayKey: string;
    readonly checkpoint: string;
    readonly records: ReadonlyArray<{ readonly header: string; readonly body: string }>;
    readonly leaves: ReadonlyArray<string>;
  };
  readonly range: Readonly<Record<"tail" | "middle" | "bodyless", string>>;
  readonly messages: Readonly<
    Record<"head" | "askRange" | "askEpochs" | "answerRange" | "answerEpochs", string>
  >;
  readonly roster: { readonly fleetKey: string; readonly note: string };
  readonly proof: { readonly text: string };
}

const read = <Name extends keyof Fixtures>(name: Name): Fixtures[Name] =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/v1/${name}.json`, import.meta.url), "utf8"));

const EPOCH = read("epoch");
const RANGE = read("range");
const MESSAGES = read("messages");
const ROSTER = read("roster");

const RECORDS = EPOCH.records.map(({ header, body }) => ({ header: hex(header), body: hex(body) }));
const ID = hex(EPOCH.epoch);
const CARD = new Uint8Array(16).fill(0xca);
const EARLIER = {
  epoch: new Uint8Array(16).fill(0xea),
  size: 300,
  root: new Uint8Array(32).fill(0xeb),
};

const opened = rightOf(verifyOpen(nodeCrypto, at(RECORDS, 0), ID));
const EMPTY = headFromOpen(nodeCrypto, opened);

test("the fixture itself has not been altered", () => {
  const files = ["epoch", "range", "messages", "roster", "proof"] as const;
  const hashes = files.map((name) => {
    const text = readFileSync(new URL(`../../../fixtures/v1/${name}.json`, import.meta.url));
    return `${name} ${toHex(sha256(text)).slice(0, 16)}`;
  });
  expect(hashes).toEqual([
    "epoch 25cb151d1346c069",
    "range 7e2d93cfc2b125e1",
    "messages b4ee8a1610aae670",
    "roster ace5e2abe5260cb3",
    "proof fffec04c736b7dd8",
  ]);
});

test("the epoch verifies from its records alone", () => {
  expect(opened).toMatchObject({ fleet: "acme", gateway: "lobby", earlier: [EARLIER] });
  expect(toHex(opened.gatewayKey)).toBe(EPOCH.gatewayKey);
  expect(toHex(opened.epochKey)).toBe(EPOCH.epochKey);
  const { head, records } = rightOf(extendHead(nodeCrypto, EMPTY, RECORDS));
  expect(records.map(({ leaf }) => toHex(leaf))).toEqual(EPOCH.leaves);
  expect(rightOf(checkHead(nodeCrypto, head, EPOCH.checkpoint)).size).toBe(7);
});

test("every header and body is written to the same bytes again", () => {
  for (const [seq, { header, body }] of RECORDS.entries()) {
    const decoded = rightOf(decodeHeader(header));
    expect(decoded).toMatchObject({ seq, wallMs: 1_795_348_800_000 + 1_000 * seq });
    expect(toHex(encodeHeader(decoded))).toBe(toHex(header));
    const said = rightOf(decodeBody(decoded.kind, body));
    const salt = new Uint8Array(16).fill(seq);
    expect(toHex(encodeBody(salt, said))).toBe(toHex(body));
  }
});

test("the bodies say what was written in 2026", () => {
  const tap = { _tag: "Tap", actor: { kind: 1, name: "door" }, card: CARD };
  const said: ReadonlyArray<Partial<Body>> = RECORDS.map(({ header, body }) =>
    rightOf(decodeBody(rightOf(decodeHeader(header)).kind, body)),
  );
  const expected = [
    { _tag: "Open", reason: 0, clockClass: 3, bootId: new Uint8Array(16).fill(0xb0) },
    { ...tap, technology: 1, verdict: 1, reason: "not-enrolled", atStart: true, device: null },
    {
      _tag: "Enrol",
      actor: { kind: 3, name: "anna" },
      device: "cart-1",
      operations: [{ key: "card", type: 0, value: CARD, replaces: [] }],
    },
    {
      ...tap,
      technology: 2,
      verdict: 0,
      reason: "",
      simulated: false,
      ndef: new Uint8Array(16).fill(0x4d),
      operations: [
        { key: "place", type: 0, value: "lobby", replaces: [{ epoch: EARLIER.epoch, seq: 299 }] },
        { key: "visits", type: 4, value: 1, replaces: [] },
        { key: "last-seen", type: 5, value: 1_795_348_800_000, replaces: [] },
        { key: "later", type: 99, value: null, replaces: [] },
      ],
    },
    {
      _tag: "Change",
      actor: { kind: 2, name: "Åsa Ö." },
      operations: [
        { key: "safety", type: 3, value: 2, replaces: [] },
        { key: "note", type: 0, value: "zuletzt am Tor gesehen 🚪", replaces: [] },
        { key: "charged", type: 0, value: false, replaces: [] },
        { key: "load", type: 0, value: -40, replaces: [] },
      ],
    },
    { ...tap, verdict: 2, reason: "device-lost", simulated: true, atStart: false },
    { _tag: "Close", actor: { kind: 0, name: "lobby" }, reason: 0 },
  ];
  expect(said).toMatchObject(expected);
});

const decodedRange = (name: keyof Fixtures["range"]): Range =>
  rightOf(decodeRange(hex(RANGE[name])));
const knownLeaf = (): undefined => undefined;

describe("ranges", () => {
  test.each(["tail", "middle", "bodyless"] as const)("%s is written the same again", (name) => {
    expect(toHex(encodeRange(decodedRange(name)))).toBe(RANGE[name]);
  });

  test("the whole and a piece under a later checkpoint verify; a piece without bodies is refused", () => {
    const whole = rightOf(
      verifyRange(nodeCrypto, { head: EMPTY, knownLeaf }, decodedRange("tail")),
    );
    expect(whole.head.range.size).toBe(7);
    const { head } = rightOf(extendHead(nodeCrypto, EMPTY, RECORDS.slice(0, 2)));
    const piece = rightOf(verifyRange(nodeCrypto, { head, knownLeaf }, decodedRange("middle")));
    expect([piece.from, piece.head.range.size, piece.checkpoint.size]).toEqual([2, 5, 7]);
    const bodyless = verifyRange(nodeCrypto, { head, knownLeaf }, decodedRange("bodyless"));
    expect(leftTag(bodyless)).toBe("RangeBodyMissing");
  });
});

describe("messages", () => {
  test("the head is signed by the epoch and is written the same again", () => {
    const { statement: head, payload, signature } = rightOf(decodeSignedHead(hex(MESSAGES.head)));
    expect(nodeCrypto.verifyEd25519(opened.epochKey, headText(payload), signature)).toBe(true);
    expect(head).toEqual({
      gateway: "lobby",
      epoch: ID,
      rosterVersion: 7,
      authors: [
        { author: "dock", live: [], ended: endedHash(sha256, []), content: null },
        {
          author: "lobby",
          live: [{ epoch: ID, size: 7 }],
          ended: endedHash(sha256, [EARLIER]),
          content: null,
        },
      ],
    });
    expect(toHex(encodeSigned(encodeHeadPayload(head), signature))).toBe(MESSAGES.head);
  });

  test("asks and answers are written the same again", () => {
    const asks = [MESSAGES.askRange, MESSAGES.askEpochs];
    expect(asks.map((ask) => rightOf(decodeAsk(hex(ask))))).toEqual([
      { _tag: "AskRange", epoch: ID, from: 2 },
      { _tag: "AskEpochs", author: "lobby", after: null },
    ]);
    expect(asks.map((ask) => toHex(encodeAsk(rightOf(decodeAsk(hex(ask))))))).toEqual(asks);
    const answers = [MESSAGES.answerRange, MESSAGES.answerEpochs];
    expect(answers.map((answer) => rightOf(decodeAnswer(hex(answer))))).toEqual([
      { _tag: "AnswerRange", range: hex(RANGE.middle) },
      { _tag: "AnswerEpochs", author: "lobby", epochs: [{ epoch: ID, size: 7 }] },
    ]);
    const again = answers.map((answer) => toHex(encodeAnswer(rightOf(decodeAnswer(hex(answer))))));
    expect(again).toEqual(answers);
  });
});

test("the roster opens with the fleet's key and is written the same again", () => {
  const key = { name: "acme", publicKey: hex(ROSTER.fleetKey) };
  const roster = rightOf(openRoster(nodeCrypto, ROSTER.note, key));
  expect(roster.version).toBe(7);
  expect(roster.gateways.map(({ name, site, status }) => `${name}@${site} ${status}`)).toEqual([
    "lobby@hq active",
    "dock@yard retired",
    "gate@yard revoked",
  ]);
  expect(ROSTER.note.startsWith(`${formatRoster(roster)}\n— acme `)).toBe(true);
});

test("the proof proves, and is written the same again", () => {
  const { text } = read("proof");
  const proof = rightOf(parseProof(text));
  const key = { name: "acme", publicKey: hex(ROSTER.fleetKey) };
  const { header, open, body } = rightOf(verifyProof(nodeCrypto, proof, key));
  expect([header.seq, open.gateway]).toEqual([3, "lobby"]);
  expect(rightOf(decodeCbor(body ?? new Uint8Array(0)))).toContainEqual("cart-1");
  expect(formatProof(proof)).toBe(text);
});
