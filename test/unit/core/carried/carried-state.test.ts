/** Laws of what tags carry: read back as it was stated, and by nobody else, for no other card, in no other fleet. */
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, utf8 } from "#core/bytes.ts";
import {
  carriedByteCount,
  type CarriedEntry,
  type CarriedFor,
  type CarriedState,
  openCarried,
  signCarried,
  type Stater,
  statersOf,
} from "#core/carried/carried-state.ts";
import { carriedIn, withCarried } from "#core/carried/carried-message.ts";
import { fitting, toCarry } from "#core/carried/carry.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import { encodeCbor } from "#core/log/cbor.ts";
import { TYPE } from "#core/log/operation.ts";
import type { Entry } from "#core/state/entry.ts";
import { nodeCrypto, sha256, signingKeyFromSeed } from "#gateway/node-crypto.ts";
import { bytes, count, scalar } from "#test/unit/core/log/arbitraries.ts";

const KEY = signingKeyFromSeed(new Uint8Array(32).fill(7));
const OTHER = signingKeyFromSeed(new Uint8Array(32).fill(8));
const CARD = new Uint8Array(16).fill(0xca);
const TO: CarriedFor = { fleet: "demo", card: CARD };
const STATERS: ReadonlyArray<Stater> = [
  { name: "hall", key: OTHER.publicKey, status: "active" },
  { name: "lobby", key: KEY.publicKey, status: "active" },
];

const write = fc.record({ epoch: bytes(16), seq: count, wallMs: count });
const entry = (writes: ReadonlyArray<CarriedEntry["write"]>): fc.Arbitrary<CarriedEntry> =>
  fc.record({
    key: fc.stringMatching(/^[a-z][a-z0-9_-]{0,12}$/),
    type: fc.constantFrom(TYPE.register, TYPE.exclusive),
    value: scalar,
    write: fc.constantFrom(...writes),
    through: fc.constantFrom(0, 4, 8, 32).chain(bytes),
  });
const state: fc.Arbitrary<CarriedState> = fc
  .uniqueArray(write, { minLength: 1, maxLength: 4, selector: ({ seq }) => seq })
  .chain((writes) =>
    fc.record({
      device: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/),
      statedMs: count,
      entries: fc.array(entry(writes), { maxLength: 5 }),
    }),
  );

const signed = (one: CarriedState, to = TO): Uint8Array =>
  signCarried(sha256, KEY, { state: one, to });
const opened = (carried: Uint8Array, to = TO, staters = STATERS): ReturnType<typeof openCarried> =>
  openCarried(nodeCrypto, carried, { to, statersOf: statersOf(sha256, staters) });
const fits = (one: CarriedState): boolean => carriedByteCount(sha256, one) <= 1_024;

const SAMPLE: CarriedState = {
  device: "drill-7",
  statedMs: 1_700_000_000_000,
  entries: [
    {
      key: "location",
      type: TYPE.register,
      value: "hall",
      write: { epoch: new Uint8Array(16).fill(1), seq: 3, wallMs: 1_700_000_000_000 },
      through: new Uint8Array(0),
    },
  ],
};

const tagOf = (answer: ReturnType<typeof openCarried>): string =>
  E.isLeft(answer) ? answer.left._tag : "opened";

describe("a carried state", () => {
  test("is read back as it was stated, and its size is known before", () => {
    fc.assert(
      fc.property(state.filter(fits), (one) => {
        const carried = signed(one);
        expect(carried.length).toBe(carriedByteCount(sha256, one));
        expect(opened(carried)).toEqual(E.right({ state: one, by: STATERS[1] }));
      }),
    );
  });

  test("with any bit turned is refused", () => {
    const carried = signed(SAMPLE);
    for (let bit = 0; bit < carried.length * 8; bit += 1) {
      const turned = carried.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(E.isLeft(opened(turned)), `bit ${bit}`).toBe(true);
    }
  });

  test("is refused for another card, in another fleet, and of who is not active", () => {
    const carried = signed(SAMPLE);
    const card = new Uint8Array(16).fill(0xcb);
    expect(tagOf(opened(carried, { ...TO, card }))).toBe("CarriedSignatureWrong");
    expect(tagOf(opened(carried, { ...TO, fleet: "other" }))).toBe("CarriedSignatureWrong");
    expect(tagOf(opened(carried, TO, STATERS.slice(0, 1)))).toBe("CarriedSignerUnknown");
    for (const status of ["retired", "revoked"] as const) {
      const staters = [{ name: "lobby", key: KEY.publicKey, status }];
      expect(tagOf(opened(carried, TO, staters))).toBe("CarriedSignerInactive");
    }
  });

  test("of a later version's longer arrays is read", () => {
    const signer = sha256(KEY.publicKey).subarray(0, 4);
    const { epoch, seq, wallMs } = SAMPLE.entries[0]?.write ?? { epoch: CARD, seq: 0, wallMs: 0 };
    const cbor = encodeCbor([
      1,
      signer,
      SAMPLE.device,
      SAMPLE.statedMs,
      [epoch],
      [[0, seq, SAMPLE.statedMs - wallMs, "more"]],
      [["location", TYPE.register, "hall", 0, new Uint8Array(0), ["more"]]],
      "more",
    ]);
    const text = concatBytes(utf8("tapmesh/carried/v1\ndemo\n"), CARD, cbor);
    expect(opened(concatBytes(cbor, KEY.sign(text)))).toEqual(
      E.right({ state: SAMPLE, by: STATERS[1] }),
    );
  });

  test("stands behind all other records, which stay, and takes the place of the one before", () => {
    const uri = Uint8Array.of(0xd1, 1, 5, 0x55, 4, 0x61, 0x2e, 0x62, 0x63);
    const first = withCarried(uri, Uint8Array.of(1));
    const second = withCarried(first, Uint8Array.of(2));
    expect(carriedIn(second)).toEqual(Uint8Array.of(2));
    expect(second.length).toBe(first.length);
    expect(second.subarray(1, uri.length)).toEqual(uri.subarray(1));
    expect(carriedIn(uri)).toBeNull();
  });
});

const survivors = (key: string, at: number, value: CarriedEntry["value"]): Entry => ({
  device: "drill-7",
  key,
  type: TYPE.register,
  content: {
    _tag: "Survivors",
    writes: [{ epoch: new Uint8Array(16).fill(1), seq: at, wallMs: at, monoMs: 0, value }],
    awaited: [],
  },
});

const stated = (some: ReadonlyArray<CarriedEntry>): CarriedState => ({
  device: "drill-7",
  statedMs: 1,
  entries: some,
});

test("nothing is carried by a card that is not the device's", () => {
  const entries = [survivors("card", 0, CARD), survivors("location", 1, "yard")];
  const chosen = (card: Uint8Array): number =>
    toCarry(entries, [], { card, keys: null, trueTime: recordedTime }).length;
  expect([chosen(CARD), chosen(new Uint8Array(16).fill(0xcb))]).toEqual([2, 0]);
});

test("whatever is chosen to be carried can be read again", () => {
  const entries = [
    survivors("card", 0, CARD),
    ...Array.from({ length: 60 }, (_, at) => survivors(`k${at}`, 1, true)),
  ];
  const all = toCarry(entries, [], { card: CARD, keys: null, trueTime: recordedTime });
  const taken = fitting(all, (some) => carriedByteCount(sha256, stated(some)) <= 800);
  expect(E.isRight(opened(signed(stated(taken))))).toBe(true);
});

test("what version 1 has put on tags is read for ever", () => {
  const file = new URL("../../../fixtures/v1/carried.json", import.meta.url);
  const { fleet, card, key, bytes: carried } = JSON.parse(readFileSync(file, "utf8"));
  const by = { name: "lobby", key: fromHex(key) ?? CARD, status: "active" } as const;
  const to = { fleet, card: fromHex(card) ?? CARD };
  const [first, second] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  const enrolled = { epoch: first, seq: 3, wallMs: 1_763_800_000_000 };
  const tapped = { epoch: second, seq: 9, wallMs: 1_763_886_400_000 };
  expect(
    openCarried(nodeCrypto, fromHex(carried) ?? CARD, { to, statersOf: statersOf(sha256, [by]) }),
  ).toEqual(
    E.right({
      by,
      state: {
        device: "drill-7",
        statedMs: 1_763_886_400_250,
        entries: [
          {
            key: "card",
            type: TYPE.register,
            value: null,
            write: enrolled,
            through: new Uint8Array(0),
          },
          {
            key: "safety",
            type: TYPE.safety,
            value: 1,
            write: { ...enrolled, seq: 4 },
            through: new Uint8Array(0),
          },
          {
            key: "location",
            type: TYPE.register,
            value: "yard",
            write: tapped,
            through: new Uint8Array(8).fill(0x51),
          },
          {
            key: "holder",
            type: TYPE.exclusive,
            value: "ada",
            write: tapped,
            through: new Uint8Array(0),
          },
          {
            key: "floor",
            type: TYPE.register,
            value: -2,
            write: enrolled,
            through: new Uint8Array(0),
          },
          {
            key: "checked",
            type: TYPE.register,
            value: true,
            write: enrolled,
            through: new Uint8Array(0),
          },
        ],
      },
    }),
  );
});
