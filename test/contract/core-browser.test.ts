/** The core in a browser: bundled for one, and run where there is nothing of Node's. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { nodeCrypto } from "#gateway/node-crypto.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What a page does with an epoch: verify it, and the Ranges, proof and roster that go with it. */
const PAGE = `
  import * as E from "fp-ts/lib/Either.js";
  import { fromHex, toHex } from "#core/bytes.ts";
  import { decodeBody } from "#core/log/body.ts";
  import { parseProof, verifyProof } from "#core/log/proof.ts";
  import { decodeRange, verifyRange } from "#core/log/range.ts";
  import { decodeHeader } from "#core/log/record.ts";
  import { rootOf } from "#core/log/tree.ts";
  import { checkHead, extendHead, headFromOpen, verifyOpen } from "#core/log/verify-epoch.ts";
  import { encodeEntry } from "#core/state/entry-codec.ts";
  import { fold } from "#core/state/fold.ts";
  import { openRoster } from "#core/trust/roster.ts";

  export const verifyEpoch = (crypto, fixture) => {
    const records = fixture.records.map(({ header, body }) => ({ header: fromHex(header), body: fromHex(body) }));
    const open = verifyOpen(crypto, records[0], fromHex(fixture.epoch));
    if (E.isLeft(open)) return open.left._tag;
    const extended = extendHead(crypto, headFromOpen(crypto, open.right), records);
    if (E.isLeft(extended)) return extended.left._tag;
    const checked = checkHead(crypto, extended.right.head, fixture.checkpoint);
    return E.isLeft(checked) ? checked.left._tag : "verified " + toHex(rootOf(crypto.sha256, extended.right.head.range));
  };

  export const verifyTail = (crypto, fixture, bytes) => {
    const range = decodeRange(fromHex(bytes));
    if (E.isLeft(range)) return range.left._tag;
    const open = verifyOpen(crypto, range.right.items[0], range.right.epoch);
    if (E.isLeft(open)) return open.left._tag;
    const known = { head: headFromOpen(crypto, open.right), knownLeaf: () => undefined };
    const verified = verifyRange(crypto, known, range.right);
    return E.isLeft(verified) ? verified.left._tag : "verified " + verified.right.head.range.size;
  };

  export const foldAll = (fixture) => {
    const entries = new Map();
    fixture.records.forEach(({ header, body }, seq) => {
      const { kind, wallMs, monoMs } = decodeHeader(fromHex(header)).right;
      const decoded = decodeBody(kind, fromHex(body));
      const record = { epoch: fromHex(fixture.epoch), seq, wallMs, monoMs, body: decoded.right };
      const reads = { entry: ({ key, type }) => entries.get(key + type), foldedSize: () => seq };
      for (const entry of fold(record, reads)) entries.set(entry.key + entry.type, entry);
    });
    return [...entries.values()].map((entry) => toHex(encodeEntry(entry)).length > 0 && entry.key);
  };

  export const verifyProofText = (crypto, text, fleetKey) => {
    const proof = parseProof(text);
    if (E.isLeft(proof)) return proof.left._tag;
    const proved = verifyProof(crypto, proof.right, { name: "acme", publicKey: fromHex(fleetKey) });
    return E.isLeft(proved) ? proved.left._tag : "proved " + proved.right.header.seq;
  };

  export const rosterVersion = (crypto, note, fleetKey) =>
    openRoster(crypto, note, { name: "acme", publicKey: fromHex(fleetKey) }).right?.version;
`;

const CORE_FILES = readdirSync(join(ROOT, "gateway/core"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => `gateway/core/${file}`);

/** Every file of the core, whether the page needs it or not, and nothing left out for not being used. */
const ALL = CORE_FILES.map((file, i) => `export * as m${i} from "./${file}";`).join("\n");

interface EpochFixture {
  readonly epoch: string;
  readonly checkpoint: string;
  readonly records: ReadonlyArray<{ readonly header: string; readonly body: string }>;
}
interface Fixtures {
  readonly epoch: EpochFixture;
  readonly range: { readonly tail: string };
  readonly roster: { readonly fleetKey: string; readonly note: string };
  readonly proof: { readonly text: string };
}
const fixture = <Name extends keyof Fixtures>(name: Name): Fixtures[Name] =>
  JSON.parse(readFileSync(`${ROOT}/test/fixtures/v1/${name}.json`, "utf8"));

let code = "";
let ownCode = "";
let packages: ReadonlyArray<string> = [];
let ownFiles: ReadonlyArray<string> = [];
let inputs: ReadonlyArray<string> = [];
let call: (name: string, ...args: ReadonlyArray<unknown>) => unknown;

beforeAll(async () => {
  const options = {
    stdin: { contents: PAGE, resolveDir: ROOT, loader: "js" },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "iife",
    globalName: "page",
    // Comments may speak of Node.
    minifyWhitespace: true,
    legalComments: "none",
  } as const;
  const bundle = await build(options);
  const own = await build({
    ...options,
    stdin: { ...options.stdin, contents: ALL },
    format: "esm",
    packages: "external",
    treeShaking: false,
  });
  ownCode = own.outputFiles[0]?.text ?? "";
  ownFiles = Object.keys(own.metafile.inputs).filter((file) => file !== "<stdin>");
  packages = Object.values(own.metafile.outputs).flatMap((o) => o.imports.map(({ path }) => path));
  code = bundle.outputFiles[0]?.text ?? "";
  inputs = Object.keys(bundle.metafile.inputs);
  // The language itself, and what every browser has besides; no Buffer, no process, no require.
  const page = createContext({ TextEncoder, TextDecoder, Uint8Array });
  runInContext(code, page);
  call = (name, ...args): unknown => {
    page["args"] = args;
    return runInContext(`page.${name}(...args)`, page);
  };
});

const NODES = /\bnode:|\brequire\(|\bimport\(|__dirname|import\.meta/;

test("the core names nothing that is Node's, and no package but two", () => {
  expect(CORE_FILES.length).toBeGreaterThan(30);
  expect(ownFiles.toSorted()).toEqual(CORE_FILES.toSorted());
  expect(ownCode).not.toMatch(NODES);
  expect(ownCode).not.toMatch(/\b(?:Buffer|process|globalThis|setTimeout|performance|fetch)\b/);
  expect(new Set(packages)).toEqual(new Set(["cborg", "fp-ts/lib/Either.js"]));
});

test("neither does what a page loads, packages and all", () => {
  expect(inputs.filter((file) => /^gateway\/(?!core\/)|^node:/.test(file))).toEqual([]);
  expect(inputs.filter((file) => file.startsWith("gateway/core/")).length).toBeGreaterThan(12);
  // cborg names Buffer and process, where it asks `globalThis` for them and does without.
  expect(code).not.toMatch(NODES);
});

test("a page has nothing but the language", () => {
  expect(runInContext("typeof Buffer + typeof process + typeof require", createContext({}))).toBe(
    "undefinedundefinedundefined",
  );
});

const flipped = (body: string): string => body.slice(0, -1) + (body.endsWith("0") ? "1" : "0");

test("the epoch verifies there, and no tampered one does", () => {
  const epoch = fixture("epoch");
  expect(call("verifyEpoch", nodeCrypto, epoch)).toMatch(/^verified [0-9a-f]{64}$/);
  const withBody = (seq: number, change: (body: string) => string): EpochFixture => ({
    ...epoch,
    records: epoch.records.map((record, i) =>
      i === seq ? { ...record, body: change(record.body) } : record,
    ),
  });
  expect(call("verifyEpoch", nodeCrypto, withBody(4, flipped))).toBe("RecordBad");
  const cut = { ...epoch, records: epoch.records.slice(0, -1) };
  expect(call("verifyEpoch", nodeCrypto, cut)).toBe("SizeDiffers");
  const restated = { ...epoch, checkpoint: epoch.checkpoint.replace("\n7\n", "\n6\n") };
  expect(call("verifyEpoch", nodeCrypto, restated)).toBe("CheckpointBad");
  const { records } = epoch;
  const swapped = {
    ...epoch,
    records: records.toSpliced(2, 2, ...records.slice(2, 4).toReversed()),
  };
  expect(call("verifyEpoch", nodeCrypto, swapped)).toBe("RecordBad");
});

test("Ranges, the fold, the roster and the proof do their work there too", () => {
  const { tail } = fixture("range");
  const roster = fixture("roster");
  const { text } = fixture("proof");
  expect(call("verifyTail", nodeCrypto, null, tail)).toBe("verified 7");
  const tampered = tail.slice(0, -10) + (tail.at(-10) === "0" ? "1" : "0") + tail.slice(-9);
  expect(call("verifyTail", nodeCrypto, null, tampered)).not.toBe("verified 7");
  expect(call("rosterVersion", nodeCrypto, roster.note, roster.fleetKey)).toBe(7);
  expect(call("verifyProofText", nodeCrypto, text, roster.fleetKey)).toBe("proved 3");
  const other = text.replace('"seq":3', '"seq":4');
  expect(call("verifyProofText", nodeCrypto, other, roster.fleetKey)).toBe("ProofRecordBad");
  expect(JSON.stringify(call("foldAll", fixture("epoch")))).toBe(
    '["card","place","visits","last-seen","safety","note","charged","load"]',
  );
});
