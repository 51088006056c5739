/** What a card, or a reader in its place, can send. */
import { concatBytes, fromUtf8, utf8 } from "#core/bytes.ts";
import { decodeResponse, decodeThru } from "#core/card/apdu.ts";
import { technologyOfAtr } from "#core/card/atr.ts";
import { carryOnTag } from "#core/carried/carry-on-tag.ts";
import { inspectCard } from "#core/card/inspect-card.ts";
import { decodeNdef } from "#core/card/ndef.ts";
import { isOriginal } from "#core/card/originality.ts";
import { readCard, SCOPE_NDEF } from "#core/card/read-card.ts";
import { readSun } from "#core/card/sun.ts";
import { dataStart, findNdefTlv, ndefTlvPlace } from "#core/card/tlv.ts";
import { decodeType2Capability } from "#core/card/type2.ts";
import { decodeNlen, decodeType4Capability } from "#core/card/type4.ts";
import type { Technology } from "#core/card/sighting.ts";
import { decodeUid, parseUid } from "#core/card/uid.ts";
import { uidOfDecimal } from "#core/card/uid-views.ts";
import { decodeText, decodeUri } from "#core/card/well-known.ts";
import { writeCard } from "#core/card/write-card.ts";
import { planType2, planType4 } from "#core/card/write-plan.ts";
import * as E from "fp-ts/lib/Either.js";
import { nodeAes as aes } from "#gateway/node-crypto.ts";
import type { Target } from "#test/fuzz/target.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const URI = hex("D1010C55046578616D706C652E636F6D");
const TEXT = hex("D10107540264654772C3BC");
const TLV = concatBytes(hex("0103A00C340310"), URI, hex("FE"));
const TYPE2_PAGE = hex("E1101200");
const TYPE4_CAPABILITY = hex("000F20003B00340406E10400320000");
const SUN_LINKS = [
  "https://choose.url.com/ntag424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086",
  "https://choose.url.com/ntag424?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3",
  "https://www.my424dna.com/?picc_data=FD91EC264309878BE6345CBE53BADF40&enc=CEE9A53E3E463EF1F459635736738962&cmac=ECC1E7F6C6C73BF6",
].map(utf8);

const UID = E.getOrElseW((error: unknown): never => {
  throw new Error(`no UID: ${JSON.stringify(error)}`);
})(parseUid("04A1B2C3D46C80"));

const textOf = (bytes: Uint8Array): string => fromUtf8(bytes) ?? String.fromCharCode(...bytes);

const recordsOf = (bytes: Uint8Array): unknown => {
  const records = decodeNdef(bytes);
  return E.isLeft(records)
    ? records
    : records.right.map((record) => [decodeUri(record), decodeText(record)]);
};

/** More than any flow may ask for: a card that takes one byte at a time is written in 4,098 parts and read back. */
const COMMAND_COUNT_MAX = 10_000;
const SUCCESS = hex("9000");
/** Of the answers below: 16 bytes and a success. */
const A_READ = 0x90;

/**
 * The answers that the bytes stand for: a length and so many bytes, as they are, or with a success behind them; or as
 * many bytes as READ gives. Behind their end, all answers are of one kind: mostly zeros, as of an empty tag.
 */
const answersOf = (bytes: Uint8Array): (() => Uint8Array) => {
  const behindEnd = bytes.length % 2 === 0 ? A_READ : (bytes[0] ?? 0);
  let at = 0;
  const take = (count: number): Uint8Array => {
    const part = bytes.subarray(at, at + count);
    at += count;
    return part;
  };
  return () => {
    const [kind = behindEnd] = take(1);
    if (kind < 0x20) return take(kind);
    if (kind < 0x80) return concatBytes(take(kind & 0x1f), SUCCESS);
    const page = new Uint8Array(kind & 0x1f);
    page.set(take(page.length));
    return concatBytes(page, SUCCESS);
  };
};

const TECHNOLOGIES: ReadonlyArray<Technology> = ["type2", "type4", "mifare-classic", "other"];

const runFlow = (
  flow: Generator<Uint8Array, unknown, Uint8Array>,
  answer: () => Uint8Array,
): unknown => {
  let step = flow.next();
  for (let count = 0; step.done !== true; count += 1) {
    if (count > COMMAND_COUNT_MAX) throw new Error("more commands than any card takes");
    step = flow.next(answer());
  }
  return step.value;
};

/** An exchange that goes well: UID, then a Type 2 card's first pages. */
const TYPE2_ANSWERS = concatBytes(
  hex("00 47 04A1B2C3D46C80"), // technology; 7 bytes and a success
  concatBytes(hex("90"), TYPE2_PAGE, TLV.subarray(0, 12)),
  concatBytes(hex("90"), TLV.subarray(12, 24), hex("00000000")),
);
const TYPE4_ANSWERS = concatBytes(
  hex("01 47 04A1B2C3D46C80 40 40"),
  concatBytes(hex("4F"), TYPE4_CAPABILITY),
  concatBytes(hex("40 42 0010 50"), URI),
);
/** Writing begins at page 2, and reads the whole tag. */
const TYPE2_TO_WRITE = concatBytes(
  hex("00 47 04A1B2C3D46C80"),
  concatBytes(hex("90 D2480000"), TYPE2_PAGE, TLV.subarray(0, 8)),
  concatBytes(hex("90"), TLV.subarray(0, 16)),
  concatBytes(hex("90"), TLV.subarray(16, 24), new Uint8Array(8)),
);
/** A message of 1,536 bytes on a card of 2,040, of which only 1,008 can be read. */
const TYPE2_LARGE = concatBytes(
  hex("00 47 04A1B2C3D46C80 90 E110FF00 03FF0600"),
  new Uint8Array(8),
);
const FLOW_SAMPLES = [TYPE2_ANSWERS, TYPE2_LARGE, TYPE2_TO_WRITE, TYPE4_ANSWERS];

const ofFlow = (
  name: string,
  make: (technology: Technology, isBitSet: boolean) => Generator<Uint8Array, unknown, Uint8Array>,
): Target => ({
  name,
  samples: FLOW_SAMPLES,
  run: (bytes) => {
    const first = bytes[0] ?? 0;
    const technology = TECHNOLOGIES[first & 3] ?? "other";
    return runFlow(make(technology, (first & 4) !== 0), answersOf(bytes.subarray(1)));
  },
});

const areaOf = (bytes: Uint8Array): Uint8Array => {
  const area = new Uint8Array(144);
  area.set(bytes.subarray(0, area.length));
  return area;
};

const zeros = new Uint8Array(16);

export const CARD_TARGETS: ReadonlyArray<Target> = [
  {
    name: "response APDU",
    samples: [hex("04A1B2C3D46C809000")],
    run: (bytes) => decodeResponse(bytes),
  },
  { name: "direct transmit", samples: [hex("D5430000040402010011039000")], run: decodeThru },
  {
    name: "ATR",
    samples: [hex("3B8F8001804F0CA0000003060300030000000068"), hex("3B80800101")],
    run: technologyOfAtr,
  },
  { name: "UID", samples: [hex("04A1B2C3D46C80")], run: (bytes) => decodeUid(bytes) },
  { name: "UID as text", samples: [utf8("04:a1:b2:c3")], run: (bytes) => parseUid(textOf(bytes)) },
  {
    name: "UID as number",
    samples: [utf8("1000438878")],
    run: (bytes) => uidOfDecimal(textOf(bytes), "last-byte-first"),
  },
  { name: "NDEF", samples: [URI, TEXT], run: recordsOf },
  {
    name: "TLV",
    samples: [TLV],
    run: (bytes) => [
      findNdefTlv(bytes, bytes.length),
      findNdefTlv(bytes, 872),
      dataStart(bytes),
      ndefTlvPlace(bytes),
    ],
  },
  { name: "Type 2 container", samples: [TYPE2_PAGE], run: (bytes) => decodeType2Capability(bytes) },
  {
    name: "Type 4 container",
    samples: [TYPE4_CAPABILITY],
    run: (bytes) => [decodeType4Capability(bytes), decodeNlen(bytes, 50)],
  },
  {
    name: "plan of a Type 2 tag",
    samples: [TLV],
    run: (bytes) => planType2(areaOf(bytes), URI, true),
  },
  {
    name: "plan of a Type 4 tag",
    samples: [URI],
    run: (bytes) => planType4({ message: bytes, byteCount: 400, writeByteCountMax: 8 }, URI, true),
  },
  ofFlow("reading", (technology, isWhole) =>
    readCard(technology, { ...SCOPE_NDEF, counter: isWhole, signature: isWhole }, zeros),
  ),
  ofFlow("looking", (technology) => inspectCard(technology, { gateway: "lobby", nonce: zeros })),
  ofFlow("writing", (technology, force) => writeCard(technology, { message: URI, force })),
  ofFlow("erasing", (technology, force) =>
    writeCard(technology, { message: new Uint8Array(), force }),
  ),
  ofFlow("carrying", (technology, isRoomy) =>
    carryOnTag({ technology, uid: UID }, (_there, byteCountMax) => ({
      _tag: "Carry",
      payload: new Uint8Array(isRoomy ? Math.max(0, byteCountMax) : 8),
    })),
  ),
  {
    name: "SUN",
    samples: SUN_LINKS,
    run: (bytes) =>
      readSun({
        ndefUri: textOf(bytes),
        secrets: { metaReadKey: zeros, fileReadKey: () => zeros },
        aes,
      }),
  },
  {
    name: "originality signature",
    samples: [hex("67B1750BCCEB1174F9A33BF20E0226551A6366939B31F949848C3C087350FA90")],
    run: (bytes) => {
      const uid = parseUid("04AB87F2CA1190");
      return E.isRight(uid) && isOriginal(uid.right, bytes);
    },
  },
];
