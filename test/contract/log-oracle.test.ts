/**
 * Checkpoints and proofs against an implementation that shares nothing with this one: golang.org/x/mod/sumdb, which
 * the Go toolchain itself trusts. What we make it must accept, what it makes we must accept, and neither accepts
 * what was altered.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase64, toBase64, utf8 } from "#core/bytes.ts";
import { openCheckpoint, readCheckpoint } from "#core/log/checkpoint.ts";
import { formatVerifierKey, openNote, parseVerifierKey } from "#core/log/signed-note.ts";
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  rootOfLeaves,
  verifyConsistency,
  verifyInclusion,
} from "#core/log/tree.ts";
import { formatRoster, signRoster, type Roster } from "#core/trust/roster.ts";
import { nodeCrypto, sha256, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import { at, rightOf } from "#test/unit/core/log/either.ts";
import { keyOf, sampleEpoch } from "#test/unit/core/log/sample-epoch.ts";

interface NoteJob {
  readonly note: string;
  readonly key: string;
}
interface InclusionJob {
  readonly index: number;
  readonly size: number;
  readonly leaf: string;
  readonly root: string;
  readonly proof: ReadonlyArray<string>;
}
interface ConsistencyJob {
  readonly oldSize: number;
  readonly oldRoot: string;
  readonly size: number;
  readonly root: string;
  readonly proof: ReadonlyArray<string>;
}
interface Request {
  readonly notes: ReadonlyArray<NoteJob>;
  readonly inclusion: ReadonlyArray<InclusionJob>;
  readonly consistency: ReadonlyArray<ConsistencyJob>;
  readonly records: ReadonlyArray<string>;
  readonly sign: ReadonlyArray<{
    readonly name: string;
    readonly seed: string;
    readonly text: string;
  }>;
}
interface Answer {
  readonly notes: ReadonlyArray<string>;
  readonly inclusion: ReadonlyArray<string>;
  readonly consistency: ReadonlyArray<string>;
  readonly roots: ReadonlyArray<string>;
  readonly madeInclusion: ReadonlyArray<InclusionJob>;
  readonly madeConsistency: ReadonlyArray<ConsistencyJob>;
  readonly madeNotes: ReadonlyArray<NoteJob>;
}

/** Where Debian's golang-golang-x-mod-dev puts Go sources. */
const GOPATH = "/usr/share/gocode";
const PACKAGES = "golang-go golang-golang-x-mod-dev";

let folder = "";
let oracle: (request: Partial<Request>) => Answer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapmesh-oracle-"));
  const binary = join(folder, "oracle");
  const source = fileURLToPath(new URL("oracle/main.go", import.meta.url));
  const env = {
    PATH: process.env["PATH"],
    GO111MODULE: "off",
    GOPATH,
    GOCACHE: join(folder, "cache"),
  };
  const build = spawnSync("go", ["build", "-o", binary, source], { env, encoding: "utf8" });
  if (build.error !== undefined || build.status !== 0 || !existsSync(binary)) {
    const why = build.error?.message ?? build.stderr;
    throw new Error(`the oracle can't be built; apt-get install ${PACKAGES}\n${why}`);
  }
  oracle = (request): Answer => {
    const input = JSON.stringify(request);
    const ran = spawnSync(binary, { input, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
    if (ran.status !== 0) throw new Error(`the oracle failed: ${ran.stderr}`);
    const answer: Answer = JSON.parse(ran.stdout);
    return answer;
  };
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const bytes = (text: string): Uint8Array => fromBase64(text) ?? new Uint8Array(0);
const altered = (text: string): string =>
  toBase64(bytes(text).map((b, i) => (i === 7 ? b ^ 4 : b)));

const SIZE = 70;
const EPOCH = sampleEpoch(SIZE);
const KEY = { name: EPOCH.empty.origin, publicKey: EPOCH.empty.epochKey };
const VERIFIER = formatVerifierKey(sha256, KEY);
const subtree = (from: number, to: number): Uint8Array =>
  rootOfLeaves(sha256, EPOCH.leaves.slice(from, to));
const rootAt = (size: number): string => toBase64(subtree(0, size));

const ROSTER: Roster = {
  fleet: "acme",
  version: 2,
  previous: new Uint8Array(32),
  successor: null,
  fleetKeys: [],
  cuts: new Map(),
  gateways: [{ name: "lobby", site: "hq", key: keyOf(1).publicKey, status: "active" }],
};

describe("what tapmesh makes, Go accepts", () => {
  test("checkpoints of every size, and a roster", () => {
    const checkpoints = Array.from({ length: SIZE }, (_, i) => EPOCH.checkpointAt(i + 1));
    const rosterKey = formatVerifierKey(sha256, { name: "acme", publicKey: keyOf(3).publicKey });
    const roster = { note: signRoster(sha256, ROSTER, keyOf(3)), key: rosterKey };
    const notes = [...checkpoints.map((note) => ({ note, key: VERIFIER })), roster];
    const texts = checkpoints.map((note, i) => {
      expect(rightOf(readCheckpoint(note)).size).toBe(i + 1);
      return `${EPOCH.empty.origin}\n${i + 1}\n${rootAt(i + 1)}\n`;
    });
    expect(oracle({ notes }).notes).toEqual([...texts, formatRoster(ROSTER)]);
  });

  test("an inclusion proof of every leaf and a consistency proof from every size", () => {
    const inclusion = EPOCH.leaves.map((leaf, index) => ({
      index,
      size: SIZE,
      leaf: toBase64(leaf),
      root: rootAt(SIZE),
      proof: inclusionProof(index, SIZE, subtree).map(toBase64),
    }));
    const consistency = EPOCH.leaves.map((_, i) => ({
      oldSize: i + 1,
      oldRoot: rootAt(i + 1),
      size: SIZE,
      root: rootAt(SIZE),
      proof: consistencyProof(i + 1, SIZE, subtree).map(toBase64),
    }));
    const honest = oracle({ inclusion, consistency });
    expect(new Set([...honest.inclusion, ...honest.consistency])).toEqual(new Set([""]));
    expect(honest.inclusion).toHaveLength(SIZE);
    // The oracle does refuse what is wrong: else its yes would be worth nothing.
    const forged = oracle({
      inclusion: inclusion.map((job) => ({ ...job, leaf: altered(job.leaf) })),
      consistency: consistency.map((job) => ({ ...job, oldRoot: altered(job.oldRoot) })),
      notes: [{ note: EPOCH.checkpointAt(9).replace("\n9\n", "\n8\n"), key: VERIFIER }],
    });
    const answers = [...forged.inclusion, ...forged.consistency, ...forged.notes];
    expect(answers.every((answer) => answer.startsWith("error: "))).toBe(true);
  });
});

describe("what Go makes, tapmesh accepts", () => {
  const records = Array.from({ length: 37 }, (_, i) => `record ${i}`);
  const leaves = records.map((record) => leafHash(sha256, utf8(record)));

  const over = (a: number, b: number): Uint8Array => rootOfLeaves(sha256, leaves.slice(a, b));

  test("the root at every size", () => {
    const { roots } = oracle({ records });
    const ours = records.map((_, i) => toBase64(rootOfLeaves(sha256, leaves.slice(0, i + 1))));
    expect(roots).toEqual(ours);
  });

  test("its proofs, which are ours to the byte", () => {
    const { madeInclusion, madeConsistency } = oracle({ records });
    expect([madeInclusion.length, madeConsistency.length]).toEqual([37, 37]);
    for (const { index, size, ...job } of madeInclusion) {
      const proof = job.proof.map(bytes);
      const claim = { index, size, leaf: bytes(job.leaf), root: bytes(job.root), proof };
      expect(verifyInclusion(sha256, claim)).toBe(true);
      expect(inclusionProof(index, size, over)).toEqual(proof);
    }
    for (const { oldSize, size, ...job } of madeConsistency) {
      const proof = job.proof.map(bytes);
      const [oldRoot, root] = [bytes(job.oldRoot), bytes(job.root)];
      expect(verifyConsistency(sha256, { oldSize, oldRoot, size, root, proof })).toBe(true);
      expect(consistencyProof(oldSize, size, over)).toEqual(proof);
    }
  });

  test("its notes, under its keys", () => {
    const names = ["acme", "example.com/log", EPOCH.empty.origin];
    const text = "one line\n\nand another — with a dash\n";
    const seeds = names.map((_, i) => new Uint8Array(32).fill(40 + i));
    const sign = names.map((name, i) => ({ name, seed: toBase64(at(seeds, i)), text }));
    const { madeNotes } = oracle({ sign });
    expect(madeNotes).toHaveLength(names.length);
    for (const [i, { note, key }] of madeNotes.entries()) {
      const parsed = rightOf(parseVerifierKey(sha256, key));
      const { publicKey } = signingKeyFromSeed(at(seeds, i));
      expect(parsed).toEqual({ name: names[i], publicKey });
      expect(formatVerifierKey(sha256, parsed)).toBe(key);
      expect(rightOf(openNote(nodeCrypto, note, parsed))).toBe(text);
    }
  });

  test("a checkpoint that it signs for an epoch", () => {
    const { origin } = EPOCH.empty;
    const text = `${origin}\n${SIZE}\n${rootAt(SIZE)}\n`;
    const seed = toBase64(new Uint8Array(32).fill(2).with(0, 2).with(1, 2));
    const { madeNotes } = oracle({ sign: [{ name: origin, seed, text }] });
    const { note, key } = at(madeNotes, 0);
    const { publicKey } = rightOf(parseVerifierKey(sha256, key));
    const opened = rightOf(openCheckpoint(nodeCrypto, note, { origin, epochKey: publicKey }));
    expect([opened.size, toBase64(opened.root)]).toEqual([SIZE, rootAt(SIZE)]);
  });
});
