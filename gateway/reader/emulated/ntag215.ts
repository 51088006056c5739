/** An NTAG215: a Type 2 card of 135 pages. Read-only, without password and without counter. */
import { PAGE_BYTES, READ_PAGES_BYTES } from "#core/card/apdu.ts";
import { encodeNdefTlv } from "#core/card/tlv.ts";
import { TYPE2_CAPABILITY_PAGE, TYPE2_DATA_PAGE } from "#core/card/type2.ts";
import {
  type CardModel,
  type EmulatedCard,
  type EmulatedCardOptions,
  sizedNdef,
  sizedUid,
  uriMessage,
} from "#gateway/reader/emulated/emulated-card.ts";

const PAGE_COUNT = 135;
const CONFIGURATION_PAGE = 130;
const UID_BYTES = 7;
/** `3E` × 8 = 496 bytes for NDEF, though the chip has 504. */
const CAPABILITY_CONTAINER = Uint8Array.of(0xe1, 0x10, 0x3e, 0x00);
/** What type and length of the TLV leave of them, the length taking 3 bytes. */
const NDEF_BYTES_MAX_NTAG215 = 492;

const COMMAND_READ = 0x30;
const CASCADE_TAG = 0x88;
const INTERNAL = 0x48;
const UID_DEFAULT = Uint8Array.of(0x04, 0xa1, 0xb2, 0xc3, 0xd4, 0x6c, 0x80);

/** As delivered: dynamic lock bytes, then CFG0 and CFG1; PWD and PACK read as 0. */
const CONFIGURATION = Uint8Array.of(0, 0, 0, 0xbd, 0x04, 0, 0, 0xff, 0, 0x05, 0, 0);

/** Pages 0 to 2: the UID with its two check bytes, the internal byte, the static lock bytes. */
const serialPages = (uid: Uint8Array): Uint8Array => {
  const [u0 = 0, u1 = 0, u2 = 0, u3 = 0, u4 = 0, u5 = 0, u6 = 0] = uid;
  const bcc0 = CASCADE_TAG ^ u0 ^ u1 ^ u2;
  const bcc1 = u3 ^ u4 ^ u5 ^ u6;
  return Uint8Array.of(u0, u1, u2, bcc0, u3, u4, u5, u6, bcc1, INTERNAL, 0, 0);
};

const writeMemory = (uid: Uint8Array, ndef: Uint8Array): Uint8Array => {
  const memory = new Uint8Array(PAGE_COUNT * PAGE_BYTES);
  memory.set(serialPages(uid));
  memory.set(CAPABILITY_CONTAINER, TYPE2_CAPABILITY_PAGE * PAGE_BYTES);
  memory.set(encodeNdefTlv(ndef), TYPE2_DATA_PAGE * PAGE_BYTES);
  memory.set(CONFIGURATION, CONFIGURATION_PAGE * PAGE_BYTES);
  return memory;
};

/** 4 pages; after the last one it goes on at page 0. NAK for a page that does not exist. */
const answerRead = (memory: Uint8Array, page: number): Uint8Array | null => {
  if (page >= PAGE_COUNT) return null;
  const data = new Uint8Array(READ_PAGES_BYTES);
  for (let i = 0; i < data.length; i += 1) {
    data[i] = memory[(page * PAGE_BYTES + i) % memory.length] ?? 0;
  }
  return data;
};

/**
 * An NTAG215. By default it holds the URI `https://tapmesh.example/tag/1`.
 * Source: NXP NTAG213/215/216 data sheet rev. 3.2, sections 8.5 and 10.2.
 */
export const emulatedNtag215 = (options: EmulatedCardOptions): EmulatedCard => {
  const uid = sizedUid(options.uid ?? UID_DEFAULT, UID_BYTES);
  const ndef = options.ndef ?? uriMessage("tapmesh.example/tag/1");
  const memory = writeMemory(uid, sizedNdef(ndef, NDEF_BYTES_MAX_NTAG215));
  return {
    technology: "type2",
    uid,
    atqa: Uint8Array.of(0x00, 0x44),
    sak: 0x00,
    ats: null,
    enterField: () => undefined,
    exchange: ([command, page]) =>
      command === COMMAND_READ && page !== undefined ? answerRead(memory, page) : null,
  };
};

export const NTAG215: CardModel = {
  uidByteCount: UID_BYTES,
  ndefByteCountMax: NDEF_BYTES_MAX_NTAG215,
  make: emulatedNtag215,
};
