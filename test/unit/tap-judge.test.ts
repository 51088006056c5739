import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { SCOPE_UID } from "#core/card/read-card.ts";
import type { Sighting } from "#core/card/sighting.ts";
import { parseUid } from "#core/card/uid.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE, type Scalar } from "#core/log/operation.ts";
import { CardCounters } from "#core/verdict/card-counters.ts";
import { CARD_KEY, CardIndex, SAFETY_KEY } from "#core/verdict/card-index.ts";
import { decodeMark, countsIn } from "#core/verdict/counter-mark.ts";
import type { CheckOutOutcome } from "#core/verdict/check-out.ts";
import { DeviceTraits } from "#core/verdict/device-traits.ts";
import { OPEN_POLICY, type ReaderPolicy } from "#core/verdict/reader-policy.ts";
import type { LocalTime } from "#core/verdict/schedule.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import { uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { TapJudge, type Judged } from "#gateway/tap-judge.ts";
import { right } from "#test/gateway/fleet.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";
import { nothingCarried } from "#test/gateway/nothing-carried.ts";

const CARD = new Uint8Array(16).fill(0xca);
const UID = right(parseUid("04A1B2C3D46C80"));
const SIGNATURE = new Uint8Array(32).fill(1);

const LINK = "https://tapmesh.example/t?cmac=right";
const linkTo = (rest: string): Partial<Sighting> => ({
  ndef: uriMessage(`tapmesh.example/t${rest}`),
});
const OTHER_UID = right(parseUid("04000000000001"));

/** One reader, and cart-7 with its card. */
class Rig {
  readonly index: CardIndex = new CardIndex(recordedTime);
  readonly counters: CardCounters = new CardCounters();
  readonly traits: DeviceTraits = new DeviceTraits(recordedTime, [
    { key: "kind", values: ["tool"] },
  ]);
  checkOut: CheckOutOutcome | null = null;
  takenCount = 0;
  hasRoom = true;
  linkCount = 1;
  signatureChecks = 0;
  localTime: LocalTime | null = null;
  readonly #judge: TapJudge;
  readonly #policy: Partial<ReaderPolicy>;
  #seq = 0;

  constructor(policy: Partial<ReaderPolicy> = {}) {
    this.#policy = policy;
    this.#judge = new TapJudge({
      gateway: "lobby",
      memory: this,
      carried: nothingCarried(),
      checkOuts: {
        take: () => {
          this.takenCount += 1;
          return this.checkOut;
        },
      },
      hasRoom: () => this.hasRoom,
      localTime: () => this.localTime,
      readSun: (uri) =>
        uri === LINK
          ? E.right({ uid: UID, counter: this.linkCount })
          : E.left({ _tag: uri.includes("cmac") ? "SunMacWrong" : "SunMissing" }),
      isOriginal: (uid, signature) => {
        this.signatureChecks += 1;
        return uid === UID && signature[0] === SIGNATURE[0];
      },
    });
    this.set(CARD_KEY, TYPE.register, CARD);
  }

  set(key: string, type: number, value: Scalar): void {
    this.setOf("cart-7", { key, type, value });
  }

  setOf(device: string, said: { key: string; type: number; value: Scalar }): void {
    const { key, type, value } = said;
    this.#seq += 1;
    const write = { epoch: epochOf(0), seq: this.#seq, value, wallMs: this.#seq, monoMs: 0 };
    const content = { _tag: "Survivors", writes: [write], awaited: [] } as const;
    for (const memory of [this.index, this.traits]) memory.apply({ device, key, type, content });
  }

  #arrived(more: Partial<Sighting>, id: string): Parameters<TapJudge["judge"]>[0] {
    const reader: ReaderConfig = {
      id,
      driver: "simulated",
      match: null,
      pn532: null,
      optional: false,
      scope: SCOPE_UID,
      policy: { ...OPEN_POLICY, ...this.#policy },
      audit: "now",
      onTap: [],
      checkOut: null,
      gpio: null,
      stateOnTag: null,
    };
    const sighting: Sighting = {
      reader: id,
      technology: "type2",
      uid: UID,
      ndef: null,
      counter: null,
      signature: null,
      phone: null,
      atStart: false,
      simulated: true,
      wallMs: 0,
      monoMs: 0,
      ...more,
    };
    return { reader, sighting, card: CARD, phone: null };
  }

  tap(more: Partial<Sighting> = {}, id = "door"): Judged {
    return this.#judge.judge(this.#arrived(more, id));
  }

  pass(counter: number): void {
    this.#judge.passOver(this.#arrived({ counter }, "door"));
  }
}

const said = ({ verdict, againAfterMs }: Judged): string => {
  if (againAfterMs !== null) return `again after ${againAfterMs}`;
  return verdict._tag === "Accepted" ? "accepted" : verdict.reason;
};

describe("the same card again", () => {
  test("within the hold-off it is no tap of its own; from then on it is, and later ones count from that", () => {
    const rig = new Rig({ holdOffMs: 3_000 });
    const times = [0, 700, 2_999, 3_000, 5_999, 6_000];
    expect(times.map((monoMs) => said(rig.tap({ monoMs })))).toEqual([
      "accepted",
      "again after 700",
      "again after 2999",
      "accepted",
      "again after 2999",
      "accepted",
    ]);
  });

  test("each reader has its own hold-off", () => {
    const rig = new Rig({ holdOffMs: 3_000 });
    expect([said(rig.tap()), said(rig.tap({ monoMs: 1 }, "gate"))]).toEqual([
      "accepted",
      "accepted",
    ]);
  });

  test("who was refused may try again at once, and is refused at once when it comes to that", () => {
    const rig = new Rig({ holdOffMs: 3_000, allow: [{ key: "kind", values: ["tool"] }] });
    expect(said(rig.tap())).toBe("not-allowed-here");
    rig.set("kind", TYPE.register, "tool");
    expect(said(rig.tap({ monoMs: 1 }))).toBe("accepted");
    rig.set(SAFETY_KEY, TYPE.safety, SAFETY.lost);
    expect(said(rig.tap({ monoMs: 2 }))).toBe("device-lost");
  });

  test("a card that has moved to another device is that one's first tap", () => {
    const rig = new Rig({ holdOffMs: 3_000 });
    rig.tap();
    rig.setOf("cart-8", { key: CARD_KEY, type: TYPE.register, value: CARD });
    const moved = rig.tap({ monoMs: 1 });
    expect(moved.verdict).toEqual({ _tag: "Accepted", device: "cart-8" });
    expect(moved.againAfterMs).toBeNull();
  });

  test("without hold-off each tap counts", () => {
    const rig = new Rig();
    expect([rig.tap(), rig.tap()].map(said)).toEqual(["accepted", "accepted"]);
  });
});

const marked = ({ operations }: Judged): ReadonlyArray<number> => {
  const mark = decodeMark(operations[0]?.value);
  return mark === undefined ? [] : countsIn(mark);
};

describe("the card's own counter", () => {
  test("goes into the record as a high-water mark of this gateway, also of a tap that is refused", () => {
    const rig = new Rig({
      level: "counter",
      schedules: [{ days: [0], fromMinute: 0, toMinute: 1 }],
    });
    rig.localTime = { day: 3, minute: 0 };
    const refused = rig.tap({ counter: 5 });
    expect([said(refused), marked(refused)]).toEqual(["outside-schedule", [5]]);
    expect(refused.operations[0]).toMatchObject({ type: TYPE.max, replaces: [] });
    rig.localTime = { day: 0, minute: 0 };
    expect(marked(rig.tap({ counter: 7 }))).toEqual([7, 5]);
  });

  test("a count that comes back is refused, before its record is folded", () => {
    const rig = new Rig({ level: "counter", holdOffMs: 60_000 });
    expect([5, 5, 4].map((counter) => said(rig.tap({ counter })))).toEqual([
      "accepted",
      "counter-repeated",
      "counter-repeated",
    ]);
    expect(rig.counters.copied()).toHaveLength(1);
  });

  test("counts of arrivals that are no taps are no gap, and neither is a gap before the first tap", () => {
    const rig = new Rig({ level: "counter", holdOffMs: 3_000 });
    expect(rig.tap({ counter: 100 }).unlogged).toBe(0);
    rig.pass(101);
    rig.tap({ counter: 102, monoMs: 1 });
    const next = rig.tap({ counter: 104, monoMs: 3_000 });
    expect([next.unlogged, marked(next)]).toEqual([1, [104, 102, 101, 100]]);
    expect(rig.tap({ counter: 108, monoMs: 9_000 }).unlogged).toBe(3);
  });

  test("of a card that is enrolled for nobody nothing is kept", () => {
    const rig = new Rig({ level: "counter" });
    rig.set(CARD_KEY, TYPE.register, null);
    expect(rig.tap({ counter: 5 })).toMatchObject({ operations: [], unlogged: 0 });
  });
});

describe("each reason", () => {
  const closed = { schedules: [{ days: [0], fromMinute: 60, toMinute: 120 }] };
  test.each<[string, Partial<ReaderPolicy>, Partial<Sighting>]>([
    ["accepted", {}, {}],
    ["not-allowed-here", { allow: [{ key: "kind", values: ["tool"] }] }, {}],
    ["not-allowed-here", { deny: [{ key: "device", values: ["cart-7"] }] }, {}],
    ["time-unknown", { ...closed, whenTimeUnknown: "refuse" }, {}],
    ["accepted", closed, {}],
    ["counter-missing", { level: "counter" }, {}],
    ["signature-missing", { level: "originality" }, {}],
    ["signature-wrong", { level: "originality" }, { signature: new Uint8Array(32) }],
    ["accepted", { level: "originality" }, { signature: SIGNATURE }],
    ["sun-missing", { level: "sun" }, {}],
    ["sun-missing", { level: "sun" }, { ndef: new Uint8Array(3) }],
    ["sun-missing", { level: "sun" }, linkTo("")],
    ["sun-wrong", { level: "sun" }, linkTo("?cmac=wrong")],
    ["accepted", { level: "sun" }, linkTo("?cmac=right")],
    ["accepted", {}, linkTo("?cmac=wrong")],
  ])("%s: %j %j", (reason, policy, sighting) => {
    expect(said(new Rig(policy).tap(sighting))).toBe(reason);
  });

  test("a tag's own link on a chip with another UID is a copy of the link", () => {
    const rig = new Rig({ level: "sun" });
    const tap = rig.tap({ ...linkTo("?cmac=right"), uid: OTHER_UID });
    expect([said(tap), tap.operations]).toEqual(["sun-wrong", []]);
  });

  test("the count in a link is the card's count", () => {
    const rig = new Rig({ level: "sun" });
    const counts = [7, 9, 9].map((count) => {
      rig.linkCount = count;
      const tap = rig.tap(linkTo("?cmac=right"));
      return [said(tap), tap.unlogged, marked(tap)];
    });
    expect(counts).toEqual([
      ["accepted", 0, [7]],
      ["accepted", 1, [9, 7]],
      ["counter-repeated", 0, [9, 7]],
    ]);
  });

  test("a signature is checked once", () => {
    const rig = new Rig({ level: "originality" });
    const before = rig.signatureChecks;
    for (let tap = 0; tap < 3; tap += 1) rig.tap({ signature: SIGNATURE });
    expect(rig.signatureChecks - before).toBe(1);
  });

  test("no room comes last: who is refused anyway is told why", () => {
    const rig = new Rig({ deny: [{ key: "kind", values: ["tool"] }] });
    rig.hasRoom = false;
    expect(said(rig.tap())).toBe("storage-full");
    rig.set("kind", TYPE.set, "tool");
    expect(said(rig.tap())).toBe("not-allowed-here");
  });
});

test("check-out comes last: it refuses a thing without a badge, and hears of no tap that is refused", () => {
  const rig = new Rig({ allow: [{ key: "kind", values: ["tool"] }] });
  rig.checkOut = { _tag: "PersonFirst" };
  expect(said(rig.tap())).toBe("not-allowed-here");
  rig.set("kind", TYPE.register, "tool");
  rig.hasRoom = false;
  expect([said(rig.tap()), rig.takenCount]).toEqual(["storage-full", 0]);
  rig.hasRoom = true;
  expect([said(rig.tap()), rig.takenCount]).toEqual(["person-first", 1]);
  rig.checkOut = { _tag: "CheckedOut", person: "ada" };
  expect(rig.tap()).toMatchObject({ verdict: { _tag: "Accepted" }, checkOut: rig.checkOut });
});
