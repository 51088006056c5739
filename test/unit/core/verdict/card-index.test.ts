import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "#core/bytes.ts";
import { SAFETY, TYPE, type Scalar } from "#core/log/operation.ts";
import { recordedTime, type TrueTime } from "#core/clock/true-time.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { compareWrites } from "#core/state/reading.ts";
import { CARD_KEY, CardIndex, SAFETY_KEY } from "#core/verdict/card-index.ts";
import { at } from "#test/unit/core/log/either.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";

const DEVICES = ["cart-1", "cart-2", "cart-3"];
/** Two of them begin alike, so the hash doesn't tell them apart. */
const CARDS = ["0a".repeat(16), `${"0a".repeat(15)}0b`, "0c".repeat(16)];
const bytesOf = (card: string): Uint8Array => fromHex(card) ?? new Uint8Array(0);

/** What a device's card or safety entry says after some record; no two records write at the same place. */
interface Update {
  readonly device: string;
  readonly key: string;
  readonly value: Scalar;
  readonly wallMs: number;
}

const entryOf = (update: Update, seq: number): Entry => {
  const { device, key, value, wallMs } = update;
  const write: Write = { epoch: epochOf(seq % 3), seq, value, wallMs, monoMs: seq };
  const type = key === SAFETY_KEY ? TYPE.safety : TYPE.register;
  const writes = value === null ? [] : [write];
  return { device, key, type, content: { _tag: "Survivors", writes, awaited: [] } };
};

const update: fc.Arbitrary<Update> = fc.oneof(
  fc.record({
    device: fc.constantFrom(...DEVICES),
    key: fc.constant(CARD_KEY),
    value: fc.constantFrom(...CARDS.map(bytesOf), null, "no card", new Uint8Array(15)),
    wallMs: fc.nat(3),
  }),
  fc.record({
    device: fc.constantFrom(...DEVICES),
    key: fc.constant(SAFETY_KEY),
    value: fc.constantFrom(null, 0, 1, 2, 3),
    wallMs: fc.nat(3),
  }),
);
const updates = fc.array(update, { maxLength: 20 }).map((all) => all.map(entryOf));

const place = ({ device, key }: Entry): string => `${device} ${key}`;

/** The entries as they stand at the end, each once. */
const final = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> => [
  ...new Map(entries.map((entry) => [place(entry), entry])).values(),
];

const indexOf = (entries: ReadonlyArray<Entry>, trueTime: TrueTime = recordedTime): CardIndex => {
  const index = new CardIndex(trueTime);
  for (const entry of entries) index.apply(entry);
  return index;
};

const view = (index: CardIndex): ReadonlyArray<unknown> => [
  index.size,
  ...CARDS.map((card) => index.enrolled(card)),
];

const writeOf = (entry: Entry | undefined): Write | undefined =>
  entry?.content._tag === "Survivors" ? entry.content.writes[0] : undefined;

/** The rule, read over all entries at once. */
const expected = (entries: ReadonlyArray<Entry>): ReadonlyArray<unknown> => {
  const standing = final(entries);
  const claimants = CARDS.map((card) =>
    standing
      .filter(({ key }) => key === CARD_KEY)
      .flatMap(({ device, ...entry }) => {
        const write = writeOf({ device, ...entry });
        const isThis = write?.value instanceof Uint8Array && toHex(write.value) === card;
        return write !== undefined && isThis ? [{ device, write }] : [];
      })
      .toSorted((a, b) => compareWrites(a.write, b.write, recordedTime))
      .at(-1),
  );
  const safetyOf = (device: string): number =>
    Number(writeOf(standing.find((e) => e.device === device && e.key === SAFETY_KEY))?.value ?? 0);
  return [
    claimants.filter((claim) => claim !== undefined).length,
    ...claimants.map((claim) => claim && { device: claim.device, safety: safetyOf(claim.device) }),
  ];
};

test("the index says what the entries say, whatever they said on the way and whoever came first", () => {
  fc.assert(
    fc.property(updates, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), (entries, keys) => {
      const wanted = expected(entries);
      expect(view(indexOf(entries))).toEqual(wanted);
      const shuffled = final(entries)
        .map((entry, i) => [at(keys, i), entry] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, entry]) => entry);
      expect(view(indexOf(shuffled))).toEqual(wanted);
      expect(view(indexOf([...entries, ...shuffled]))).toEqual(wanted);
    }),
    { numRuns: 500 },
  );
});

const card = (device: string, value: Scalar, seq: number): Entry =>
  entryOf({ device, key: CARD_KEY, value, wallMs: seq }, seq);
const safety = (device: string, value: number): Entry =>
  entryOf({ device, key: SAFETY_KEY, value, wallMs: 9 }, 9);

describe("examples", () => {
  const [a, b] = ["0a".repeat(16), "0b".repeat(16)];
  const [A, B] = [bytesOf(a), bytesOf(b)];

  test("a card that moves to another device belongs to it, and back once that one lets go", () => {
    const moved = indexOf([card("cart-1", A, 1), card("cart-2", A, 2)]);
    expect(moved.enrolled(a)?.device).toBe("cart-2");
    expect(moved.size).toBe(1);
    moved.apply(card("cart-2", null, 3));
    expect(moved.enrolled(a)?.device).toBe("cart-1");
  });

  test("of two claims the one that is later by true time has the card", () => {
    const claims = [card("cart-1", A, 1), card("cart-2", A, 2)];
    expect(indexOf(claims, ({ wallMs }) => -wallMs).enrolled(a)?.device).toBe("cart-1");
  });

  test("a device with a new card lets go of its old one", () => {
    const index = indexOf([card("cart-1", A, 1), card("cart-1", B, 2)]);
    expect([index.enrolled(a), index.enrolled(b)?.device, index.size]).toEqual([
      undefined,
      "cart-1",
      1,
    ]);
  });

  test("safety may be known before the card is, and goes with the device, not with the card", () => {
    const index = indexOf([safety("cart-1", SAFETY.lost), card("cart-1", A, 1)]);
    expect(index.enrolled(a)).toEqual({ device: "cart-1", safety: SAFETY.lost });
    index.apply(card("cart-2", A, 2));
    expect(index.enrolled(a)).toEqual({ device: "cart-2", safety: SAFETY.active });
    index.apply(safety("cart-1", SAFETY.active));
    index.apply(card("cart-2", null, 3));
    expect(index.enrolled(a)).toEqual({ device: "cart-1", safety: SAFETY.active });
  });

  test("other keys and types are of no interest", () => {
    const register = card("cart-1", A, 1);
    const write = { epoch: epochOf(0), seq: 0, value: A, wallMs: 0, monoMs: 0 };
    const index = indexOf([
      { ...register, key: "place" },
      { ...register, type: TYPE.max, content: { _tag: "Extreme", write } },
      { ...safety("cart-1", SAFETY.lost), type: TYPE.register },
    ]);
    expect([index.size, index.enrolled(a)]).toEqual([0, undefined]);
  });
});
