/** An NTAG 424 DNA, as far as its SUN message goes: a Type 4 card whose link is another at each tap. */
import { concatBytes, toHex, utf8 } from "#core/bytes.ts";
import { updateBinary } from "#core/card/apdu.ts";
import { sunMac, type SunSecrets, sunSecretsOf } from "#core/card/sun.ts";
import { TYPE4_NLEN_BYTES } from "#core/card/type4.ts";
import { nodeAes } from "#gateway/node-crypto.ts";
import {
  type CardModel,
  type EmulatedCard,
  type EmulatedCardOptions,
  sizedUid,
  uriMessage,
} from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedType4, TYPE4 } from "#gateway/reader/emulated/type4.ts";

const UID_BYTES = 7;
const UID_DEFAULT = Uint8Array.of(0x04, 0xc4, 0x24, 0xd4, 0x9a, 0x61, 0x90);
const PICC_DATA_TAG = 0xc7;
const RANDOM_BYTES = 5;
const SELECT_NDEF_FILE = "00a4000c02e104";

const PICC_DATA_PLACE = "0".repeat(32);
const MAC_PLACE = "0".repeat(16);
const LINK = `tapmesh.example/t?picc_data=${PICC_DATA_PLACE}&cmac=${MAC_PLACE}`;

/** Where in the NDEF file a part of the link stands. */
const placeOf = (message: Uint8Array, part: string): number =>
  TYPE4_NLEN_BYTES + message.length - LINK.length + LINK.indexOf(part) + part.length;

const counterLe = (counter: number): Uint8Array =>
  Uint8Array.of(counter & 0xff, (counter >> 8) & 0xff, counter >> 16);

/** What is mirrored into the link at this tap. */
const mirrored = (
  secrets: SunSecrets,
  uid: Uint8Array,
  counter: number,
): { readonly piccData: string; readonly mac: string } => {
  const claim = { uid, counterLe: counterLe(counter) };
  const random = new Uint8Array(RANDOM_BYTES).fill(counter);
  const block = concatBytes(Uint8Array.of(PICC_DATA_TAG), uid, claim.counterLe, random);
  const input = new Uint8Array();
  return {
    piccData: toHex(nodeAes.encryptBlock(secrets.metaReadKey, block)).toUpperCase(),
    mac: toHex(sunMac(nodeAes, secrets.fileReadKey(uid), { ...claim, input })).toUpperCase(),
  };
};

/** The keys of an emulated tag where none are given: those of a fleet whose secret is 16 zeros. */
const secretsDefault = (): SunSecrets => sunSecretsOf(nodeAes, new Uint8Array(16));

/**
 * Counts each tap in which its NDEF file is selected, and writes UID and count, encrypted, and their MAC into its
 * link. With a message of one's own it is a plain Type 4 card. The sizes of its files are those of the Type 4 card here.
 */
const emulatedNtag424 = (options: EmulatedCardOptions): EmulatedCard => {
  const uid = sizedUid(options.uid ?? UID_DEFAULT, [UID_BYTES]);
  if (options.ndef !== undefined) return emulatedType4({ ...options, uid });
  const secrets = options.sunSecrets ?? secretsDefault();
  const message = uriMessage(LINK);
  const card = emulatedType4({ uid, ndef: message });
  let counter = options.counter ?? 0;
  let isCounted = false;
  const mirror = (): void => {
    isCounted = true;
    counter += 1;
    const { piccData, mac } = mirrored(secrets, uid, counter);
    card.exchange(updateBinary(placeOf(message, "picc_data="), utf8(piccData)));
    card.exchange(updateBinary(placeOf(message, "&cmac="), utf8(mac)));
  };
  return {
    ...card,
    enterField: () => {
      isCounted = false;
      card.enterField();
    },
    exchange: (apdu) => {
      const answer = card.exchange(apdu);
      const isSelected = toHex(apdu) === SELECT_NDEF_FILE && answer?.[0] === 0x90;
      if (isSelected && !isCounted) mirror();
      return answer;
    },
  };
};

export const NTAG424: CardModel = {
  uidByteCounts: [UID_BYTES],
  ndefByteCountMax: TYPE4.ndefByteCountMax,
  make: emulatedNtag424,
};
