/**
 * Signed text that people can read: C2SP signed-note. A note is text that ends in a newline, an empty
 * line, and lines `— <key name> <base64(key hash 4 || signature 64)>`. Ed25519 only (type byte 01).
 */
import * as E from "fp-ts/lib/Either.js";
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  toBase64,
  toHex,
  utf8,
} from "#core/bytes.ts";
import type { Crypto, Sha256, SignEd25519 } from "#core/log/crypto.ts";

export interface NoteKey {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyHash: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** What is signed, the final newline included. */
  readonly text: string;
  readonly signatures: ReadonlyArray<NoteSignature>;
}

export type NoteError =
  | { readonly _tag: "NoteMalformed"; readonly detail: string }
  | { readonly _tag: "NoteKeyMalformed"; readonly detail: string }
  | { readonly _tag: "NoteNotSigned"; readonly name: string }
  | { readonly _tag: "NoteSignatureWrong"; readonly name: string };

const ALGORITHM_ED25519 = 1;
const SIGNATURES_MAX = 16;

const malformed = (detail: string): E.Either<NoteError, never> =>
  E.left({ _tag: "NoteMalformed", detail });

const keyMalformed = (detail: string): E.Either<NoteError, never> =>
  E.left({ _tag: "NoteKeyMalformed", detail });

const isKeyName = (name: string): boolean => name !== "" && !/[\s+]/u.test(name);

/** First 4 bytes of SHA-256(name || 0A || 01 || public key). */
export const keyHashOf = (sha256: Sha256, key: NoteKey): Uint8Array =>
  sha256(
    concatBytes(utf8(`${key.name}\n`), Uint8Array.of(ALGORITHM_ED25519), key.publicKey),
  ).subarray(0, 4);

/** `<name>+<hash, 8 hex digits>+<base64(01 || public key)>`: how a key is handed to people. */
export const formatVerifierKey = (sha256: Sha256, key: NoteKey): string => {
  const material = concatBytes(Uint8Array.of(ALGORITHM_ED25519), key.publicKey);
  return `${key.name}+${toHex(keyHashOf(sha256, key))}+${toBase64(material)}`;
};

/** Left: `NoteKeyMalformed`, also when the hash in it belongs to another name or key (a copying mistake). */
export const parseVerifierKey = (sha256: Sha256, text: string): E.Either<NoteError, NoteKey> => {
  const first = text.indexOf("+");
  const second = text.indexOf("+", first + 1);
  if (first < 0 || second < 0) return keyMalformed("expected name+hash+key");
  const name = text.slice(0, first);
  const hash = fromHex(text.slice(first + 1, second));
  const material = fromBase64(text.slice(second + 1));
  if (!isKeyName(name)) return keyMalformed("bad key name");
  if (material?.length !== 33 || material[0] !== ALGORITHM_ED25519)
    return keyMalformed("not Ed25519");
  const key = { name, publicKey: material.slice(1) };
  if (hash === undefined || !equalBytes(hash, keyHashOf(sha256, key)))
    return keyMalformed("hash differs");
  return E.right(key);
};

/** Signs `text`, which must end with a newline. */
export const signNote = (
  sha256: Sha256,
  text: string,
  signer: NoteKey & { readonly sign: SignEd25519 },
): string => {
  const signature = concatBytes(keyHashOf(sha256, signer), signer.sign(utf8(text)));
  return `${text}\n— ${signer.name} ${toBase64(signature)}\n`;
};

const parseSignature = (line: string): NoteSignature | undefined => {
  const match = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/u.exec(line);
  const bytes = fromBase64(match?.[2] ?? "");
  if (match?.[1] === undefined || bytes === undefined || bytes.length < 5) return undefined;
  return { name: match[1], keyHash: bytes.slice(0, 4), signature: bytes.slice(4) };
};

// signed-note forbids every control character but the newline.
const hasControlCharacter = (text: string): boolean => /[^\P{Cc}\n]/u.test(text);

/** Splits a note; verifies nothing. Left: `NoteMalformed`. */
export const parseNote = (note: string): E.Either<NoteError, SignedNote> => {
  if (hasControlCharacter(note)) return malformed("control character");
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return malformed("no signature block");
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) return malformed("too many signatures");
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignature(line);
    if (signature === undefined) return malformed("bad signature line");
    signatures.push(signature);
  }
  return E.right({ text: note.slice(0, split + 1), signatures });
};

/**
 * Opens a note with one known key: its text, if that key signed it. Signatures of other keys are passed
 * over. Left: `NoteMalformed`; `NoteNotSigned` (no line of that key); `NoteSignatureWrong` (forged or altered).
 */
export const openNote = (
  crypto: Crypto,
  note: string,
  key: NoteKey,
): E.Either<NoteError, string> => {
  const parsed = parseNote(note);
  if (E.isLeft(parsed)) return parsed;
  const hash = keyHashOf(crypto.sha256, key);
  const own = parsed.right.signatures.find(
    (line) => line.name === key.name && equalBytes(line.keyHash, hash),
  );
  if (own === undefined) return E.left({ _tag: "NoteNotSigned", name: key.name });
  return crypto.verifyEd25519(key.publicKey, utf8(parsed.right.text), own.signature)
    ? E.right(parsed.right.text)
    : E.left({ _tag: "NoteSignatureWrong", name: key.name });
};
