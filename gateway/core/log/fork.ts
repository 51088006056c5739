/**
 * Evidence that an epoch has two branches: its key signed two trees in which one place holds two headers.
 *   evidence = [1, epoch key(32), seq, [[header, path, checkpoint text] ×2]]
 * `path` is RFC 6962's PATH from the header's leaf to the root of that checkpoint. The two headers name the same
 * record before them: the branches part here and nowhere earlier, so everybody who verifies this cuts at one place.
 * The branch whose header comes first byte by byte stands first, and a checkpoint carries the epoch key's signature
 * alone, so equal evidence has equal bytes.
 */
import * as E from "fp-ts/lib/Either.js";
import { compareBytes, concatBytes, equalBytes, toBase64, toHex } from "#core/bytes.ts";
import {
  decodeCbor,
  encodeCbor,
  isBytes,
  isCount,
  isList,
  isText,
  type CborValue,
} from "#core/log/cbor.ts";
import {
  epochIdOf,
  openCheckpoint,
  readCheckpoint,
  type Checkpoint,
  type CheckpointError,
} from "#core/log/checkpoint.ts";
import { EVIDENCE_BYTES_MAX } from "#core/log/correction.ts";
import type { Crypto, Sha256 } from "#core/log/crypto.ts";
import { decodeHeader, leafOf, type RecordError } from "#core/log/record.ts";
import { keyHashOf, parseNote } from "#core/log/signed-note.ts";
import { verifyInclusion } from "#core/log/tree.ts";

export interface Branch {
  readonly header: Uint8Array;
  /** From the leaf upwards. */
  readonly path: ReadonlyArray<Uint8Array>;
  readonly checkpoint: string;
}

export interface TwoHeaders {
  readonly epochKey: Uint8Array;
  /** Where the branches part. */
  readonly seq: number;
  readonly branches: readonly [Branch, Branch];
}

export type EvidenceError =
  /** The author signed checkpoints too long for a record to hold. */
  | { readonly _tag: "EvidenceTooLarge"; readonly byteCount: number }
  | { readonly _tag: "EvidenceMalformed"; readonly detail: string }
  | { readonly _tag: "EvidenceVersionUnknown"; readonly version: number }
  /** Not signed by the epoch's key, or not about its epoch. */
  | { readonly _tag: "EvidenceCheckpointBad"; readonly cause: CheckpointError }
  | { readonly _tag: "EvidenceEpochForeign"; readonly origin: string }
  | { readonly _tag: "EvidenceHeaderBad"; readonly cause: RecordError }
  /** A header is of another place, or the two follow different records: they part earlier. */
  | { readonly _tag: "EvidencePlaceWrong"; readonly seq: number }
  /** A header is not in the tree that was signed. */
  | { readonly _tag: "EvidencePathWrong"; readonly seq: number };

/** What was proved: records of the epoch from `size` on don't count. */
export interface ProvedFork {
  readonly epoch: Uint8Array;
  readonly origin: string;
  readonly size: number;
}

const VERSION = 1;
/** As long as in a Range; a checkpoint of ours has 250. */
const CHECKPOINT_LENGTH_MAX = 1_024;
const PATH_LENGTH_MAX = 64;

const malformed = (detail: string): E.Either<EvidenceError, never> =>
  E.left({ _tag: "EvidenceMalformed", detail });

/** The note with the one signature that counts: whoever passed it on may have added others. */
const withoutOtherSignatures = (
  sha256: Sha256,
  note: string,
  epochKey: Uint8Array,
): string | undefined => {
  const checkpoint = readCheckpoint(note);
  const parsed = parseNote(note);
  if (E.isLeft(checkpoint) || E.isLeft(parsed)) return undefined;
  const name = checkpoint.right.origin;
  const keyHash = keyHashOf(sha256, { name, publicKey: epochKey });
  const own = parsed.right.signatures.find(
    (line) => line.name === name && equalBytes(line.keyHash, keyHash),
  );
  return (
    own && `${parsed.right.text}\n— ${name} ${toBase64(concatBytes(keyHash, own.signature))}\n`
  );
};

/**
 * Left: `EvidenceMalformed` (a checkpoint that this key didn't sign), `EvidenceTooLarge`. Verifies nothing else:
 * `verifyEvidence` does.
 */
export const encodeEvidence = (
  sha256: Sha256,
  evidence: TwoHeaders,
): E.Either<EvidenceError, Uint8Array> => {
  const { epochKey, seq } = evidence;
  const branches: CborValue[] = [];
  for (const { header, path, checkpoint } of evidence.branches.toSorted((a, b) =>
    compareBytes(a.header, b.header),
  )) {
    const note = withoutOtherSignatures(sha256, checkpoint, epochKey);
    if (note === undefined) return malformed("checkpoint");
    branches.push([header, [...path], note]);
  }
  const bytes = encodeCbor([VERSION, epochKey, seq, branches]);
  return bytes.length <= EVIDENCE_BYTES_MAX
    ? E.right(bytes)
    : E.left({ _tag: "EvidenceTooLarge", byteCount: bytes.length });
};

const decodeBranch = (value: CborValue | undefined): Branch | undefined => {
  if (value === undefined || !isList(value, 3) || value.length !== 3) return undefined;
  const [header, path, checkpoint] = value;
  if (!(header instanceof Uint8Array) || !isText(checkpoint, CHECKPOINT_LENGTH_MAX)) {
    return undefined;
  }
  if (path === undefined || !isList(path, PATH_LENGTH_MAX)) return undefined;
  const hashes = path.filter((hash) => isBytes(hash, 32));
  return hashes.length === path.length ? { header, path: hashes, checkpoint } : undefined;
};

const decodeEvidence = (bytes: Uint8Array): E.Either<EvidenceError, TwoHeaders> => {
  if (bytes.length > EVIDENCE_BYTES_MAX) {
    return E.left({ _tag: "EvidenceTooLarge", byteCount: bytes.length });
  }
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded)) return malformed(decoded.left._tag);
  if (!isList(decoded.right, 4) || decoded.right.length !== 4) return malformed("fields");
  const [version, epochKey, seq, branches] = decoded.right;
  if (version !== VERSION) {
    return isCount(version)
      ? E.left({ _tag: "EvidenceVersionUnknown", version })
      : malformed("version");
  }
  if (!isBytes(epochKey, 32) || !isCount(seq)) return malformed("epoch key or seq");
  if (branches === undefined || !isList(branches, 2)) return malformed("branches");
  const [first, second] = [decodeBranch(branches[0]), decodeBranch(branches[1])];
  if (first === undefined || second === undefined) return malformed("branches");
  return compareBytes(first.header, second.header) < 0
    ? E.right({ epochKey, seq, branches: [first, second] })
    : malformed("the same header twice, or in the wrong order");
};

/** The checkpoint, if the epoch's key signed it and nobody else did. */
const openBranchCheckpoint = (
  crypto: Crypto,
  note: string,
  epochKey: Uint8Array,
): E.Either<EvidenceError, Checkpoint> => {
  const read = readCheckpoint(note);
  if (E.isLeft(read)) return E.left({ _tag: "EvidenceCheckpointBad", cause: read.left });
  const { origin } = read.right;
  if (origin.split("/").at(-1) !== toHex(epochIdOf(crypto.sha256, epochKey))) {
    return E.left({ _tag: "EvidenceEpochForeign", origin });
  }
  const opened = openCheckpoint(crypto, note, { origin, epochKey });
  if (E.isLeft(opened)) return E.left({ _tag: "EvidenceCheckpointBad", cause: opened.left });
  return note === withoutOtherSignatures(crypto.sha256, note, epochKey)
    ? opened
    : malformed("a signature too many");
};

interface Place {
  readonly origin: string;
  /** Leaf of the record before. */
  readonly prev: Uint8Array;
}

const verifyBranch = (
  crypto: Crypto,
  { epochKey, seq }: TwoHeaders,
  { header: headerBytes, path, checkpoint: note }: Branch,
): E.Either<EvidenceError, Place> => {
  const checkpoint = openBranchCheckpoint(crypto, note, epochKey);
  if (E.isLeft(checkpoint)) return checkpoint;
  const header = decodeHeader(headerBytes);
  if (E.isLeft(header)) return E.left({ _tag: "EvidenceHeaderBad", cause: header.left });
  const { prev, seq: found } = header.right;
  if (found !== seq) return E.left({ _tag: "EvidencePlaceWrong", seq: found });
  const { origin, size, root } = checkpoint.right;
  const leaf = leafOf(crypto.sha256, headerBytes);
  return verifyInclusion(crypto.sha256, { leaf, index: seq, size, root, proof: path })
    ? E.right({ origin, prev })
    : E.left({ _tag: "EvidencePathWrong", seq });
};

/**
 * Right: the epoch's key signed two histories that are equal up to `size` and differ there. Left: it proves nothing, and
 * that is the sender's fault; what it accuses the author of must not be believed. Never throws.
 */
export const verifyEvidence = (
  crypto: Crypto,
  bytes: Uint8Array,
): E.Either<EvidenceError, ProvedFork> => {
  const decoded = decodeEvidence(bytes);
  if (E.isLeft(decoded)) return decoded;
  const { epochKey, seq, branches } = decoded.right;
  const first = verifyBranch(crypto, decoded.right, branches[0]);
  if (E.isLeft(first)) return first;
  const second = verifyBranch(crypto, decoded.right, branches[1]);
  if (E.isLeft(second)) return second;
  const { origin, prev } = first.right;
  if (second.right.origin !== origin) {
    return E.left({ _tag: "EvidenceEpochForeign", origin: second.right.origin });
  }
  if (!equalBytes(second.right.prev, prev)) return E.left({ _tag: "EvidencePlaceWrong", seq });
  return E.right({ epoch: epochIdOf(crypto.sha256, epochKey), origin, size: seq });
};
