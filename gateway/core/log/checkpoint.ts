/**
 * A checkpoint: the signed statement "this epoch had `size` records with this root". Text as in C2SP
 * tlog-checkpoint (origin, size, base64 root), signed by the epoch key as a signed-note whose key name
 * is the origin.
 */
import * as E from "fp-ts/lib/Either.js";
import { fromBase64, toBase64, toHex } from "#core/bytes.ts";
import type { Crypto, Sha256, SignEd25519 } from "#core/log/crypto.ts";
import { openNote, parseNote, signNote, type NoteError } from "#core/log/signed-note.ts";

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export type CheckpointError =
  NoteError | { readonly _tag: "CheckpointMalformed"; readonly detail: string };

/** First 16 bytes of SHA-256(epoch key): the epoch's name everywhere. */
export const epochIdOf = (sha256: Sha256, epochKey: Uint8Array): Uint8Array =>
  sha256(epochKey).slice(0, 16);

/** `<fleet>/<gateway>/<epoch, 32 hex digits>`. */
export const formatOrigin = (fleet: string, gateway: string, epoch: Uint8Array): string =>
  `${fleet}/${gateway}/${toHex(epoch)}`;

export const formatCheckpoint = (checkpoint: Checkpoint): string =>
  `${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.root)}\n`;

export const signCheckpoint = (
  sha256: Sha256,
  checkpoint: Checkpoint,
  signer: { readonly publicKey: Uint8Array; readonly sign: SignEd25519 },
): string => signNote(sha256, formatCheckpoint(checkpoint), { name: checkpoint.origin, ...signer });

const malformed = (detail: string): E.Either<CheckpointError, never> =>
  E.left({ _tag: "CheckpointMalformed", detail });

/** Reads the text of a checkpoint; extension lines after the root are allowed and passed over. */
const parseCheckpointText = (text: string): E.Either<CheckpointError, Checkpoint> => {
  const [origin, sizeText, rootText] = text.split("\n");
  if (origin === undefined || origin === "") return malformed("no origin");
  if (sizeText === undefined || !/^(?:0|[1-9][0-9]{0,14})$/.test(sizeText)) {
    return malformed("size is not a number");
  }
  const root = fromBase64(rootText ?? "");
  if (root?.length !== 32) return malformed("root is not 32 bytes of base64");
  return E.right({ origin, size: Number(sizeText), root });
};

/** Reads a checkpoint without verifying it: to learn which key it needs. Left: as `openCheckpoint`. */
export const readCheckpoint = (note: string): E.Either<CheckpointError, Checkpoint> => {
  const parsed = parseNote(note);
  return E.isLeft(parsed) ? parsed : parseCheckpointText(parsed.right.text);
};

/**
 * Opens a checkpoint with the epoch key. Left: as `openNote`, or `CheckpointMalformed`; in every case the
 * statement must be refused, and it is the sender's fault alone.
 */
export const openCheckpoint = (
  crypto: Crypto,
  note: string,
  expected: { readonly origin: string; readonly epochKey: Uint8Array },
): E.Either<CheckpointError, Checkpoint> => {
  const key = { name: expected.origin, publicKey: expected.epochKey };
  const text = openNote(crypto, note, key);
  if (E.isLeft(text)) return text;
  const checkpoint = parseCheckpointText(text.right);
  if (E.isLeft(checkpoint)) return checkpoint;
  return checkpoint.right.origin === expected.origin
    ? checkpoint
    : malformed("origin is another epoch's");
};
