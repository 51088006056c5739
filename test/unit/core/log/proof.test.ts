import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { toHex } from "#core/bytes.ts";
import { describe, expect, test } from "vitest";
import {
  formatProof,
  parseProof,
  verifyProof,
  type Proof,
  type ProofError,
  type Proved,
  type ProvedRecord,
} from "#core/log/proof.ts";
import { inclusionProof, rootOfLeaves } from "#core/log/tree.ts";
import { signRoster, type Roster } from "#core/trust/roster.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { at, leftTag, rightOf } from "#test/unit/core/log/either.ts";
import { keyOf, NAMES, sampleEpoch } from "#test/unit/core/log/sample-epoch.ts";

const SIZE = 20;
const EPOCH = sampleEpoch(SIZE);
const FLEET = keyOf(30);
const FLEET_KEY = { name: "fleet", publicKey: FLEET.publicKey };

const roster = (
  change: Partial<Roster["gateways"][number]> = {},
  fleet = "fleet",
  cuts: Roster["cuts"] = new Map(),
): string => {
  const gateway = { name: "lobby", site: "hq", key: NAMES.gatewayKey.publicKey } as const;
  const gateways = [{ ...gateway, status: "active", ...change } as const];
  return signRoster(
    sha256,
    { fleet, version: 1, previous: null, successor: null, fleetKeys: [], gateways, cuts },
    FLEET,
  );
};

/** cborg makes Buffers where there are some; what is read back are plain bytes. */
const plain = (bytes: Uint8Array | null): Uint8Array | null => bytes && Uint8Array.from(bytes);

const proved = (seq: number): ProvedRecord => ({
  seq,
  header: at(EPOCH.records, seq).header,
  body: plain(at(EPOCH.records, seq).body),
  path: inclusionProof(seq, SIZE, (a, b) => rootOfLeaves(sha256, EPOCH.leaves.slice(a, b))),
});

const proofOf = (seq: number, change: Partial<Proof> = {}): Proof => ({
  checkpoint: EPOCH.checkpointAt(SIZE),
  roster: roster(),
  open: proved(0),
  record: proved(seq),
  ...change,
});

const verified = (proof: Proof): E.Either<ProofError, Proved> =>
  verifyProof(nodeCrypto, proof, FLEET_KEY);

test("every record of an epoch can be proved, through its text, with and without its body", () => {
  for (let seq = 0; seq < SIZE; seq += 1) {
    const proof = proofOf(seq);
    expect(parseProof(formatProof(proof))).toEqual(E.right(proof));
    const { open, header, checkpoint, body } = rightOf(verified(proof));
    expect([open.gateway, header.seq, checkpoint.size]).toEqual(["lobby", seq, SIZE]);
    expect(body).toEqual(plain(at(EPOCH.records, seq).body));
    const erased = { ...proof, record: { ...proof.record, body: null } };
    expect(rightOf(verified(erased)).body).toBeNull();
  }
});

/** One way, at least, to each error. */
const REACHED: Readonly<Record<ProofError["_tag"], () => E.Either<ProofError, unknown>>> = {
  ProofMalformed: () => parseProof("{}"),
  ProofOpenBad: () => verified(proofOf(5, { open: { ...proved(0), body: null } })),
  ProofCheckpointBad: () => verified(proofOf(5, { checkpoint: "nothing" })),
  ProofRecordBad: () => verified(proofOf(5, { record: { ...proved(5), seq: 6 } })),
  ProofPathWrong: () => verified(proofOf(5, { record: { ...proved(5), path: proved(6).path } })),
  ProofRosterMissing: () => verified(proofOf(5, { roster: null })),
  ProofRosterBad: () =>
    verifyProof(nodeCrypto, proofOf(5), { name: "fleet", publicKey: keyOf(31).publicKey }),
  ProofGatewayForeign: () => verified(proofOf(5, { roster: roster({ name: "dock" }) })),
  ProofRecordCut: () => verified(proofOf(5, { roster: roster({ status: "revoked" }) })),
};

test.each(Object.entries(REACHED))("reached: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});

test("a gateway that was revoked, or that has another key, proves nothing to the fleet", () => {
  const revoked = proofOf(5, { roster: roster({ status: "revoked" }) });
  expect(verified(revoked)).toMatchObject({ left: { _tag: "ProofRecordCut", size: 0 } });
  const rekeyed = proofOf(5, { roster: roster({ key: keyOf(9).publicKey }) });
  expect(leftTag(verified(rekeyed))).toBe("ProofGatewayForeign");
  expect(E.isRight(verified(proofOf(5, { roster: roster({ status: "retired" }) })))).toBe(true);
});

test("of a revoked gateway, what the roster lets count is proved, and nothing behind it", () => {
  const revoked = roster({ status: "revoked" }, "fleet", new Map([[toHex(EPOCH.empty.epoch), 5]]));
  expect(E.isRight(verified(proofOf(4, { roster: revoked })))).toBe(true);
  expect(verified(proofOf(5, { roster: revoked }))).toMatchObject({
    left: { _tag: "ProofRecordCut", size: 5 },
  });
});

test("without the fleet's key, who the gateway is remains its own claim", () => {
  const claim = verifyProof(nodeCrypto, proofOf(5, { roster: null }), null);
  expect(rightOf(claim).open.gateway).toBe("lobby");
});

test("what is signed by another epoch's key is no proof", () => {
  const foreign = sampleEpoch(SIZE, { ...NAMES, epochKey: keyOf(3) });
  const checkpoint = foreign.checkpointAt(SIZE);
  expect(leftTag(verified(proofOf(5, { checkpoint })))).toBe("ProofCheckpointBad");
  expect(leftTag(verified(proofOf(5, { checkpoint: EPOCH.checkpointAt(SIZE - 1) })))).toBe(
    "ProofPathWrong",
  );
});

describe("malformed", () => {
  const json = JSON.stringify;
  const parsed = (change: object): string => {
    const { record, open }: { record: object; open: object } = JSON.parse(formatProof(proofOf(5)));
    const whole: object = JSON.parse(formatProof(proofOf(5)));
    const merged = { ...whole, ...change, record: { ...record, ...change }, open };
    return json(merged);
  };
  test.each([
    ["nothing", ""],
    ["no object", "[]"],
    ["null", "null"],
    ["another format", formatProof(proofOf(5)).replace("proof/v1", "proof/v2")],
    ["a checkpoint that is no text", parsed({ checkpoint: 7 })],
    ["a roster that is no text", parsed({ roster: 7 })],
    ["an open that is not the first", formatProof(proofOf(5, { open: proved(1) }))],
    ["a negative seq", parsed({ seq: -1 })],
    ["a seq that is no whole number", parsed({ seq: 1.5 })],
    ["a header that is no base64", parsed({ header: "~" })],
    ["a body that is no base64", parsed({ body: "~" })],
    ["a body that is not there", parsed({ body: undefined })],
    ["a path that is no list", parsed({ path: "x" })],
    ["a path of short hashes", parsed({ path: ["AAAA"] })],
    ["a path of numbers", parsed({ path: [7] })],
    ["a path that is too long", parsed({ path: Array.from({ length: 65 }, () => "") })],
  ])("%s", (_, text) => {
    expect(leftTag(parseProof(text))).toBe("ProofMalformed");
  });
});

test("one character of a proof's text changed, and it proves nothing else than before", () => {
  const seq = 13;
  const text = formatProof(proofOf(seq));
  const before = rightOf(verified(proofOf(seq)));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom("A", "z", "7", "}", " "), (i, other) => {
      const altered = parseProof(text.slice(0, i) + other + text.slice(i + 1));
      const result = E.isRight(altered) ? verified(altered.right) : altered;
      // A roster line of another gateway may be altered only if the signature says so: it never does.
      expect(E.isLeft(result) || JSON.stringify(result.right) === JSON.stringify(before)).toBe(
        true,
      );
    }),
    { numRuns: 500 },
  );
});
