import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import { technologyOfAtr } from "#core/card/atr.ts";
import { decodeNdef, encodeNdef } from "#core/card/ndef.ts";
import { type ReadScope } from "#core/card/read-card.ts";
import { decodeUid, uidUnfitFor } from "#core/card/uid.ts";
import { decodeUri } from "#core/card/well-known.ts";
import { EMULATED_CARD_NAMES, emulatedCard } from "#gateway/reader/emulated/catalogue.ts";
import type { EmulatedCard, EmulatedCardOptions } from "#gateway/reader/emulated/emulated-card.ts";
import { type CardInReader, inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { hex } from "#test/unit/core/card/hex.ts";

type Held = EmulatedCard & CardInReader;

const held =
  (make: (options: EmulatedCardOptions) => EmulatedCard) =>
  (options: EmulatedCardOptions): Held => {
    const card = make(options);
    return { ...card, ...inPcscReader(card) };
  };

const heldNtag215 = held(emulatedNtag215);
const heldType4 = held(emulatedType4);
const heldMifareClassic = held(emulatedMifareClassic);

const ask = (card: CardInReader, apdu: string): string => toHex(card.transmit(hex(apdu)));

const makers = [
  ["ntag215", heldNtag215],
  ["type4", heldType4],
  ["classic", heldMifareClassic],
] as const;

/** A message of at most 492 bytes, which every card but the Classic has room for. */
const message = fc.uint8Array({ maxLength: 486 }).map((payload) => {
  const empty = new Uint8Array(0);
  const encoded = encodeNdef([{ tnf: "unknown", type: empty, id: empty, payload }]);
  if (E.isLeft(encoded)) throw new Error(encoded.left._tag);
  return encoded.right;
});

const countSteps = (card: Held, scope: ReadScope): number => {
  let count = 0;
  const transmit = (apdu: Uint8Array): Uint8Array => {
    count += 1;
    return card.transmit(apdu);
  };
  readEmulated({ atr: card.atr, transmit }, scope);
  return count;
};

/** Reads the card; the responses from step k on are replaced. */
const readReplaced = (
  card: Held,
  k: number,
  replace: (response: Uint8Array) => Uint8Array,
): ReturnType<typeof readEmulated> => {
  let step = -1;
  const transmit = (apdu: Uint8Array): Uint8Array => {
    step += 1;
    const response = card.transmit(apdu);
    return step < k ? response : replace(response);
  };
  return readEmulated({ atr: card.atr, transmit }, SCOPE_NDEF);
};

const SELECT_APPLICATION = "00A4040007D276000085010100";
/** A Type 4 card that has been sent these. */
const selected = (...apdus: ReadonlyArray<string>): CardInReader => {
  const card = heldType4({});
  for (const apdu of apdus) ask(card, apdu);
  return card;
};

describe("every emulated card", () => {
  test.each(makers)("%s is what its ATR says, and has a UID fit to be enrolled", (_, make) => {
    const card = make({});
    const uid = decodeUid(card.uid);
    expect(technologyOfAtr(card.atr)).toBe(card.technology);
    expect(E.isRight(uid) && uidUnfitFor(uid.right)).toBeUndefined();
    expect(readEmulated(card, SCOPE_UID)).toEqual(
      E.map((uidText) => ({
        technology: card.technology,
        uid: uidText,
        ndef: null,
        counter: null,
        phone: null,
        signature: null,
      }))(uid),
    );
  });

  test.each(makers)("%s answers any bytes with a status word", (_, make) => {
    const card = make({});
    const start = fc.constantFrom("", "FF", "FFB000", "FFCA0000", "00A4", "00A40400", "00B0");
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 8 }), (head, tail) => {
        expect(card.transmit(concatBytes(hex(head), tail)).length).toBeGreaterThanOrEqual(2);
      }),
    );
  });

  test.each(makers)("%s throws on a UID of the wrong size", (_, make) => {
    expect(() => make({ uid: hex("0102030405") })).toThrow(RangeError);
  });

  test.each([
    [heldNtag215, "https://tapmesh.example/tag/1"],
    [heldType4, "https://tapmesh.example/card/1"],
  ])("a URI is there by default", (make, uri) => {
    const read = readEmulated(make({}), SCOPE_NDEF);
    const records = E.isRight(read) && read.right.ndef ? decodeNdef(read.right.ndef) : E.right([]);
    expect(E.isRight(records) && records.right.map((record) => decodeUri(record))).toEqual([
      E.right(uri),
    ]);
  });

  test.each([
    ["NTAG215", heldNtag215],
    ["Type 4", heldType4],
  ])("%s: UID and message are read as they were put on", (_, make) => {
    const uids = fc.uint8Array({ minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(uids, message, (uid, ndef) => {
        const card = make({ uid, ndef });
        expect(readEmulated(card, SCOPE_NDEF)).toEqual(
          E.right({
            technology: card.technology,
            uid: toHex(uid).toUpperCase(),
            ndef,
            counter: null,
            phone: null,
            signature: null,
          }),
        );
      }),
    );
  });

  test.each([
    ["NTAG215", heldNtag215],
    ["Type 4", heldType4],
  ])("%s with an empty message carries none", (_, make) => {
    const read = readEmulated(make({ ndef: new Uint8Array(0) }), SCOPE_NDEF);
    expect(E.isRight(read) && read.right.ndef).toBeNull();
  });
});

describe("a card pulled away", () => {
  test.each(makers)("%s, at every step: an error, or all that there is", (_, make) => {
    const whole = readEmulated(make({}), SCOPE_NDEF);
    const stepCount = countSteps(make({}), SCOPE_NDEF);
    for (const gone of ["", "6300"]) {
      for (let k = 0; k <= stepCount; k += 1) {
        const read = readReplaced(make({}), k, () => hex(gone));
        const outcome = E.isLeft(read) ? read.left._tag : read;
        expect(outcome).toEqual(k < stepCount ? "CardGone" : whole);
      }
    }
  });

  test.each(makers)("%s, in the midst of any response: an error", (_, make) => {
    const stepCount = countSteps(make({}), SCOPE_NDEF);
    fc.assert(
      fc.property(fc.nat({ max: stepCount - 1 }), fc.nat(), (k, cut) => {
        const read = readReplaced(make({}), k, (response) =>
          response.subarray(0, cut % response.length),
        );
        expect(E.isLeft(read)).toBe(true);
      }),
    );
  });
});

describe("NTAG215", () => {
  const card = heldNtag215({ uid: hex("04AB87F2CA1190") });

  test("serial number pages carry their check bytes", () => {
    // 88^04^AB^87 = A0, F2^CA^11^90 = B9
    expect(ask(card, "FFB0000010")).toBe("04ab87a0f2ca1190b9480000e1103e009000");
  });

  test("READ gives 4 pages and rolls over after page 134", () => {
    expect(ask(card, "FFB0008410")).toBe("10050000000000000000000004ab87a09000");
    expect(ask(card, "FFB0008610")).toBe("0000000004ab87a0f2ca1190b94800009000");
  });

  test("fewer bytes than 16 can be asked for", () => {
    expect(ask(card, "FFB0000304")).toBe("e1103e009000");
  });

  test.each([
    ["FFB0008710", "6a82"], // there is no page 135
    ["FFB0010010", "6a82"],
    ["FFB0000011", "6700"],
    ["FFB0000000", "6700"],
    ["FFB00000", "6700"],
    ["FFCA", "6700"],
    ["FFCA010000", "6a81"],
    ["FFCA000004", "6c07"],
    ["FFD6000404", "6700"],
    ["FFD7000404", "6d00"],
    ["00A4040000", "6e00"],
  ])("%s is answered by %s", (apdu, sw) => {
    expect(ask(card, apdu)).toBe(sw);
  });

  test("has room for as much as its container states", () => {
    expect(() => heldNtag215({ ndef: new Uint8Array(493) })).toThrow(RangeError);
    const read = readEmulated(heldNtag215({ ndef: new Uint8Array(492) }), SCOPE_NDEF);
    expect(E.isLeft(read) && read.left._tag).toBe("NdefMalformed"); // read whole: zeros are no record
  });
});

describe("Type 4", () => {
  test("a file can be selected only in its application", () => {
    expect(ask(selected(), "00A4000C02E103")).toBe("6a82");
    expect(ask(selected(SELECT_APPLICATION), "00A4000C02E103")).toBe("9000");
    expect(ask(selected(SELECT_APPLICATION), "00A4000C02E105")).toBe("6a82");
  });

  test("selecting the application again forgets the file", () => {
    const card = selected(SELECT_APPLICATION, "00A4000C02E103", SELECT_APPLICATION);
    expect(ask(card, "00B0000002")).toBe("6986");
  });

  test("reading keeps to the file", () => {
    const card = selected(SELECT_APPLICATION, "00A4000C02E103");
    expect(ask(card, "00B000000F")).toBe("000f20003b00340406e104200000009000");
    expect(ask(card, "00B0000E02")).toBe("006282");
    expect(ask(card, "00B0000F01")).toBe("6b00");
    expect(ask(card, "00B0810001")).toBe("6b00");
    expect(ask(card, "00B000003C")).toBe("6700"); // more than MLe
  });

  test.each([
    ["00A4040007D276000085010000", "6a82"], // the application of mapping version 1.0
    ["00A4040007D2760000850101", "9000"], // without Le
    ["00A4040007D27600008501", "6700"],
    ["00A4000002E103", "6a86"],
    ["00B0000002", "6986"],
    ["00B00000", "6700"],
    ["00D6000000", "6700"],
    ["00D7000000", "6d00"],
    ["90600000", "6e00"],
    ["FFB0000310", "6d00"],
  ])("%s is answered by %s", (apdu, sw) => {
    expect(ask(heldType4({}), apdu)).toBe(sw);
  });

  test("a message that is larger than what is read", () => {
    const read = readEmulated(heldType4({ ndef: new Uint8Array(4097) }), SCOPE_NDEF);
    expect(E.isLeft(read) && read.left._tag).toBe("NdefTooLarge");
  });
});

test("MIFARE Classic shows nothing without a key", () => {
  expect(ask(heldMifareClassic({}), "FFB0000410")).toBe("6982");
});

describe("by name", () => {
  test.each(makers)("%s", (name, make) => {
    const card = emulatedCard(name, {});
    expect(E.isRight(card) && readEmulated(inPcscReader(card.right), SCOPE_NDEF)).toEqual(
      readEmulated(make({}), SCOPE_NDEF),
    );
  });

  test("an unknown name is told the known ones", () => {
    expect(emulatedCard("ntag21", {})).toEqual(
      E.left({
        _tag: "CardNameUnknown",
        name: "ntag21",
        namesKnown: EMULATED_CARD_NAMES,
      }),
    );
  });

  test("what the card has no room for is refused", () => {
    expect(emulatedCard("classic", { uid: hex("04A1B2C3D46C80") })).toEqual(
      E.left({ _tag: "CardUidSizeWrong", byteCount: 7, byteCountsNeeded: [4] }),
    );
    expect(emulatedCard("classic", { ndef: hex("D00000") })).toEqual(
      E.left({ _tag: "CardNdefTooLarge", byteCount: 3, byteCountMax: 0 }),
    );
    expect(emulatedCard("ntag215", { ndef: new Uint8Array(493) })).toEqual(
      E.left({ _tag: "CardNdefTooLarge", byteCount: 493, byteCountMax: 492 }),
    );
  });
});
