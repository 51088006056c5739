/** A log on a disk that is a Map: what is served, compared and found in it, as the store does it. */
import * as E from "fp-ts/lib/Either.js";
import { decodeBody } from "#core/log/body.ts";
import type { Crypto } from "#core/log/crypto.ts";
import { examineRange, type Examined } from "#core/log/examine.ts";
import { decodeRange, encodeRange, type Range } from "#core/log/range.ts";
import { decodeHeader, leafOf, type RecordBytes } from "#core/log/record.ts";
import { consistencyProof, rootOfLeaves } from "#core/log/tree.ts";
import { forkIn } from "#core/state/facts.ts";
import type { ReplicaEpoch } from "#core/sync/replica.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";

/** An epoch on a disk. Of one that isn't kept the records are there for the test alone, to see what was folded. */
export interface Log extends ReplicaEpoch {
  readonly records: ReadonlyArray<RecordBytes>;
  readonly checkpoint: string;
  readonly proof: Range["proof"];
}
export type Logs = ReadonlyMap<string, Log>;

export const leavesOf = (records: ReadonlyArray<RecordBytes>): ReadonlyArray<Uint8Array> =>
  records.map(({ header }) => leafOf(sha256, header));

/** Everybody checks the same signatures, so each is worked out once. */
const remembered = new Map<string, boolean>();
export const crypto: Crypto = {
  sha256,
  verifyEd25519: (key, message, signature) => {
    const name = Buffer.concat([key, sha256(message), signature]).toString("latin1");
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const isRight = nodeCrypto.verifyEd25519(key, message, signature);
    remembered.set(name, isRight);
    return isRight;
  },
};

/** The fork that a record proves, as the store finds it. */
export const forkOf = ({ header, body }: RecordBytes): SyncInput | undefined => {
  const decoded = decodeHeader(header);
  if (E.isLeft(decoded) || body === null) return undefined;
  const read = decodeBody(decoded.right.kind, body);
  const fork = forkIn(crypto, E.isRight(read) ? read.right : undefined);
  return fork && { ...fork, _tag: "ForkFound" };
};

/** As long as a message may be, `recordsMax`; undefined where nothing can be served. */
export const rangeIn = (
  log: Log | undefined,
  from: number,
  recordsMax: number,
): Uint8Array | undefined => {
  const size = log?.records.length ?? 0;
  if (log === undefined || !log.kept || from >= size) return undefined;
  const { checkpoint, records, head } = log;
  const isPart = log.proof.length > 0;
  const to = isPart ? size : Math.min(size, from + recordsMax);
  const leaves = leavesOf(records);
  const proof = isPart
    ? log.proof
    : consistencyProof(to, size, (a, b) => rootOfLeaves(sha256, leaves.slice(a, b)));
  const items = records.slice(from, to);
  return encodeRange({ epoch: head.epoch, from, checkpoint, proof, items });
};

export const examineIn = (log: Log | undefined, payload: Uint8Array): Examined => {
  const range = decodeRange(payload);
  if (E.isLeft(range) || log === undefined || !log.kept) return { _tag: "Same" };
  const { records, head, checkpoint, proof, author } = log;
  const leaves = leavesOf(records);
  return examineRange(
    crypto,
    {
      stored: { gateway: author, head, checkpoint, proof },
      headers: (from, to) => records.slice(from, to).map(({ header }) => header),
      subtreeRoot: (from, to) => rootOfLeaves(sha256, leaves.slice(from, to)),
    },
    range.right,
  );
};
