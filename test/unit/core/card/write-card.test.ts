import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import { describeCardWriteError } from "#core/card/card-write-error.ts";
import { encodeNdef, type NdefRecord } from "#core/card/ndef.ts";
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import { uriRecord } from "#core/card/well-known.ts";
import { type CardWritten, writeCard } from "#core/card/write-card.ts";
import { emulatedCard } from "#gateway/reader/emulated/catalogue.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";
import { rounds } from "#test/long.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const NONE = new Uint8Array();

const encoded = (record: NdefRecord): Uint8Array => {
  const message = encodeNdef([record]);
  if (E.isLeft(message)) throw new Error(message.left._tag);
  return message.right;
};
const uri = (text: string): Uint8Array => encoded(uriRecord(text));
const messageOf = (payload: Uint8Array): Uint8Array =>
  encoded({ tnf: "unknown", type: NONE, id: NONE, payload });

const make = (name: string, ndef: Uint8Array): EmulatedCard => {
  const card = emulatedCard(name, { ndef });
  if (E.isLeft(card)) throw new Error(card.left._tag);
  return card.right;
};

/** What a tap finds; a card that can't be read is as good as a mixture. */
const lookAt = (card: EmulatedCard): string => {
  const read = readEmulated(inPcscReader(card), SCOPE_NDEF);
  return E.isLeft(read) ? read.left._tag : toHex(read.right.ndef ?? NONE);
};

type Written = E.Either<CardWriteError, CardWritten>;

interface Pull {
  /** The command at which the card is pulled away, and whether it still carries it out. */
  readonly at: number;
  readonly isDone: boolean;
}

const NEVER: Pull = { at: Infinity, isDone: false };

/** Writes; returns what came of it and how many commands it took. */
const write = (
  card: EmulatedCard,
  wish: { readonly message: Uint8Array; readonly force?: boolean },
  pull: Pull = NEVER,
): { readonly written: Written; readonly commandCount: number } => {
  const held = inPcscReader(card);
  const flow = writeCard(card.technology, { force: false, ...wish });
  let commandCount = 0;
  let step = flow.next();
  while (step.done !== true) {
    const isGone = commandCount >= pull.at;
    const isCarriedOut = !isGone || (commandCount === pull.at && pull.isDone);
    const response = isCarriedOut ? held.transmit(step.value) : NONE;
    commandCount += 1;
    step = flow.next(isGone ? NONE : response);
  }
  return { written: step.value, commandCount };
};

const NAMES = [
  "ntag213",
  "ntag215",
  "ntag216",
  "ultralight-ev1-48",
  "ultralight-ev1-128",
  "type4",
] as const;

const payload = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const message = fc.oneof(
  fc.constant(NONE),
  payload(12).map(messageOf),
  payload(60).map(messageOf),
  payload(300).map(messageOf),
  fc.webUrl().map(uri),
);
const smallMessage = payload(30).map(messageOf);

const long = (byte: number): Uint8Array => messageOf(new Uint8Array(200).fill(byte));

/** A fresh card each time: what a pull leaves is looked at and thrown away. */
const everyPull = (
  start: () => EmulatedCard,
  wish: { readonly message: Uint8Array; readonly force?: boolean },
  allowed: ReadonlyArray<string>,
): void => {
  const { commandCount } = write(start(), wish);
  for (let at = 0; at < commandCount; at += 1) {
    for (const isDone of [false, true]) {
      const card = start();
      const { written } = write(card, wish, { at, isDone });
      expect(E.isLeft(written)).toBe(true);
      expect(allowed).toContain(lookAt(card));
    }
  }
};

describe.each(NAMES)("%s", (name) => {
  test("pulled away at any command, it holds the old message or the new one", () => {
    fc.assert(
      fc.property(smallMessage, message, (before, after) => {
        const start = (): EmulatedCard => make(name, before);
        const card = start();
        const { written } = write(card, { message: after });
        const refusal = E.isLeft(written) ? written.left._tag : "none";
        expect(["none", "NotInOneStroke", "MessageTooLarge"]).toContain(refusal);
        expect(lookAt(card)).toBe(toHex(refusal === "none" ? after : before));
        if (refusal === "none") {
          everyPull(start, { message: after }, [toHex(before), toHex(after)]);
        }
      }),
      { numRuns: rounds(12, 2_000) },
    );
  });

  test("so it is after any number of writes that were broken off before", () => {
    const step = fc.record({ message, at: fc.nat({ max: 60 }), isDone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const card = make(name, NONE);
        let before = "";
        for (const { message: after, ...pull } of steps) {
          write(card, { message: after }, pull);
          const now = lookAt(card);
          expect([before, toHex(after)]).toContain(now);
          before = now;
        }
      }),
      { numRuns: rounds(40, 5_000) },
    );
  });

  test("with force it may be empty in between, but never a mixture", () => {
    fc.assert(
      fc.property(smallMessage, message, (before, after) => {
        const start = (): EmulatedCard => make(name, before);
        const { written } = write(start(), { message: after, force: true });
        const refusal = E.isLeft(written) ? written.left._tag : "none";
        expect(["none", "MessageTooLarge"]).toContain(refusal);
        if (refusal !== "none") return;
        everyPull(start, { message: after, force: true }, [toHex(before), "", toHex(after)]);
      }),
      { numRuns: rounds(12, 2_000) },
    );
  });

  test("a message that is there already is not written again", () => {
    const card = make(name, NONE);
    const url = uri("https://tapmesh.example/tag/7");
    expect(write(card, { message: url }).written).toMatchObject({ _tag: "Right" });
    const again = write(card, { message: url }).written;
    expect(E.isRight(again) && again.right.writeCount).toBeLessThanOrEqual(1);
    expect(lookAt(card)).toBe(toHex(url));
  });

  test("an erased card holds none, and nothing of the old one", () => {
    const secret = hex("5EC2E75EC2E75EC2E7");
    const card = make(name, messageOf(concatBytes(secret, secret)));
    expect(E.isRight(write(card, { message: NONE }).written)).toBe(true);
    expect(lookAt(card)).toBe("");
    const kept = Array.from({ length: 12 }, (_, page) => card.exchange(Uint8Array.of(0x30, page)));
    for (const data of kept) expect(toHex(data ?? NONE)).not.toContain("5ec2e7");
  });
});

describe("a Type 2 tag", () => {
  test("is left as all readers expect it: the message in front", () => {
    const card = make("ntag215", uri("https://tapmesh.example/old"));
    const url = uri("https://tapmesh.example/new/and/longer");
    write(card, { message: url });
    const memory = toHex(card.exchange(Uint8Array.of(0x30, 4)) ?? NONE);
    expect(memory.slice(0, 4)).toBe(`03${url.length.toString(16)}`);
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
