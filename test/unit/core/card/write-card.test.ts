import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import { describeCardWriteError } from "#core/card/card-write-error.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import {
  NONE,
  uri,
  messageOf,
  make,
  lookAt,
  prepared,
  write,
  long,
} from "#test/unit/core/card/write-runs.ts";

describe("a Type 2 tag", () => {
  test("is left as all readers expect it: the message in front", () => {
    const card = make("ntag215", uri("https://tapmesh.example/old"));
    const url = uri("https://tapmesh.example/new/and/longer");
    write(card, { message: url });
    const memory = toHex(card.exchange(Uint8Array.of(0x30, 4)) ?? NONE);
    expect(memory.slice(0, 4)).toBe(`03${url.length.toString(16)}`);
  });

  test("with room for the new message behind the old one alone gets it there; the next is in front again", () => {
    const card = make("ntag213", messageOf(new Uint8Array(20).fill(1)));
    const headerOf = (): string => toHex(card.exchange(Uint8Array.of(0x30, 4)) ?? NONE).slice(0, 2);
    const large = messageOf(new Uint8Array(90).fill(2));
    expect(E.isRight(write(card, { message: large }).written)).toBe(true);
    expect([lookAt(card), headerOf()]).toEqual([toHex(large), "fd"]);
    const short = messageOf(new Uint8Array(15).fill(3));
    expect(E.isRight(write(card, { message: short }).written)).toBe(true);
    expect([lookAt(card), headerOf()]).toEqual([toHex(short), "03"]);
  });

  test("with a control block before a long message has it on a page of its own", () => {
    const card = prepared("ntag215", hex("0103880806"), messageOf(new Uint8Array(3)));
    for (const payload of [new Uint8Array(270).fill(1), new Uint8Array(280).fill(2)]) {
      const message = messageOf(payload);
      expect(E.isRight(write(card, { message, force: true }).written)).toBe(true);
      expect(lookAt(card)).toBe(toHex(message));
    }
  });

  test("as it comes from the factory, with a lock control block, can be written", () => {
    const card = make("ntag213", NONE);
    for (const [page, data] of ["0103A00C", "340300FE"].entries()) {
      card.exchange(concatBytes(Uint8Array.of(0xa2, 4 + page), hex(data)));
    }
    const url = uri("https://tapmesh.example/tag/7");
    expect(E.isRight(write(card, { message: url }).written)).toBe(true);
    expect(lookAt(card)).toBe(toHex(url));
    expect(toHex(card.exchange(Uint8Array.of(0x30, 4)) ?? NONE).slice(0, 10)).toBe("0103a00c34");
  });

  test("without room for two messages needs force, and says so before anything is written", () => {
    const before = messageOf(new Uint8Array(30).fill(1));
    const after = messageOf(new Uint8Array(30).fill(2));
    const card = make("ultralight-ev1-48", before);
    expect(write(card, { message: after }).written).toEqual(E.left({ _tag: "NotInOneStroke" }));
    expect(lookAt(card)).toBe(toHex(before));
    expect(E.isRight(write(card, { message: after, force: true }).written)).toBe(true);
    expect(lookAt(card)).toBe(toHex(after));
  });

  test.each([
    ["the capability container", "A2030000000F"],
    ["a lock bit", "A20200001000"], // page 4
  ])("locked by %s is not written", (_, command) => {
    const card = make("ntag213", NONE);
    card.exchange(hex(command));
    const { written } = write(card, { message: uri("https://tapmesh.example/x") });
    expect(written).toEqual(E.left({ _tag: "WriteProtected" }));
  });

  test("with bytes reserved in the midst of its data is not written, and force is no help", () => {
    const card = prepared("ntag215", hex("0103A00C34"), NONE); // right on an NTAG213 alone
    for (const force of [false, true]) {
      const { written } = write(card, { message: uri("https://tapmesh.example/x"), force });
      expect(written).toEqual(E.left({ _tag: "LayoutUnknown" }));
    }
  });

  test("locked where no one looks before keeps its old message", () => {
    const before = uri("https://tapmesh.example/old");
    const card = make("ntag213", before);
    card.exchange(hex("A2280F000000")); // pages 16 to 23
    const { written } = write(card, { message: messageOf(new Uint8Array(60).fill(7)) });
    expect(E.isLeft(written) && written.left._tag).toBe("NotWritten");
    expect(lookAt(card)).toBe(toHex(before));
  });
});

describe("a Type 4 tag", () => {
  test("whose old and new message are both long needs force", () => {
    const card = make("type4", long(1));
    expect(write(card, { message: long(2) }).written).toEqual(E.left({ _tag: "NotInOneStroke" }));
    expect(E.isRight(write(card, { message: long(2), force: true }).written)).toBe(true);
    expect(lookAt(card)).toBe(toHex(long(2)));
  });

  test.each([
    ["short", messageOf(new Uint8Array(20)), "long", long(2)],
    ["long", long(1), "short", messageOf(new Uint8Array(20))],
  ])("goes from a %s message to a %s one without", (...[, before, , after]) => {
    const card = make("type4", before);
    expect(E.isRight(write(card, { message: after }).written)).toBe(true);
    expect(lookAt(card)).toBe(toHex(after));
  });

  test("needs none where one command holds all that differs", () => {
    const before = long(1);
    const after = before.map((byte, index) => (index > 100 && index < 150 ? 9 : byte));
    const card = make("type4", before);
    const { written } = write(card, { message: after });
    expect(E.isRight(written) && written.right.writeCount).toBe(1);
    expect(lookAt(card)).toBe(toHex(after));
  });
});

test.each(["classic", "desfire", "phone"])("a card without NDEF (%s) can't be written", (name) => {
  const { written } = write(make(name, NONE), { message: uri("https://tapmesh.example/x") });
  expect(written).toEqual(E.left({ _tag: "NotForNdef" }));
});

test("what does not fit is refused with the room there is", () => {
  const { written } = write(make("ntag213", NONE), { message: messageOf(new Uint8Array(200)) });
  expect(written).toEqual(E.left({ _tag: "MessageTooLarge", byteCount: 203, byteCountMax: 142 }));
});

test("a tag that reads otherwise than it was written is told of", () => {
  const card = make("ntag213", NONE);
  const worn: EmulatedCard = {
    ...card,
    exchange: (command) => {
      const answer = card.exchange(command);
      return command[0] === 0x30 && command[1] === 7 && answer ? answer.map(() => 0x41) : answer;
    },
  };
  const { written } = write(worn, { message: messageOf(new Uint8Array(30).fill(7)) });
  expect(E.isLeft(written) && written.left._tag).toMatch(/ReadBackDiffers/);
});

test("every error has words that say what is on the tag now", () => {
  const gone = { _tag: "CardGone", command: "WRITE page" } as const;
  const errors: Readonly<Record<CardWriteError["_tag"], CardWriteError>> = {
    MessageTooLarge: { _tag: "MessageTooLarge", byteCount: 2, byteCountMax: 1 },
    NotInOneStroke: { _tag: "NotInOneStroke" },
    LayoutUnknown: { _tag: "LayoutUnknown" },
    NotRead: { _tag: "NotRead", error: gone },
    NotForNdef: { _tag: "NotForNdef" },
    WriteProtected: { _tag: "WriteProtected" },
    NotWritten: { _tag: "NotWritten", error: gone, force: false },
    ReadBackDiffers: { _tag: "ReadBackDiffers" },
  };
  for (const error of Object.values(errors)) {
    expect(describeCardWriteError(error)).toMatch(/Nothing was written|The tag/);
  }
  expect(describeCardWriteError({ _tag: "NotWritten", error: gone, force: true })).toContain(
    "may be empty",
  );
});
