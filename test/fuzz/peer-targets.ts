/** What a peer can send, or whoever writes to the broker in its place. */
import { readFileSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import { fromHex, fromUtf8, utf8 } from "#core/bytes.ts";
import { openCarried, statersOf } from "#core/carried/carried-state.ts";
import { decodeBody, encodeBody } from "#core/log/body.ts";
import { decodeCbor } from "#core/log/cbor.ts";
import { parseProof } from "#core/log/proof.ts";
import { decodeRange, type Range } from "#core/log/range.ts";
import { decodeHeader } from "#core/log/record.ts";
import { parseNote } from "#core/log/signed-note.ts";
import {
  decodeSignedHead,
  decodeSignedHeld,
  encodeHeadPayload,
  encodeHeldPayload,
  encodeSigned,
} from "#core/message/envelopes.ts";
import { decodeAnswer, decodeAsk, encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import { askTopic, parseSyncTopic } from "#core/message/topics.ts";
import { decodeEntry } from "#core/state/entry-codec.ts";
import { decodeManifest, encodeManifest } from "#core/state/snapshot.ts";
import { parseRoster } from "#core/trust/roster.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import { parseRequest } from "#gateway/control/request.ts";
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
import type { Target } from "#test/fuzz/target.ts";

const textOf = (bytes: Uint8Array): string => fromUtf8(bytes) ?? String.fromCharCode(...bytes);
/** One text of a file of fixtures, as the bytes that it stands for. */
const fixture = (
  file: string,
  field: string,
  bytesOf: (text: string) => Uint8Array | undefined,
): Uint8Array => {
  const all: unknown = JSON.parse(
    readFileSync(new URL(`../fixtures/v1/${file}`, import.meta.url), "utf8"),
  );
  const text = new Map(Object.entries(all ?? {})).get(field) as unknown;
  const bytes = typeof text === "string" ? bytesOf(text) : undefined;
  if (bytes === undefined) throw new Error(`${file} has no ${field}`);
  return bytes;
};

/** The text that the note signs. */
const rosterText = fixture("roster.json", "note", (note) => utf8(note.split("\n\n")[0] + "\n"));

const rangeBytes = fixture("range.json", "tail", fromHex);
const headers = E.match(
  () => [],
  (range: Range) => range.items.map(({ header }) => header),
)(decodeRange(rangeBytes));

const BODY_KIND_MAX = 16;
const bodies = BODIES.map((body) => encodeBody(SALT, body));
const requests = [
  '{"verb":"tag-write","reader":null,"waitMs":1,"message":"d00000","force":false}',
  '{"verb":"import","rows":[{"line":1,"device":"a","uid":"04","values":{}}],"dryRun":true,"user":"x"}',
];

const carried = fixture("carried.json", "bytes", fromHex);
const stater = {
  name: "lobby",
  key: fixture("carried.json", "key", fromHex),
  status: "active",
} as const;

const staters = statersOf(nodeCrypto.sha256, [stater]);
const to = { fleet: "acme", card: fixture("carried.json", "card", fromHex) };
/** The signature is of the sample alone: what else is decoded to its end is refused there. */
const openedCarried = (bytes: Uint8Array): unknown => {
  return openCarried(nodeCrypto, bytes, { to, statersOf: staters });
};

export const PEER_TARGETS: ReadonlyArray<Target> = [
  { name: "carried state", samples: [carried], run: openedCarried },
  { name: "CBOR", samples: bodies, run: (bytes) => decodeCbor(bytes) },
  { name: "record header", samples: headers, run: (bytes) => decodeHeader(bytes) },
  {
    name: "record body",
    samples: bodies,
    run: (bytes) => Array.from({ length: BODY_KIND_MAX }, (_, kind) => decodeBody(kind, bytes)),
  },
  {
    name: "range",
    samples: [rangeBytes],
    run: (bytes) => decodeRange(bytes),
  },
  {
    name: "head",
    samples: [encodeSigned(encodeHeadPayload(HEAD), SIGNATURE)],
    run: (bytes) => decodeSignedHead(bytes),
  },
  {
    name: "held",
    samples: [encodeSigned(encodeHeldPayload(HELD), SIGNATURE)],
    run: (bytes) => decodeSignedHeld(bytes),
  },
  { name: "ask", samples: ASKS.map(encodeAsk), run: (bytes) => decodeAsk(bytes) },
  { name: "answer", samples: ANSWERS.map(encodeAnswer), run: (bytes) => decodeAnswer(bytes) },
  { name: "manifest", samples: [encodeManifest(MANIFEST)], run: (bytes) => decodeManifest(bytes) },
  { name: "entry", samples: bodies, run: decodeEntry },
  {
    name: "topic",
    samples: [utf8(askTopic("demo", "dock", "lobby"))],
    run: (bytes) => parseSyncTopic(textOf(bytes), "demo", "lobby"),
  },
  {
    name: "roster",
    samples: [rosterText],
    run: (bytes) => parseRoster(textOf(bytes)),
  },
  {
    name: "signed note",
    samples: [fixture("roster.json", "note", utf8)],
    run: (bytes) => parseNote(textOf(bytes)),
  },
  {
    name: "proof",
    samples: [fixture("proof.json", "text", utf8)],
    run: (bytes) => parseProof(textOf(bytes)),
  },
  {
    name: "control request",
    samples: requests.map(utf8),
    run: (bytes) => parseRequest(textOf(bytes)),
  },
];
