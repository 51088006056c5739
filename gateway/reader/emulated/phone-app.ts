/**
 * A phone with an app for tapmesh, as an app would be written: `gateway/reader/PHONES.md`. Its key is kept here in the open,
 * which a phone's is not.
 */
import * as crypto from "node:crypto";
import { concatBytes, equalBytes, utf8 } from "#core/bytes.ts";
import { SW_SUCCESS } from "#core/card/apdu.ts";
import {
  PHONE_APPLICATION,
  PHONE_BLOCK_BYTES,
  PHONE_NONCE_BYTES,
  PHONE_STATE_BYTES_MAX,
  PHONE_VERSION,
} from "#core/card/phone.ts";
import type {
  CardModel,
  EmulatedCard,
  EmulatedCardOptions,
} from "#gateway/reader/emulated/emulated-card.ts";
import {
  respond,
  SW_CLA_NOT_SUPPORTED,
  SW_COMMAND_NOT_ALLOWED,
  SW_INS_NOT_SUPPORTED,
  SW_NOT_FOUND,
  SW_RECORD_NOT_FOUND,
  SW_WRONG_LENGTH,
  SW_WRONG_P1_P2,
} from "#gateway/reader/emulated/responses.ts";
import { changingUid, PHONE_ATS, PHONE_UID_BYTES } from "#gateway/reader/emulated/uid-cards.ts";

const HEADER_BYTES = 4;
const SEED_DEFAULT = utf8("a phone");

export interface PhoneAppOptions extends EmulatedCardOptions {
  /** Whose phone it is: another key for each. By default that of the UID that was asked for, so that there are many. */
  readonly seed?: Uint8Array;
}

/** What the app shows to whoever holds the phone. */
export interface EmulatedPhoneApp extends EmulatedCard {
  readonly publicKey: Uint8Array;
  /** What it was told last; null: nothing yet. */
  readonly verdict: number | null;
  /** What it keeps for gateways; empty: nothing. */
  readonly state: Uint8Array;
}

/** A key pair of P-256 from the hash of a seed. */
const keyFrom = (
  seed: Uint8Array,
): { readonly publicKey: Uint8Array; readonly privateKey: crypto.KeyObject } => {
  const pair = crypto.createECDH("prime256v1");
  pair.setPrivateKey(crypto.hash("sha256", concatBytes(utf8("phone"), seed), "buffer"));
  const point = pair.getPublicKey();
  const coordinate = (from: number): string =>
    point.subarray(from, from + 32).toString("base64url");
  const d = pair.getPrivateKey().toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", d, x: coordinate(1), y: coordinate(33) };
  return {
    publicKey: new Uint8Array(pair.getPublicKey(null, "compressed")),
    privateKey: crypto.createPrivateKey({ key: jwk, format: "jwk" }),
  };
};

class PhoneApp {
  readonly #key: ReturnType<typeof keyFrom>;
  isSelected = false;
  verdict: number | null = null;
  state: Uint8Array = new Uint8Array(0);
  /** What came of a state so far. */
  #coming: Uint8Array = new Uint8Array(0);

  constructor(key: ReturnType<typeof keyFrom>) {
    this.#key = key;
  }

  select(apdu: Uint8Array): Uint8Array {
    const [, , p1, , lc = 0] = apdu;
    const aid = apdu.subarray(HEADER_BYTES + 1, HEADER_BYTES + 1 + lc);
    this.isSelected = p1 === 0x04 && equalBytes(aid, PHONE_APPLICATION);
    if (!this.isSelected) return respond(SW_NOT_FOUND);
    const flags = this.state.length > 0 ? 1 : 0;
    return respond(
      SW_SUCCESS,
      concatBytes(Uint8Array.of(PHONE_VERSION, flags), this.#key.publicKey),
    );
  }

  command(apdu: Uint8Array): Uint8Array {
    if (!this.isSelected) return respond(SW_COMMAND_NOT_ALLOWED);
    const [, ins] = apdu;
    if (ins === 0x20) return this.#prove(apdu);
    if (ins === 0x30) return this.#putResult(apdu);
    return ins === 0x40 ? this.#getState(apdu) : respond(SW_INS_NOT_SUPPORTED);
  }

  #prove(apdu: Uint8Array): Uint8Array {
    const lc = apdu[HEADER_BYTES] ?? 0;
    const data = apdu.subarray(HEADER_BYTES + 1, HEADER_BYTES + 1 + lc);
    if (data.length <= PHONE_NONCE_BYTES) return respond(SW_WRONG_LENGTH);
    const { privateKey: key } = this.#key;
    const claim = concatBytes(utf8("tapmesh/phone/v1\n"), data);
    const signature = crypto.sign("sha256", claim, { key, dsaEncoding: "ieee-p1363" });
    return respond(SW_SUCCESS, new Uint8Array(signature));
  }

  #getState(apdu: Uint8Array): Uint8Array {
    const from = (apdu[3] ?? 0) * PHONE_BLOCK_BYTES;
    if (from >= this.state.length) return respond(SW_RECORD_NOT_FOUND);
    return respond(SW_SUCCESS, this.state.slice(from, from + PHONE_BLOCK_BYTES));
  }

  /** Blocks come in their order; what was kept before stays until the last has come. */
  #putResult(apdu: Uint8Array): Uint8Array {
    const [, , verdict = 0, p2 = 0, lc = 0] = apdu;
    const block = p2 & 0x7f;
    if (block === 0) this.#coming = new Uint8Array(0);
    if (this.#coming.length !== block * PHONE_BLOCK_BYTES) return respond(SW_WRONG_P1_P2);
    const data = apdu.slice(HEADER_BYTES + 1);
    if (data.length !== lc || this.#coming.length + lc > PHONE_STATE_BYTES_MAX) {
      return respond(SW_WRONG_LENGTH);
    }
    this.#coming = concatBytes(this.#coming, data);
    if ((p2 & 0x80) === 0) return respond(SW_SUCCESS);
    this.verdict = verdict;
    if (this.#coming.length > 0) this.state = this.#coming;
    return respond(SW_SUCCESS);
  }
}

/** The UID is another at each tap; a given one is only the phone's seed. */
export const emulatedPhoneApp = (options: PhoneAppOptions): EmulatedPhoneApp => {
  const key = keyFrom(options.seed ?? options.uid ?? SEED_DEFAULT);
  const app = new PhoneApp(key);
  const uid = changingUid(key.publicKey.subarray(-3));
  return {
    technology: "type4",
    publicKey: key.publicKey,
    get uid() {
      return uid.now();
    },
    get verdict() {
      return app.verdict;
    },
    get state() {
      return app.state;
    },
    atqa: Uint8Array.of(0x00, 0x04),
    sak: 0x20,
    ats: PHONE_ATS,
    enterField: () => {
      uid.change();
      app.isSelected = false;
    },
    exchange: (apdu) => {
      if (apdu.length < HEADER_BYTES) return respond(SW_WRONG_LENGTH);
      if (apdu[0] === 0x80) return app.command(apdu);
      if (apdu[0] !== 0x00) return respond(SW_CLA_NOT_SUPPORTED);
      return apdu[1] === 0xa4 ? app.select(apdu) : respond(SW_INS_NOT_SUPPORTED);
    },
  };
};

export const PHONE_APP: CardModel = {
  uidByteCounts: [PHONE_UID_BYTES],
  ndefByteCountMax: 0,
  make: emulatedPhoneApp,
};
