/** What comes from a wire or a disk may be anything: no decoder throws, whatever it is given. */
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromBase64, fromHex, fromUtf8, utf8 } from "#core/bytes.ts";
import { decodeBody, encodeBody, kindOf, openTextOf } from "#core/log/body.ts";
import { decodeCbor, encodeCbor } from "#core/log/cbor.ts";
import { openCheckpoint, readCheckpoint } from "#core/log/checkpoint.ts";
import { formatProof, parseProof, verifyProof } from "#core/log/proof.ts";
import { decodeRange, encodeRange, verifyRange } from "#core/log/range.ts";
import { checkRecord, decodeHeader, NO_RECORD_BEFORE } from "#core/log/record.ts";
import { encodeEvidence, verifyEvidence } from "#core/log/fork.ts";
import { formatVerifierKey, openNote, parseNote, parseVerifierKey } from "#core/log/signed-note.ts";
import { verifyOpen } from "#core/log/verify-epoch.ts";
import { decodeSignedHead } from "#core/message/envelopes.ts";
import { decodeAnswer, decodeAsk, encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import { mayPublish, parseSyncTopic } from "#core/message/topics.ts";
import { parseDigest } from "#core/state/digest.ts";
import { decodeEntry, encodeEntry } from "#core/state/entry-codec.ts";
import { formatJoinRequest, openJoinRequest } from "#core/trust/join-request.ts";
import { openRosterChain } from "#core/trust/roster-chain.ts";
import {
  formatRoster,
  openRoster,
  parseRoster,
  signRoster,
  type Roster,
} from "#core/trust/roster.ts";
import { formatSecret, parseSecret } from "#core/trust/secret-text.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { body, mutation } from "#test/unit/core/log/arbitraries.ts";
import { at, rightOf } from "#test/unit/core/log/either.ts";
import { forkedEpoch } from "#test/unit/core/log/forked-epoch.ts";
import { keyOf, sampleEpoch, WALL_MS } from "#test/unit/core/log/sample-epoch.ts";

const EPOCH = sampleEpoch(12);
const RANGE = EPOCH.range(2, 9, 12);
const KEY = { name: EPOCH.empty.origin, publicKey: EPOCH.empty.epochKey };
const HEAD = EPOCH.headAt(4);
const ASK = encodeAsk({ _tag: "AskRange", epoch: EPOCH.empty.epoch, from: 7 });
const EPOCHS = [{ epoch: EPOCH.empty.epoch, size: 12 }];
const ANSWER = encodeAnswer({ _tag: "AnswerEpochs", author: "lobby", epochs: EPOCHS });
const WRITE = { epoch: EPOCH.empty.epoch, seq: 3, value: "dock", wallMs: WALL_MS, monoMs: 5 };
const ENTRY = encodeEntry({
  device: "cart-1",
  key: "place",
  type: 0,
  content: { _tag: "Survivors", writes: [WRITE], awaited: [{ epoch: WRITE.epoch, seq: 4 }] },
});
const LISTED: Roster = {
  fleet: "fleet",
  version: 3,
  previous: new Uint8Array(32),
  successor: sha256(keyOf(31).publicKey),
  fleetKeys: [keyOf(30).publicKey],
  cuts: new Map([["0".repeat(32), 5]]),
  gateways: [{ name: "lobby", site: "hq", key: keyOf(1).publicKey, status: "active" }],
};
const ROSTER = formatRoster(LISTED);
const FLEET_KEY = { name: "fleet", publicKey: keyOf(30).publicKey };
const BELIEVED = { roster: LISTED, key: FLEET_KEY, note: ROSTER };
const JOIN = { fleet: "fleet", gateway: "lobby", site: "hq", reason: "new" } as const;
const PROVED = { seq: 0, ...at(EPOCH.records, 0), path: [new Uint8Array(32)] };
const PROOF = { checkpoint: RANGE.checkpoint, roster: ROSTER, open: PROVED, record: PROVED };

/** Each decoder of bytes, beside something that it accepts. */
const OF_BYTES: Readonly<Record<string, readonly [(bytes: Uint8Array) => unknown, Uint8Array]>> = {
  decodeCbor: [decodeCbor, encodeCbor([1, ["a", new Uint8Array(3)], null])],
  decodeHeader: [decodeHeader, at(RANGE.items, 0).header],
  decodeRange: [decodeRange, encodeRange(RANGE)],
  verifyRange: [
    (bytes) => {
      const range = decodeRange(bytes);
      return E.isLeft(range)
        ? range
        : verifyRange(nodeCrypto, { head: HEAD, knownLeaf: () => undefined }, range.right);
    },
    encodeRange(RANGE),
  ],
  checkRecord: [
    (bytes) =>
      checkRecord(sha256, { header: bytes, body: bytes }, { seq: 0, prev: NO_RECORD_BEFORE }),
    at(EPOCH.records, 0).header,
  ],
  verifyOpen: [
    (bytes) => verifyOpen(nodeCrypto, { ...at(EPOCH.records, 0), body: bytes }, EPOCH.empty.epoch),
    at(EPOCH.records, 0).body ?? new Uint8Array(0),
  ],
  openTextOf: [openTextOf, at(EPOCH.records, 0).body ?? new Uint8Array(0)],
  verifyEvidence: [
    (bytes) => verifyEvidence(nodeCrypto, bytes),
    rightOf(encodeEvidence(sha256, forkedEpoch(2, [1, 1]).evidenceAt(2))),
  ],
  decodeSignedHead: [decodeSignedHead, encodeCbor([ASK, new Uint8Array(64)])],
  decodeAsk: [decodeAsk, ASK],
  decodeAnswer: [decodeAnswer, ANSWER],
  decodeEntry: [decodeEntry, ENTRY],
  fromUtf8: [fromUtf8, utf8("é")],
  "verifyEd25519, key": [
    (bytes) => nodeCrypto.verifyEd25519(bytes.slice(0, 32), bytes, new Uint8Array(64)),
    keyOf(1).publicKey,
  ],
};

const OF_TEXT: Readonly<Record<string, readonly [(text: string) => unknown, string]>> = {
  parseNote: [parseNote, RANGE.checkpoint],
  openNote: [(text) => openNote(nodeCrypto, text, KEY), RANGE.checkpoint],
  readCheckpoint: [readCheckpoint, RANGE.checkpoint],
  openCheckpoint: [(text) => openCheckpoint(nodeCrypto, text, EPOCH.empty), RANGE.checkpoint],
  parseVerifierKey: [(text) => parseVerifierKey(sha256, text), formatVerifierKey(sha256, KEY)],
  parseRoster: [parseRoster, ROSTER],
  openRoster: [(text) => openRoster(nodeCrypto, text, KEY), `${ROSTER}\n— a AAAAAAAA\n`],
  openRosterChain: [
    (text) => openRosterChain(nodeCrypto, BELIEVED, text),
    signRoster(sha256, { ...LISTED, version: 4 }, keyOf(30)),
  ],
  openJoinRequest: [
    (text) => openJoinRequest(nodeCrypto, text),
    formatJoinRequest(sha256, JOIN, keyOf(1)),
  ],
  parseProof: [parseProof, formatProof(PROOF)],
  verifyProof: [
    (text) => {
      const proof = parseProof(text);
      return E.isLeft(proof) ? proof : verifyProof(nodeCrypto, proof.right, KEY);
    },
    formatProof(PROOF),
  ],
  parseSecret: [
    (text) => parseSecret("card-key", text),
    formatSecret("card-key", new Uint8Array(32)),
  ],
  parseSyncTopic: [(text) => parseSyncTopic(text, "fleet", "lobby"), "tapmesh-sync/1/fleet/a/head"],
  mayPublish: [(text) => mayPublish("lobby", text), "tapmesh-sync/1/fleet/lobby/head"],
  fromHex: [fromHex, "00ff"],
  fromBase64: [fromBase64, "AAAA"],
  parseDigest: [parseDigest, "0".repeat(64)],
};

/** A decoder answers with a value; the runner turns a throw into a failure of the test. */
const answers = (decode: () => unknown): boolean => {
  decode();
  return true;
};

test.each(Object.entries(OF_BYTES))("%s", (_, [decode, valid]) => {
  const damaged = fc.array(mutation, { minLength: 1, maxLength: 3 }).map((mutations) => {
    return mutations.reduce((bytes, mutate) => mutate(bytes), valid);
  });
  const input = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged);
  expect(answers(() => decode(valid))).toBe(true);
  fc.assert(
    fc.property(input, (bytes) => answers(() => decode(bytes))),
    { numRuns: 400 },
  );
});

test.each(Object.entries(OF_TEXT))("%s", (_, [decode, valid]) => {
  const damaged = mutation.map((mutate) => new TextDecoder().decode(mutate(utf8(valid))));
  const input = fc.oneof(fc.string({ unit: "binary", maxLength: 100 }), damaged);
  expect(answers(() => decode(valid))).toBe(true);
  fc.assert(
    fc.property(input, (text) => answers(() => decode(text))),
    { numRuns: 400 },
  );
});

test("decodeBody, of every kind", () => {
  const damaged = fc
    .tuple(body, mutation)
    .map(
      ([value, mutate]) => [kindOf(value), mutate(encodeBody(new Uint8Array(16), value))] as const,
    );
  const random = fc.tuple(fc.nat(11), fc.uint8Array({ maxLength: 200 }));
  fc.assert(
    fc.property(fc.oneof(damaged, random), ([kind, bytes]) =>
      answers(() => decodeBody(kind, bytes)),
    ),
    { numRuns: 600 },
  );
  expect(E.isLeft(decodeBody(0, new Uint8Array(0)))).toBe(true);
});
