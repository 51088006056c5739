/**
 * A proof that one record is in a log, for an outsider who has nothing but this text and the fleet's public key:
 * JSON, bytes in base64:
 *   {"format": "tapmesh/proof/v1", "checkpoint": note, "roster": note | null,
 *    "open": {"header", "body", "path"}, "record": {"seq", "header", "body" | null, "path"}}
 * `path` is RFC 6962's PATH from the record's leaf to the checkpoint's root. The `open` names the gateway and the
 * epoch's key, which signs the checkpoint; the roster says that the gateway is one of the fleet's.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, fromBase64, toBase64, toHex } from "#core/bytes.ts";
import {
  epochIdOf,
  openCheckpoint,
  type Checkpoint,
  type CheckpointError,
} from "#core/log/checkpoint.ts";
import { decodeBody, type OpenBody } from "#core/log/body.ts";
import type { Crypto } from "#core/log/crypto.ts";
import {
  decodeHeader,
  KIND,
  leafOf,
  type Header,
  type RecordBytes,
  type RecordError,
} from "#core/log/record.ts";
import type { NoteKey } from "#core/log/signed-note.ts";
import { verifyInclusion } from "#core/log/tree.ts";
import { headFromOpen, verifyOpen, type EpochError } from "#core/log/verify-epoch.ts";
import { countedSize, openRoster, statusOf, type RosterError } from "#core/trust/roster.ts";

export const PROOF_FORMAT = "tapmesh/proof/v1";

export interface ProvedRecord extends RecordBytes {
  readonly seq: number;
  readonly path: ReadonlyArray<Uint8Array>;
}

export interface Proof {
  readonly checkpoint: string;
  readonly roster: string | null;
  readonly open: ProvedRecord;
  readonly record: ProvedRecord;
}

export type ProofError =
  | { readonly _tag: "ProofMalformed"; readonly detail: string }
  | { readonly _tag: "ProofOpenBad"; readonly cause: EpochError }
  | { readonly _tag: "ProofCheckpointBad"; readonly cause: CheckpointError }
  | { readonly _tag: "ProofRecordBad"; readonly cause: RecordError }
  /** A record is not in the tree that was signed. */
  | { readonly _tag: "ProofPathWrong"; readonly seq: number }
  | { readonly _tag: "ProofRosterMissing" }
  | { readonly _tag: "ProofRosterBad"; readonly cause: RosterError }
  /** The roster doesn't list the gateway with the key that signed. */
  | { readonly _tag: "ProofGatewayForeign"; readonly gateway: string }
  /** The record is in the log, but the roster says that the gateway's records don't count from `size` on. */
  | { readonly _tag: "ProofRecordCut"; readonly size: number };

const recordJson = (record: ProvedRecord): object => ({
  seq: record.seq,
  header: toBase64(record.header),
  body: record.body === null ? null : toBase64(record.body),
  path: record.path.map(toBase64),
});

export const formatProof = (proof: Proof): string =>
  JSON.stringify({
    format: PROOF_FORMAT,
    checkpoint: proof.checkpoint,
    roster: proof.roster,
    open: recordJson(proof.open),
    record: recordJson(proof.record),
  });

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const bytesOf = (value: unknown): Uint8Array | undefined =>
  typeof value === "string" ? fromBase64(value) : undefined;

/** A path of so many hashes belongs to a tree larger than any epoch. */
const PATH_LENGTH_MAX = 64;

const parseRecord = (value: unknown): ProvedRecord | undefined => {
  if (!isFields(value)) return undefined;
  const { seq, path } = value;
  const header = bytesOf(value["header"]);
  const body = value["body"] === null ? null : bytesOf(value["body"]);
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 0) return undefined;
  if (header === undefined || body === undefined) return undefined;
  if (!Array.isArray(path) || path.length > PATH_LENGTH_MAX) return undefined;
  const hashes = path.map(bytesOf).filter((hash) => hash !== undefined);
  const isWhole = hashes.length === path.length && hashes.every(({ length }) => length === 32);
  return isWhole ? { seq, header, body, path: hashes } : undefined;
};

const malformed = (detail: string): E.Either<ProofError, never> =>
  E.left({ _tag: "ProofMalformed", detail });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // JSON.parse says "malformed" by throwing
  }
};

/** Left: `ProofMalformed`. Verifies nothing. */
export const parseProof = (text: string): E.Either<ProofError, Proof> => {
  const value = parseJson(text);
  if (!isFields(value)) return malformed("not a JSON object");
  if (value["format"] !== PROOF_FORMAT) return malformed(`format is not ${PROOF_FORMAT}`);
  const { checkpoint, roster } = value;
  if (typeof checkpoint !== "string") return malformed("checkpoint");
  if (roster !== null && typeof roster !== "string") return malformed("roster");
  const open = parseRecord(value["open"]);
  const record = parseRecord(value["record"]);
  if (open?.seq !== 0) return malformed("open");
  return record === undefined ? malformed("record") : E.right({ checkpoint, roster, open, record });
};

/** What a proof proves. */
export interface Proved {
  readonly open: OpenBody;
  readonly checkpoint: Checkpoint;
  readonly header: Header;
  readonly body: Uint8Array | null;
}

const epochOf = (crypto: Crypto, open: RecordBytes): Uint8Array => {
  const body = open.body === null ? undefined : decodeBody(KIND.open, open.body);
  const isOpen = body !== undefined && E.isRight(body) && body.right._tag === "Open";
  return isOpen ? epochIdOf(crypto.sha256, body.right.epochKey) : new Uint8Array(16);
};

const isInTree = (crypto: Crypto, record: ProvedRecord, checkpoint: Checkpoint): boolean =>
  verifyInclusion(crypto.sha256, {
    leaf: leafOf(crypto.sha256, record.header),
    index: record.seq,
    size: checkpoint.size,
    root: checkpoint.root,
    proof: record.path,
  });

const checkRecordAlone = (crypto: Crypto, record: ProvedRecord): E.Either<ProofError, Header> => {
  const header = decodeHeader(record.header);
  if (E.isLeft(header)) return E.left({ _tag: "ProofRecordBad", cause: header.left });
  const { seq, bodyHash } = header.right;
  if (seq !== record.seq) {
    return E.left({
      _tag: "ProofRecordBad",
      cause: { _tag: "SeqWrong", expected: record.seq, found: seq },
    });
  }
  return record.body === null || equalBytes(crypto.sha256(record.body), bodyHash)
    ? header
    : E.left({ _tag: "ProofRecordBad", cause: { _tag: "BodyHashDiffers", seq } });
};

/** Whether the fleet's roster, signed by the fleet's key, lists the gateway that opened the epoch, and counts the record. */
const checkGateway = (
  crypto: Crypto,
  proof: Proof,
  claim: { readonly fleetKey: NoteKey; readonly open: OpenBody },
): ProofError | undefined => {
  if (proof.roster === null) return { _tag: "ProofRosterMissing" };
  const opened = openRoster(crypto, proof.roster, claim.fleetKey);
  if (E.isLeft(opened)) return { _tag: "ProofRosterBad", cause: opened.left };
  const roster = opened.right;
  const { gateway, gatewayKey, fleet, epochKey } = claim.open;
  if (fleet !== roster.fleet || statusOf(roster, gateway, gatewayKey) === null) {
    return { _tag: "ProofGatewayForeign", gateway };
  }
  const epoch = toHex(epochIdOf(crypto.sha256, epochKey));
  const size = countedSize(roster, { gateway, gatewayKey: toHex(gatewayKey), epoch });
  return proof.record.seq < size ? undefined : { _tag: "ProofRecordCut", size };
};

/**
 * Verifies a proof with the fleet's public key; with null, who the gateway is remains its own claim. Left: each
 * failure by its name; any of them means that nothing is proved.
 */
export const verifyProof = (
  crypto: Crypto,
  proof: Proof,
  fleetKey: NoteKey | null,
): E.Either<ProofError, Proved> => {
  const open = verifyOpen(crypto, proof.open, epochOf(crypto, proof.open));
  if (E.isLeft(open)) return E.left({ _tag: "ProofOpenBad", cause: open.left });
  const checkpoint = openCheckpoint(crypto, proof.checkpoint, headFromOpen(crypto, open.right));
  if (E.isLeft(checkpoint)) return E.left({ _tag: "ProofCheckpointBad", cause: checkpoint.left });
  const header = checkRecordAlone(crypto, proof.record);
  if (E.isLeft(header)) return header;
  for (const record of [proof.open, proof.record]) {
    if (!isInTree(crypto, record, checkpoint.right)) {
      return E.left({ _tag: "ProofPathWrong", seq: record.seq });
    }
  }
  const foreign =
    fleetKey === null ? undefined : checkGateway(crypto, proof, { fleetKey, open: open.right });
  if (foreign !== undefined) return E.left(foreign);
  return E.right({
    open: open.right,
    checkpoint: checkpoint.right,
    header: header.right,
    body: proof.record.body,
  });
};
