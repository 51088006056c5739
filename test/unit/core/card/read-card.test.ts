import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes } from "#core/bytes.ts";
import { decodeNdef, encodeNdef, NDEF_BYTES_MAX } from "#core/card/ndef.ts";
import { encodeNdefTlv } from "#core/card/tlv.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import {
  type Answer,
  ATR_CLASSIC,
  ATR_TYPE2,
  ATR_TYPE4,
  capabilityOf,
  COMMAND_COUNT_MAX,
  GONE,
  ok,
  runRead,
  script,
  type2,
  type4,
  UID,
} from "#test/unit/core/card/run-read.ts";

const URI = hex("D1 01 0C 55 04 6578616D706C652E636F6D");
const NTAG215_CC = hex("E1 10 3E 00");

/** A message of just so many bytes: one record of unknown type. */
const messageOf = (byteCount: number): Uint8Array => {
  const overhead = byteCount < 259 ? 3 : 6;
  const empty = new Uint8Array(0);
  const payload = new Uint8Array(byteCount - overhead).map((_, index) => index % 251);
  const message = encodeNdef([{ tnf: "unknown", type: empty, id: empty, payload }]);
  if (E.isLeft(message)) throw new Error(message.left._tag);
  return message.right;
};

const fileOf = (message: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(message.length >> 8, message.length & 0xff), message);

const readAs = (technology: string, ndef: Uint8Array | null): unknown =>
  E.right({ technology, uid: "04A1B2C3D46C80", ndef, counter: null, signature: null, phone: null });

describe("scope uid", () => {
  test.each([
    [ATR_TYPE2, "type2"],
    [ATR_TYPE4, "type4"],
    [ATR_CLASSIC, "mifare-classic"],
    [hex("3B00"), "other"],
  ])("one command, whatever the card", (atr, technology) => {
    const { result, commands } = runRead(atr, SCOPE_UID, script([ok(UID)]));
    expect(result).toEqual(readAs(technology, null));
    expect(commands).toEqual(["ffca000000"]);
  });
});

describe("Type 2", () => {
  test("reads the capability container and no more pages than the message takes", () => {
    const card = type2(concatBytes(NTAG215_CC, encodeNdefTlv(URI)));
    const { result, commands } = runRead(ATR_TYPE2, SCOPE_NDEF, card);
    expect(result).toEqual(readAs("type2", URI));
    // 2 + 16 bytes of TLV: 12 come with the container, the rest with page 7.
    expect(commands).toEqual(["ffca000000", "ffb0000310", "ffb0000710"]);
  });

  test("a message that comes with the container needs no further page", () => {
    const short = messageOf(10);
    const card = type2(concatBytes(NTAG215_CC, encodeNdefTlv(short)));
    const { result, commands } = runRead(ATR_TYPE2, SCOPE_NDEF, card);
    expect(result).toEqual(readAs("type2", short));
    expect(commands).toHaveLength(2);
  });

  test.each([
    ["not meant for NDEF", "00000000"],
    ["empty, as NTAG213 is delivered", "E1101200 0103A00C 340300FE"],
    ["empty, as NTAG215 is delivered", "E1103E00 0300FE00"],
    ["with a terminator first", "E1103E00 FE000000"],
    ["without any data area", "E1100000 03 01 AA FE"],
  ])("a card %s has none", (_, memory) => {
    expect(runRead(ATR_TYPE2, SCOPE_NDEF, type2(hex(memory))).result).toEqual(
      readAs("type2", null),
    );
  });

  test("bytes behind the data area are not data", () => {
    // 8 bytes of data; the block that READ shows behind them is none.
    const card = type2(concatBytes(hex("E1 10 01 00 0000000000000000"), encodeNdefTlv(URI)));
    expect(runRead(ATR_TYPE2, SCOPE_NDEF, card).result).toEqual(readAs("type2", null));
  });

  test("the last byte that READ can reach is still read, in 65 commands", () => {
    const full = messageOf(1004); // type, length and this are the 1,008 bytes of pages 4 to 255
    const card = type2(concatBytes(hex("E1 10 FF 00"), encodeNdefTlv(full)));
    const { result, commands } = runRead(ATR_TYPE2, SCOPE_NDEF, card);
    expect(result).toEqual(readAs("type2", full));
    expect(commands).toHaveLength(65);
    expect(commands.at(-1)).toBe("ffb000ff10");
  });
});

test("a Type 2 card's bytes behind page 255 are not data either", () => {
  // Nothing but NULLs in pages 4 to 255, then what READ of page 255 may show next.
  const memory = concatBytes(hex("E1 10 FF 00"), new Uint8Array(1008), encodeNdefTlv(messageOf(5)));
  expect(runRead(ATR_TYPE2, SCOPE_NDEF, type2(memory)).result).toEqual(
    E.left({
      _tag: "Type2Unreadable",
      error: { _tag: "NdefBeyondFirstSector", byteCount: 1009 },
    }),
  );
});

describe("Type 4", () => {
  test("commands in their order", () => {
    const card = type4(capabilityOf("000F", "0100"), fileOf(URI));
    const { result, commands } = runRead(ATR_TYPE4, SCOPE_NDEF, card);
    expect(result).toEqual(readAs("type4", URI));
    expect(commands).toEqual([
      "ffca000000",
      "00a4040007d276000085010100",
      "00a4000c02e103",
      "00b000000f",
      "00a4000c02e104",
      "00b0000002",
      "00b000020f",
      "00b0001101",
    ]);
  });

  test("no read asks for more than MLe, nor for more than 255 bytes", () => {
    const message = messageOf(600);
    const mles = fc.integer({ min: 15, max: 700 });
    fc.assert(
      fc.property(mles, (mle) => {
        const card = type4(
          capabilityOf(mle.toString(16).padStart(4, "0"), "1000"),
          fileOf(message),
        );
        const { result, commands } = runRead(ATR_TYPE4, SCOPE_NDEF, card);
        expect(result).toEqual(readAs("type4", message));
        const sizes = commands.slice(6).map((command) => Number.parseInt(command.slice(8), 16));
        expect(Math.max(...sizes)).toBe(Math.min(mle, 255));
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(600);
      }),
    );
  });

  test.each(["6A82", "6A81", "6A86", "6999", "6D00", "6E00"])(
    "a card that answers SELECT of the application by %s has none",
    (sw) => {
      const { result } = runRead(ATR_TYPE4, SCOPE_NDEF, script([ok(UID), hex(sw)]));
      expect(result).toEqual(readAs("type4", null));
    },
  );

  test("NLEN 0: none", () => {
    const card = type4(capabilityOf("003B", "0100"), hex("0000"));
    expect(runRead(ATR_TYPE4, SCOPE_NDEF, card).result).toEqual(readAs("type4", null));
  });

  test("the largest message, in the smallest reads, takes as many commands as promised", () => {
    const message = messageOf(NDEF_BYTES_MAX);
    const card = type4(capabilityOf("000F", "7FFF"), fileOf(message));
    const { result, commands } = runRead(ATR_TYPE4, SCOPE_NDEF, card);
    expect(result).toEqual(readAs("type4", message));
    expect(commands).toHaveLength(COMMAND_COUNT_MAX);
  });
});

test.each([ATR_CLASSIC, hex("3B00")])("a card without readable NDEF is not asked for it", (atr) => {
  const { result, commands } = runRead(atr, SCOPE_NDEF, script([ok(UID)]));
  expect(E.isRight(result) && result.right.ndef).toBeNull();
  expect(commands).toHaveLength(1);
});

/** Any responses; the plausible ones among them lead deep into the flow. */
const response = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map(ok),
  fc.constantFrom(ok(), ok(UID), GONE, hex(""), hex("90"), hex("6A82"), ok("1000"), ok("0040")),
  fc.constantFrom(ok(capabilityOf("000F", "7FFF")), ok(capabilityOf("00FF", "0100"))),
  fc
    .uint8Array({ minLength: 12, maxLength: 12 })
    .map((data) => ok(Uint8Array.of(0xe1, 0x10, 0xff, 0, ...data))),
);

test("random responses end the flow, within the commands promised", () => {
  const atr = fc.constantFrom(ATR_TYPE2, ATR_TYPE4, ATR_CLASSIC, hex(""));
  const responses = fc.array(response, { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(atr, responses, (atrBytes, cycle) => {
      const answer: Answer = (_, index) =>
        index === 0 ? ok(UID) : (cycle[index % cycle.length] ?? GONE);
      const { result, commands } = runRead(atrBytes, SCOPE_NDEF, answer);
      expect(commands.length).toBeLessThanOrEqual(COMMAND_COUNT_MAX);
      expect(E.isLeft(result) || result.right.uid).toBe(E.isLeft(result) || "04A1B2C3D46C80");
    }),
    { numRuns: 150 },
  );
});

test("cards with random memory end the flow, and what is read decodes", () => {
  const bytes = fc.uint8Array({ maxLength: 400 });
  fc.assert(
    fc.property(bytes, fc.nat({ max: 255 }), fc.boolean(), (memory, size, isType2) => {
      const answer = isType2
        ? type2(concatBytes(Uint8Array.of(0xe1, 0x10, size, 0), memory))
        : type4(capabilityOf("000F", "0190"), memory);
      const { result, commands } = runRead(isType2 ? ATR_TYPE2 : ATR_TYPE4, SCOPE_NDEF, answer);
      const ndef = E.isRight(result) ? result.right.ndef : null;
      expect(commands.length).toBeLessThanOrEqual(COMMAND_COUNT_MAX);
      expect(ndef === null || E.isRight(decodeNdef(ndef))).toBe(true);
    }),
    { numRuns: 150 },
  );
});
