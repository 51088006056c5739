/**
 * What a gateway states about one device, for its tag to carry to places that have not heard of it. Version 1, final:
 *   bytes   = CBOR || signature(64)                         Ed25519, by the gateway's key Kg
 *   CBOR    = [1, signer(4), device, statedMs, epochs, writes, entries]   deterministic; arrays grow only at their ends
 *   epochs  = [epoch(16), …]
 *   writes  = [[index of its epoch, seq, ageMs], …]         the records that set what follows; wallMs = statedMs - ageMs
 *   entries = [[key, type, value, index of its write, through], …]  `card` has no value: it is this card
 *             through: the signers (4 each) who stated it before, the first first; left out where there is none
 *   signed  = "tapmesh/carried/v1\n" || fleet || "\n" || card id(16) || CBOR
 * `signer` is the first 4 bytes of SHA-256(Kg). The card id is not on the tag: what is copied to another tag is
 * signed for none.
 */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, equalBytes, toHex, utf8 } from "#core/bytes.ts";
import { DEVICE_NAME_PATTERN, NAME_LENGTH_MAX } from "#core/log/actor.ts";
import { decodeCbor, encodeCbor, isBytes, isCount, isList, isText } from "#core/log/cbor.ts";
import type { CborValue } from "#core/log/cbor.ts";
import type { Crypto, Sha256, SigningKey } from "#core/log/crypto.ts";
import type { RosterGateway } from "#core/trust/roster.ts";
import { decodeOperation, type Scalar, type WriteName } from "#core/log/operation.ts";

const VERSION = 1;
const SIGNER_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** Eight cut-off sites in a row. */
const THROUGH_BYTES_MAX: number = 8 * SIGNER_BYTES;
/** No tag that is in use holds more. */
export const CARRIED_BYTES_MAX = 1_024;
const EPOCH_BYTES = 16;
/** Epochs, writes and entries: more has no room on a tag. */
export const CARRIED_COUNT_MAX = 32;

const NOBODY = new Uint8Array(0);

/** A value, and the record that set it. */
export interface CarriedEntry {
  readonly key: string;
  readonly type: number;
  readonly value: Scalar;
  readonly write: CarriedWrite;
  /** The signers who stated it before, 4 bytes each; empty: who states it now knows it by records. */
  readonly through: Uint8Array;
}

/** By the author's clock as it was then. */
export interface CarriedWrite extends WriteName {
  readonly wallMs: number;
}

export interface CarriedState {
  readonly device: string;
  /** When it was stated, by the clock of the gateway that did. */
  readonly statedMs: number;
  readonly entries: ReadonlyArray<CarriedEntry>;
}

export type CarriedError =
  /** Not as version 1 has it: another program's, or damaged. */
  | { readonly _tag: "CarriedMalformed" }
  /** Written by a later version. */
  | { readonly _tag: "CarriedVersionUnknown"; readonly version: number }
  /** By no gateway of the roster that is believed here: another fleet's, or newer than the roster. */
  | { readonly _tag: "CarriedSignerUnknown" }
  /** By a gateway that was retired or revoked. */
  | { readonly _tag: "CarriedSignerInactive"; readonly gateway: string }
  /** Altered, copied from another card, or of another fleet. */
  | { readonly _tag: "CarriedSignatureWrong" };

/** What a statement holds for: a card of a fleet. */
export interface CarriedFor {
  readonly fleet: string;
  /** Card id, 16 bytes. */
  readonly card: Uint8Array;
}

const signedText = ({ fleet, card }: CarriedFor, cbor: Uint8Array): Uint8Array =>
  concatBytes(utf8(`tapmesh/carried/v1\n${fleet}\n`), card, cbor);

/** What stands for a gateway's key. */
export const signerOf = (sha256: Sha256, publicKey: Uint8Array): Uint8Array =>
  sha256(publicKey).subarray(0, SIGNER_BYTES);

const isSameWrite = (a: WriteName, b: WriteName): boolean =>
  a.seq === b.seq && equalBytes(a.epoch, b.epoch);

const distinct = <A>(items: ReadonlyArray<A>, isSame: (a: A, b: A) => boolean): ReadonlyArray<A> =>
  items.filter((item, at) => items.findIndex((other) => isSame(other, item)) === at);

const encodeFields = (sha256: Sha256, key: Uint8Array, state: CarriedState): Uint8Array => {
  // Each once: one record often sets several keys, and one gateway's records are often of one epoch.
  const writes = distinct(
    state.entries.map(({ write }) => write),
    isSameWrite,
  );
  const epochs = distinct(
    writes.map(({ epoch }) => epoch),
    equalBytes,
  );
  return encodeCbor([
    VERSION,
    signerOf(sha256, key),
    state.device,
    state.statedMs,
    epochs,
    writes.map(({ epoch, seq, wallMs }) => [
      epochs.findIndex((other) => equalBytes(other, epoch)),
      seq,
      state.statedMs - wallMs,
    ]),
    state.entries.map(({ key: name, type, value, write, through }) => [
      name,
      type,
      value,
      writes.findIndex((other) => isSameWrite(other, write)),
      ...(through.length === 0 ? [] : [through]),
    ]),
  ]);
};

/** What signing it would make, without signing it. */
export const carriedByteCount = (sha256: Sha256, state: CarriedState): number =>
  encodeFields(sha256, new Uint8Array(32), state).length + SIGNATURE_BYTES;

/** Whether both say the same of the same device, whoever stated it, when, and through whom it came. */
export const isSameCarried = (sha256: Sha256, a: CarriedState, b: CarriedState): boolean => {
  const [one, other] = [a, b].map(({ device, entries }) => {
    const bare = entries.map((entry) => ({ ...entry, through: NOBODY }));
    return encodeFields(sha256, new Uint8Array(32), { device, statedMs: 0, entries: bare });
  });
  return one !== undefined && other !== undefined && equalBytes(one, other);
};

/** States it with this gateway's key. */
export const signCarried = (
  sha256: Sha256,
  key: SigningKey,
  { state, to }: { readonly state: CarriedState; readonly to: CarriedFor },
): Uint8Array => {
  const cbor = encodeFields(sha256, key.publicKey, state);
  return concatBytes(cbor, key.sign(signedText(to, cbor)));
};

const decodeEpoch = (value: CborValue): Uint8Array | undefined =>
  isBytes(value, EPOCH_BYTES) ? value : undefined;

const decodeWrite = (
  value: CborValue,
  { epochs, statedMs }: { readonly epochs: ReadonlyArray<Uint8Array>; readonly statedMs: number },
): CarriedWrite | undefined => {
  if (!isList(value, 8)) return undefined;
  const [at, seq, ageMs] = value;
  const epoch = isCount(at) ? epochs[at] : undefined;
  return epoch !== undefined && isCount(seq) && typeof ageMs === "number"
    ? { epoch, seq, wallMs: statedMs - ageMs }
    : undefined;
};

const isSigners = (value: CborValue): value is Uint8Array =>
  value instanceof Uint8Array &&
  value.length % SIGNER_BYTES === 0 &&
  value.length <= THROUGH_BYTES_MAX;

/** Each of the signers that stand behind one another there. */
export const signersIn = (through: Uint8Array): ReadonlyArray<Uint8Array> =>
  Array.from({ length: through.length / SIGNER_BYTES }, (_, at) =>
    through.subarray(at * SIGNER_BYTES, (at + 1) * SIGNER_BYTES),
  );

/** The same with one more; undefined: it has come through too many hands to be stated once more. */
export const throughOneMore = (through: Uint8Array, signer: Uint8Array): Uint8Array | undefined => {
  if (signersIn(through).some((one) => equalBytes(one, signer))) return through;
  return through.length < THROUGH_BYTES_MAX ? concatBytes(through, signer) : undefined;
};

const decodeEntry = (
  value: CborValue,
  writes: ReadonlyArray<CarriedWrite>,
): CarriedEntry | undefined => {
  if (!isList(value, 8)) return undefined;
  const [key = null, type = null, content = null, at, through = NOBODY] = value;
  if (!isSigners(through)) return undefined;
  const operation = decodeOperation([key, type, content, []]);
  const write = isCount(at) ? writes[at] : undefined;
  if (operation === undefined || write === undefined) return undefined;
  const { replaces: _none, ...carried } = operation;
  return { ...carried, write, through };
};

/** All of a list decoded; undefined if one can't be. */
const decodeAll = <A>(
  values: CborValue,
  decode: (value: CborValue) => A | undefined,
): ReadonlyArray<A> | undefined => {
  if (!isList(values, CARRIED_COUNT_MAX)) return undefined;
  const decoded = values.flatMap((value) => decode(value) ?? []);
  return decoded.length === values.length ? decoded : undefined;
};

const MALFORMED: E.Either<CarriedError, never> = E.left({ _tag: "CarriedMalformed" });

interface Unopened {
  readonly signer: Uint8Array;
  readonly state: CarriedState;
}

const decodeStated = ([device, statedMs, ...lists]: ReadonlyArray<CborValue>):
  CarriedState | undefined => {
  if (!isText(device, NAME_LENGTH_MAX) || !DEVICE_NAME_PATTERN.test(device)) return undefined;
  if (typeof statedMs !== "number") return undefined;
  const [epochList = null, writeList = null, entryList = null] = lists;
  const epochs = decodeAll(epochList, decodeEpoch);
  const writes =
    epochs && decodeAll(writeList, (write) => decodeWrite(write, { epochs, statedMs }));
  const entries = writes && decodeAll(entryList, (entry) => decodeEntry(entry, writes));
  return entries && { device, statedMs, entries };
};

const decodeFields = (cbor: Uint8Array): E.Either<CarriedError, Unopened> => {
  const decoded = decodeCbor(cbor);
  if (E.isLeft(decoded) || !isList(decoded.right, 16)) return MALFORMED;
  const [version, signer, ...stated] = decoded.right;
  if (isCount(version) && version !== VERSION) {
    return E.left({ _tag: "CarriedVersionUnknown", version });
  }
  const state = version === VERSION ? decodeStated(stated) : undefined;
  return state === undefined || !isBytes(signer, SIGNER_BYTES)
    ? MALFORMED
    : E.right({ signer, state });
};

/** A gateway's key, as the roster has it. */
export type Stater = Pick<RosterGateway, "name" | "key" | "status">;

/** Who knows better may have written it: what is there stays as it is. */
export const isToLeave = ({ _tag }: CarriedError): boolean =>
  _tag === "CarriedSignerUnknown" || _tag === "CarriedVersionUnknown";

/** The gateways of a roster whose key may be the one that such a statement names. */
export type StatersOf = (signer: Uint8Array) => ReadonlyArray<Stater>;

/** Hashes each key once: a statement is looked at before a verdict. */
export const statersOf = (sha256: Sha256, staters: ReadonlyArray<Stater>): StatersOf => {
  const bySigner = Map.groupBy(staters, ({ key }) => toHex(signerOf(sha256, key)));
  return (signer) => bySigner.get(toHex(signer)) ?? [];
};

/** What was stated, and by whom. */
export interface OpenedState {
  readonly state: CarriedState;
  readonly by: Stater;
}

/** Right: what was stated, and by which gateway. Left: see {@link CarriedError}; nothing of it is to be believed. */
export const openCarried = (
  crypto: Crypto,
  bytes: Uint8Array,
  by: { readonly to: CarriedFor; readonly statersOf: StatersOf },
): E.Either<CarriedError, OpenedState> => {
  if (bytes.length <= SIGNATURE_BYTES || bytes.length > CARRIED_BYTES_MAX) return MALFORMED;
  const cbor = bytes.slice(0, -SIGNATURE_BYTES);
  const unopened = decodeFields(cbor);
  if (E.isLeft(unopened)) return unopened;
  const { signer, state } = unopened.right;
  const named = by.statersOf(signer);
  if (named.length === 0) return E.left({ _tag: "CarriedSignerUnknown" });
  const text = signedText(by.to, cbor);
  const signature = bytes.slice(-SIGNATURE_BYTES);
  const stater = named.find(({ key }) => crypto.verifyEd25519(key, text, signature));
  if (stater === undefined) return E.left({ _tag: "CarriedSignatureWrong" });
  return stater.status === "active"
    ? E.right({ state, by: stater })
    : E.left({ _tag: "CarriedSignerInactive", gateway: stater.name });
};
