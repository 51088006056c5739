/**
 * Phones with an app for tapmesh (host card emulation): the commands of the exchange, version 1, and what its answers mean.
 * For those who write the app it is described byte by byte in `gateway/reader/PHONES.md`.
 */
import { concatBytes, utf8 } from "#core/bytes.ts";

/** Proprietary category (F0), then "TAPMESH". */
export const PHONE_APPLICATION: Uint8Array = concatBytes(Uint8Array.of(0xf0), utf8("TAPMESH"));
export const PHONE_VERSION = 1;
export const PHONE_NONCE_BYTES = 16;
/** A point of P-256, compressed: SEC 1, section 2.3.3. */
export const PHONE_KEY_BYTES = 33;
/** r and s, 32 bytes each, most significant first. */
export const PHONE_SIGNATURE_BYTES = 64;
/** One command or answer with so many fits short APDUs and one normal frame of a PN532. */
export const PHONE_BLOCK_BYTES = 200;
/** What a phone keeps for a gateway: six blocks, of which the last is short. */
export const PHONE_STATE_BYTES_MAX = 1_024;

const CLA = 0x80;
const INS_PROVE = 0x20;
const INS_PUT_RESULT = 0x30;
const INS_GET_STATE = 0x40;
const FLAG_HAS_STATE = 0x01;
const LAST_BLOCK = 0x80;
const COMPRESSED_POINT: ReadonlySet<number> = new Set([0x02, 0x03]);

/** What a phone is to prove itself by. */
export interface PhoneChallenge {
  /** The gateway that asks. */
  readonly gateway: string;
  /** 16 random bytes, another for each read: an old signature says nothing. */
  readonly nonce: Uint8Array;
}

/** What a phone's app has said of itself; nothing of it is verified here. */
export type PhoneRead =
  | {
      readonly _tag: "Claimed";
      /** Who it says it is: a compressed point of P-256. */
      readonly publicKey: Uint8Array;
      readonly nonce: Uint8Array;
      /** 64 bytes; null: it was asked, and gave none. */
      readonly signature: Uint8Array | null;
      /**
       * What a gateway gave it before, as it gave it back; null: none, or none was asked for; empty: it holds one that
       * could not be read.
       */
      readonly state: Uint8Array | null;
    }
  /** There is an app under this name, and it does not speak this version of the exchange. */
  | { readonly _tag: "OtherVersion" };

/** What is signed, with ECDSA over P-256 and SHA-256. */
export const phoneClaim = ({ gateway, nonce }: PhoneChallenge): Uint8Array =>
  concatBytes(utf8("tapmesh/phone/v1\n"), nonce, utf8(gateway));

/** `80 20 00 00 Lc nonce gateway 00`. */
export const provePhone = ({ gateway, nonce }: PhoneChallenge): Uint8Array => {
  const data = concatBytes(nonce, utf8(gateway));
  return concatBytes(
    Uint8Array.of(CLA, INS_PROVE, 0x00, 0x00, data.length),
    data,
    Uint8Array.of(0),
  );
};

/** `80 40 00 block 00`. */
export const getPhoneState = (block: number): Uint8Array =>
  Uint8Array.of(CLA, INS_GET_STATE, 0x00, block, 0x00);

/** `80 30 verdict block [Lc bytes]`, one command for each block; a state of no bytes is one command without data. */
export const putPhoneResult = (verdict: number, state: Uint8Array): ReadonlyArray<Uint8Array> => {
  const blockCount = Math.max(1, Math.ceil(state.length / PHONE_BLOCK_BYTES));
  return Array.from({ length: blockCount }, (_, block) => {
    const data = state.subarray(block * PHONE_BLOCK_BYTES, (block + 1) * PHONE_BLOCK_BYTES);
    const p2 = block === blockCount - 1 ? block | LAST_BLOCK : block;
    const header = Uint8Array.of(CLA, INS_PUT_RESULT, verdict, p2);
    return data.length === 0 ? header : concatBytes(header, Uint8Array.of(data.length), data);
  });
};

/** What an app answers to SELECT. */
export interface PhoneSelected {
  readonly publicKey: Uint8Array;
  /** It holds a state from before. */
  readonly hasState: boolean;
}

/**
 * Decodes the answer to SELECT: version, flags (bit 0: holds a state; the others are for later and not looked at), public
 * key. Null for another version, and for bytes that this version doesn't know: the app and the gateway don't go together.
 * Whether the key is a point of the curve shows when a signature is verified with it.
 */
export const decodePhoneSelected = (data: Uint8Array): PhoneSelected | null => {
  const [version, flags = 0, form = 0] = data;
  if (version !== PHONE_VERSION || data.length !== 2 + PHONE_KEY_BYTES) return null;
  if (!COMPRESSED_POINT.has(form)) return null;
  return { publicKey: data.slice(2), hasState: (flags & FLAG_HAS_STATE) !== 0 };
};
