/**
 * Secure Unique NFC: the link that an NTAG 424 DNA writes anew at each tap, with its UID, a count of its taps, and a
 * MAC that only the tag can make. Source: NXP AN12196 rev. 2.0, chapters 3 and 4.
 */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, fromHex, utf8 } from "#core/bytes.ts";
import { AES_BLOCK_BYTES, type Aes128, aesCmac, diversifiedKey } from "#core/card/aes-cmac.ts";
import { decodeUid, type Uid } from "#core/card/uid.ts";

/** The keys of a fleet's tags. */
export interface SunSecrets {
  /** Opens what hides the UID, so it is the same for all tags. SDMMetaReadKey. */
  readonly metaReadKey: Uint8Array;
  /** The key of one tag, by its UID's bytes. SDMFileReadKey. */
  readonly fileReadKey: (uid: Uint8Array) => Uint8Array;
}

export interface Sun {
  readonly uid: Uid;
  /** The tag's own count of its taps. Who demands it goes up finds every copy of a link. */
  readonly counter: number;
}

export type SunError =
  /** A link without the parameters of a SUN message: the tag makes none. */
  | { readonly _tag: "SunMissing" }
  /** They are there, but not as a tag writes them. */
  | { readonly _tag: "SunMalformed"; readonly parameter: "picc_data" | "uid" | "ctr" | "cmac" }
  /** Not made by this fleet's tag: another key, another UID or counter, or altered. */
  | { readonly _tag: "SunMacWrong" };

/** Such a tag has a UID of this size, unless it was told to make up random ones: those are of no use here. */
export const SUN_UID_BYTES = 7;
const COUNTER_BYTES = 3;
const MAC_BYTES = 8;
/** UID and counter are both mirrored, the UID has 7 bytes. */
const PICC_DATA_TAG = 0xc7;
const SESSION_MAC = Uint8Array.of(0x3c, 0xc3, 0x00, 0x01, 0x00, 0x80);

const labelled = (label: string): Uint8Array => utf8(`tapmesh sun ${label}`);
/** The NDEF application, so that these keys serve nothing else of the tag. */
const NDEF_APPLICATION = Uint8Array.of(0xd2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01);

/** All keys from one secret of 16 bytes: two master keys, and of the second a key for each tag (AN10922). */
export const sunSecretsOf = (aes: Aes128, fleetSecret: Uint8Array): SunSecrets => {
  const fileMaster = diversifiedKey(aes, fleetSecret, labelled("file"));
  return {
    metaReadKey: diversifiedKey(aes, fleetSecret, labelled("meta")),
    fileReadKey: (uid) => diversifiedKey(aes, fileMaster, concatBytes(uid, NDEF_APPLICATION)),
  };
};

/** A parameter's value, and where it begins in the link. */
interface Parameter {
  readonly text: string;
  readonly at: number;
}

/** AN12196 itself uses short and long names. */
const NAMES = {
  piccData: ["picc_data", "e"],
  uid: ["uid"],
  counter: ["ctr"],
  file: ["enc"],
  mac: ["cmac", "c"],
} as const;

const parametersOf = (uri: string): ReadonlyMap<string, Parameter> => {
  const parameters = new Map<string, Parameter>();
  const end = uri.includes("#") ? uri.indexOf("#") : uri.length;
  let at = uri.indexOf("?") + 1;
  if (at === 0) return parameters;
  for (const part of uri.slice(at, end).split("&")) {
    const equals = part.indexOf("=");
    if (equals > 0) {
      const name = part.slice(0, equals);
      parameters.set(name, { text: part.slice(equals + 1), at: at + equals + 1 });
    }
    at += part.length + 1;
  }
  return parameters;
};

const hexOf = (parameter: Parameter | undefined, byteCount: number): Uint8Array | undefined => {
  const bytes = parameter === undefined ? undefined : fromHex(parameter.text);
  return bytes?.length === byteCount ? bytes : undefined;
};

/** Both as the session keys take them: the counter least significant byte first. */
interface Claim {
  readonly uid: Uint8Array;
  readonly counterLe: Uint8Array;
}

const malformed = (
  parameter: Extract<SunError, { readonly _tag: "SunMalformed" }>["parameter"],
): E.Either<SunError, never> => E.left({ _tag: "SunMalformed", parameter });

/** `C7`, UID, counter, random bytes, as one block of CBC with IV 0. */
const openPiccData = (
  aes: Aes128,
  metaReadKey: Uint8Array,
  block: Uint8Array,
): E.Either<SunError, Claim> => {
  const data = aes.decryptBlock(metaReadKey, block);
  if (data[0] !== PICC_DATA_TAG) return E.left({ _tag: "SunMacWrong" }); // another key, most likely
  const counterAt = 1 + SUN_UID_BYTES;
  return E.right({
    uid: data.slice(1, counterAt),
    counterLe: data.slice(counterAt, counterAt + COUNTER_BYTES),
  });
};

/** Bytes 1, 3, … 15 of a CMAC. */
const truncated = (mac: Uint8Array): Uint8Array => mac.filter((_, at) => at % 2 === 1);

/** In the same time wherever they differ: whoever holds cards to a reader learns nothing from it. */
const isSameMac = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.reduce((sum, byte, at) => sum | (byte ^ (b[at] ?? 0)), 0) === 0;

/** What a tag puts at the link's end: the MAC of `input` under the keys of this one tap. */
export const sunMac = (
  aes: Aes128,
  fileReadKey: Uint8Array,
  claim: Claim & { readonly input: Uint8Array },
): Uint8Array => {
  const session = concatBytes(SESSION_MAC, claim.uid, claim.counterLe);
  return truncated(aesCmac(aes, aesCmac(aes, fileReadKey, session), claim.input));
};

export interface SunReading {
  /** The URI of the tag's NDEF message. */
  readonly ndefUri: string;
  readonly secrets: SunSecrets;
  readonly aes: Aes128;
}

const claimOf = (
  { secrets, aes }: SunReading,
  find: (names: ReadonlyArray<string>) => Parameter | undefined,
): E.Either<SunError, Claim> => {
  const piccData = find(NAMES.piccData);
  if (piccData !== undefined) {
    const block = hexOf(piccData, AES_BLOCK_BYTES);
    return block === undefined
      ? malformed("picc_data")
      : openPiccData(aes, secrets.metaReadKey, block);
  }
  if (find(NAMES.uid) === undefined) return E.left({ _tag: "SunMissing" });
  const uid = hexOf(find(NAMES.uid), SUN_UID_BYTES);
  if (uid === undefined) return malformed("uid");
  const counter = hexOf(find(NAMES.counter), COUNTER_BYTES);
  return counter === undefined
    ? malformed("ctr")
    : E.right({ uid, counterLe: counter.toReversed() });
};

/**
 * Reads the link of an NTAG 424 DNA. Layout, in the query: `picc_data` (or `e`): encrypted UID and counter; or `uid`
 * and `ctr` in the open, the counter most significant byte first; `enc`: encrypted file data, which is not opened;
 * `cmac` (or `c`): over nothing, or with `enc` over all from its value up to the MAC's.
 * Right: only for a MAC that this fleet's tag made; the counter must still be compared with the last one seen.
 * Left: see {@link SunError}.
 */
export const readSun = (reading: SunReading): E.Either<SunError, Sun> => {
  const { ndefUri, secrets, aes } = reading;
  const parameters = parametersOf(ndefUri);
  const find = (names: ReadonlyArray<string>): Parameter | undefined => {
    const name = names.find((candidate) => parameters.has(candidate));
    return name === undefined ? undefined : parameters.get(name);
  };
  const macParameter = find(NAMES.mac);
  if (macParameter === undefined) return E.left({ _tag: "SunMissing" });
  const claim = claimOf(reading, find);
  if (E.isLeft(claim)) return claim;
  const mac = hexOf(macParameter, MAC_BYTES);
  if (mac === undefined) return malformed("cmac");
  const file = find(NAMES.file);
  const input = utf8(file === undefined ? "" : ndefUri.slice(file.at, macParameter.at));
  const key = secrets.fileReadKey(claim.right.uid);
  if (!isSameMac(sunMac(aes, key, { ...claim.right, input }), mac)) {
    return E.left({ _tag: "SunMacWrong" });
  }
  const [low = 0, middle = 0, high = 0] = claim.right.counterLe;
  const uid = decodeUid(claim.right.uid);
  if (E.isLeft(uid)) return malformed("uid");
  return E.right({ uid: uid.right, counter: low + middle * 0x100 + high * 0x1_0000 });
};
