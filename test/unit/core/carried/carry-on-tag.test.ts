/** A state put onto emulated tags: what fits, and what a hand that pulls the tag away leaves. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "#core/bytes.ts";
import { carriedIn, withCarried } from "#core/carried/carried-message.ts";
import { type CarryOutcome, carryOnTag } from "#core/carried/carry-on-tag.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import { parseUid } from "#core/card/uid.ts";
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";
import { right } from "#test/gateway/fleet.ts";
import {
  lookAt,
  make,
  NEVER,
  NONE,
  type Pull,
  uri,
  write,
} from "#test/unit/core/card/write-runs.ts";

const URL = uri("https://tapmesh.example/tag/1");
type Outcome = E.Either<CardWriteError, CarryOutcome>;
type Make = Parameters<typeof carryOnTag>[1];

const filled =
  (byte: number, byteCountMin = 130): Make =>
  (_there, byteCountMax) =>
    byteCountMax < byteCountMin
      ? { _tag: "Leave", outcome: "no-room" }
      : { _tag: "Carry", payload: new Uint8Array(byteCountMax).fill(byte) };

const carry = (
  card: EmulatedCard,
  payload: Make,
  { at, isDone }: Pull = NEVER,
): { readonly outcome: Outcome; readonly commandCount: number } => {
  const held = inPcscReader(card);
  const seen = right(readEmulated(held, SCOPE_NDEF));
  const flow = carryOnTag(seen, payload);
  let commandCount = 0;
  let step = flow.next();
  while (step.done !== true) {
    const isGone = commandCount >= at;
    const isCarriedOut = !isGone || (commandCount === at && isDone);
    const response = isCarriedOut ? held.transmit(step.value) : NONE;
    commandCount += 1;
    step = flow.next(isGone ? NONE : response);
  }
  return { outcome: step.value, commandCount };
};

const messageOn = (card: EmulatedCard): Uint8Array => fromHex(lookAt(card)) ?? NONE;

/** Bytes of the state that there is room for, alone and beside a link. */
const roomOn = (name: string, message: Uint8Array): number => roomOnCard(make(name, message));

const roomOnCard = (card: EmulatedCard): number => {
  let room = 0;
  carry(card, (_there, byteCountMax) => {
    room = byteCountMax;
    return { _tag: "Leave", outcome: "no-room" };
  });
  return room;
};

test.each([
  ["ntag213", 45, 19],
  ["ntag215", 221, 195],
  ["ntag216", 404, 378],
  ["ultralight-ev1-128", 37, 11],
  ["type4", 29, 3],
])("%s has room for %i bytes, beside a link for %i", (name, alone, beside) => {
  expect([roomOn(name, NONE), roomOn(name, URL)]).toEqual([alone, beside]);
});

test("a Type 4 card has room for what one command brings", () => {
  expect([NONE, URL].map((ndef) => roomOnCard(emulatedType4({ ndef, mlc: 255 })))).toEqual([
    232, 206,
  ]);
});

/** A Type 4 card whose whole message fits into one command. */
const makeRoomy = (name: string, ndef: Uint8Array): EmulatedCard =>
  name === "type4" ? emulatedType4({ ndef, mlc: 255 }) : make(name, ndef);

describe.each(["ntag215", "ntag216", "type4"])("%s", (name) => {
  test("can be pulled away at any moment, also when it carried one before", () => {
    const start = (): EmulatedCard => {
      const card = makeRoomy(name, URL);
      carry(card, filled(1));
      return card;
    };
    const before = lookAt(start());
    const whole = start();
    const { outcome, commandCount } = carry(whole, filled(2));
    expect(outcome).toEqual(E.right("written"));
    const after = lookAt(whole);
    for (let at = 0; at < commandCount; at += 1) {
      for (const isDone of [false, true]) {
        const card = start();
        carry(card, filled(2), { at, isDone });
        expect([before, after]).toContain(lookAt(card));
      }
    }
    // And again and again.
    for (let round = 3; round < 9; round += 1) {
      expect(carry(whole, filled(round)).outcome).toEqual(E.right("written"));
      expect(carriedIn(messageOn(whole))?.[0]).toBe(round);
    }
  });
});

test("what a person wrote after the tap was read stays", () => {
  const card = make("ntag215", URL);
  const held = inPcscReader(card);
  const seen = right(readEmulated(held, SCOPE_NDEF));
  const other = uri("https://tapmesh.example/written/by/hand");
  write(card, { message: other });
  const flow = carryOnTag(seen, filled(1));
  let step = flow.next();
  while (step.done !== true) step = flow.next(held.transmit(step.value));
  const payload = carriedIn(messageOn(card));
  expect(toHex(messageOn(card))).toBe(
    toHex(payload === null ? other : withCarried(other, payload)),
  );
});

test("another card that lies there by now gets nothing", () => {
  const [tapped, other] = [make("ntag215", URL), make("ntag216", URL)];
  const seen = right(readEmulated(inPcscReader(tapped), SCOPE_NDEF));
  const held = inPcscReader(other);
  const flow = carryOnTag({ ...seen, uid: right(parseUid("04010203040506")) }, filled(1));
  let step = flow.next();
  while (step.done !== true) step = flow.next(held.transmit(step.value));
  expect(step.value).toEqual(E.right("elsewhere"));
  expect(toHex(messageOn(other))).toBe(toHex(URL));
});
