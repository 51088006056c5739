import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { readCard, type ReadScope, SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import { emulatedCard } from "#gateway/reader/emulated/catalogue.ts";
import type { EmulatedCard, EmulatedCardOptions } from "#gateway/reader/emulated/emulated-card.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const SCOPE_COUNTER: ReadScope = { ...SCOPE_UID, counter: true };
const SCOPE_ALL: ReadScope = { ...SCOPE_NDEF, counter: true, signature: true };
const SIGNATURE = hex("67B1750BCCEB1174F9A33BF20E0226551A6366939B31F949848C3C087350FA90");

const make = (name: string, options: EmulatedCardOptions = {}): EmulatedCard => {
  const card = emulatedCard(name, options);
  if (E.isLeft(card)) throw new Error(card.left._tag);
  return card.right;
};
const native = (card: EmulatedCard, command: string): string => {
  const answer = card.exchange(hex(command));
  return answer === null ? "NAK" : toHex(answer);
};
const page = (number: number): string => number.toString(16).padStart(2, "0");
const tap = (card: EmulatedCard, scope: ReadScope): unknown => {
  const read = readEmulated(inPcscReader(card), scope);
  return E.isLeft(read) ? read.left : read.right;
};

describe.each([
  { name: "ntag213", version: "0004040201000f03", pages: 0x2d, cc: "e1101200", lock: 0x28 },
  { name: "ntag215", version: "0004040201001103", pages: 0x87, cc: "e1103e00", lock: 0x82 },
  { name: "ntag216", version: "0004040201001303", pages: 0xe7, cc: "e1106d00", lock: 0xe2 },
  { name: "ultralight-ev1-48", version: "0004030101000b03", pages: 0x14, cc: "e1100600", lock: 0 },
  {
    name: "ultralight-ev1-128",
    version: "0004030101000e03",
    pages: 0x29,
    cc: "e1101000",
    lock: 0x24,
  },
])("$name", ({ name, version, pages, cc, lock }) => {
  test("names itself, and has as many pages as its data sheet says", () => {
    const card = make(name);
    expect(native(card, "60")).toBe(version);
    expect(native(card, `30${page(pages - 1)}`)).toHaveLength(32);
    expect(native(card, `30${page(pages)}`)).toBe("NAK");
    expect(native(card, "3003").slice(0, 8)).toBe(cc);
    expect(native(card, "1B00000000")).toBe("NAK");
  });

  test("keeps what is written from one tap to the next", () => {
    const card = make(name);
    expect(native(card, "A205CAFEBABE")).toBe("0a");
    card.enterField();
    expect(native(card, "3005").slice(0, 8)).toBe("cafebabe");
    expect(native(card, "A205CAFE")).toBe("NAK");
    expect(native(card, `A2${page(pages)}00000000`)).toBe("NAK");
    expect(native(card, "A20100000000")).toBe("NAK"); // the UID is for ever
  });

  test("a locked page keeps what it has, and a lock bit can't be taken back", () => {
    const card = make(name);
    expect(native(card, "A202FFFF2000")).toBe("0a"); // page 5
    expect(native(card, "A20200000000")).toBe("0a");
    expect(native(card, "3002").slice(4, 8)).toBe("2000");
    expect(native(card, "A205CAFEBABE")).toBe("NAK");
    expect(native(card, "A206CAFEBABE")).toBe("0a");
    if (lock === 0) return;
    expect(native(card, `A2${page(lock)}01000000`)).toBe("0a");
    expect(native(card, "A210CAFEBABE")).toBe("NAK"); // page 16
    expect(native(card, "A20FCAFEBABE")).toBe("0a");
    expect(native(card, `A2${page(lock - 1)}CAFEBABE`)).toBe("0a");
  });

  test("bits of the capability container are set once and for all", () => {
    const card = make(name);
    native(card, "A20300000F0F");
    native(card, "A20300000000");
    expect(native(card, "3003").slice(0, 8)).toBe(
      toHex(hex(cc).map((byte, index) => byte | (index > 1 ? 0x0f : 0))),
    );
  });

  test("shows its signature", () => {
    const card = make(name, { signature: SIGNATURE });
    expect(tap(card, { ...SCOPE_COUNTER, counter: false, signature: true })).toMatchObject({
      signature: SIGNATURE,
      counter: null,
    });
  });
});

describe("the tap counter of an NTAG", () => {
  test.each(["ntag213", "ntag215", "ntag216"])("%s counts each tap once", (name) => {
    const card = make(name, { counter: 0x0102fe });
    expect(tap(card, SCOPE_COUNTER)).toMatchObject({ counter: 0x0102ff, ndef: null });
    expect(tap(card, SCOPE_ALL)).toMatchObject({ counter: 0x010300 });
    expect(tap(card, SCOPE_NDEF)).toMatchObject({ counter: null }); // counted, but not asked for
    expect(tap(card, SCOPE_COUNTER)).toMatchObject({ counter: 0x010302 });
  });

  test("stays at its highest value", () => {
    const card = make("ntag213", { counter: 0xff_fffe });
    for (let taps = 0; taps < 3; taps += 1) tap(card, SCOPE_COUNTER);
    expect(tap(card, SCOPE_COUNTER)).toMatchObject({ counter: 0xff_ffff });
  });

  test.each([
    ["where it is off", make("ntag213", { countsTaps: false })],
    ["of an Ultralight EV1, whose counters count no taps", make("ultralight-ev1-48")],
    ["of a Type 4 card", make("type4")],
    ["of a MIFARE Classic", make("classic")],
  ])("is null %s", (_, card) => {
    expect(tap(card, SCOPE_COUNTER)).toMatchObject({ counter: null });
  });

  test("is null at a reader that takes no direct transmit, and costs no tap", () => {
    const card = inPcscReader(make("ntag213", { signature: SIGNATURE }), false);
    const read = readEmulated(card, SCOPE_ALL);
    expect(E.isRight(read) && read.right).toMatchObject({ counter: null, signature: null });
    expect(E.isRight(read) && read.right.ndef).not.toBeNull();
  });

  test("Ultralight EV1 has three counters for others", () => {
    const card = make("ultralight-ev1-128");
    expect(["3900", "3901", "3902", "3903"].map((command) => native(card, command))).toEqual([
      "000000",
      "000000",
      "000000",
      "NAK",
    ]);
  });
});

test("a card pulled away before its counter or its signature was read is no tap", () => {
  const stepCount = 6; // GET DATA, 2 READ, GET_VERSION, READ_SIG, READ_CNT
  for (const gone of ["", "6300"]) {
    for (let k = 0; k <= stepCount; k += 1) {
      const card = inPcscReader(make("ntag215"));
      const flow = readCard("type2", SCOPE_ALL, new Uint8Array(16));
      let step = flow.next();
      let count = 0;
      for (; step.done !== true; count += 1) {
        step = flow.next(count < k ? card.transmit(step.value) : hex(gone));
      }
      expect(E.isLeft(step.value) ? step.value.left._tag : "read").toBe(
        k < stepCount ? "CardGone" : "read",
      );
    }
  }
});

describe("UIDs", () => {
  test("a phone shows another random one at each tap", () => {
    const phone = make("phone");
    const uids = Array.from({ length: 50 }, () => {
      phone.enterField();
      return toHex(phone.uid);
    });
    expect(new Set(uids).size).toBe(50);
    for (const uid of uids) expect(uid).toMatch(/^08[0-9a-f]{6}$/);
  });

  test.each([4, 7, 10])("of %d bytes are read whole", (byteCount) => {
    const uid = Uint8Array.from({ length: byteCount }, (_, index) => 0x11 * (index + 1));
    expect(tap(make("type4", { uid }), SCOPE_NDEF)).toMatchObject({
      uid: toHex(uid).toUpperCase(),
      technology: "type4",
    });
  });

  test("a DESFire shows its UID and nothing else", () => {
    expect(tap(make("desfire"), SCOPE_ALL)).toMatchObject({
      technology: "type4",
      uid: "04521C9A773D80",
      ndef: null,
    });
  });
});
