/**
 * What gateways state to each other, signed by the sender's epoch key:
 *   head = [payload bytes, Ed25519 signature of "tapmesh/head/v1\n" || payload]
 *          payload = [1, gateway, epoch(16), roster version, [author statement, …]]
 *   held = [payload bytes, Ed25519 signature of "tapmesh/held/v1\n" || payload]
 *          payload = [1, gateway, epoch(16), author statement]
 *   author statement = [author, [[live epoch, size], …], hash of ended epochs(32), hash of contents(32)]
 * A head is a hint of what there is to ask for; nothing that it says is believed without records. A held tells an
 * author what of its records is on the sender's disk. Asks and answers are in exchange.ts.
 */
import * as E from "fp-ts/lib/Either.js";
import { compareBytes, concatBytes, utf8 } from "#core/bytes.ts";
import {
  decodeCbor,
  encodeCbor,
  isBytes,
  isCount,
  isList,
  isText,
  type CborValue,
} from "#core/log/cbor.ts";
import type { Sha256 } from "#core/log/crypto.ts";

export interface EpochSize {
  readonly epoch: Uint8Array;
  readonly size: number;
}

/** What a gateway has of one author. */
export interface AuthorHead {
  readonly author: string;
  readonly live: ReadonlyArray<EpochSize>;
  /** `endedHash` of the author's ended epochs: asked for when it differs from one's own. */
  readonly ended: Uint8Array;
  /** `contentHash` of all of them: differs for equal sizes only where an epoch has two branches. Null: not said. */
  readonly content: Uint8Array | null;
}

export interface Head {
  readonly gateway: string;
  /** The sender's own epoch, whose key signs. */
  readonly epoch: Uint8Array;
  readonly rosterVersion: number;
  readonly authors: ReadonlyArray<AuthorHead>;
}

export interface Held {
  readonly gateway: string;
  readonly epoch: Uint8Array;
  readonly statement: AuthorHead;
}

/** A statement as received: what the signature covers are the payload's bytes. */
export interface Signed<A> {
  readonly statement: A;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export type EnvelopeError =
  | { readonly _tag: "EnvelopeTooLarge"; readonly byteCount: number }
  | { readonly _tag: "EnvelopeMalformed"; readonly detail: string }
  | { readonly _tag: "EnvelopeVersionUnknown"; readonly version: number };

export const ENVELOPE_BYTES_MAX: number = 72 * 1024;
export const ENVELOPE_VERSION = 1;
export const PEER_NAME_LENGTH_MAX = 32;
/** Authors of one head: what fits the envelope. */
export const AUTHORS_COUNT_MAX = 512;
const LIVE_COUNT_MAX = 16;

export const encodeEpochs = (epochs: ReadonlyArray<EpochSize>): CborValue =>
  epochs.map(({ epoch, size }) => [epoch, size]);

/** SHA-256 over the CBOR of the ended epochs and their sizes, in the order of the epochs. */
export const endedHash = (sha256: Sha256, epochs: ReadonlyArray<EpochSize>): Uint8Array =>
  sha256(encodeCbor(encodeEpochs(epochs.toSorted((a, b) => compareBytes(a.epoch, b.epoch)))));

/** SHA-256 over the CBOR of epochs and their newest leaves, in the order of the epochs. */
export const contentHash = (
  sha256: Sha256,
  epochs: ReadonlyArray<{ readonly epoch: Uint8Array; readonly lastLeaf: Uint8Array }>,
): Uint8Array =>
  sha256(
    encodeCbor(
      epochs
        .toSorted((a, b) => compareBytes(a.epoch, b.epoch))
        .map(({ epoch, lastLeaf }) => [epoch, lastLeaf]),
    ),
  );

const encodeAuthor = ({ author, live, ended, content }: AuthorHead): CborValue => [
  author,
  encodeEpochs(live),
  ended,
  ...(content === null ? [] : [content]),
];

export const encodeHeadPayload = (head: Head): Uint8Array =>
  encodeCbor([
    ENVELOPE_VERSION,
    head.gateway,
    head.epoch,
    head.rosterVersion,
    head.authors.map(encodeAuthor),
  ]);

export const encodeHeldPayload = (held: Held): Uint8Array =>
  encodeCbor([ENVELOPE_VERSION, held.gateway, held.epoch, encodeAuthor(held.statement)]);

export const headText = (payload: Uint8Array): Uint8Array =>
  concatBytes(utf8("tapmesh/head/v1\n"), payload);

export const heldText = (payload: Uint8Array): Uint8Array =>
  concatBytes(utf8("tapmesh/held/v1\n"), payload);

export const encodeSigned = (payload: Uint8Array, signature: Uint8Array): Uint8Array =>
  encodeCbor([payload, signature]);

export const malformed = (detail: string): E.Either<EnvelopeError, never> =>
  E.left({ _tag: "EnvelopeMalformed", detail });

/** The fields of an envelope. Left: as the decoders that use it. */
export const decodeFields = (
  bytes: Uint8Array,
): E.Either<EnvelopeError, ReadonlyArray<CborValue>> => {
  if (bytes.length > ENVELOPE_BYTES_MAX) {
    return E.left({ _tag: "EnvelopeTooLarge", byteCount: bytes.length });
  }
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded)) return malformed(decoded.left._tag);
  return Array.isArray(decoded.right) ? E.right(decoded.right) : malformed("not an array");
};

/** The fields behind the version. */
export const versioned = (
  fields: ReadonlyArray<CborValue>,
): E.Either<EnvelopeError, ReadonlyArray<CborValue>> => {
  const [version, ...rest] = fields;
  if (!isCount(version)) return malformed("no version");
  return version === ENVELOPE_VERSION
    ? E.right(rest)
    : E.left({ _tag: "EnvelopeVersionUnknown", version });
};

export const decodeEpochs = (
  value: CborValue | undefined,
  countMax: number,
): ReadonlyArray<EpochSize> | undefined => {
  if (value === undefined || !isList(value, countMax)) return undefined;
  const epochs: EpochSize[] = [];
  for (const item of value) {
    if (!isList(item, 2)) return undefined;
    const [epoch, size] = item;
    if (!isBytes(epoch, 16) || !isCount(size)) return undefined;
    epochs.push({ epoch, size });
  }
  return epochs;
};

const decodeAuthor = (value: CborValue | undefined): AuthorHead | undefined => {
  if (value === undefined || !isList(value, 8)) return undefined;
  const [author, liveValue, ended, content = null] = value;
  const live = decodeEpochs(liveValue, LIVE_COUNT_MAX);
  if (!isText(author, PEER_NAME_LENGTH_MAX) || !isBytes(ended, 32)) return undefined;
  if (content !== null && !isBytes(content, 32)) return undefined;
  return live === undefined ? undefined : { author, live, ended, content };
};

const decodeSigned = <A>(
  bytes: Uint8Array,
  decodeStatement: (fields: ReadonlyArray<CborValue>) => A | undefined,
): E.Either<EnvelopeError, Signed<A>> => {
  const outer = decodeFields(bytes);
  if (E.isLeft(outer)) return outer;
  const [payload, signature] = outer.right;
  if (!(payload instanceof Uint8Array) || !isBytes(signature, 64)) return malformed("not signed");
  const fields = E.chain(versioned)(decodeFields(payload));
  if (E.isLeft(fields)) return fields;
  const statement = decodeStatement(fields.right);
  return statement === undefined
    ? malformed("statement")
    : E.right({ statement, payload, signature });
};

/** Left: `EnvelopeTooLarge`, `EnvelopeMalformed`, `EnvelopeVersionUnknown`. Verifies nothing. */
export const decodeSignedHead = (bytes: Uint8Array): E.Either<EnvelopeError, Signed<Head>> =>
  decodeSigned(bytes, ([gateway, epoch, rosterVersion, list]) => {
    if (!isText(gateway, PEER_NAME_LENGTH_MAX) || !isBytes(epoch, 16)) return undefined;
    if (!isCount(rosterVersion) || list === undefined || !isList(list, AUTHORS_COUNT_MAX)) {
      return undefined;
    }
    const authors = list.map(decodeAuthor).filter((author) => author !== undefined);
    return authors.length === list.length ? { gateway, epoch, rosterVersion, authors } : undefined;
  });

/** Left: as for a head. Verifies nothing. */
export const decodeSignedHeld = (bytes: Uint8Array): E.Either<EnvelopeError, Signed<Held>> =>
  decodeSigned(bytes, ([gateway, epoch, value]) => {
    const statement = decodeAuthor(value);
    if (!isText(gateway, PEER_NAME_LENGTH_MAX) || !isBytes(epoch, 16)) return undefined;
    return statement === undefined ? undefined : { gateway, epoch, statement };
  });
