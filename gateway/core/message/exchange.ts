/**
 * What one gateway asks of another, and the answers:
 *   ask    = [1, "range", epoch, from]          answer = [1, "range", Range bytes]
 *            [1, "epochs", author, after]                [1, "epochs", author, [[epoch, size], …]]   behind `after`
 *            [1, "roster", offset]                       [1, "roster", version, offset, total, bytes]
 *            [1, "snapshot"]                             [1, "snapshot", epoch, manifest, signature]
 *            [1, "chunk", root, index]                   [1, "chunk", root, index, bytes]
 * `after` is the last epoch of the page before, and is left out for the first. Answers prove themselves, or are
 * hints of what there is to ask for.
 */
import * as E from "fp-ts/lib/Either.js";
import { encodeCbor, isBytes, isCount, isText, type CborValue } from "#core/log/cbor.ts";
import {
  decodeEpochs,
  decodeFields,
  encodeEpochs,
  ENVELOPE_VERSION,
  malformed,
  PEER_NAME_LENGTH_MAX,
  versioned,
  type EnvelopeError,
  type EpochSize,
} from "#core/message/envelopes.ts";

export type Ask =
  | { readonly _tag: "AskRange"; readonly epoch: Uint8Array; readonly from: number }
  | { readonly _tag: "AskEpochs"; readonly author: string; readonly after: Uint8Array | null }
  /** The newest roster, from that byte on. */
  | { readonly _tag: "AskRoster"; readonly offset: number }
  | { readonly _tag: "AskSnapshot" }
  | { readonly _tag: "AskChunk"; readonly root: Uint8Array; readonly index: number };

export type Answer =
  | { readonly _tag: "AnswerRange"; readonly range: Uint8Array }
  | {
      readonly _tag: "AnswerEpochs";
      readonly author: string;
      readonly epochs: ReadonlyArray<EpochSize>;
    }
  | {
      readonly _tag: "AnswerRoster";
      readonly version: number;
      readonly offset: number;
      readonly total: number;
      readonly bytes: Uint8Array;
    }
  | {
      readonly _tag: "AnswerSnapshot";
      /** The sender's own epoch, whose key signs the manifest's root. */
      readonly epoch: Uint8Array;
      readonly manifest: Uint8Array;
      readonly signature: Uint8Array;
    }
  | {
      readonly _tag: "AnswerChunk";
      readonly root: Uint8Array;
      readonly index: number;
      readonly bytes: Uint8Array;
    };

/** Epochs of one page. */
export const EPOCHS_COUNT_MAX = 2_048;
/** A roster travels in pieces of this size. */
export const ROSTER_PIECE_BYTES: number = 32 * 1024;
export const ROSTER_BYTES_MAX: number = 4 * 1024 * 1024;

const askFields = (ask: Ask): CborValue[] => {
  switch (ask._tag) {
    case "AskRange":
      return ["range", ask.epoch, ask.from];
    case "AskEpochs":
      return ask.after === null ? ["epochs", ask.author] : ["epochs", ask.author, ask.after];
    case "AskRoster":
      return ["roster", ask.offset];
    case "AskSnapshot":
      return ["snapshot"];
    case "AskChunk":
      return ["chunk", ask.root, ask.index];
  }
};

export const encodeAsk = (ask: Ask): Uint8Array =>
  encodeCbor([ENVELOPE_VERSION, ...askFields(ask)]);

type Fields = ReadonlyArray<CborValue>;

const decodeEpochsAsk = ([author, after = null]: Fields): Ask | undefined =>
  isText(author, PEER_NAME_LENGTH_MAX) && (after === null || isBytes(after, 16))
    ? { _tag: "AskEpochs", author, after }
    : undefined;

const ASK_DECODERS: ReadonlyMap<CborValue, (fields: Fields) => Ask | undefined> = new Map([
  [
    "range",
    ([epoch, from]: Fields): Ask | undefined =>
      isBytes(epoch, 16) && isCount(from) ? { _tag: "AskRange", epoch, from } : undefined,
  ],
  ["epochs", decodeEpochsAsk],
  [
    "roster",
    ([offset]: Fields): Ask | undefined =>
      isCount(offset) ? { _tag: "AskRoster", offset } : undefined,
  ],
  ["snapshot", (): Ask => ({ _tag: "AskSnapshot" })],
  [
    "chunk",
    ([root, index]: Fields): Ask | undefined =>
      isBytes(root, 32) && isCount(index) ? { _tag: "AskChunk", root, index } : undefined,
  ],
]);

/** Left: `EnvelopeTooLarge`, `EnvelopeMalformed` (also a later version's ask), `EnvelopeVersionUnknown`. */
export const decodeAsk = (bytes: Uint8Array): E.Either<EnvelopeError, Ask> => {
  const fields = E.chain(versioned)(decodeFields(bytes));
  if (E.isLeft(fields)) return fields;
  const [what = null, ...rest] = fields.right;
  const ask = ASK_DECODERS.get(what)?.(rest);
  return ask === undefined ? malformed("ask") : E.right(ask);
};

const answerFields = (answer: Answer): CborValue[] => {
  switch (answer._tag) {
    case "AnswerRange":
      return ["range", answer.range];
    case "AnswerEpochs":
      return ["epochs", answer.author, encodeEpochs(answer.epochs)];
    case "AnswerRoster":
      return ["roster", answer.version, answer.offset, answer.total, answer.bytes];
    case "AnswerSnapshot":
      return ["snapshot", answer.epoch, answer.manifest, answer.signature];
    case "AnswerChunk":
      return ["chunk", answer.root, answer.index, answer.bytes];
  }
};

export const encodeAnswer = (answer: Answer): Uint8Array =>
  encodeCbor([ENVELOPE_VERSION, ...answerFields(answer)]);

const decodeRangeAnswer = ([range]: Fields): Answer | undefined =>
  range instanceof Uint8Array ? { _tag: "AnswerRange", range } : undefined;

const decodeRosterAnswer = ([version, offset, total, bytes]: Fields): Answer | undefined =>
  isCount(version) && isCount(offset) && isCount(total) && bytes instanceof Uint8Array
    ? { _tag: "AnswerRoster", version, offset, total, bytes }
    : undefined;

const decodeEpochsAnswer = ([author, list]: Fields): Answer | undefined => {
  const epochs = decodeEpochs(list, EPOCHS_COUNT_MAX);
  return isText(author, PEER_NAME_LENGTH_MAX) && epochs !== undefined
    ? { _tag: "AnswerEpochs", author, epochs }
    : undefined;
};

const decodeSnapshotAnswer = ([epoch, manifest, signature]: Fields): Answer | undefined =>
  isBytes(epoch, 16) && manifest instanceof Uint8Array && isBytes(signature, 64)
    ? { _tag: "AnswerSnapshot", epoch, manifest, signature }
    : undefined;

const decodeChunkAnswer = ([root, index, bytes]: Fields): Answer | undefined =>
  isBytes(root, 32) && isCount(index) && bytes instanceof Uint8Array
    ? { _tag: "AnswerChunk", root, index, bytes }
    : undefined;

const ANSWER_DECODERS: ReadonlyMap<CborValue, (fields: Fields) => Answer | undefined> = new Map([
  ["range", decodeRangeAnswer],
  ["epochs", decodeEpochsAnswer],
  ["roster", decodeRosterAnswer],
  ["snapshot", decodeSnapshotAnswer],
  ["chunk", decodeChunkAnswer],
]);

/** Left: as `decodeAsk`. */
export const decodeAnswer = (bytes: Uint8Array): E.Either<EnvelopeError, Answer> => {
  const fields = E.chain(versioned)(decodeFields(bytes));
  if (E.isLeft(fields)) return fields;
  const [what = null, ...rest] = fields.right;
  const answer = ANSWER_DECODERS.get(what)?.(rest);
  return answer === undefined ? malformed("answer") : E.right(answer);
};
