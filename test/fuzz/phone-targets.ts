/** What a phone's app, or whatever answers in its place, can send. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes } from "#core/bytes.ts";
import { decodePhoneSelected, PHONE_STATE_BYTES_MAX, phoneClaim } from "#core/card/phone.ts";
import { readCard } from "#core/card/read-card.ts";
import { tellPhone } from "#core/card/read-phone.ts";
import { verifyP256 } from "#gateway/node-crypto.ts";
import type { Target } from "#test/fuzz/target.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const SUCCESS = hex("9000");
const KEY = concatBytes(Uint8Array.of(0x02), new Uint8Array(32).fill(7));
const SELECTED = concatBytes(hex("0101"), KEY);
const CHALLENGE = { gateway: "lobby", nonce: new Uint8Array(16) };
const PHONES = { gateway: "lobby", state: true };
const SCOPE = { ndef: true, counter: true, signature: true, phones: PHONES };
/** UID, SELECT, PROVE, a state of six blocks. */
const COMMAND_COUNT_MAX = 9;

/** Each answer behind its length. Behind the end, the last one again and again. */
const answersOf = (bytes: Uint8Array): (() => Uint8Array) => {
  let at = 0;
  let last: Uint8Array = new Uint8Array(0);
  return () => {
    const byteCount = bytes[at];
    if (byteCount !== undefined) last = bytes.subarray(at + 1, at + 1 + byteCount);
    at += 1 + last.length;
    return last;
  };
};

const answers = (...all: ReadonlyArray<Uint8Array>): Uint8Array =>
  concatBytes(...all.map((answer) => concatBytes(Uint8Array.of(answer.length), answer)));

const EXCHANGE = answers(
  hex("08A1B2C39000"),
  concatBytes(SELECTED, SUCCESS),
  concatBytes(new Uint8Array(64), SUCCESS),
  concatBytes(new Uint8Array(200), SUCCESS),
  concatBytes(new Uint8Array(7), SUCCESS),
);

const isStateTooLong = (result: unknown): boolean =>
  result instanceof Uint8Array && result.length > PHONE_STATE_BYTES_MAX;

export const PHONE_TARGETS: ReadonlyArray<Target> = [
  { name: "phone's SELECT", samples: [SELECTED], run: decodePhoneSelected },
  {
    name: "phone's signature",
    samples: [concatBytes(KEY, new Uint8Array(64).fill(1))],
    run: (bytes) => verifyP256(bytes.subarray(0, 33), phoneClaim(CHALLENGE), bytes.subarray(33)),
  },
  {
    name: "phone's exchange",
    samples: [EXCHANGE],
    run: (bytes) => {
      const next = answersOf(bytes);
      const flow = readCard("type4", SCOPE, CHALLENGE.nonce);
      let step = flow.next();
      let count = 0;
      for (; step.done !== true; count += 1) step = flow.next(next());
      const phone = E.isRight(step.value) ? step.value.right.phone : null;
      if (phone === null) return step.value;
      if (count > COMMAND_COUNT_MAX) throw new Error("more commands than a phone is sent");
      if (phone._tag === "Claimed" && isStateTooLong(phone.state)) throw new Error("too long");
      return step.value;
    },
  },
  {
    name: "telling a phone",
    samples: [answers(concatBytes(SELECTED, SUCCESS), SUCCESS)],
    run: (bytes) => {
      const next = answersOf(bytes);
      const flow = tellPhone({ publicKey: KEY, verdict: 0, state: new Uint8Array(1_024) });
      let step = flow.next();
      while (step.done !== true) step = flow.next(next());
      return step.value;
    },
  },
];
