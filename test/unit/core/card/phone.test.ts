/** The exchange with a phone's app, against the emulated one and against whatever else answers. */
import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import {
  decodePhoneSelected,
  phoneClaim,
  type PhoneRead,
  putPhoneResult,
} from "#core/card/phone.ts";
import {
  type CardRead,
  type CardReadError,
  readCard,
  SCOPE_NDEF,
  SCOPE_UID,
} from "#core/card/read-card.ts";
import { PHONE_NOT_RECORDED, tellPhone } from "#core/card/read-phone.ts";
import { verifyP256 } from "#gateway/node-crypto.ts";
import { type EmulatedPhoneApp, emulatedPhoneApp } from "#gateway/reader/emulated/phone-app.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { PHONE } from "#gateway/reader/emulated/uid-cards.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import {
  ATR_TYPE2,
  ATR_TYPE4,
  GONE,
  NONCE,
  ok,
  runRead,
  script,
} from "#test/unit/core/card/run-read.ts";

/** It holds a state, of which nobody knows what it says. */
const UNREAD = new Uint8Array(0);
const SCOPE = { ...SCOPE_NDEF, phones: { gateway: "lobby", state: true } };
const SCOPE_BRIEF = { ...SCOPE_UID, phones: { gateway: "lobby", state: false } };
const CHALLENGE = { gateway: "lobby", nonce: NONCE };
const RANDOM_UID = hex("08A1B2C3");
const KEY = concatBytes(hex("02"), new Uint8Array(32).fill(7));
const SIGNATURE = new Uint8Array(64).fill(5);
const SELECTED = concatBytes(hex("0100"), KEY);
const WITH_STATE = concatBytes(hex("0101"), KEY);

/** Answers as a card's, in place of the command of that number; undefined: as the phone itself would. */
type Meddle = (index: number, apdu: Uint8Array) => Uint8Array | undefined;

const run = <A>(
  flow: Generator<Uint8Array, A, Uint8Array>,
  phone: EmulatedPhoneApp,
  meddle: Meddle = () => undefined,
): { readonly result: A; readonly commands: ReadonlyArray<string> } => {
  const { transmit } = inPcscReader(phone);
  const commands: string[] = [];
  let step = flow.next();
  while (step.done !== true) {
    const answer = meddle(commands.length, step.value) ?? transmit(step.value);
    commands.push(toHex(step.value));
    step = flow.next(answer);
  }
  return { result: step.value, commands };
};

const tap = (
  phone: EmulatedPhoneApp,
  meddle?: Meddle,
): {
  readonly result: E.Either<CardReadError, CardRead>;
  readonly commands: ReadonlyArray<string>;
} => run(readCard("type4", SCOPE, NONCE), phone, meddle);

const phoneIn = (result: E.Either<CardReadError, CardRead>): PhoneRead | null | string =>
  E.isRight(result) ? result.right.phone : result.left._tag;

const claimed = (result: E.Either<CardReadError, CardRead>): PhoneRead & { _tag: "Claimed" } => {
  const phone = phoneIn(result);
  if (phone === null || typeof phone === "string" || phone._tag !== "Claimed") {
    throw new Error(`no phone, but ${JSON.stringify(phone)}`);
  }
  return phone;
};

const tell = (phone: EmulatedPhoneApp, state: Uint8Array, meddle?: Meddle): unknown =>
  run(tellPhone({ publicKey: phone.publicKey, verdict: 2, state }), phone, meddle).result;

/** Of all lengths alike, and of those at which blocks end. */
const stateOf = (byteCountMin: number): fc.Arbitrary<Uint8Array> =>
  fc
    .oneof(fc.integer({ min: byteCountMin, max: 1_024 }), fc.constantFrom(200, 400, 1_000, 1_024))
    .map((byteCount) => new Uint8Array(byteCount).map((_, index) => index % 253));

describe("a phone with the app", () => {
  test("proves for this gateway and this nonce that it has the key it names", () => {
    const phone = emulatedPhoneApp({});
    const { result, commands } = tap(phone);
    const { publicKey, nonce, signature, state } = claimed(result);
    expect([toHex(publicKey), toHex(nonce), state]).toEqual([
      toHex(phone.publicKey),
      toHex(NONCE),
      null,
    ]);
    const isSignedFor = (challenge: typeof CHALLENGE): boolean =>
      signature !== null && verifyP256(publicKey, phoneClaim(challenge), signature);
    expect(isSignedFor(CHALLENGE)).toBe(true);
    expect(isSignedFor({ ...CHALLENGE, gateway: "lobbx" })).toBe(false);
    expect(isSignedFor({ ...CHALLENGE, nonce: new Uint8Array(16) })).toBe(false);
    expect(commands.slice(0, 2)).toEqual(["ffca000000", "00a4040008f05441504d45534800"]);
    expect(commands).toHaveLength(3);
  });

  test("has another UID at the next tap, and the same key; another phone has another", () => {
    const phone = emulatedPhoneApp({});
    const [first, second] = [tap(phone).result, tap(phone).result];
    expect(E.isRight(first) && E.isRight(second) && first.right.uid !== second.right.uid).toBe(
      true,
    );
    expect(claimed(first).publicKey).toEqual(claimed(second).publicKey);
    const other = emulatedPhoneApp({ uid: hex("08000002") });
    expect(claimed(tap(other).result).publicKey).not.toEqual(claimed(first).publicKey);
  });

  test("hands back whatever state it was given, byte for byte, and keeps it until it gets another", () => {
    fc.assert(
      fc.property(stateOf(1), (state) => {
        const phone = emulatedPhoneApp({});
        expect(tell(phone, state)).toEqual(E.right(true));
        expect(tell(phone, new Uint8Array(0))).toEqual(E.right(true));
        expect(phone.verdict).toBe(2);
        const { result, commands } = tap(phone);
        expect(toHex(claimed(result).state ?? new Uint8Array())).toBe(toHex(state));
        expect(commands.length).toBeLessThanOrEqual(3 + 7);
      }),
    );
  });

  test("is asked for its state only where it is wanted", () => {
    const phone = emulatedPhoneApp({});
    tell(phone, Uint8Array.of(1));
    const brief = run(readCard("type4", SCOPE_BRIEF, NONCE), phone);
    expect([brief.commands.length, claimed(brief.result).state]).toEqual([3, null]);
  });

  test("that leaves before it has proven itself is no tap; one that leaves later is, without state", () => {
    const phone = emulatedPhoneApp({});
    tell(phone, new Uint8Array(450));
    const whole = tap(phone).commands.length;
    expect(whole).toBe(6);
    const found = Array.from({ length: whole + 1 }, (_, gone) =>
      phoneIn(tap(phone, (index) => (index >= gone ? GONE : undefined)).result),
    );
    expect(found.slice(0, 3)).toEqual(["CardGone", "CardGone", "CardGone"]);
    expect(found.slice(3)).toMatchObject([
      { _tag: "Claimed", state: UNREAD },
      { _tag: "Claimed", state: UNREAD },
      { _tag: "Claimed", state: UNREAD },
      { _tag: "Claimed", state: new Uint8Array(450) },
    ]);
  });
});

describe("who is asked", () => {
  test.each([
    ["a fixed UID", ATR_TYPE4, hex("04A1B2C3D46C80"), SCOPE_BRIEF],
    ["a card of Type 2", ATR_TYPE2, RANDOM_UID, SCOPE_BRIEF],
    ["a scope without phones", ATR_TYPE4, RANDOM_UID, SCOPE_UID],
  ] as const)("nobody with %s", (...[, atr, uid, scope]) => {
    const { result, commands } = runRead(atr, scope, script([ok(uid)]));
    expect(commands).toHaveLength(1);
    expect(phoneIn(result)).toBeNull();
  });

  test("also the UID that many share", () => {
    const { commands } = runRead(ATR_TYPE4, SCOPE, script([ok(hex("01020304"))]));
    expect(commands).toHaveLength(2);
  });

  test("a phone without the app is read on as any card", () => {
    const card = inPcscReader(PHONE.make({}));
    const { result, commands } = runRead(ATR_TYPE4, SCOPE, (apdu) => card.transmit(apdu));
    expect(phoneIn(result)).toBeNull();
    expect(commands[2]).toBe("00a4040007d276000085010100");
  });
});

/** What is made of an app that answers so. */
const readOf = (...answers: ReadonlyArray<Uint8Array>): PhoneRead | null | string =>
  phoneIn(runRead(ATR_TYPE4, SCOPE, script([ok(RANDOM_UID), ...answers])).result);

describe("an app that answers oddly", () => {
  test.each([
    ["another version", concatBytes(hex("0200"), KEY)],
    ["no version", hex("")],
    ["a key cut short", SELECTED.subarray(0, -1)],
    ["a byte more", concatBytes(SELECTED, hex("00"))],
    ["a key that is not compressed", concatBytes(hex("010004"), KEY.subarray(1))],
  ])("to SELECT with %s speaks another version", (_what, answer) => {
    expect(decodePhoneSelected(answer)).toBeNull();
    expect(readOf(ok(answer))).toEqual({ _tag: "OtherVersion" });
  });

  test("to SELECT with flags of a later time is taken", () => {
    expect(decodePhoneSelected(concatBytes(hex("01FE"), KEY))).toEqual({
      publicKey: KEY,
      hasState: false,
    });
  });

  test.each([
    ["refuses", hex("6985")],
    ["gives 63 bytes", ok(SIGNATURE.subarray(1))],
    ["gives DER", ok(new Uint8Array(71))],
    ["gives nothing", ok()],
  ])("to PROVE, which it %s, has proven nothing, and is asked no more", (_what, answer) => {
    const { result, commands } = runRead(
      ATR_TYPE4,
      SCOPE,
      script([ok(RANDOM_UID), ok(WITH_STATE), answer]),
    );
    expect(phoneIn(result)).toMatchObject({ signature: null, state: null });
    expect(commands).toHaveLength(3);
  });

  test.each([
    ["a block that is too long", [ok(new Uint8Array(201))]],
    ["no block at all", [hex("6A83")]],
    ["an empty state", [ok()]],
    ["more than it may keep", Array.from({ length: 9 }, () => ok(new Uint8Array(200)))],
    ["a second block that is too long", [ok(new Uint8Array(200)), ok(new Uint8Array(255))]],
    ["half a status word", [hex("90")]],
  ])("to GET STATE with %s stands without it", (_what, answers) => {
    expect(readOf(ok(WITH_STATE), ok(SIGNATURE), ...answers)).toMatchObject({
      publicKey: KEY,
      signature: SIGNATURE,
      state: UNREAD,
    });
  });

  test("whatever it answers, the read ends within its commands and throws nothing", () => {
    const answer = fc.oneof(
      fc.uint8Array({ maxLength: 260 }),
      fc.uint8Array({ maxLength: 210 }).map((data) => ok(data)),
      fc.constantFrom(ok(SELECTED), ok(WITH_STATE), ok(SIGNATURE), hex("6A83")),
    );
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 9 }), (answers) => {
        const all = [ok(RANDOM_UID), ok(WITH_STATE), ...answers];
        const { result, commands } = runRead(ATR_TYPE4, SCOPE, script(all));
        const phone = phoneIn(result);
        if (phone === null || typeof phone === "string" || phone._tag !== "Claimed") return;
        expect(commands.length).toBeLessThanOrEqual(10);
        expect(phone.state?.length ?? 1).toBeLessThanOrEqual(1_024);
      }),
    );
  });
});

describe("telling a phone what came of its tap", () => {
  test("takes short commands that fit a PN532's normal frame", () => {
    fc.assert(
      fc.property(stateOf(0), (state) => {
        const commands = putPhoneResult(1, state);
        expect(Math.max(...commands.map(({ length }) => length))).toBeLessThanOrEqual(205);
        expect(commands.map(([, , , p2 = 0]) => p2 & 0x7f)).toEqual(commands.map((_, at) => at));
        expect(commands.filter(([, , , p2 = 0]) => p2 >= 0x80)).toEqual(commands.slice(-1));
        expect(concatBytes(...commands.map((command) => command.subarray(5)))).toEqual(state);
      }),
    );
  });

  test("another phone that lies there by now is not told", () => {
    const [mine, other] = [emulatedPhoneApp({}), emulatedPhoneApp({ seed: Uint8Array.of(1) })];
    const result = { publicKey: mine.publicKey, verdict: PHONE_NOT_RECORDED, state: SIGNATURE };
    const { result: told, commands } = run(tellPhone(result), other);
    expect([told, commands.length, other.verdict]).toEqual([E.right(false), 1, null]);
  });

  test("a phone that leaves half-way keeps what it had", () => {
    const [before, after] = [new Uint8Array(300).fill(1), new Uint8Array(900).fill(2)];
    for (let gone = 0; gone < 6; gone += 1) {
      const phone = emulatedPhoneApp({});
      tell(phone, before);
      const told = tell(phone, after, (index) => (index >= gone ? GONE : undefined));
      expect(told).toMatchObject({ left: { _tag: "CardGone" } });
      expect(phone.state).toEqual(before);
    }
  });

  test("one that refuses it was not told", () => {
    const phone = emulatedPhoneApp({});
    expect(tell(phone, SIGNATURE, (index) => (index === 1 ? hex("6A84") : undefined))).toEqual(
      E.right(false),
    );
  });
});
