/**
 * A record: a header that is chained and a body that may be erased.
 *   header = [1, seq, prev(32), wallMs, monoMs, kind, bodyHash(32)]
 *   bodyHash = SHA-256(body bytes)    leaf = SHA-256(00 || header bytes)    prev = leaf before, zeros at seq 0
 * The bytes as received are what is hashed; nothing is encoded again to be checked.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes } from "#core/bytes.ts";
import { decodeCbor, encodeCbor, isBytes, isCount, type CborError } from "#core/log/cbor.ts";
import type { Sha256 } from "#core/log/crypto.ts";
import { leafHash } from "#core/log/tree.ts";

/** What a record says. Numbers are final; unknown ones are stored, served and folded as nothing. */
export const KIND = {
  open: 0,
  close: 1,
  tap: 2,
  change: 3,
  enrol: 4,
  clockFix: 5,
  void: 6,
  erase: 7,
  fork: 8,
  shed: 9,
} as const;

/** Header and body together; what is larger is refused before it is written, and from a peer. */
export const RECORD_BYTES_MAX = 8_192;

export interface Header {
  readonly seq: number;
  /** Leaf of the record before; 32 zeros at seq 0. */
  readonly prev: Uint8Array;
  /** Unix time of the sighting, ms, by the author's clock. */
  readonly wallMs: number;
  /** ms since the author's boot. */
  readonly monoMs: number;
  readonly kind: number;
  readonly bodyHash: Uint8Array;
}

/** As stored and sent. `body` is null where it was erased. */
export interface RecordBytes {
  readonly header: Uint8Array;
  readonly body: Uint8Array | null;
}

export type RecordError =
  | { readonly _tag: "RecordTooLarge"; readonly byteCount: number }
  | { readonly _tag: "HeaderUndecodable"; readonly cause: CborError }
  | { readonly _tag: "HeaderVersionUnknown"; readonly version: number }
  | { readonly _tag: "HeaderMalformed" }
  | { readonly _tag: "SeqWrong"; readonly expected: number; readonly found: number }
  | { readonly _tag: "PrevDiffers"; readonly seq: number }
  | { readonly _tag: "BodyHashDiffers"; readonly seq: number }
  | { readonly _tag: "BodyNotCanonical"; readonly seq: number };

export const NO_RECORD_BEFORE: Uint8Array = new Uint8Array(32);

const HEADER_VERSION = 1;
const HEADER_LENGTH = 7;

export const encodeHeader = (header: Header): Uint8Array =>
  encodeCbor([
    HEADER_VERSION,
    header.seq,
    header.prev,
    header.wallMs,
    header.monoMs,
    header.kind,
    header.bodyHash,
  ]);

/**
 * Left: `HeaderUndecodable` (not canonical CBOR), `HeaderVersionUnknown` (a later tapmesh: update this one),
 * `HeaderMalformed`. Never throws.
 */
export const decodeHeader = (bytes: Uint8Array): E.Either<RecordError, Header> => {
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded)) return E.left({ _tag: "HeaderUndecodable", cause: decoded.left });
  const fields = decoded.right;
  if (!Array.isArray(fields)) return E.left({ _tag: "HeaderMalformed" });
  const [version, seq, prev, wallMs, monoMs, kind, bodyHash] = fields;
  if (version !== HEADER_VERSION) {
    return E.left(
      isCount(version) ? { _tag: "HeaderVersionUnknown", version } : { _tag: "HeaderMalformed" },
    );
  }
  const numbersOk = isCount(seq) && isCount(wallMs) && isCount(monoMs) && isCount(kind);
  if (!numbersOk || fields.length !== HEADER_LENGTH) return E.left({ _tag: "HeaderMalformed" });
  if (!isBytes(prev, 32) || !isBytes(bodyHash, 32)) return E.left({ _tag: "HeaderMalformed" });
  return E.right({ seq, prev, wallMs, monoMs, kind, bodyHash });
};

export const leafOf = (sha256: Sha256, headerBytes: Uint8Array): Uint8Array =>
  leafHash(sha256, headerBytes);

/**
 * Checks one record against its place: seq = index, prev = leaf before, body (if there is one) canonical and
 * with the hash that the header names. Left: each mismatch by its own name.
 */
export const checkRecord = (
  sha256: Sha256,
  record: RecordBytes,
  place: { readonly seq: number; readonly prev: Uint8Array },
): E.Either<RecordError, Header> => {
  const byteCount = record.header.length + (record.body?.length ?? 0);
  if (byteCount > RECORD_BYTES_MAX) return E.left({ _tag: "RecordTooLarge", byteCount });
  const header = decodeHeader(record.header);
  if (E.isLeft(header)) return header;
  const { seq, prev, bodyHash } = header.right;
  if (seq !== place.seq) return E.left({ _tag: "SeqWrong", expected: place.seq, found: seq });
  if (!equalBytes(prev, place.prev)) return E.left({ _tag: "PrevDiffers", seq });
  if (record.body === null) return header;
  if (!equalBytes(sha256(record.body), bodyHash)) return E.left({ _tag: "BodyHashDiffers", seq });
  const body = decodeCbor(record.body);
  return E.isLeft(body) ? E.left({ _tag: "BodyNotCanonical", seq }) : header;
};
