/**
 * What gateways say to each other beside records (which travel as a Range):
 *   head   = [payload bytes, Ed25519 signature of "tapmesh/head/v1\n" || payload by the sender's epoch key]
 *            payload = [1, gateway, epoch(16), roster version, [[author, [[live epoch, size], …], hash of ended epochs(32)], …]]
 *   ask    = [1, "range", epoch, from] | [1, "epochs", author]
 *   answer = [1, "range", Range bytes] | [1, "epochs", author, [[epoch, size], …]]
 * A head is a hint of what there is to ask for; nothing that it says is believed without records.
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
}

export interface Head {
  readonly gateway: string;
  /** The sender's own epoch, whose key signs. */
  readonly epoch: Uint8Array;
  readonly rosterVersion: number;
  readonly authors: ReadonlyArray<AuthorHead>;
}

export interface SignedHead {
  readonly head: Head;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export type Ask =
  | { readonly _tag: "AskRange"; readonly epoch: Uint8Array; readonly from: number }
  | { readonly _tag: "AskEpochs"; readonly author: string };

export type Answer =
  | { readonly _tag: "AnswerRange"; readonly range: Uint8Array }
  | {
      readonly _tag: "AnswerEpochs";
      readonly author: string;
      readonly epochs: ReadonlyArray<EpochSize>;
    };

export type EnvelopeError =
  | { readonly _tag: "EnvelopeTooLarge"; readonly byteCount: number }
  | { readonly _tag: "EnvelopeMalformed"; readonly detail: string }
  | { readonly _tag: "EnvelopeVersionUnknown"; readonly version: number };

export const ENVELOPE_BYTES_MAX: number = 72 * 1024;
const VERSION = 1;
const NAME_LENGTH_MAX = 32;
const AUTHORS_COUNT_MAX = 1_024;
const LIVE_COUNT_MAX = 16;
export const EPOCHS_COUNT_MAX = 2_048;

const encodeEpochs = (epochs: ReadonlyArray<EpochSize>): CborValue =>
  epochs.map(({ epoch, size }) => [epoch, size]);

/** SHA-256 over the CBOR of the ended epochs and their sizes, in the order of the epochs. */
export const endedHash = (sha256: Sha256, epochs: ReadonlyArray<EpochSize>): Uint8Array =>
  sha256(encodeCbor(encodeEpochs(epochs.toSorted((a, b) => compareBytes(a.epoch, b.epoch)))));

export const encodeHeadPayload = (head: Head): Uint8Array =>
  encodeCbor([
    VERSION,
    head.gateway,
    head.epoch,
    head.rosterVersion,
    head.authors.map(({ author, live, ended }) => [author, encodeEpochs(live), ended]),
  ]);

export const headText = (payload: Uint8Array): Uint8Array =>
  concatBytes(utf8("tapmesh/head/v1\n"), payload);

export const encodeSignedHead = (payload: Uint8Array, signature: Uint8Array): Uint8Array =>
  encodeCbor([payload, signature]);

const malformed = (detail: string): E.Either<EnvelopeError, never> =>
  E.left({ _tag: "EnvelopeMalformed", detail });

const decodeFields = (bytes: Uint8Array): E.Either<EnvelopeError, ReadonlyArray<CborValue>> => {
  if (bytes.length > ENVELOPE_BYTES_MAX) {
    return E.left({ _tag: "EnvelopeTooLarge", byteCount: bytes.length });
  }
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded)) return malformed(decoded.left._tag);
  return Array.isArray(decoded.right) ? E.right(decoded.right) : malformed("not an array");
};

const versioned = (
  fields: ReadonlyArray<CborValue>,
): E.Either<EnvelopeError, ReadonlyArray<CborValue>> => {
  const [version, ...rest] = fields;
  if (!isCount(version)) return malformed("no version");
  return version === VERSION ? E.right(rest) : E.left({ _tag: "EnvelopeVersionUnknown", version });
};

const decodeEpochs = (
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

const decodeAuthor = (value: CborValue): AuthorHead | undefined => {
  if (!isList(value, 8)) return undefined;
  const [author, liveValue, ended] = value;
  const live = decodeEpochs(liveValue, LIVE_COUNT_MAX);
  if (!isText(author, NAME_LENGTH_MAX) || !isBytes(ended, 32)) return undefined;
  return live === undefined ? undefined : { author, live, ended };
};

/** Left: `EnvelopeTooLarge`, `EnvelopeMalformed`, `EnvelopeVersionUnknown`. Verifies nothing. */
export const decodeSignedHead = (bytes: Uint8Array): E.Either<EnvelopeError, SignedHead> => {
  const outer = decodeFields(bytes);
  if (E.isLeft(outer)) return outer;
  const [payload, signature] = outer.right;
  if (!(payload instanceof Uint8Array) || !isBytes(signature, 64)) return malformed("head");
  const decoded = decodeFields(payload);
  if (E.isLeft(decoded)) return decoded;
  const fields = versioned(decoded.right);
  if (E.isLeft(fields)) return fields;
  const [gateway, epoch, rosterVersion, authorList] = fields.right;
  if (!isText(gateway, NAME_LENGTH_MAX) || !isBytes(epoch, 16)) return malformed("head");
  if (!isCount(rosterVersion)) return malformed("roster version");
  if (authorList === undefined || !isList(authorList, AUTHORS_COUNT_MAX))
    return malformed("authors");
  const authors = authorList.map(decodeAuthor).filter((author) => author !== undefined);
  if (authors.length !== authorList.length) return malformed("authors");
  return E.right({ head: { gateway, epoch, rosterVersion, authors }, payload, signature });
};

export const encodeAsk = (ask: Ask): Uint8Array =>
  encodeCbor(
    ask._tag === "AskRange"
      ? [VERSION, "range", ask.epoch, ask.from]
      : [VERSION, "epochs", ask.author],
  );

export const decodeAsk = (bytes: Uint8Array): E.Either<EnvelopeError, Ask> => {
  const fields = E.chain(versioned)(decodeFields(bytes));
  if (E.isLeft(fields)) return fields;
  const [what, subject, from] = fields.right;
  if (what === "range" && isBytes(subject, 16) && isCount(from)) {
    return E.right({ _tag: "AskRange", epoch: subject, from });
  }
  return what === "epochs" && isText(subject, NAME_LENGTH_MAX)
    ? E.right({ _tag: "AskEpochs", author: subject })
    : malformed("ask");
};

export const encodeAnswer = (answer: Answer): Uint8Array =>
  encodeCbor(
    answer._tag === "AnswerRange"
      ? [VERSION, "range", answer.range]
      : [VERSION, "epochs", answer.author, encodeEpochs(answer.epochs)],
  );

export const decodeAnswer = (bytes: Uint8Array): E.Either<EnvelopeError, Answer> => {
  const fields = E.chain(versioned)(decodeFields(bytes));
  if (E.isLeft(fields)) return fields;
  const [what, subject, list] = fields.right;
  if (what === "range" && subject instanceof Uint8Array) {
    return E.right({ _tag: "AnswerRange", range: subject });
  }
  const epochs = decodeEpochs(list, EPOCHS_COUNT_MAX);
  return what === "epochs" && isText(subject, NAME_LENGTH_MAX) && epochs !== undefined
    ? E.right({ _tag: "AnswerEpochs", author: subject, epochs })
    : malformed("answer");
};
