import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fromHex } from "#core/bytes.ts";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { parseUid } from "#core/card/uid.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import { SAFETY, TYPE, type Scalar } from "#core/log/operation.ts";
import { CARD_KEY, CardIndex, SAFETY_KEY } from "#core/verdict/card-index.ts";
import type { CheckOutOutcome } from "#core/verdict/check-out.ts";
import { DeviceTraits } from "#core/verdict/device-traits.ts";
import { KnownRegisters } from "#core/verdict/known-registers.ts";
import { OPEN_POLICY } from "#core/verdict/reader-policy.ts";
import type { SessionOver } from "#core/verdict/check-out-view.ts";
import { CheckOuts, holderKey } from "#gateway/check-outs.ts";
import type { BroughtEntry } from "#gateway/carried/carried-states.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import { right } from "#test/gateway/fleet.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";

const WITHIN_MS = 30_000;
const CHECK_OUT = {
  people: [{ key: "kind", values: ["person"] }],
  holder: "holder",
  withinMs: WITHIN_MS,
};

const readerOf = (id: string, checkOut: ReaderConfig["checkOut"] = CHECK_OUT): ReaderConfig => ({
  id,
  driver: "simulated",
  match: null,
  pn532: null,
  optional: false,
  scope: SCOPE_UID,
  policy: OPEN_POLICY,
  audit: "now",
  onTap: [],
  checkOut,
  gpio: null,
  stateOnTag: null,
});

const broughtHolder = (value: Scalar): BroughtEntry => ({
  ...holderKey(CHECK_OUT),
  value,
  write: { epoch: epochOf(9), seq: 1, wallMs: 0 },
  by: { name: "dock", key: new Uint8Array(32), status: "active" },
  statedMs: 0,
});

/** A card's 16 bytes for each device. */
const CARDS = { ada: 1, bob: 2, "drill-1": 3, "saw-1": 4 } as const;
type Name = keyof typeof CARDS;
const cardOf = (name: Name): Uint8Array => new Uint8Array(16).fill(CARDS[name]);

/** A desk; ada and bob are people, whatever else is a thing. */
class Rig {
  readonly index: CardIndex = new CardIndex(recordedTime);
  readonly traits: DeviceTraits = new DeviceTraits(recordedTime, CHECK_OUT.people);
  readonly registers: KnownRegisters = new KnownRegisters([holderKey(CHECK_OUT)]);
  readonly overs: SessionOver[] = [];
  monoMs = 0;
  readonly shown: string[] = [];
  /** Who has the drill by its own tag; undefined: it says nothing. */
  brought: Scalar | undefined = undefined;
  /** By their badges' own tags these are people; undefined: they say nothing. */
  broughtPeople: ReadonlyArray<string> | undefined = undefined;
  readonly outs: CheckOuts = new CheckOuts(
    {
      clock: { monoMs: () => this.monoMs },
      memory: this,
      carried: {
        enrolled: (_, known) => known,
        has: (device) => this.broughtPeople?.includes(device),
        newsOf: () => (this.brought === undefined ? [] : [broughtHolder(this.brought)]),
      },
      readers: { show: ({ id }, signal) => void this.shown.push(`${id} ${signal}`) },
    },
    (over) => void this.overs.push(over),
  );
  #seq = 0;

  constructor() {
    for (const name of ["ada", "bob", "drill-1", "saw-1"] as const) {
      this.set(name, { key: CARD_KEY, type: TYPE.register, value: cardOf(name) });
    }
    for (const name of ["ada", "bob"]) this.kind(name, "person");
  }

  kind(device: string, value: string): void {
    this.set(device, { key: "kind", type: TYPE.register, value });
  }

  set(device: string, said: { key: string; type: number; value: Scalar }): void {
    const { key, type, value } = said;
    this.#seq += 1;
    const write = { epoch: epochOf(0), seq: this.#seq, value, wallMs: this.#seq, monoMs: 0 };
    const content = { _tag: "Survivors", writes: [write], awaited: [] } as const;
    const entry = { device, key, type, content };
    for (const memory of [this.index, this.traits, this.registers]) memory.apply(entry);
  }

  tap(name: Name, reader = readerOf("desk"), atStart = false): CheckOutOutcome | null {
    const sighting = {
      reader: reader.id,
      technology: "type2",
      uid: right(parseUid("04A1B2C3D46C80")),
      ndef: null,
      counter: null,
      signature: null,
      phone: null,
      atStart,
      simulated: true,
      wallMs: 0,
      monoMs: this.monoMs,
    } as const;
    return this.outs.take({ reader, sighting, card: cardOf(name), phone: null }, name);
  }

  tag(name: Name, reader = readerOf("desk"), atStart = false): string | undefined {
    return this.tap(name, reader, atStart)?._tag;
  }

  pass(ms: number): void {
    this.monoMs += ms;
    vi.advanceTimersByTime(ms);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the sessions of a gateway's readers", () => {
  test("last from the badge, and anew from each thing, and then end once by themselves", () => {
    const rig = new Rig();
    expect(rig.tag("ada")).toBe("Begun");
    rig.pass(WITHIN_MS - 1);
    expect(rig.tag("drill-1")).toBe("CheckedOut");
    rig.pass(WITHIN_MS - 1);
    expect([rig.tag("saw-1"), rig.overs]).toEqual(["CheckedOut", []]);
    rig.pass(WITHIN_MS);
    expect(rig.overs).toEqual([{ reader: "desk", person: "ada", thingCount: 2 }]);
    expect(rig.shown).toEqual(["desk session-over"]);
    expect(rig.tag("saw-1")).toBe("PersonFirst");
    rig.pass(10 * WITHIN_MS);
    expect(rig.overs).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("go on where a timer fires before the clock says so", () => {
    const rig = new Rig();
    rig.tap("ada");
    rig.monoMs = -2; // the timer's clock is 2 ms ahead
    rig.pass(WITHIN_MS);
    expect(rig.overs).toEqual([]);
    rig.pass(2);
    expect(rig.overs).toHaveLength(1);
  });

  test("end at the badge without a word about time, and with the gateway", () => {
    const rig = new Rig();
    rig.tap("ada");
    expect(rig.tag("ada")).toBe("Ended");
    expect(vi.getTimerCount()).toBe(0);
    rig.tap("ada");
    rig.tap("bob", readerOf("gate"));
    rig.outs.stop();
    rig.pass(2 * WITHIN_MS);
    expect([rig.overs, rig.tag("drill-1")]).toEqual([[], "PersonFirst"]);
  });

  test("are each reader's own, and none where there is no check-out", () => {
    const rig = new Rig();
    rig.tap("ada");
    expect(rig.tag("drill-1", readerOf("gate"))).toBe("PersonFirst");
    expect(rig.tap("drill-1", readerOf("door", null))).toBeNull();
    expect(rig.tag("drill-1")).toBe("CheckedOut");
  });

  test("are not begun by a badge that lay there at the start", () => {
    const rig = new Rig();
    expect(rig.tag("ada", readerOf("desk"), true)).toBe("Nothing");
    expect(rig.tag("drill-1")).toBe("PersonFirst");
    rig.tap("bob");
    expect(rig.tag("ada", readerOf("desk"), true)).toBe("Nothing");
    expect(rig.tap("drill-1")).toEqual({ _tag: "CheckedOut", person: "bob" });
  });

  test.each<[string, (rig: Rig) => void]>([
    [
      "lost",
      (rig): void => rig.set("ada", { key: SAFETY_KEY, type: TYPE.safety, value: SAFETY.lost }),
    ],
    ["no person any more", (rig): void => rig.kind("ada", "tool")],
    [
      "another card's by now",
      (rig): void =>
        rig.set("ada", {
          key: CARD_KEY,
          type: TYPE.register,
          value: fromHex("ee".repeat(16)) ?? null,
        }),
    ],
  ])("are worth nothing once the badge is %s", (_, change) => {
    const rig = new Rig();
    rig.tap("ada");
    change(rig);
    expect(rig.tag("drill-1")).toBe("PersonFirst");
  });
});

const settle = (rig: Rig, outcome: CheckOutOutcome | null, isRecorded: boolean): void =>
  rig.outs.settle(readerOf("desk"), { device: "drill-1", outcome, isRecorded });

describe("what is known of a thing", () => {
  test("is what the tap before said, though its record is not folded yet", () => {
    const rig = new Rig();
    rig.tap("ada");
    expect([rig.tag("drill-1"), rig.tag("drill-1"), rig.tag("drill-1")]).toEqual([
      "CheckedOut",
      "CheckedIn",
      "CheckedOut",
    ]);
  });

  test("is what the log says, once the tap's record is there, and somebody else's word after it", () => {
    const rig = new Rig();
    rig.tap("ada");
    settle(rig, rig.tap("drill-1"), true);
    rig.set("drill-1", { ...holderKey(CHECK_OUT), value: "ada" });
    rig.set("drill-1", { ...holderKey(CHECK_OUT), value: "bob" });
    expect(rig.tag("drill-1")).toBe("CheckedOut");
  });

  test("is what its tag has brought, until a tap here says otherwise", () => {
    const rig = new Rig();
    rig.set("drill-1", { ...holderKey(CHECK_OUT), value: "bob" });
    rig.brought = "ada";
    rig.tap("ada");
    expect([rig.tag("drill-1"), rig.tag("drill-1")]).toEqual(["CheckedIn", "CheckedOut"]);
    const other = new Rig();
    other.set("drill-1", { ...holderKey(CHECK_OUT), value: "ada" });
    other.brought = null; // brought back elsewhere
    other.tap("ada");
    expect(other.tag("drill-1")).toBe("CheckedOut");
  });

  test("a person may be one by what the badge has brought", () => {
    const rig = new Rig();
    rig.broughtPeople = ["saw-1"];
    expect([rig.tag("saw-1"), rig.tag("ada")]).toEqual(["Begun", "CheckedOut"]);
  });

  test("is what it was, where the record failed; and the session is over without a word", () => {
    const rig = new Rig();
    rig.tap("ada");
    settle(rig, rig.tap("drill-1"), false);
    expect(rig.tag("saw-1")).toBe("PersonFirst");
    expect(rig.tag("ada")).toBe("Begun");
    expect(rig.tag("drill-1")).toBe("CheckedOut");
    rig.pass(WITHIN_MS);
    expect(rig.overs).toEqual([{ reader: "desk", person: "ada", thingCount: 1 }]);
  });

  test("a badge whose record failed has begun nothing", () => {
    const rig = new Rig();
    const outcome = rig.tap("ada");
    rig.outs.settle(readerOf("desk"), { device: "ada", outcome, isRecorded: false });
    expect([rig.tag("drill-1"), vi.getTimerCount()]).toEqual(["PersonFirst", 0]);
  });
});
